//! From byte offsets to line numbers, for error messages only: the reader's own count stops before the blank lines
//! and comments that it skips, and does not know lone carriage returns.

use crate::options::Dialect;

/// Line of the byte at `offset`, from 1.
pub(crate) fn line_at(text: &[u8], offset: usize) -> usize {
    1 + (0..offset.min(text.len())).filter(|&i| ends_line(text, i)).count()
}

/// Line of the row that the reader finds when it starts at `offset`: blank lines and comments before it are passed.
pub(crate) fn line_of_row(text: &[u8], offset: usize, dialect: Dialect) -> usize {
    let mut at = offset.min(text.len());
    while let Some(&byte) = text.get(at) {
        if is_line_end(byte) {
            at += 1;
        } else if dialect.comment == Some(byte) {
            at += text[at..].iter().position(|&b| b == b'\n').unwrap_or(text.len() - at);
        } else {
            break;
        }
    }
    line_at(text, at)
}

/// Whether the byte at `index` is the last one of a line: `\n`, or a `\r` that no `\n` follows.
pub(crate) fn ends_line(text: &[u8], index: usize) -> bool {
    text[index] == b'\n' || (text[index] == b'\r' && text.get(index + 1) != Some(&b'\n'))
}

/// Whether the byte belongs to a line end.
pub(crate) fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_end_counts_once() {
        let text = b"a\r\nb\rc\nd";
        let lines: Vec<usize> = (0..=text.len()).map(|i| line_at(text, i)).collect();
        assert_eq!(lines, [1, 1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn a_row_is_found_behind_blank_lines_and_comments() {
        let dialect = Dialect { delimiter: b',', comment: Some(b'#') };
        assert_eq!(line_of_row(b"\n\r\n# one\n#two\r\nx", 0, dialect), 5);
        assert_eq!(line_of_row(b"\n# never ends", 0, dialect), 2);
        assert_eq!(line_of_row(b"x\n", 9, dialect), 2);
    }
}

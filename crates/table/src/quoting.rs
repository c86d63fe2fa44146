//! Refuses quotes that the `csv` crate would read by guessing: one that is never closed (the rest of the file would
//! become a single cell), text behind a closing quote, and a quote behind a space. One pass over the bytes, before
//! the reader sees them.

use crate::error::{QuoteProblem, TableError};
use crate::lines::{ends_line, is_line_end, line_at};
use crate::options::Dialect;

#[derive(Clone, Copy)]
enum State {
    RowStart,
    FieldStart,
    /// Only spaces in this field so far.
    Spaces,
    Bare,
    /// Inside quotes, with the offset of the opening one.
    Quoted(usize),
    /// Behind a quote that closes the field or is the first half of `""`.
    Closed(usize),
    /// Spaces behind a closed field.
    Padding,
    Comment,
}

/// Checks all quotes of `text`.
pub(crate) fn check(text: &[u8], dialect: Dialect) -> Result<(), TableError> {
    let mut state = State::RowStart;
    for (index, &byte) in text.iter().enumerate() {
        state = next(state, byte, index, dialect)
            .map_err(|problem| TableError::Quote { line: line_at(text, index), problem })?;
        if matches!(state, State::Comment) && byte == b'\n' && ends_line(text, index) {
            state = State::RowStart;
        }
    }
    match state {
        State::Quoted(opened) => {
            Err(TableError::Quote { line: line_at(text, opened), problem: QuoteProblem::Unclosed })
        }
        _ => Ok(()),
    }
}

fn next(state: State, byte: u8, index: usize, dialect: Dialect) -> Result<State, QuoteProblem> {
    let delimits = byte == dialect.delimiter;
    Ok(match state {
        State::Comment => State::Comment,
        State::Quoted(opened) if byte == b'"' => State::Closed(opened),
        State::Quoted(opened) => State::Quoted(opened),
        State::Closed(opened) if byte == b'"' => State::Quoted(opened),
        State::RowStart if dialect.comment == Some(byte) => State::Comment,
        _ if is_line_end(byte) => State::RowStart,
        _ if delimits => State::FieldStart,
        State::RowStart | State::FieldStart if byte == b'"' => State::Quoted(index),
        State::RowStart | State::FieldStart | State::Spaces if byte == b' ' => State::Spaces,
        State::Spaces if byte == b'"' => return Err(QuoteProblem::SpaceBefore),
        State::RowStart | State::FieldStart | State::Spaces | State::Bare => State::Bare,
        State::Closed(_) | State::Padding if byte == b' ' => State::Padding,
        State::Closed(_) | State::Padding => return Err(QuoteProblem::TextAfter),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Option<(usize, QuoteProblem)> {
        let dialect = Dialect { delimiter: b',', comment: Some(b'#') };
        match check(text.as_bytes(), dialect) {
            Err(TableError::Quote { line, problem }) => Some((line, problem)),
            other => {
                assert_eq!(other, Ok(()));
                None
            }
        }
    }

    #[test]
    fn well_formed_quotes_pass() {
        for text in
            ["", "a,b\n1,2", "\"a,\n\"\"b\"\"\",\"\"\n\"x\" ,1", "5\" pipe,it\"s", "# it's \"open\na,\"b\""]
        {
            assert_eq!(problem(text), None, "{text}");
        }
    }

    #[test]
    fn bad_quotes_are_named_with_their_line() {
        assert_eq!(problem("a\n1\n\"open,\n\n"), Some((3, QuoteProblem::Unclosed)));
        assert_eq!(problem("a\r\n\"b\"c"), Some((2, QuoteProblem::TextAfter)));
        assert_eq!(problem("\"b\" \"c\""), Some((1, QuoteProblem::TextAfter)));
        assert_eq!(problem("a,b\n1, \"c\""), Some((2, QuoteProblem::SpaceBefore)));
        assert_eq!(problem("#\"\r\n\"open"), Some((2, QuoteProblem::Unclosed)));
    }
}

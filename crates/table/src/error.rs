//! What can be wrong with a CSV file or with the options it is read by. Lines and columns count from 1, as editors
//! and spreadsheets show them; the line of a row is the one it begins on.

/// Why a table can't be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TableError {
    /// The delimiter or the comment character is not a single ASCII character of its own: it may be neither a quote,
    /// nor a line end, nor equal to the other.
    #[error(
        "{option}: {found:?} can't be used; expected one ASCII character that is no quote and no line end"
    )]
    Option {
        /// `delimiter` or `comment`.
        option: &'static str,
        /// The character given.
        found: char,
    },
    /// Nothing in it but blank lines and comments.
    #[error("the file is empty")]
    Empty,
    /// A header and nothing below it.
    #[error("the file has a header of {columns} columns and no rows")]
    NoRows {
        /// Number of names in the header.
        columns: usize,
    },
    /// The bytes are not UTF-8.
    #[error("line {line}: not UTF-8 text")]
    Utf8 {
        /// Line of the first bad byte.
        line: usize,
    },
    /// Quotes that would make the reader guess.
    #[error("line {line}: {problem}")]
    Quote {
        /// Line of the quote; of the opening one if it is never closed.
        line: usize,
        /// What is wrong with it.
        problem: QuoteProblem,
    },
    /// A row with another number of fields than the first.
    #[error("line {line}: expected {expected} fields, found {found}")]
    Ragged {
        /// Line on which the row begins.
        line: usize,
        /// Number of fields of the first row (the header, if there is one).
        expected: usize,
        /// Number of fields of this row.
        found: usize,
    },
    /// A column without a name.
    #[error("line {line}: column {column} has no name")]
    EmptyName {
        /// Line of the header.
        line: usize,
        /// Position of the column, from 1.
        column: usize,
    },
    /// Two columns with one name.
    #[error("line {line}: columns {first} and {second} are both named {name:?}")]
    DuplicateName {
        /// Line of the header.
        line: usize,
        /// The name.
        name: String,
        /// Position of the first of the two, from 1.
        first: usize,
        /// Position of the second, from 1.
        second: usize,
    },
    /// An infinite number, or one too large for `f64`, in a column of numbers.
    #[error("line {line}, column {name:?}: {found:?} is not a finite number")]
    Infinite {
        /// Line on which the row begins.
        line: usize,
        /// Position of the column, from 1.
        column: usize,
        /// Name of the column.
        name: String,
        /// The cell as written.
        found: String,
    },
    /// The CSV reader refused for a reason of its own.
    #[error("line {line}: {reason}")]
    Reader {
        /// Line on which the row begins.
        line: usize,
        /// What the reader says.
        reason: String,
    },
}

/// What is wrong with a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteProblem {
    /// The file ends inside quotes.
    #[error("a quote opens here and is never closed")]
    Unclosed,
    /// `"a"b`: text between a closing quote and the end of its field.
    #[error("text follows a closing quote (a quote inside quotes is written twice)")]
    TextAfter,
    /// `, "a"`: the quote would be read as part of the text.
    #[error("a space stands before an opening quote")]
    SpaceBefore,
}

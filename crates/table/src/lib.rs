//! From the bytes of a CSV file to typed columns.
//!
//! [`Table::parse`] reads UTF-8 text with the `csv` crate, decides for each column whether it holds numbers or text,
//! and refuses what it can't read by line and column. What to do about missing cells and text is the caller's choice.

#![forbid(unsafe_code)]

mod error;
mod lines;
mod options;
mod quoting;
mod table;

pub use error::{QuoteProblem, TableError};
pub use options::CsvOptions;
pub use table::{Column, Table};

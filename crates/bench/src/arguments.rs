//! Options of the form `--name value`.

use std::collections::BTreeMap;
use std::str::FromStr;
use thiserror::Error;

/// What can be wrong with a benchmark's arguments, or with what it runs.
#[derive(Debug, Error)]
pub enum BenchError {
    /// An argument that is no `--name`, or has no value.
    #[error("{found}: expected pairs of --name value")]
    Pair {
        /// The argument.
        found: String,
    },
    /// A name that the program does not know.
    #[error("--{name}: expected one of {expected}")]
    Unknown {
        /// The name.
        name: String,
        /// Names that are known.
        expected: String,
    },
    /// A value that can't be read.
    #[error("--{name}: expected {expected}, found {found}")]
    Value {
        /// The option.
        name: String,
        /// What was expected.
        expected: &'static str,
        /// The value.
        found: String,
    },
    /// The library refused something.
    #[error("{0}")]
    Library(String),
}

/// The options given, by name.
#[derive(Debug)]
pub struct Arguments {
    values: BTreeMap<String, String>,
}

impl Arguments {
    /// Reads the process's arguments, of which only the names in `known` may appear.
    ///
    /// # Errors
    /// [`BenchError::Pair`] or [`BenchError::Unknown`].
    pub fn of_process(known: &[&str]) -> Result<Self, BenchError> {
        Self::new(std::env::args().skip(1), known)
    }

    fn new(arguments: impl IntoIterator<Item = String>, known: &[&str]) -> Result<Self, BenchError> {
        let (mut values, mut rest) = (BTreeMap::new(), arguments.into_iter());
        while let Some(found) = rest.next() {
            let name = found.strip_prefix("--").map(str::to_owned);
            let (Some(name), Some(value)) = (name, rest.next()) else {
                return Err(BenchError::Pair { found });
            };
            if !known.contains(&name.as_str()) {
                return Err(BenchError::Unknown { name, expected: known.join(", ") });
            }
            values.insert(name, value);
        }
        Ok(Self { values })
    }

    /// The value of an option, or `default` where it was not given.
    ///
    /// # Errors
    /// [`BenchError::Value`], which says that `expected` was expected.
    pub fn get<V: FromStr>(&self, name: &str, expected: &'static str, default: V) -> Result<V, BenchError> {
        let Some(text) = self.values.get(name) else { return Ok(default) };
        text.parse().map_err(|_| value(name, expected, text))
    }

    /// The text of an option.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whole numbers with commas between them.
    ///
    /// # Errors
    /// [`BenchError::Value`].
    pub fn numbers(&self, name: &str, default: &str) -> Result<Vec<usize>, BenchError> {
        let text = self.text(name).unwrap_or(default);
        let numbers: Result<_, _> = text.split(',').map(|number| number.trim().parse()).collect();
        numbers.map_err(|_| value(name, "whole numbers with commas between them", text))
    }
}

fn value(name: &str, expected: &'static str, found: &str) -> BenchError {
    BenchError::Value { name: name.to_owned(), expected, found: found.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Arguments, BenchError> {
        Arguments::new(text.split_whitespace().map(str::to_owned), &["batch", "layers"])
    }

    #[test]
    fn options_are_read_and_defaults_fill_in() {
        let arguments = read("--batch 64").unwrap();
        assert_eq!(arguments.get("batch", "a number", 1).unwrap(), 64);
        assert_eq!(arguments.numbers("layers", "2,5,1").unwrap(), [2, 5, 1]);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(read("--batch").unwrap_err().to_string(), "--batch: expected pairs of --name value");
        assert_eq!(read("--rows 2").unwrap_err().to_string(), "--rows: expected one of batch, layers");
        let error = read("--batch x").unwrap().get("batch", "a number", 1).unwrap_err();
        assert_eq!(error.to_string(), "--batch: expected a number, found x");
    }
}

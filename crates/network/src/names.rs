//! Names of the columns that go in and come out, kept so that whatever reports on a network speaks the user's words.

use crate::error::NetworkError;
use serde::{Deserialize, Serialize};

/// Names of inputs and outputs, each all or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Names {
    /// One name for each input.
    pub inputs: Option<Vec<String>>,
    /// One name for each output.
    pub outputs: Option<Vec<String>>,
}

impl Names {
    /// Checks that there is a name for every input and output, or none.
    ///
    /// # Errors
    /// [`NetworkError::Length`].
    pub fn validate(&self, inputs: usize, outputs: usize) -> Result<(), NetworkError> {
        let check = |what, expected: usize, names: &Option<Vec<String>>| match names {
            Some(names) if names.len() != expected => {
                Err(NetworkError::Length { what, expected, found: names.len() })
            }
            _ => Ok(()),
        };
        check("input names", inputs, &self.inputs)?;
        check("output names", outputs, &self.outputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Option<Vec<String>> {
        Some((0..count).map(|i| i.to_string()).collect())
    }

    #[test]
    fn no_names_fit_any_network() {
        assert_eq!(Names::default().validate(3, 2), Ok(()));
    }

    #[test]
    fn a_missing_name_is_told_from_a_missing_list() {
        let names = Names { inputs: names(3), outputs: names(1) };
        assert_eq!(names.validate(3, 1), Ok(()));
        let error = NetworkError::Length { what: "output names", expected: 2, found: 1 };
        assert_eq!(names.validate(3, 2), Err(error));
    }
}

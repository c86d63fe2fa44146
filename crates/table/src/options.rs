//! How a CSV file is to be read.

use crate::error::TableError;
use serde::{Deserialize, Serialize};

/// The dialect of a CSV file. Fields may stand in double quotes, in which a quote is written twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CsvOptions {
    /// What separates fields: one ASCII character; a comma by default.
    pub delimiter: char,
    /// Whether the first row holds the names of the columns (default). Without it they are `column1`, `column2`, ….
    pub header: bool,
    /// Cells that stand for "no value", compared exactly once surrounding white space is gone.
    /// By default: nothing at all, `NA`, `N/A`, `NaN`, `null` and `?`.
    pub missing_markers: Vec<String>,
    /// Rows that begin with this ASCII character are skipped to the end of the line; by default none are.
    pub comment: Option<char>,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            delimiter: ',',
            header: true,
            missing_markers: ["", "NA", "N/A", "NaN", "null", "?"].map(String::from).to_vec(),
            comment: None,
        }
    }
}

/// The checked characters of a dialect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) comment: Option<u8>,
}

impl CsvOptions {
    pub(crate) fn dialect(&self) -> Result<Dialect, TableError> {
        let delimiter = ascii("delimiter", self.delimiter)?;
        let comment = self.comment.map(|c| ascii("comment", c)).transpose()?;
        if comment == Some(delimiter) {
            return Err(TableError::Option { option: "comment", found: self.delimiter });
        }
        Ok(Dialect { delimiter, comment })
    }
}

fn ascii(option: &'static str, found: char) -> Result<u8, TableError> {
    let byte = u8::try_from(found).ok().filter(u8::is_ascii);
    byte.filter(|b| !b"\"\r\n".contains(b)).ok_or(TableError::Option { option, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_unknown_ones_are_refused() {
        let given: CsvOptions = serde_json::from_str(r#"{"delimiter":";","missingMarkers":["-"]}"#).unwrap();
        let expected =
            CsvOptions { delimiter: ';', missing_markers: vec!["-".into()], ..CsvOptions::default() };
        assert_eq!(given, expected);
        assert_eq!(serde_json::from_str::<CsvOptions>("{}").unwrap(), CsvOptions::default());
        assert!(serde_json::from_str::<CsvOptions>(r#"{"delimeter":";"}"#).is_err());
        assert!(serde_json::from_str::<CsvOptions>(r#"{"delimiter":"||"}"#).is_err());
    }

    #[test]
    fn delimiter_and_comment_are_distinct_ascii_characters() {
        for found in ['"', '\n', '\r', 'é', '→'] {
            let options = CsvOptions { delimiter: found, ..CsvOptions::default() };
            assert_eq!(options.dialect().unwrap_err(), TableError::Option { option: "delimiter", found });
        }
        let options = CsvOptions { comment: Some(','), ..CsvOptions::default() };
        assert_eq!(options.dialect().unwrap_err(), TableError::Option { option: "comment", found: ',' });
        let options = CsvOptions { comment: Some('#'), delimiter: '\t', ..CsvOptions::default() };
        assert!(options.dialect().is_ok());
    }
}

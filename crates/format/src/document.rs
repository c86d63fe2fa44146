//! The document of a model file: everything about a model that is not an array of numbers, as JSON. It says which
//! tensors must be there and what their shapes are.

use crate::checksum::Crc32;
use crate::error::{Corruption, FormatError};
use crate::number::NumberType;
use kanode_engine::Loss;
use kanode_network::{Names, Regularization, Specification};
use kanode_train::StateHeader;
use serde::{Deserialize, Serialize};

/// The latest version that is read.
pub(crate) const VERSION: u64 = 3;

/// The version that a document is written in: the first that has all that is in it, so that older readers understand it.
pub(crate) fn version(functions: &[Vec<Function>]) -> u64 {
    if functions.is_empty() { 2 } else { 3 }
}

/// A formula on an edge.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Function {
    /// Number of the edge in its layer, `input·O + sum`.
    pub(crate) edge: usize,
    /// As the crate `symbolic` writes formulas of edges.
    pub(crate) formula: String,
}

/// Version 3 of the document. Version 2 lacked formulas on edges, version 1 also the other fields that have defaults here,
/// and product nodes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Document {
    /// CRC-32 of the text behind this number and of the tensors. It is the first field, so that the text that it
    /// covers is all that follows; [`Document::to_json`] sets it.
    pub(crate) checksum: u32,
    /// Version of the format.
    pub(crate) version: u64,
    /// Version of the kanode that wrote it, for people.
    pub(crate) kanode: String,
    /// Number type of the parameters.
    pub(crate) dtype: NumberType,
    pub(crate) specification: Specification,
    pub(crate) names: Names,
    /// Whether there are scaler tensors.
    pub(crate) scaler: bool,
    /// The loss of the last fit.
    pub(crate) loss: Option<Loss>,
    /// For each layer the numbers `input·O + sum` of its pruned edges, increasing; no lists if none is pruned.
    #[serde(default)]
    pub(crate) pruned: Vec<Vec<usize>>,
    /// For each layer the formulas on its edges, increasing; no lists if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) functions: Vec<Vec<Function>>,
    /// Which inputs of the first model the inputs are, increasing; None for all.
    #[serde(default)]
    pub(crate) input_ids: Option<Vec<usize>>,
    /// The prior of the last fit.
    #[serde(default)]
    pub(crate) regularization: Option<Regularization>,
    /// The scalars of the training state, if it was kept.
    pub(crate) state: Option<StateHeader>,
    /// The caller's text, which is not looked into.
    pub(crate) metadata: String,
}

impl Document {
    /// The document as text, with its checksum, to which `tensors` adds what is not in the text.
    ///
    /// # Errors
    /// [`FormatError::Unwritable`].
    pub(crate) fn to_json(&self, tensors: impl FnOnce(&mut Crc32)) -> Result<String, FormatError> {
        let unwritable = |what| FormatError::Unwritable { what };
        let text = serde_json::to_string(self).map_err(|error| unwritable(header(&error)))?;
        let covered = covered(&text).map_err(unwritable)?;
        Ok(format!("{CHECKSUM}{}{covered}", checksum(covered, tensors)))
    }

    /// Checks that `text`, which the document was read from, and the tensors have the document's checksum.
    ///
    /// # Errors
    /// [`Corruption::Header`] or [`Corruption::Checksum`].
    pub(crate) fn verify(&self, text: &str, tensors: impl FnOnce(&mut Crc32)) -> Result<(), Corruption> {
        let (expected, found) = (self.checksum, checksum(covered(text)?, tensors));
        if expected == found { Ok(()) } else { Err(Corruption::Checksum { expected, found }) }
    }

    /// Reads a document, its version first, and checks what can be checked without the tensors.
    ///
    /// # Errors
    /// [`FormatError::Newer`] or [`FormatError::Corrupt`].
    pub(crate) fn from_json(text: &str) -> Result<Self, FormatError> {
        let Version { version } = serde_json::from_str(text).map_err(|error| header(&error))?;
        if version > VERSION {
            return Err(FormatError::Newer { found: version, supported: VERSION });
        }
        if version == 0 {
            return Err(Corruption::Header { reason: format!("there is no version {version}") }.into());
        }
        let document: Self = serde_json::from_str(text).map_err(|error| header(&error))?;
        document.check()?;
        Ok(document)
    }

    /// Checks the values that serde takes as they come.
    ///
    /// # Errors
    /// [`Corruption::Network`] or [`Corruption::Loss`].
    pub(crate) fn check(&self) -> Result<(), Corruption> {
        self.specification.validate().map_err(kanode_network::NetworkError::from)?;
        if let Some(regularization) = &self.regularization {
            regularization.validate()?;
        }
        match self.loss {
            // Written so that NaN fails.
            Some(Loss::Huber { delta }) if !(delta > 0.0 && delta.is_finite()) => {
                Err(Corruption::Loss { delta })
            }
            _ => Ok(()),
        }
    }
}

/// What the text of a document begins with; the digits of the checksum follow.
const CHECKSUM: &str = r#"{"checksum":"#;

/// The part of a document's text that its checksum covers: everything behind the checksum.
fn covered(text: &str) -> Result<&str, Corruption> {
    let number = text.strip_prefix(CHECKSUM).ok_or_else(|| Corruption::Header {
        reason: "the checksum is not the document's first field".to_owned(),
    })?;
    Ok(number.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

fn checksum(covered: &str, tensors: impl FnOnce(&mut Crc32)) -> u32 {
    let mut sum = Crc32::new();
    sum.add(covered.as_bytes());
    tensors(&mut sum);
    sum.value()
}

/// The one field that every version has.
#[derive(Deserialize)]
struct Version {
    version: u64,
}

fn header(error: &serde_json::Error) -> Corruption {
    Corruption::Header { reason: error.to_string() }
}

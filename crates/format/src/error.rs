//! What can be wrong with a model file, or with writing one. The text for users is made at the top of the house.

use kanode_network::NetworkError;
use kanode_spline::SplineError;
use kanode_train::StateError;
use std::io;
use std::path::PathBuf;

/// Why a model can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Some other kind of file.
    #[error("not a kanode model: {reason}")]
    NotAModel {
        /// What gave it away.
        reason: &'static str,
    },
    /// The end of the file is missing.
    #[error("the file is cut off: at least {expected} bytes belong to it, {found} are there")]
    Truncated {
        /// Number of bytes the file should have, as far as can be told.
        expected: u64,
        /// Number of bytes it has.
        found: u64,
    },
    /// Written by a later kanode, in a format that this one does not know.
    #[error("the file has format version {found}; this kanode reads up to version {supported}")]
    Newer {
        /// Version of the file.
        found: u64,
        /// Latest version that can be read.
        supported: u64,
    },
    /// A model file, but damaged or made up.
    #[error("the file is corrupt: {what}")]
    Corrupt {
        /// The first thing found wrong.
        what: Corruption,
    },
    /// A model that would make a file that can't be read again.
    #[error("the model can't be written: {what}")]
    Unwritable {
        /// What is wrong with it.
        what: Corruption,
    },
    /// The operating system refused.
    #[error("can't {action} {}: {source}", path.display())]
    Io {
        /// The file asked for.
        path: PathBuf,
        /// What was tried, as a verb.
        action: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
}

/// What is wrong with the contents of a model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Corruption {
    /// The header is not the JSON it should be: bad syntax, a missing, unknown or repeated field, a wrong type.
    #[error("header: {reason}")]
    Header {
        /// What the JSON reader says.
        reason: String,
    },
    /// The header is larger than a safetensors header may be.
    #[error("a header of {bytes} bytes is too large")]
    HeaderSize {
        /// Its size.
        bytes: u64,
    },
    /// Bytes behind the last tensor.
    #[error("{bytes} bytes too many at the end")]
    Trailing {
        /// How many.
        bytes: u64,
    },
    /// Two tensors with one name.
    #[error("tensor {name} appears twice")]
    Duplicate {
        /// Their name.
        name: String,
    },
    /// A tensor that should be there is not.
    #[error("tensor {name} is missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor that has no place in this model.
    #[error("tensor {name} has no place in the model")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// A tensor's offsets do not follow the tensor before it, or do not fit its shape.
    #[error("tensor {name}: its bytes {start}..{end} overlap others, leave a gap, or do not fit its shape")]
    Offsets {
        /// Its name.
        name: String,
        /// Where it says it starts.
        start: u64,
        /// Where it says it ends.
        end: u64,
    },
    /// The document or the tensors are not those that were written.
    #[error("its contents have the checksum {found:08x}, not {expected:08x}")]
    Checksum {
        /// CRC-32 in the file.
        expected: u32,
        /// CRC-32 of the file.
        found: u32,
    },
    /// A tensor of another number type than the model's.
    #[error("tensor {name}: expected {expected}, found {found}")]
    Dtype {
        /// Its name.
        name: String,
        /// The type it should have.
        expected: &'static str,
        /// The type it has.
        found: String,
    },
    /// A tensor of another shape than the specification asks for.
    #[error("tensor {name}: expected shape {expected:?}, found {found:?}")]
    Shape {
        /// Its name.
        name: String,
        /// The shape it should have.
        expected: Vec<u64>,
        /// The shape it has.
        found: Vec<u64>,
    },
    /// A number that is NaN or infinite.
    #[error("tensor {name}: number {index} is not finite")]
    NotFinite {
        /// Name of the tensor.
        name: String,
        /// Where in it, counted row-major from 0.
        index: usize,
    },
    /// The breaks of an input node are no knots.
    #[error("layer {layer}, input {input}: {source}")]
    Knots {
        /// Index of the layer.
        layer: usize,
        /// Index of the input node.
        input: usize,
        /// What is wrong with them.
        source: SplineError,
    },
    /// A Huber loss whose threshold is not positive and finite.
    #[error("loss: delta is {delta}")]
    Loss {
        /// The threshold.
        delta: f64,
    },
    /// What is on an edge is no formula.
    #[error("the formula on edge {edge} of a layer is none")]
    Formula {
        /// Number of the edge in its layer.
        edge: usize,
    },
    /// The parts do not make a network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The training state is not one of this network.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<Corruption> for FormatError {
    fn from(what: Corruption) -> Self {
        Self::Corrupt { what }
    }
}

//! What can be wrong with a program or a request. The text for users is made at the top of the house.

/// Why a backend refuses.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// A program has no layer, or consecutive layers do not fit each other.
    #[error("layer {layer}: expected {expected} inputs, found {found}")]
    Layers {
        /// Index of the layer that does not fit.
        layer: usize,
        /// Nodes that the layer before it leads to (1 or more for the first).
        expected: usize,
        /// Its number of inputs.
        found: usize,
    },
    /// A product node has fewer than two factors, or more than the layer has sums left.
    #[error(
        "layer {layer}, product node {product}: {arity} factors, where 2 or more are needed and {left} are left"
    )]
    Products {
        /// Index of the layer.
        layer: usize,
        /// Index among the layer's product nodes.
        product: usize,
        /// Its number of factors.
        arity: usize,
        /// Sums of the layer that product nodes before it have left.
        left: usize,
    },
    /// The knot tables of one layer differ in degree or number of bases, or are missing.
    #[error("layer {layer}, input {input}: its spline does not fit the layer's degree and number of bases")]
    Spline {
        /// Index of the layer.
        layer: usize,
        /// Index of the input node.
        input: usize,
    },
    /// An edge that is a function does not exist, or is not in order.
    #[error("layer {layer}: edge {edge}, a function, is not in order or does not exist")]
    Function {
        /// Index of the layer.
        layer: usize,
        /// Index of the edge in its layer.
        edge: usize,
    },
    /// A slice has another length than the program asks for.
    #[error("{what}: expected {expected} numbers, found {found}")]
    Length {
        /// The name of the argument.
        what: &'static str,
        /// The length the program asks for.
        expected: usize,
        /// The length it was given.
        found: usize,
    },
    /// The width of the targets does not fit the loss and the outputs.
    #[error("targets: expected {expected} columns, found {found}")]
    TargetWidth {
        /// Columns the loss asks for.
        expected: usize,
        /// Columns found.
        found: usize,
    },
    /// A class label is not one of `0..classes`.
    #[error("row {row}: label {found} is not one of the {classes} classes")]
    Label {
        /// Row of the batch.
        row: usize,
        /// Value found.
        found: f64,
        /// Number of outputs of the network.
        classes: usize,
    },
    /// The weights of a batch do not add up to a positive finite number.
    #[error("sample weights must be finite, not negative, and not all zero; their sum is {sum}")]
    Weights {
        /// The sum found.
        sum: f64,
    },
    /// There is no memory for what was asked.
    #[error("no memory for {numbers} numbers of {what}")]
    Memory {
        /// What it was to hold.
        what: &'static str,
        /// How many numbers.
        numbers: usize,
    },
    /// The device that a backend runs on is lost, or refuses. What was computed last is not to be trusted.
    #[error("{backend}: {reason}")]
    Device {
        /// Name of the backend.
        backend: &'static str,
        /// What happened.
        reason: String,
    },
    /// A backend did what it should not: a fault of ours.
    #[error("{backend}: {reason}")]
    Internal {
        /// Name of the backend.
        backend: &'static str,
        /// What happened.
        reason: String,
    },
    /// The backend can't do what was asked on this machine.
    #[error("{backend}: {reason}")]
    Unsupported {
        /// Name of the backend.
        backend: &'static str,
        /// What is missing.
        reason: String,
    },
}

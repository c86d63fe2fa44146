//! What can be wrong with a specification, with the parts of a network, or with a question put to it. The text for
//! users is made at the top of the house.

use crate::edge::EdgeId;
use kanode_engine::EngineError;
use kanode_spline::SplineError;

/// Why a [`crate::Specification`] describes no network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SpecificationError {
    /// Fewer than two layer sizes.
    #[error("layers: expected at least 2 sizes, found {found}")]
    Layers {
        /// Number of sizes found.
        found: usize,
    },
    /// A layer without nodes.
    #[error("layers[{index}]: expected at least 1 node, found 0")]
    Width {
        /// Which of the sizes is zero.
        index: usize,
    },
    /// Lists of product nodes for another number of layers of edges.
    #[error("products: expected no lists or {expected}, one for each layer of edges, found {found}")]
    ProductLists {
        /// Number of layers of edges.
        expected: usize,
        /// Number of lists found.
        found: usize,
    },
    /// More product nodes than there are nodes.
    #[error("products[{layer}]: expected at most {nodes} product nodes, as there are nodes, found {found}")]
    Products {
        /// Index of the layer of edges that leads to them.
        layer: usize,
        /// Number of nodes it leads to.
        nodes: usize,
        /// Number of product nodes found.
        found: usize,
    },
    /// A product of fewer than two factors.
    #[error("products[{layer}][{index}]: expected at least 2 factors, found {found}")]
    Arity {
        /// Index of the layer of edges that leads to the product node.
        layer: usize,
        /// Index in its list.
        index: usize,
        /// Number of factors found.
        found: usize,
    },
    /// Number of intervals out of range.
    #[error("grid: expected {least} to {most}, found {found}")]
    Grid {
        /// Smallest grid.
        least: usize,
        /// Largest grid.
        most: usize,
        /// Grid found.
        found: usize,
    },
    /// Degree out of range.
    #[error("degree: expected {least} to {most}, found {found}")]
    Degree {
        /// Smallest degree.
        least: usize,
        /// Largest degree.
        most: usize,
        /// Degree found.
        found: usize,
    },
    /// A domain that is empty, not within ±1e100 and the numbers of the network's type, or too narrow to hold the
    /// grid's intervals as distinct numbers of that type.
    #[error(
        "{option}: expected a < b within ±1e100 with room for the grid between them, found [{a:?}, {b:?}]"
    )]
    Domain {
        /// `domain` or `hiddenDomain`.
        option: &'static str,
        /// Lower end found.
        a: f64,
        /// Upper end found.
        b: f64,
    },
}

impl SpecificationError {
    /// The option that is wrong, by the name users give it.
    pub fn option(&self) -> &'static str {
        match self {
            Self::Layers { .. } | Self::Width { .. } => "layers",
            Self::ProductLists { .. } | Self::Products { .. } | Self::Arity { .. } => "products",
            Self::Grid { .. } => "grid",
            Self::Degree { .. } => "degree",
            Self::Domain { option, .. } => option,
        }
    }
}

/// Why a network can't be made, changed or asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// The specification is not valid.
    #[error(transparent)]
    Specification(#[from] SpecificationError),
    /// The network does not fit into the memory that this machine grants. Figures too large to count are cut off at
    /// the largest `u128`.
    #[error(
        "the network has {parameters} parameters and needs {bytes} bytes, which this machine does not grant"
    )]
    TooLarge {
        /// Number of parameters.
        parameters: u128,
        /// Bytes for parameters and knots.
        bytes: u128,
    },
    /// A part has another length than the specification asks for.
    #[error("{what}: expected {expected}, found {found}")]
    Length {
        /// The name of the part.
        what: &'static str,
        /// The length asked for.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// Knots whose degree, number of intervals or kind of ends is not the specification's.
    #[error("layer {layer}, input {input}: its knots do not have the specification's degree, grid or ends")]
    Knots {
        /// Index of the layer.
        layer: usize,
        /// Index of the input node.
        input: usize,
    },
    /// Knots can't be made.
    #[error("layer {layer}, input {input}: {source}")]
    Spline {
        /// Index of the layer.
        layer: usize,
        /// Index of the input node.
        input: usize,
        /// What is wrong with them.
        source: SplineError,
    },
    /// A range given for an input is not one: not finite, not within ±1e100 and the numbers of the network's type, or
    /// upside down.
    #[error("input {input}: expected a range a <= b within ±1e100, found [{a:?}, {b:?}]")]
    InputDomain {
        /// Index of the input.
        input: usize,
        /// Lower end found.
        a: f64,
        /// Upper end found.
        b: f64,
    },
    /// The domain of the inputs follows the first fit's data and stays from then on.
    #[error("the network has been fitted: the domain of its inputs is settled")]
    AlreadyFitted,
    /// A parameter is infinite or NaN.
    #[error("a parameter of the edge from node {} to node {} of layer {} is not finite", edge.from, edge.to, edge.layer)]
    NotFinite {
        /// The edge that has the parameter.
        edge: EdgeId,
    },
    /// A number of a scaler is not finite, or a scale is not positive.
    #[error("scaler: {what}[{index}] is {found:?}")]
    Scaler {
        /// `inputMean`, `inputScale`, `targetMean` or `targetScale`.
        what: &'static str,
        /// Index of the column.
        index: usize,
        /// Number found.
        found: f64,
    },
    /// A column can't be standardised, because its values or the sample weights are too large or not finite.
    #[error("{what}: column {column} has no finite mean and standard deviation")]
    Spread {
        /// `inputs` or `targets`.
        what: &'static str,
        /// Index of the column.
        column: usize,
    },
    /// There is no such edge.
    #[error("{what}: expected 0 to {}, found {found}", count.saturating_sub(1))]
    Edge {
        /// Which index is wrong: `layer`, `from` or `to`.
        what: &'static str,
        /// Number of layers, of input nodes or of output nodes.
        count: usize,
        /// Index found.
        found: usize,
    },
    /// A pruned edge has a parameter that is not 0, or is named twice or out of order.
    #[error("the pruned edge from node {} to sum {} of layer {} {reason}", edge.from, edge.to, edge.layer)]
    Pruned {
        /// The edge.
        edge: EdgeId,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A function that can't be on an edge.
    #[error("the function from node {} to sum {} of layer {} {reason}", edge.from, edge.to, edge.layer)]
    Function {
        /// The edge.
        edge: EdgeId,
        /// What is wrong with it.
        reason: String,
    },
    /// Input ids that do not increase.
    #[error("inputIds: expected increasing numbers, found {found} at {index}")]
    InputIds {
        /// Index of the first that is not above the one before it.
        index: usize,
        /// The id found there.
        found: usize,
    },
    /// A number of a regularisation that is out of its range.
    #[error("regularization: {what} is {found:?}")]
    Regularization {
        /// `order`, `lambda`, `ridge` or `noise`.
        what: &'static str,
        /// Number found.
        found: f64,
    },
    /// There is no such hidden node.
    #[error("node {node} of node layer {layer} is not a hidden node of the network")]
    Node {
        /// Index of the layer of nodes; 0 are the inputs.
        layer: usize,
        /// Index of the node.
        node: usize,
    },
    /// There is no such input, or none would be left.
    #[error("input {input}: expected 0 to {}, and one input to be left", count.saturating_sub(1))]
    Input {
        /// Number of inputs.
        count: usize,
        /// Index found.
        input: usize,
    },
    /// Nothing that varies would lead to an output.
    #[error("output {output} would be a constant: nothing that leads to it would be left")]
    OutputLost {
        /// Index of the output.
        output: usize,
    },
    /// The layers do not make a program.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

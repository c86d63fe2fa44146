//! From a network to a formula: edges become functions, the surest first, each tried in the network it stands in.
//!
//! A beam of partly symbolic networks is kept. Each is run forward again and fitted after every edge, so that a later
//! edge is read from what the earlier ones left of it; which function an edge becomes, the loss of the whole decides, not
//! how near the curve is. Networks without a spline left become formulas, whose constants are fitted together in the
//! units of the data, and recognised there.

mod agreement;
mod chains;
mod children;
mod compose;
mod refit;
mod search;
mod state;

pub(crate) use agreement::{predicted, unexplained};
pub use compose::output_formula;

use crate::discover::SearchEnd;
use crate::families::Family;
use crate::front::Front;
use crate::sample::{Sample, SampleError};
use kanode_network::{EdgeId, Network, NetworkError};
use std::sync::Arc;
use std::time::Duration;

/// How a network is searched.
pub struct DistilOptions {
    /// What edges may be.
    pub families: Arc<[Box<dyn Family>]>,
    /// The output whose formula is wanted.
    pub output: usize,
    /// Networks that are followed at a time, at least 1.
    pub beam: usize,
    /// Fits of networks and of formulas after which the search ends with what it has.
    pub budget: usize,
    /// Time after which it does.
    pub time: Option<Duration>,
    /// Standard deviation of what the network does not know about its target, as a part of the target's. The network's
    /// error on the validation rows unless given, or else on those of the sample.
    pub noise: Option<f64>,
}

impl Default for DistilOptions {
    fn default() -> Self {
        Self {
            families: crate::default_families().into(),
            output: 0,
            beam: 4,
            budget: 2000,
            time: None,
            noise: None,
        }
    }
}

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DistilProgress {
    /// Fits so far.
    pub evaluations: usize,
    /// Edges that are functions in the best network so far, and edges that there are.
    pub fixed: usize,
    /// See `fixed`.
    pub edges: usize,
    /// The part of the target's variance that it leaves unexplained.
    pub error: f64,
}

/// Who watches a search, and may end it.
pub struct Watch<'a> {
    /// Whether the search is to end with what it has.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    /// Called now and then.
    pub progress: &'a mut (dyn FnMut(DistilProgress) + Send),
}

/// How far a formula is from a network, in the units of the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// The largest difference.
    pub largest: f64,
    /// The root mean square of the differences.
    pub rms: f64,
}

/// A network some of whose edges nothing explains, and which describes the data shorter than any formula.
#[derive(Clone, Debug)]
pub struct Hybrid {
    /// The network.
    pub network: Network<f64>,
    /// The edges that stay splines.
    pub splines: Vec<EdgeId>,
    /// The part of the target's variance that it leaves unexplained.
    pub error: f64,
}

/// What a search has found.
#[derive(Clone, Debug)]
pub struct Distilled {
    /// The formulas.
    pub front: Front,
    /// How far each of them is from the network, in their order.
    pub agreements: Vec<Agreement>,
    /// Where edges stay splines.
    pub hybrid: Option<Hybrid>,
    /// Fits of networks and formulas.
    pub evaluations: usize,
    /// Why it ended.
    pub ended: SearchEnd,
}

/// Why there is no formula.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DistilError {
    /// The rows are none to fit formulas to.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// The network refuses.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// All targets are the same.
    #[error("all targets are the same number: there is nothing to explain")]
    Constant,
    /// Nothing was found before the search had to end.
    #[error("no formula was found: {reason}")]
    Nothing {
        /// Why.
        reason: &'static str,
    },
}

/// Searches formulas of a network's output, on the threads of the pool that it is called in; what it finds does not depend
/// on their number. The columns of the sample are the network's inputs, in the units of the data;
/// its targets are those of the output. Validation rows are others, which neither the network nor the search has seen.
///
/// # Errors
/// [`DistilError`].
pub fn distil(
    network: &Network<f64>,
    sample: &Sample,
    validation: Option<&Sample>,
    options: &DistilOptions,
    watch: &mut Watch<'_>,
) -> Result<Distilled, DistilError> {
    for sample in [Some(sample), validation].into_iter().flatten() {
        if sample.columns().len() != network.inputs() {
            let (expected, found) = (network.inputs(), sample.columns().len());
            return Err(NetworkError::Length { what: "columns", expected, found }.into());
        }
    }
    if options.output >= network.outputs() {
        return Err(
            NetworkError::Edge { what: "output", count: network.outputs(), found: options.output }.into()
        );
    }
    if sample.is_constant() {
        return Err(DistilError::Constant);
    }
    search::Search::new(network, sample, validation, options, watch)?.run(watch)
}

#[cfg(test)]
mod tests;

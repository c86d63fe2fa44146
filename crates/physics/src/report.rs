//! What a solution tells: the records of its steps, as a fit's, and how well each term holds at the end.

use kanode_train::{Level, Record, StopReason};
use serde::Serialize;

/// How well a residual vanishes with the parameters that the network has at the end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TermReport {
    /// Number of points.
    pub points: usize,
    /// Root mean square of the residual, points counting by their weights; without the weight of the term.
    pub rms: f64,
    /// Greatest absolute residual at a point of positive weight.
    pub maximum: f64,
}

/// What came of a solution.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SolveReport {
    /// One record for each step; of many, evenly spread ones, the first and the last among them.
    pub history: Vec<Record>,
    /// Records, those that the history leaves out included.
    pub records: u64,
    /// Why it ended.
    pub stop: StopReason,
    /// Name of the optimiser.
    pub optimizer: &'static str,
    /// One entry for each grid solved on.
    pub levels: Vec<Level>,
    /// One entry for each term. Empty if it was cancelled.
    pub terms: Vec<TermReport>,
    /// The weighted sum of the terms' mean squares with the parameters that the network has at the end; None if no step
    /// was done.
    pub loss: Option<f64>,
    /// Steps done.
    pub steps: u64,
    /// Evaluations of the loss.
    pub evaluations: u64,
    /// Points of all terms.
    pub points: usize,
    /// Duration.
    pub seconds: f64,
    /// Whether the network was changed.
    pub changed: bool,
}

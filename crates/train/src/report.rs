//! What a fit tells: a record now and then, and a report at the end. Every number carries the name of what it is.

use crate::state::TrainState;
use serde::Serialize;

/// How a fit stands after a step or an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Optimiser steps done, those of resumed fits included.
    pub step: u64,
    /// Passes over the training rows completed.
    pub epoch: u64,
    /// The objective on standardised targets. L-BFGS: at the parameters that the step led to; other optimisers: at
    /// those that it left, on its own batch. In a record of an epoch the mean over its batches by their weights.
    pub loss: f64,
    /// The objective on the validation rows, at the parameters now. None without such rows.
    pub validation_loss: Option<f64>,
    /// Root mean squared error in the user's units, where `loss` tells it: for mse and rmse with one output.
    pub rmse: Option<f64>,
    /// The same of the validation rows.
    pub validation_rmse: Option<f64>,
    /// Grid intervals of the network.
    pub grid: usize,
    /// Learning rate of the last step; None for Levenberg–Marquardt.
    pub learning_rate: Option<f64>,
    /// Damping after the last step of Levenberg–Marquardt; None for other optimisers.
    pub damping: Option<f64>,
    /// Euclidean norm of the gradient of the last step, at the same parameters as its loss.
    pub gradient_norm: f64,
    /// Evaluations of loss and gradient so far.
    pub evaluations: u64,
    /// Time since this fit began.
    pub seconds: f64,
}

/// What a fit is at between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// It tries several starts; where data prove noisy it does so twice.
    Starts,
    /// It passes over the rows.
    Pass,
}

/// How a pass over the rows stands, between two records, or the comparison of starts before the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// What the numbers are about.
    pub phase: Phase,
    /// Optimiser steps done.
    pub step: u64,
    /// Passes completed.
    pub epoch: u64,
    /// Batches done in this pass, or starts that have ended.
    pub batch: u64,
    /// Batches of a pass, or starts.
    pub batches: u64,
    /// Mean loss of this pass so far, or the lowest objective of a start.
    pub loss: f64,
    /// Time since this fit began.
    pub seconds: f64,
}

/// Why a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StopReason {
    /// All steps or epochs were done.
    Completed,
    /// The loss watched did not improve for too long.
    EarlyStopped,
    /// The optimiser says that nothing more can be gained.
    Converged,
    /// The optimiser found no better point along the steepest descent: the loss has a kink there, or rounding leaves
    /// nothing to gain.
    Stalled,
    /// The observer asked for it.
    Cancelled,
    /// An error, which is told apart from the report.
    Failed,
}

/// Which loss decides what is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Watched {
    /// That of the validation rows.
    Validation,
    /// That of the training rows.
    Training,
}

/// The best parameters of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Best {
    /// The record that it belongs to: its step.
    pub step: u64,
    /// Its epoch.
    pub epoch: u64,
    /// The loss that was watched.
    pub loss: f64,
    /// Which loss that is.
    pub watched: Watched,
    /// Whether these parameters were put back, in place of those of the last step.
    pub restored: bool,
}

/// How much of the training data runs outside the grids of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outside {
    /// Values outside the domain of their spline, over all rows and input nodes.
    pub outside: usize,
    /// All values: rows times input nodes.
    pub values: usize,
}

/// How a fit went on one grid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    /// Grid intervals.
    pub grid: usize,
    /// Steps done on it.
    pub steps: u64,
    /// The loss of its last record.
    pub loss: Option<f64>,
    /// What that is in the user's units, as in [`Record::rmse`].
    pub rmse: Option<f64>,
    /// Root mean squared change of the worst edge when the grid was refined to this one, in the network's units. None
    /// for the first grid.
    pub refit_rms: Option<f64>,
    /// Greatest change of an edge at the same time.
    pub refit_maximum: Option<f64>,
    /// Time spent on it.
    pub seconds: f64,
}

/// The prior that a fit ended with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Prior {
    /// Order of the derivative that it keeps small.
    pub order: usize,
    /// Its strength.
    pub lambda: f64,
    /// Strength of the ridge beside it.
    pub ridge: f64,
    /// Standard deviation of the noise that the data seem to have, in the network's units. Only where the prior was
    /// found from them.
    pub noise: Option<f64>,
    /// Number of parameters that the data determine. Only where the prior was found from them.
    pub effective_parameters: Option<f64>,
}

/// What came of a fit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct FitReport<T> {
    /// One record for each step, or for each epoch if the fit was asked for epochs; those of this fit only. At most
    /// [`crate::HISTORY_LIMIT`]: where there are more, the first and every 2nd, 4th, 8th, … after it, and the last.
    pub history: Vec<Record>,
    /// Records of this fit, those that the history leaves out included. The observer heard them all.
    pub records: u64,
    /// Why it ended.
    pub stop: StopReason,
    /// Name of the optimiser.
    pub optimizer: &'static str,
    /// One entry for each grid trained on.
    pub levels: Vec<Level>,
    /// The prior at the end, with Levenberg–Marquardt.
    pub regularization: Option<Prior>,
    /// The best parameters and whether the network has them. None if nothing was measured.
    pub best: Option<Best>,
    /// Optimiser steps done, those of resumed fits included.
    pub steps: u64,
    /// Passes completed, those of resumed fits included.
    pub epochs: u64,
    /// Evaluations of loss and gradient, those of resumed fits included.
    pub evaluations: u64,
    /// Rows trained on: those of positive weight that were not held out.
    pub training_rows: usize,
    /// Rows held out, 0 without validation.
    pub validation_rows: usize,
    /// Duration of this fit.
    pub seconds: f64,
    /// Whether the network now differs from the one that the fit was given: in its parameters, its scaler, its domains
    /// or its loss. If not it has not been touched, and a new one still counts as not fitted.
    pub changed: bool,
    /// For each layer, how much lies outside its grids with the parameters that the network now has. Empty for a fit
    /// that was cancelled or failed: those end at once.
    pub outside: Vec<Outside>,
    /// All that is needed to go on.
    #[serde(skip)]
    pub state: TrainState<T>,
}

//! From a trained network to a small and accurate one in one call: nodes go as long as the rest can do their work, then
//! grids are refined.
//!
//! A candidate with a node less gets a finer grid, so that it has as many parameters as before, and a short fit; it is
//! accepted if its error has not risen too much. At equal grids a wide network always wins by its parameters alone, and
//! no criterion on the loss would ever drop a node.

use crate::dataset::Dataset;
use crate::error::{OptionError, TrainError};
use crate::observer::Observer;
use crate::options::{FitOptions, GridUpdates};
use crate::prepare::{Prepared, prepare};
use crate::prune::{below, edges_of, idle_nodes, without_idle_inputs};
use crate::regularization::Regularization;
use crate::report::Record;
use crate::run::initial_smoothing;
use crate::solver::{Smoothing, Solver, SolverRows, objective_of};
use crate::starts::choose_start;
use kanode_engine::{Compile, Loss, Real};
use kanode_network::{Network, NodeId, Removal};
use kanode_optim::{Optimizer, StepOutcome};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;

/// Nodes of a share below this part of the largest go without a trial.
const IDLE: f64 = 0.03;
/// Nodes tried at each turn, those of the lowest scores.
const TRIES: usize = 2;
/// Rise of the error that a candidate may have on clean data: there a network with the right shape is better by an
/// order of magnitude, and one with too few nodes worse.
const CLEAN_RISE: f64 = 1.5;
/// The same on noisy data, where all differences are small.
const NOISY_RISE: f64 = 1.02;
/// Error, as a part of the spread of the targets, below which data count as clean.
const CLEAN: f64 = 0.03;
/// Steps before and after a candidate's grid is refined.
const STEPS: [usize; 2] = [40, 30];
/// Steps on each grid after the last node that goes.
const FINAL_STEPS: usize = 30;
/// Finest grid that a candidate gets.
const FINEST: usize = 200;

/// How to simplify.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SimplifyOptions {
    /// By which factor the error may rise when a node goes; at least 1. Default: 1.5 on clean data, 1.02 on noisy data.
    pub max_rise: Option<f64>,
    /// Grids to refine to at the end, ascending; those that the network has passed are left out. Default: none.
    pub grid: Vec<usize>,
    /// Whether inputs that nothing depends on go as well.
    pub inputs: bool,
}

/// One candidate that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    /// Layer of the node.
    pub layer: usize,
    /// The node.
    pub node: usize,
    /// Grid that the candidate had.
    pub grid: usize,
    /// Its error.
    pub error: f64,
    /// Whether it was accepted.
    pub accepted: bool,
}

/// What became of the network.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimplifyReport {
    /// Error of the network given, after a short fit: the root of the validation loss, if there are such rows, else of
    /// the loss that is to be expected on other rows (generalised cross-validation), in standardised units.
    pub error_before: f64,
    /// Error of the network that came out of it.
    pub error_after: f64,
    /// All candidates, in order.
    pub trials: Vec<Trial>,
    /// Sizes of the layers.
    pub layers: Vec<usize>,
    /// Edges before and after.
    pub edges: [usize; 2],
    /// Grid of the network.
    pub grid: usize,
    /// Which columns of the first model's data the inputs are.
    pub inputs: Vec<usize>,
    /// Duration.
    pub seconds: f64,
}

/// Eliminates nodes of a trained network at equal parameter budget, then edges, then refines it.
///
/// # Errors
/// A network that was not trained, a loss without curvature, data that do not fit, or [`TrainError::Cancelled`].
pub fn simplify<T: Real>(
    network: &Network<T>,
    data: &Dataset,
    validation: Option<&Dataset>,
    options: &SimplifyOptions,
    backend: &dyn Compile<T>,
    observer: &mut dyn Observer<T>,
) -> Result<(Network<T>, SimplifyReport), TrainError> {
    let started = Instant::now();
    if let Some(rise) = options.max_rise.filter(|rise| !(rise.is_finite() && *rise >= 1.0)) {
        return Err(OptionError::new("maxRise", "a finite number, at least 1", rise).into());
    }
    let Some(loss) = network.loss() else {
        return Err(OptionError::new("model", "a model that was trained", "a new one").into());
    };
    if !crate::solver::is_solvable(loss) {
        return Err(OptionError::new("loss", "a loss with curvature, such as huber", loss.name()).into());
    }
    let fit_options = FitOptions {
        loss,
        optimizer: Some(Optimizer::lm()),
        regularization: match network.regularization() {
            Some(given) if given.noise.is_none() => Regularization::Fixed(given.smoothness()),
            _ => Regularization::AUTO,
        },
        ..FitOptions::default()
    };
    let mut working = network.clone();
    let prepared = prepare(&mut working, data, validation, &fit_options)?;
    let rows = Arc::new(SolverRows::of(&prepared.training.all()));
    let x = &rows.x;
    let idle = Removal { nodes: idle_nodes(&network.scores(x)?, IDLE), ..Removal::default() };
    let mut working = network.prune(x, &idle)?;
    let smoothing = if network.regularization().is_some() {
        initial_smoothing(&fit_options, network)
    } else {
        choose_start(&mut working, &prepared.training, &fit_options, backend.threads(), observer)?
    };
    let mut best = Fitted { network: working, smoothing, error: f64::INFINITY };
    let mut bench =
        Bench { prepared: &prepared, loss, rows: Arc::clone(&rows), backend, observer, started, steps: 0 };
    bench.fit(&mut best, STEPS[0], true)?;
    let error_before = best.error;
    let mut trials = Vec::new();
    while let Some(smaller) = bench.with_a_node_less(&best, x, options.max_rise, &mut trials)? {
        best = smaller;
    }
    bench.without_edges(&mut best, x, options.max_rise)?;
    let present = best.network.specification().grid;
    for grid in options.grid.iter().copied().filter(|grid| *grid > present) {
        let mut finer = best.clone();
        finer.network.refine(grid)?;
        bench.fit(&mut finer, FINAL_STEPS, true)?;
        if finer.error > best.error {
            break;
        }
        best = finer;
    }
    if options.inputs {
        best.network = without_idle_inputs(&best.network, x)?;
    }
    let mut simple = best.network;
    simple.set_regularization(Some(best.smoothing.record()));
    let report = SimplifyReport {
        error_before,
        error_after: best.error,
        trials,
        layers: simple.specification().layers.clone(),
        edges: [edges_of(network), edges_of(&simple)],
        grid: simple.specification().grid,
        inputs: simple.input_ids().to_vec(),
        seconds: started.elapsed().as_secs_f64(),
    };
    Ok((simple, report))
}

/// A network after its fit.
#[derive(Clone)]
struct Fitted<T> {
    network: Network<T>,
    smoothing: Smoothing,
    error: f64,
}

/// What candidates are fitted and judged with.
struct Bench<'a, T: Real> {
    prepared: &'a Prepared<T>,
    loss: Loss,
    rows: Arc<SolverRows>,
    backend: &'a dyn Compile<T>,
    observer: &'a mut dyn Observer<T>,
    started: Instant,
    steps: u64,
}

impl<T: Real> Bench<'_, T> {
    /// Fits a candidate with Levenberg–Marquardt, its prior by the evidence, and measures its error. Hidden grids are
    /// brought to their nodes first if `follow`.
    fn fit(&mut self, candidate: &mut Fitted<T>, steps: usize, follow: bool) -> Result<(), TrainError> {
        let network = &mut candidate.network;
        if follow && network.program().layers().len() > 1 {
            network.update_grid(&self.rows.x, &GridUpdates::default().of_hidden())?;
        }
        let mut solver = Solver::new(network, &self.rows, self.loss, &Optimizer::lm(), candidate.smoothing);
        let mut data = f64::INFINITY;
        for _ in 0..steps {
            let cancelled = || self.observer.cancelled();
            let step = solver.step(&cancelled)?;
            data = step.data;
            self.steps += 1;
            let record = Record {
                step: self.steps,
                epoch: self.steps,
                loss: data,
                validation_loss: None,
                rmse: None,
                validation_rmse: None,
                grid: network.specification().grid,
                learning_rate: None,
                damping: Some(step.damping),
                gradient_norm: step.gradient_norm,
                evaluations: solver.evaluations,
                seconds: self.started.elapsed().as_secs_f64(),
            };
            self.observer.on_record(&record);
            if step.outcome != StepOutcome::Accepted {
                break;
            }
        }
        solver.unpack(network.parameters_mut());
        if solver.smoothing.adaptive {
            let cancelled = || self.observer.cancelled();
            solver.update_prior(network, &cancelled)?;
        }
        candidate.smoothing = solver.smoothing;
        candidate.error = match &self.prepared.validation {
            Some(block) => {
                let mut executor = self.backend.compile(network.program())?;
                executor.loss(objective_of(self.loss), network.parameters(), &block.all())?
            }
            None => solver.expected_error(data),
        }
        .max(0.0)
        .sqrt();
        Ok(())
    }

    /// The network with a node less that does the work as well, if there is one.
    fn with_a_node_less(
        &mut self,
        best: &Fitted<T>,
        x: &[f64],
        max_rise: Option<f64>,
        trials: &mut Vec<Trial>,
    ) -> Result<Option<Fitted<T>>, TrainError> {
        let scores = best.network.scores(x)?;
        let sizes = &best.network.specification().layers;
        let mut nodes: Vec<(f64, NodeId)> = Vec::new();
        for (layer, of_nodes) in scores.nodes.iter().enumerate().take(sizes.len() - 1).skip(1) {
            let several = of_nodes.len() > 1;
            let scored = of_nodes.iter().enumerate().filter(|_| several);
            nodes.extend(scored.map(|(node, score)| (*score, NodeId { layer, node })));
        }
        nodes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let most = best.error * rise(best.error, max_rise);
        for (_, id) in nodes.into_iter().take(TRIES) {
            let removal = Removal { nodes: vec![id], ..Removal::default() };
            let Ok(network) = best.network.prune(x, &removal) else { continue };
            let present = network.specification().grid;
            let budget = best.network.packing().len() as f64 / network.packing().len() as f64;
            let grid = ((present as f64 * budget) as usize).clamp(present, FINEST.max(present));
            let mut candidate = Fitted { network, smoothing: best.smoothing, error: f64::INFINITY };
            self.fit(&mut candidate, STEPS[0], false)?;
            if grid > present {
                candidate.network.refine(grid)?;
            }
            self.fit(&mut candidate, STEPS[1], true)?;
            let accepted = candidate.error < most;
            let NodeId { layer, node } = id;
            trials.push(Trial { layer, node, grid, error: candidate.error, accepted });
            if accepted {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    /// Takes out edges of next to no score, if the network bears it after a short fit.
    fn without_edges(
        &mut self,
        best: &mut Fitted<T>,
        x: &[f64],
        max_rise: Option<f64>,
    ) -> Result<(), TrainError> {
        let network = below(&best.network, x, IDLE)?;
        if edges_of(&network) == edges_of(&best.network) {
            return Ok(());
        }
        let mut candidate = Fitted { network, smoothing: best.smoothing, error: f64::INFINITY };
        self.fit(&mut candidate, STEPS[1], false)?;
        if candidate.error < best.error * rise(best.error, max_rise) {
            *best = candidate;
        }
        Ok(())
    }
}

/// The factor by which an error may rise.
fn rise(error: f64, asked: Option<f64>) -> f64 {
    asked.unwrap_or(if error < CLEAN { CLEAN_RISE } else { NOISY_RISE })
}

#[cfg(test)]
mod tests;

//! Several first parameters for one network: a short fit from each, and the best goes on. Small networks have poor
//! local minima, and a start on a coarse grid costs milliseconds.

use crate::batches::Block;
use crate::error::TrainError;
use crate::options::FitOptions;
use crate::run::initial_smoothing;
use crate::solver::{Halt, Smoothing, Solver, SolverRows};
use kanode_engine::Real;
use kanode_network::{Network, Smoothness};
use kanode_optim::StepOutcome;
use std::sync::Arc;

/// 2⁶⁴ by the golden ratio: its multiples are evenly spread.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
/// Steps of Levenberg–Marquardt from each start, at most.
const STEPS: usize = 40;
/// Least strength of the prior while starts are compared: a poor start is no reason to bend edges.
const LEAST_LAMBDA: f64 = 1e-8;

/// Gives the network the best of its own parameters and `options.starts - 1` others, each after a short fit, and says
/// which prior to go on with. Keeps what it has when it is cancelled.
///
/// Where the prior is to be found from the data, the starts have next to none at first. If their best leaves next to no
/// noise, counted against the parameters that it needed, and these are few enough for that to say something, the data are
/// clean: the fit goes on from it, with a prior on the fourth derivative, which leaves cubic pieces alone. If not, the
/// starts are repeated with a strong prior on
/// curvature, whose limit is the linear model.
pub(crate) fn choose_start<T: Real>(
    network: &mut Network<T>,
    training: &Block<T>,
    options: &FitOptions,
    cancelled: &dyn Fn() -> bool,
) -> Result<Smoothing, TrainError> {
    let asked = initial_smoothing(options, network);
    let mut field = Field { rows: Arc::new(SolverRows::of(training)), options, cancelled };
    if !asked.adaptive {
        let prior = Smoothness { lambda: asked.prior.lambda.max(LEAST_LAMBDA), ..asked.prior };
        if let Some(best) = field.best(network, Smoothing::fixed(prior))? {
            network.parameters_mut().copy_from_slice(&best.parameters);
        }
        return Ok(asked);
    }
    let weak = Smoothness { lambda: LEAST_LAMBDA, ..Smoothing::SEARCH.prior };
    if let Some(mut best) = field.best(network, Smoothing { prior: weak, ..asked })? {
        let is_clean = match best.solver.measure_noise(cancelled) {
            Ok(_) => best.solver.is_clean(),
            Err(Halt::Cancelled) => return Ok(asked),
            Err(Halt::Engine(error)) => return Err(error.into()),
        };
        if is_clean {
            network.parameters_mut().copy_from_slice(&best.parameters);
            return Ok(Smoothing { noise: best.solver.smoothing.noise, ..Smoothing::CLEAN });
        }
    }
    if let Some(best) = field.best(network, asked)? {
        network.parameters_mut().copy_from_slice(&best.parameters);
    }
    Ok(asked)
}

/// What starts are tried on.
struct Field<'a> {
    rows: Arc<SolverRows>,
    options: &'a FitOptions,
    cancelled: &'a dyn Fn() -> bool,
}

/// A start after its fit.
struct Start<T> {
    parameters: Vec<T>,
    objective: f64,
    solver: Solver,
}

impl Field<'_> {
    /// The start that reaches the lowest objective; None if it was cancelled or none moved.
    fn best<T: Real>(
        &mut self,
        network: &Network<T>,
        smoothing: Smoothing,
    ) -> Result<Option<Start<T>>, TrainError> {
        let mut best: Option<Start<T>> = None;
        for start in 0..self.options.starts.unwrap_or(1) {
            let mut candidate = network.clone();
            if start > 0 {
                // Seeds far from each other, so that models of neighbouring seeds share no start.
                let seed = candidate.specification().seed.wrapping_add(SPREAD.wrapping_mul(start as u64));
                let drawn = candidate.drawn(seed);
                candidate.parameters_mut().copy_from_slice(&drawn);
            }
            let optimizer = self.options.optimizer();
            let mut solver = Solver::new(&candidate, &self.rows, self.options.loss, &optimizer, smoothing);
            let mut reached = None;
            for _ in 0..STEPS {
                match solver.step(self.cancelled) {
                    Ok(step) if step.outcome == StepOutcome::Accepted => reached = Some(step.objective),
                    Ok(_) => break,
                    Err(Halt::Cancelled) => return Ok(None),
                    Err(Halt::Engine(error)) => return Err(error.into()),
                }
            }
            let better = |o: &f64| best.as_ref().is_none_or(|best| *o < best.objective);
            if let Some(objective) = reached.filter(better) {
                solver.unpack(candidate.parameters_mut());
                best = Some(Start { parameters: candidate.parameters().to_vec(), objective, solver });
            }
        }
        Ok(best)
    }
}

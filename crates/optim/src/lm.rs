//! Levenberg–Marquardt with gain-ratio damping (Nielsen 1999, "Damping parameter in Marquardt's method"; Madsen,
//! Nielsen & Tingleff 2004, algorithm 3.16), a prior inside, and rows that are sparse.
//!
//! With many more parameters than rows the step is found in the space of the rows, where the system is as large as
//! there are rows.

pub(crate) mod kernel;
pub(crate) mod normal;
pub(crate) mod system;

use crate::error::StateError;
use crate::least_squares::LeastSquares;
use crate::objective::{Failure, StepOutcome};
use crate::optimizer::Optimizer;
use crate::prior::Prior;
use crate::rows::Rows;
use crate::state::State;
use system::System;

/// Trials of one step: each after a rejected one has more damping.
const TRIALS: usize = 12;
/// Steps of small decrease in a row after which a run has converged.
const PATIENCE: u64 = 3;
/// A step may lower the damping by this factor, no more.
const LEAST_FACTOR: f64 = 0.1;
/// A step may raise the damping by this factor, no more.
const LARGEST_FACTOR: f64 = 2.0;
/// Damping that a rejected step starts from where there was as good as none.
const NO_DAMPING: f64 = 1e-18;
/// Damping, in units of the largest diagonal entry of `JᵀJ` or 1, from which on steps are too short to matter.
const LARGEST_DAMPING: f64 = 1e12;

/// What one step of Levenberg–Marquardt did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LmStep {
    /// Objective and prior at the point where the step ended.
    pub objective: f64,
    /// The objective alone.
    pub data: f64,
    /// Euclidean norm of the gradient, prior included, where the step began.
    pub gradient_norm: f64,
    /// Damping after the step.
    pub damping: f64,
    /// Evaluations of the objective.
    pub evaluations: usize,
    /// Whether the point moved; [`StepOutcome::Converged`] may have moved it a last time.
    pub outcome: StepOutcome,
}

/// A run of Levenberg–Marquardt.
#[derive(Clone, Debug)]
pub struct LmState {
    tolerance: f64,
    initial_damping: f64,
    least_damping: f64,
    /// None before the first step.
    damping: Option<f64>,
    growth: f64,
    small: u64,
    model: Option<Model>,
}

/// The linear model at the present point.
#[derive(Clone, Debug)]
struct Model {
    data: f64,
    objective: f64,
    system: System,
}

impl LmState {
    /// A run from its beginning, with the options of [`Optimizer::Lm`]; those of any other optimiser count as the
    /// defaults.
    pub fn new(optimizer: &Optimizer) -> Self {
        let (tolerance, initial_damping, least_damping) = optimizer.lm_options();
        Self { tolerance, initial_damping, least_damping, damping: None, growth: 2.0, small: 0, model: None }
    }

    /// One step from `x`: to a lower value of objective and prior, or nowhere. Trials that do not lower it are
    /// repeated with more damping, and count as evaluations only.
    ///
    /// # Errors
    /// The problem's `Stop`, at once; `x` is then where the step began.
    pub fn step<P: LeastSquares + ?Sized>(
        &mut self,
        x: &mut [f64],
        prior: &Prior,
        problem: &mut P,
    ) -> Result<LmStep, P::Stop> {
        let (model, evaluations) = self.begin(x, prior, problem)?;
        let gradient_norm = model.system.gradient_norm();
        let mut step = LmStep {
            objective: model.objective,
            data: model.data,
            gradient_norm,
            damping: self.damping.unwrap_or(0.0),
            evaluations,
            outcome: StepOutcome::Converged,
        };
        if !model.objective.is_finite() || !gradient_norm.is_finite() {
            step.outcome = StepOutcome::Failed { reason: Failure::Loss };
            return Ok(step);
        }
        // Only what ends as a step is written to the state: one that is stopped can be repeated with the same bits.
        let trial = match self.search(x, prior, problem, &model, &mut step) {
            Ok(trial) => trial,
            Err(stop) => {
                self.model = Some(model);
                return Err(stop);
            }
        };
        let Some(trial) = trial else {
            // Nothing lower within reach: the next step, if there is one, begins with the first damping again.
            (self.damping, self.growth, self.model) = (None, 2.0, Some(model));
            return Ok(step);
        };
        let is_small = (model.objective - step.objective) / model.objective < self.tolerance;
        let small = if is_small { self.small + 1 } else { 0 };
        let next = if small < PATIENCE {
            let System { mut rows, mut residuals, .. } = model.system;
            problem.linearise(&trial, &mut rows, &mut residuals)?;
            let system = System::new(&trial, prior, rows, residuals);
            step.outcome = StepOutcome::Accepted;
            Some(Model { data: step.data, objective: step.objective, system })
        } else {
            None
        };
        self.small = if next.is_some() { small } else { 0 };
        (self.damping, self.growth, self.model) = (Some(step.damping), 2.0, next);
        x.copy_from_slice(&trial);
        Ok(step)
    }

    /// The linear model at `x`, and the evaluations that it took.
    fn begin<P: LeastSquares + ?Sized>(
        &mut self,
        x: &[f64],
        prior: &Prior,
        problem: &mut P,
    ) -> Result<(Model, usize), P::Stop> {
        if let Some(model) = self.model.take() {
            return Ok((model, 0));
        }
        let data = problem.value(x)?;
        let (mut rows, mut residuals) = (Rows::new(), Vec::new());
        problem.linearise(x, &mut rows, &mut residuals)?;
        let system = System::new(x, prior, rows, residuals);
        Ok((Model { data, objective: data + prior.value(x), system }, 1))
    }

    /// The first point lower than `x`, with its values and the damping after it in `step`. None if there is none.
    fn search<P: LeastSquares + ?Sized>(
        &self,
        x: &[f64],
        prior: &Prior,
        problem: &mut P,
        model: &Model,
        step: &mut LmStep,
    ) -> Result<Option<Vec<f64>>, P::Stop> {
        let largest = model.system.largest_diagonal();
        let start = self.damping.unwrap_or(self.initial_damping * largest);
        let (mut damping, mut growth) = (start.max(self.least_damping), self.growth);
        for _ in 0..TRIALS {
            if let Some(direction) = model.system.solve(prior, damping) {
                let predicted = model.system.predicted(&direction, damping);
                // No rounded sum could show such a gain, and more damping promises less.
                if predicted <= (f64::EPSILON * model.objective.abs()).max(f64::MIN_POSITIVE) {
                    break;
                }
                let trial: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + d).collect();
                let data = problem.value(&trial)?;
                step.evaluations += 1;
                let objective = data + prior.value(&trial);
                if objective.is_finite() && objective < model.objective {
                    let gain = (model.objective - objective) / predicted;
                    let factor = 1.0 - (2.0 * gain - 1.0).powi(3);
                    let factor =
                        if factor.is_finite() { factor.clamp(LEAST_FACTOR, LARGEST_FACTOR) } else { 1.0 };
                    (step.objective, step.data) = (objective, data);
                    step.damping = (damping * factor).max(self.least_damping);
                    return Ok(Some(trial));
                }
            }
            damping = damping.max(NO_DAMPING) * growth;
            growth *= 2.0;
            if damping > LARGEST_DAMPING * largest.max(1.0) {
                break;
            }
        }
        step.damping = damping;
        Ok(None)
    }

    /// Whether the linear model at the present point is known, so that the next step need not evaluate it.
    pub fn is_linearised(&self) -> bool {
        self.model.is_some()
    }

    /// Forgets the linear model: objective, prior or point have changed.
    pub fn invalidate(&mut self) {
        self.model = None;
    }

    /// Everything that the next steps depend on, but for the point, the prior and the problem.
    pub fn export<T: kanode_engine::Real>(&self) -> State<T> {
        let mut state = State::named("lm");
        state.put_counter("small", self.small);
        state.put_counter("begun", u64::from(self.damping.is_some()));
        state.put_scalar("damping", self.damping.unwrap_or(0.0));
        state.put_scalar("growth", self.growth);
        state
    }

    /// Takes out of `state` what [`LmState::export`] wrote: the next steps have the same bits.
    ///
    /// # Errors
    /// As [`crate::OptimizerState::import`].
    pub fn import<T: kanode_engine::Real>(
        optimizer: &Optimizer,
        state: &mut State<T>,
    ) -> Result<Self, StateError> {
        if state.optimizer != "lm" {
            let found = state.optimizer.clone();
            return Err(StateError::Optimizer { expected: "lm".to_owned(), found });
        }
        let mut run = Self::new(optimizer);
        run.small = state.take_counter("small")?;
        let begun = state.take_flag("begun")?;
        let damping = state.take_scalar("damping")?;
        run.growth = state.take_scalar("growth")?;
        if damping < 0.0 {
            return Err(StateError::Range { name: "damping".to_owned(), expected: "at least 0" });
        }
        run.damping = begun.then_some(damping);
        Ok(run)
    }
}

#[cfg(test)]
mod tests;

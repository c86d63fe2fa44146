//! What takes the steps of a fit: an optimiser on loss and gradient of a batch, or Levenberg–Marquardt on all rows.

use crate::batches::Block;
use crate::error::TrainError;
use crate::observer::Observer;
use crate::options::FitOptions;
use crate::resolve::has_evidence;
use crate::solver::{Halt, Smoothing, Solver, SolverRows};
use crate::state::StateError;
use kanode_engine::{AdamRule, AdamSlabs, Batch, Descent, Executor, Loss, Real, Survey};
use kanode_network::{Network, Penalties, Smoothness};
use kanode_optim::{Objective, OptimizerState, State};
use std::sync::Arc;

/// The optimiser of a fit, with its memory.
pub(super) enum Method<T: Real> {
    Gradient(Box<OptimizerState<T>>),
    Solver(Box<Solver>),
}

impl<T: Real> Method<T> {
    /// A method from its beginning, or as it was left.
    pub(super) fn new(
        options: &FitOptions,
        network: &Network<T>,
        training: &Block<T>,
        left: Option<State<T>>,
    ) -> Result<Self, TrainError> {
        let (optimizer, n) = (options.optimizer(), network.parameter_count());
        if options.is_lm() {
            let rows = Arc::new(SolverRows::of(&training.all()));
            let smoothing = initial_smoothing(options, network);
            let mut solver = Solver::new(network, &rows, options.loss, &optimizer, smoothing);
            if let Some(state) = left {
                solver.import(network, &optimizer, state).map_err(StateError::from)?;
            }
            return Ok(Self::Solver(Box::new(solver)));
        }
        Ok(Self::Gradient(Box::new(match left {
            None => OptimizerState::new(&optimizer, n),
            Some(state) => OptimizerState::import(&optimizer, n, state).map_err(StateError::from)?,
        })))
    }

    /// Forgets what was measured on another objective.
    pub(super) fn invalidate(&mut self) {
        match self {
            Self::Gradient(optimizer) => optimizer.invalidate(),
            Self::Solver(solver) => solver.invalidate(),
        }
    }

    /// Everything that the next steps depend on.
    pub(super) fn export(&self) -> State<T> {
        match self {
            Self::Gradient(optimizer) => optimizer.export(),
            Self::Solver(solver) => solver.export(),
        }
    }
}

/// The prior that a fit begins with: as it was told, or as an earlier fit found it.
pub(crate) fn initial_smoothing<T: Real>(options: &FitOptions, network: &Network<T>) -> Smoothing {
    if options.continual {
        return Smoothing::NONE;
    }
    if let Some(prior) = options.regularization.fixed() {
        return Smoothing::fixed(prior);
    }
    if !options.regularization.is_auto() || !has_evidence(options.loss) {
        return Smoothing::NONE;
    }
    match network.regularization() {
        // One that was given is no place to begin a search from, least of all where it was none.
        Some(found) if found.noise.is_some() => {
            Smoothing { prior: found.smoothness(), noise: found.noise, ..Smoothing::SEARCH }
        }
        _ => Smoothing::SEARCH,
    }
}

/// One batch as the optimiser sees it.
pub(super) struct BatchObjective<'a, T: Real> {
    pub(super) executor: &'a mut dyn Executor<T>,
    pub(super) observer: &'a dyn Observer<T>,
    pub(super) loss: Loss,
    pub(super) batch: Batch<'a, T>,
    pub(super) terms: Terms<'a, T>,
    /// Evaluations done; those of a step that is cancelled count too.
    pub(super) evaluations: u64,
}

impl<T: Real> BatchObjective<'_, T> {
    /// Begins an evaluation.
    fn begin(&mut self) -> Result<(), Halt> {
        if self.observer.cancelled() {
            return Err(Halt::Cancelled);
        }
        self.evaluations += 1;
        Ok(())
    }
}

impl<T: Real> Objective<T> for BatchObjective<'_, T> {
    type Stop = Halt;

    fn evaluate(&mut self, x: &[T], gradient: &mut [T]) -> Result<f64, Halt> {
        self.begin()?;
        let loss = self.executor.loss_and_gradient(self.loss, x, &self.batch, gradient);
        let loss = loss.map_err(Halt::Engine)?;
        Ok(loss + self.terms.add(x, &self.batch, gradient))
    }

    fn descend(&mut self, descent: Descent<'_, T>) -> Result<(f64, Option<f64>), Halt> {
        if self.terms.are_there() {
            let Descent { parameters, gradient, .. } = descent;
            return self.evaluate(parameters, gradient).map(|loss| (loss, None));
        }
        self.begin()?;
        self.executor.descend(self.loss, &self.batch, descent).map_err(Halt::Engine)
    }

    fn survey(&mut self, x: &[T], gradient: &[T]) -> Survey {
        self.executor.survey(x, gradient)
    }

    fn adam(&mut self, rule: &AdamRule<T>, slabs: AdamSlabs<'_, T>) {
        self.executor.adam(rule, slabs);
    }
}

/// What the objective has beside the loss.
pub(super) struct Terms<'a, T: Real> {
    network: &'a Network<T>,
    penalties: &'a Penalties,
    smoothness: Option<Smoothness>,
}

impl<'a, T: Real> Terms<'a, T> {
    pub(super) fn of(options: &'a FitOptions, network: &'a Network<T>) -> Self {
        Self { network, penalties: &options.penalties, smoothness: options.regularization.fixed() }
    }

    /// Whether they change loss or gradient.
    fn are_there(&self) -> bool {
        *self.penalties != Penalties::default() || self.smoothness.is_some() || self.network.has_absent()
    }

    /// The terms at the slab `x`; their gradient is added, and that of pruned edges is cleared.
    fn add(&self, x: &[T], batch: &Batch<'_, T>, gradient: &mut [T]) -> f64 {
        let mut sum = 0.0;
        if *self.penalties != Penalties::default() {
            sum += self.penalties.evaluate(self.network, x, batch.x, batch.weights, gradient);
        }
        if let Some(smoothness) = &self.smoothness {
            sum += smoothness.evaluate(self.network, x, gradient);
        }
        self.network.clear_absent(gradient);
        sum
    }
}

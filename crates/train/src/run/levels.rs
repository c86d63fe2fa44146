//! The levels of a fit: one grid after the other, and what happens between steps of Levenberg–Marquardt, which goes in
//! rounds: some steps, then grids and prior follow what was learned.

use super::method::Method;
use super::{Pace, Run};
use crate::error::TrainError;
use crate::observer::Observer;
use crate::options::Length;
use crate::report::{Best, Level, StopReason, Watched};
use crate::solver::Halt;
use crate::watch::Watch;
use kanode_engine::Real;
use kanode_network::Refit;
use kanode_optim::{Failure, Step, StepOutcome};
use std::time::Instant;

/// Steps of a round, at most.
const ROUND: u64 = 15;
/// Rounds in which the prior is looked for.
const PRIOR_ROUNDS: u64 = 10;
/// Rounds of a new network on its first grid, between which hidden grids follow their nodes; afterwards they do so at the
/// start of each grid and each fit.
const RANGE_ROUNDS: u64 = 3;

impl<T: Real> Run<'_, T> {
    /// All steps on all grids, until there is a reason to stop.
    pub(crate) fn train(&mut self, observer: &mut dyn Observer<T>) -> Result<StopReason, TrainError> {
        let present = self.network.specification().grid;
        let mut grids: Vec<usize> = self.options.grid.iter().copied().filter(|g| *g > present).collect();
        grids.insert(0, present);
        self.total_steps = self.planned(grids.len() as u64);
        // A resumed fit goes on as if it had never paused.
        if self.options.is_lm() && !self.position.fresh && self.position.steps == 0 {
            self.follow_activations()?;
        }
        let mut stop = StopReason::Completed;
        for (level, grid) in grids.into_iter().enumerate() {
            let started = Instant::now();
            let refit = if level > 0 { Some(self.enter(grid)?) } else { None };
            let before = self.position.steps;
            stop = self.train_level(observer)?;
            let loss = self.last_loss;
            self.levels.push(Level {
                grid,
                steps: self.position.steps - before,
                loss,
                rmse: loss.and_then(|loss| self.rmse(loss)),
                refit_rms: refit.map(|refit| refit.rms),
                refit_maximum: refit.map(|refit| refit.maximum),
                seconds: started.elapsed().as_secs_f64(),
            });
            if stop == StopReason::Cancelled {
                break;
            }
        }
        Ok(stop)
    }

    /// Steps that a schedule of the learning rate is told of: those done, and those of all levels.
    fn planned(&self, levels: u64) -> u64 {
        let now = match self.options.length() {
            Length::Steps(steps) => steps,
            Length::Epochs(epochs) => {
                epochs.saturating_mul(self.batches.count()).saturating_sub(self.position.batch)
            }
        };
        self.position.steps.saturating_add(now.saturating_mul(levels))
    }

    fn train_level(&mut self, observer: &mut dyn Observer<T>) -> Result<StopReason, TrainError> {
        self.end = match self.options.length() {
            Length::Steps(steps) => Length::Steps(self.position.steps.saturating_add(steps)),
            Length::Epochs(epochs) => Length::Epochs(self.position.epochs.saturating_add(epochs)),
        };
        let mut stop = None;
        while stop.is_none() && !self.is_complete() {
            stop = self.step(observer)?;
            if stop.is_none() {
                self.update_if_due()?;
                self.checkpoint_if_due(observer)?;
            }
        }
        self.bring_home()?;
        Ok(stop.unwrap_or(StopReason::Completed))
    }

    /// Goes over to a finer grid.
    fn enter(&mut self, grid: usize) -> Result<Refit, TrainError> {
        self.keep_best();
        let refit = self.regrid(|network, _| network.refine(grid))?;
        (self.position.rounds, self.position.round_steps, self.position.fresh) = (0, 0, false);
        if self.options.is_lm() {
            self.follow_activations()?;
        }
        Ok(refit)
    }

    /// Keeps the network of this level if validation found none better before it.
    fn keep_best(&mut self) {
        if self.watch.watched != Watched::Validation || !self.options.restore_best {
            return;
        }
        self.note_prior();
        if self.choose_best()
            && let Some(best) = self.best
            && self.kept.as_ref().is_none_or(|(_, kept)| best.loss < kept.loss)
        {
            self.kept = Some((self.network.clone(), Best { restored: true, ..best }));
        }
    }

    /// The network of the best level, if that is not the last one.
    pub(super) fn take_kept(&mut self) -> bool {
        let Some((network, kept)) = self.kept.take() else { return false };
        if self.best.is_some_and(|best| best.loss <= kept.loss) {
            return false;
        }
        (self.network, self.best) = (network, Some(kept));
        true
    }

    /// Changes the knots by `change`, which refits all edges, and makes everything else fit them again. What the
    /// optimiser knew of the curvature is forgotten.
    fn regrid(
        &mut self,
        change: impl FnOnce(
            &mut kanode_network::Network<T>,
            &[f64],
        ) -> Result<Refit, kanode_network::NetworkError>,
    ) -> Result<Refit, TrainError> {
        self.bring_home()?;
        (self.on_device, self.home_only) = (None, false);
        self.network.parameters_mut().copy_from_slice(&self.x);
        let x: Vec<f64> = self.prepared.training.x.iter().map(|x| x.to_f64()).collect();
        let refit = change(&mut self.network, &x)?;
        self.executor = self.backend.compile(self.network.program())?;
        self.x = self.network.parameters().to_vec();
        self.before = self.x.clone();
        self.method = match &self.method {
            Method::Gradient(_) => Method::new(self.options, &self.network, &self.prepared.training, None)?,
            Method::Solver(solver) => {
                Method::Solver(Box::new(solver.on(&self.network, &self.options.optimizer())))
            }
        };
        self.watch = Watch::new(self.watch.watched, self.options.early_stopping, None);
        (self.position.best, self.position.threshold, self.position.stale) = (None, None, 0);
        Ok(refit)
    }

    /// Brings the grids of hidden nodes to what these receive, unless nobody wants that.
    fn follow_activations(&mut self) -> Result<bool, TrainError> {
        let updates = self.options.grid_update.unwrap_or_default();
        if !updates.enabled || self.options.continual || self.network.program().layers().len() < 2 {
            return Ok(false);
        }
        self.regrid(|network, x| network.update_grid(x, &updates.of_hidden()))?;
        Ok(true)
    }

    /// A grid update of a gradient method, if this step is one for it.
    fn update_if_due(&mut self) -> Result<(), TrainError> {
        let Some(updates) = self.options.grid_update.filter(|updates| updates.enabled) else { return Ok(()) };
        let steps = self.position.steps;
        let due = steps.is_multiple_of(updates.every) && updates.until.is_none_or(|until| steps <= until);
        if due && !self.options.is_lm() && !self.is_complete() {
            self.follow_activations()?;
        }
        Ok(())
    }

    /// One step of Levenberg–Marquardt.
    pub(super) fn solver_step(
        &mut self,
        observer: &mut dyn Observer<T>,
    ) -> Result<Option<StopReason>, TrainError> {
        // A round ends where the next begins, not with a fit: what a fit ends with has been trained since its last refit,
        // and a fit that pauses between two rounds is one that does not.
        if self.position.round_steps >= ROUND && self.next_round(&|| observer.cancelled())?.is_none() {
            return Ok(Some(StopReason::Cancelled));
        }
        let Method::Solver(solver) = &mut self.method else { return Ok(None) };
        let cancelled = || observer.cancelled();
        let (before, outcome) = (solver.evaluations, solver.step(&cancelled));
        self.position.evaluations += solver.evaluations - before;
        let step = match outcome {
            Ok(step) => step,
            Err(Halt::Cancelled) => return Ok(Some(StopReason::Cancelled)),
            Err(Halt::Engine(error)) => return Err(error.into()),
        };
        solver.unpack(&mut self.x);
        let loss = solver.reported(self.options.loss, step.data);
        let told = Step {
            loss,
            gradient_norm: step.gradient_norm,
            evaluations: step.evaluations,
            outcome: step.outcome,
        };
        let converged = match step.outcome {
            StepOutcome::Accepted => false,
            StepOutcome::Converged | StepOutcome::Failed { reason: Failure::LineSearch } => true,
            StepOutcome::Failed { reason } => {
                let epochs = self.position.epochs;
                return Err(self.rejected(&told, reason, epochs, 0)?);
            }
        };
        self.position.steps += 1;
        self.position.epochs += 1;
        self.position.round_steps += 1;
        let pace = Pace { learning_rate: None, damping: Some(step.damping) };
        let stops_early = self.report(&told, pace, loss, true, observer)?;
        if stops_early {
            return Ok(Some(StopReason::EarlyStopped));
        }
        if !converged {
            return Ok(None);
        }
        if self.is_complete() {
            self.position.round_steps = ROUND;
            return Ok(None);
        }
        let Some(goes_on) = self.next_round(&|| observer.cancelled())? else {
            return Ok(Some(StopReason::Cancelled));
        };
        Ok((!goes_on).then_some(StopReason::Converged))
    }

    /// Ends a round: the prior follows the evidence, and hidden grids their nodes. Returns whether anything changed, so
    /// that another round pays; None if it was cancelled.
    fn next_round(&mut self, cancelled: &dyn Fn() -> bool) -> Result<Option<bool>, TrainError> {
        let Method::Solver(solver) = &mut self.method else { return Ok(Some(false)) };
        let rounds = self.position.rounds + 1;
        let mut changed = false;
        if solver.smoothing.adaptive && rounds <= PRIOR_ROUNDS {
            changed = match solver.update_prior(&self.network, cancelled) {
                Ok(changed) => changed,
                Err(Halt::Cancelled) => return Ok(None),
                Err(Halt::Engine(error)) => return Err(error.into()),
            };
        }
        (self.position.rounds, self.position.round_steps) = (rounds, 0);
        if self.position.fresh && rounds < RANGE_ROUNDS {
            changed |= self.follow_activations()?;
        }
        Ok(Some(changed))
    }
}

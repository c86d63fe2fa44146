//! The loop of a fit: batch, step, record, measurement, checkpoint.

mod ending;

use crate::batches::{Batches, Plan};
use crate::divergence::locate;
use crate::error::TrainError;
use crate::history::History;
use crate::observer::Observer;
use crate::options::{CheckpointEvery, FitOptions, Length};
use crate::prepare::Prepared;
use crate::report::{Best, Progress, Record, StopReason, Watched};
use crate::state::{Position, StateError, TrainState};
use crate::watch::Watch;
use kanode_engine::{Batch, EngineError, Executor, Loss, Real};
use kanode_network::Network;
use kanode_optim::{Failure, Objective, OptimizerState, Step, StepOutcome};
use std::time::Instant;

/// A fit on its way.
pub(crate) struct Run<'a, T: Real> {
    network: Network<T>,
    executor: Box<dyn Executor<T>>,
    prepared: &'a Prepared<T>,
    batches: Batches<'a, T>,
    options: &'a FitOptions,
    optimizer: OptimizerState<T>,
    /// The parameters after the last accepted step.
    x: Vec<T>,
    /// Those before it, where their loss is watched, or the step may lead nowhere.
    before: Vec<T>,
    watch: Watch<T>,
    position: Position,
    /// Steps done by earlier fits.
    earlier: u64,
    end: Length,
    total_steps: u64,
    history: History,
    best: Option<Best>,
    started: Instant,
    checkpointed: Instant,
}

/// One batch as the optimiser sees it.
struct BatchObjective<'a, T: Real> {
    executor: &'a mut dyn Executor<T>,
    observer: &'a dyn Observer<T>,
    loss: Loss,
    batch: Batch<'a, T>,
    /// Evaluations done; those of a step that is cancelled count too.
    evaluations: u64,
}

/// Why an evaluation was given up.
enum Halt {
    Cancelled,
    Engine(EngineError),
}

impl<T: Real> Objective<T> for BatchObjective<'_, T> {
    type Stop = Halt;

    fn evaluate(&mut self, x: &[T], gradient: &mut [T]) -> Result<f64, Halt> {
        if self.observer.cancelled() {
            return Err(Halt::Cancelled);
        }
        self.evaluations += 1;
        self.executor.loss_and_gradient(self.loss, x, &self.batch, gradient).map_err(Halt::Engine)
    }
}

impl<'a, T: Real> Run<'a, T> {
    /// A fit of `network`, compiled as `executor`, or the rest of one that was left at `resume`.
    pub(crate) fn new(
        network: Network<T>,
        executor: Box<dyn Executor<T>>,
        prepared: &'a Prepared<T>,
        options: &'a FitOptions,
        resume: Option<TrainState<T>>,
    ) -> Result<Self, StateError> {
        let n = network.parameter_count();
        let rows = prepared.training.rows;
        let plan =
            Plan { size: options.batch_rows(rows), shuffle: options.shuffle, seed: options.shuffle_seed };
        let batches = Batches::new(&prepared.training, plan);
        let watched = if prepared.validation.is_some() { Watched::Validation } else { Watched::Training };
        let now = Position {
            objective: prepared.training.fingerprint() ^ fingerprint(options.loss),
            validation: prepared.validation.as_ref().map_or(0, |block| block.fingerprint()),
            plan: plan.fingerprint(rows),
            ..Position::default()
        };
        let (position, optimizer, x, best) = match resume {
            None => (now, OptimizerState::new(&options.optimizer, n), network.parameters().to_vec(), None),
            Some(state) => {
                state.check(n)?;
                let mut optimizer = OptimizerState::import(&options.optimizer, n, state.optimizer)?;
                if state.position.objective != now.objective {
                    optimizer.invalidate();
                }
                let position = continued(state.position, &now);
                let (count, found) = (batches.count(), position.batch);
                if found >= count {
                    return Err(StateError::Batch { count, found });
                }
                let best = state.best_parameters.filter(|_| position.best.is_some());
                (position, optimizer, state.parameters, best)
            }
        };
        let done = &position;
        let (end, total_steps) = match options.length() {
            Length::Steps(steps) => {
                let end = done.steps.saturating_add(steps);
                (Length::Steps(end), end)
            }
            Length::Epochs(epochs) => {
                let rest = epochs.saturating_mul(batches.count()).saturating_sub(done.batch);
                (Length::Epochs(done.epochs.saturating_add(epochs)), done.steps.saturating_add(rest))
            }
        };
        let watch = Watch::new(watched, options.early_stopping, best);
        let (before, started) = (x.clone(), Instant::now());
        Ok(Self {
            network,
            executor,
            prepared,
            batches,
            options,
            optimizer,
            x,
            before,
            watch,
            earlier: position.steps,
            position,
            end,
            total_steps,
            history: History::new(),
            best: None,
            started,
            checkpointed: started,
        })
    }

    /// All steps until there is a reason to stop.
    pub(crate) fn train(&mut self, observer: &mut dyn Observer<T>) -> Result<StopReason, TrainError> {
        while !self.is_complete() {
            if let Some(stop) = self.step(observer)? {
                return Ok(stop);
            }
            self.checkpoint_if_due(observer)?;
        }
        Ok(StopReason::Completed)
    }

    /// Whether this fit has done a step.
    pub(crate) fn has_stepped(&self) -> bool {
        self.position.steps > self.earlier
    }

    fn is_complete(&self) -> bool {
        match self.end {
            Length::Steps(end) => self.position.steps >= end,
            Length::Epochs(end) => self.position.epochs >= end,
        }
    }

    /// One step of the optimiser, and all that is due after it.
    fn step(&mut self, observer: &mut dyn Observer<T>) -> Result<Option<StopReason>, TrainError> {
        let Position { steps, epochs, batch: index, .. } = self.position;
        let count = self.batches.count();
        let ends_pass = index.saturating_add(1) >= count;
        if count > 1 {
            self.optimizer.invalidate();
        }
        // L-BFGS, the only optimiser to say that there is no step to do, says it of one batch.
        let may_idle = count > 1 && self.options.is_lbfgs();
        if may_idle || ends_pass && self.measures_before_step() {
            self.before.copy_from_slice(&self.x);
        }
        let rate = self.options.schedule.rate(self.options.base_rate(), steps, self.total_steps);
        let batch = self.batches.get(epochs, index);
        let weight =
            batch.weights.map_or(batch.rows as f64, |weights| weights.iter().map(|w| w.to_f64()).sum());
        let mut objective = BatchObjective {
            executor: &mut *self.executor,
            observer: &*observer,
            loss: self.options.loss,
            batch,
            evaluations: 0,
        };
        let outcome = self.optimizer.step(&mut self.x, rate, &mut objective);
        self.position.evaluations = self.position.evaluations.saturating_add(objective.evaluations);
        let step = match outcome {
            Ok(step) => step,
            Err(Halt::Cancelled) => return Ok(Some(StopReason::Cancelled)),
            Err(Halt::Engine(error)) => return Err(error.into()),
        };
        let mut end = match step.outcome {
            StepOutcome::Accepted => None,
            StepOutcome::Converged => Some(StopReason::Converged),
            StepOutcome::Failed { reason: Failure::LineSearch } => Some(StopReason::Stalled),
            StepOutcome::Failed { reason } => return Err(self.rejected(&step, reason, epochs, index)?),
        };
        if may_idle {
            end = self.end_of_batches(end, count);
        } else if end == Some(StopReason::Stalled) {
            return Ok(end);
        }
        self.position.steps = steps.saturating_add(1);
        self.position.pass_loss += step.loss * weight;
        self.position.pass_weight += weight;
        self.position.batch = index.saturating_add(1);
        let pass_mean =
            if count == 1 { step.loss } else { self.position.pass_loss / self.position.pass_weight };
        if ends_pass {
            self.position.epochs = epochs.saturating_add(1);
            (self.position.batch, self.position.pass_loss, self.position.pass_weight) = (0, 0.0, 0.0);
        }
        let stops_early = self.report(&step, rate, pass_mean, ends_pass, observer)?;
        Ok(end.or(stops_early.then_some(StopReason::EarlyStopped)))
    }

    /// What it means for passes of `count` batches that the optimiser would `end` on one of them: nothing, until it
    /// has said so of as many in a row, without moving.
    fn end_of_batches(&mut self, end: Option<StopReason>, count: u64) -> Option<StopReason> {
        let position = &mut self.position;
        if end.is_none() || self.x != self.before {
            (position.idle, position.stalled) = (0, false);
            return None;
        }
        position.idle = position.idle.saturating_add(1);
        position.stalled |= end == Some(StopReason::Stalled);
        let reason = if position.stalled { StopReason::Stalled } else { StopReason::Converged };
        (position.idle >= count).then_some(reason)
    }

    /// Whether the loss of a step is watched and belongs to the parameters before it.
    fn measures_before_step(&self) -> bool {
        self.watch.watched == Watched::Training && !self.options.is_lbfgs()
    }

    /// Tells the observer of a step, measures what is watched, and returns whether to stop early.
    fn report(
        &mut self,
        step: &Step,
        rate: f64,
        pass_mean: f64,
        ends_pass: bool,
        observer: &mut dyn Observer<T>,
    ) -> Result<bool, EngineError> {
        let by_step = matches!(self.end, Length::Steps(_));
        let seconds = self.started.elapsed().as_secs_f64();
        let Position { steps, epochs, batch, evaluations, .. } = self.position;
        let mut measurement = None;
        if self.watch.watched == Watched::Training && ends_pass {
            measurement = Some(pass_mean);
        }
        if by_step || ends_pass {
            let validation_loss = match &self.prepared.validation {
                Some(block) => Some(self.executor.loss(self.options.loss, &self.x, &block.all())?),
                None => None,
            };
            measurement = validation_loss.or(measurement);
            let loss = if by_step { step.loss } else { pass_mean };
            let record = Record {
                step: steps,
                epoch: epochs,
                loss,
                validation_loss,
                rmse: self.rmse(loss),
                validation_rmse: validation_loss.and_then(|loss| self.rmse(loss)),
                learning_rate: rate,
                gradient_norm: step.gradient_norm,
                evaluations,
                seconds,
            };
            self.history.push(record);
            observer.on_record(&record);
        } else {
            let batches = self.batches.count();
            let progress = Progress { step: steps, epoch: epochs, batch, batches, loss: pass_mean, seconds };
            observer.on_progress(&progress);
        }
        let parameters = if self.measures_before_step() { &self.before } else { &self.x };
        Ok(measurement.is_some_and(|loss| self.watch.measured(loss, parameters, &mut self.position)))
    }

    /// The root mean squared error in the user's units that a loss amounts to, if it does.
    fn rmse(&self, loss: f64) -> Option<f64> {
        let root = match self.options.loss {
            Loss::Mse => loss.sqrt(),
            Loss::Rmse => loss,
            _ => return None,
        };
        let scale = self.network.scaler().map_or(1.0, |scaler| scaler.target_scale[0]);
        (self.network.outputs() == 1).then_some(root * scale)
    }

    /// The error that a rejected step is for the fit.
    fn rejected(
        &mut self,
        step: &Step,
        reason: Failure,
        pass: u64,
        index: u64,
    ) -> Result<TrainError, EngineError> {
        let edge = match reason {
            Failure::Gradient { index } | Failure::Update { index } => self.network.edge_of_parameter(index),
            // A line search that fails is no error, and the last two can't happen: options and state were checked.
            Failure::Loss | Failure::LineSearch | Failure::LearningRate { .. } | Failure::Length { .. } => {
                None
            }
        };
        let edge = match edge {
            Some(edge) => edge,
            None => {
                let batch = self.batches.get(pass, index);
                locate(&self.network, &mut *self.executor, &self.x, &batch)?
            }
        };
        Ok(TrainError::Diverged { step: self.position.steps.saturating_add(1), edge, loss: step.loss })
    }

    fn checkpoint_if_due(&mut self, observer: &mut dyn Observer<T>) -> Result<(), TrainError> {
        let due = match self.options.checkpoint_every {
            None => false,
            Some(CheckpointEvery::Steps(steps)) => self.position.steps.is_multiple_of(steps),
            Some(CheckpointEvery::Seconds(seconds)) => self.checkpointed.elapsed().as_secs_f64() >= seconds,
        };
        if !due {
            return Ok(());
        }
        self.choose_unmeasured();
        let kept = observer.on_checkpoint(&self.network, &self.state());
        self.checkpointed = Instant::now();
        kept.map_err(|reason| TrainError::Checkpoint { step: self.position.steps, reason })
    }
}

/// The position that a fit goes on from: what was measured on other data is forgotten, and a pass begun over other
/// batches is left.
fn continued(mut position: Position, now: &Position) -> Position {
    let same_objective = position.objective == now.objective;
    if !(same_objective && position.plan == now.plan) {
        if position.batch > 0 {
            position.epochs = position.epochs.saturating_add(1);
        }
        (position.batch, position.pass_loss, position.pass_weight) = (0, 0.0, 0.0);
        (position.idle, position.stalled) = (0, false);
    }
    if !(same_objective && position.validation == now.validation) {
        (position.best, position.threshold, position.stale) = (None, None, 0);
    }
    Position { objective: now.objective, validation: now.validation, plan: now.plan, ..position }
}

/// A number to tell losses apart.
fn fingerprint(loss: Loss) -> u64 {
    let parameter = if let Loss::Huber { delta } = loss { delta.to_bits() } else { 0 };
    loss.name().bytes().fold(parameter, |hash, byte| hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte))
}

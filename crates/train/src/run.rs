//! The loop of a fit: batch, step, record, measurement, checkpoint.

mod ending;
mod levels;
mod method;
mod resident;

pub(crate) use method::initial_smoothing;

use crate::batches::{Batches, Plan};
use crate::divergence::locate;
use crate::error::TrainError;
use crate::history::History;
use crate::observer::Observer;
use crate::options::{CheckpointEvery, FitOptions, Length};
use crate::prepare::Prepared;
use crate::report::{Best, Level, Phase, Progress, Record, StopReason, Watched};
use crate::solver::Halt;
use crate::state::{Position, StateError, TrainState};
use crate::watch::{Measured, Watch};
use kanode_engine::{Compile, EngineError, Executor, Loss, Real};
use kanode_network::Network;
use kanode_optim::{Failure, SharpnessAware, Step, StepOutcome};
use method::{BatchObjective, Method, Terms};
use resident::OnDevice;
use std::time::Instant;

/// How far a step dared to go: an optimiser has one or the other.
#[derive(Clone, Copy, Debug)]
struct Pace {
    learning_rate: Option<f64>,
    damping: Option<f64>,
}

/// A fit on its way.
pub(crate) struct Run<'a, T: Real> {
    network: Network<T>,
    backend: &'a dyn Compile<T>,
    executor: Box<dyn Executor<T>>,
    /// Where steps are done, if not here; and whether it is known that they can only be done here.
    on_device: Option<OnDevice<T>>,
    home_only: bool,
    prepared: &'a Prepared<T>,
    batches: Batches<'a, T>,
    options: &'a FitOptions,
    method: Method<T>,
    /// The parameters after the last accepted step.
    x: Vec<T>,
    /// Those before it, where their loss is watched, or the step may lead nowhere; until that loss is told of.
    before: Vec<T>,
    watch: Watch<T>,
    position: Position,
    /// Steps done by earlier fits.
    earlier: u64,
    end: Length,
    total_steps: u64,
    history: History,
    best: Option<Best>,
    levels: Vec<Level>,
    /// The loss of the last record.
    last_loss: Option<f64>,
    /// The network of an earlier level that validation found better than those after it, with its loss.
    kept: Option<(Network<T>, Best)>,
    started: Instant,
    checkpointed: Instant,
}

impl<'a, T: Real> Run<'a, T> {
    /// A fit of `network`, or the rest of one that was left at `resume`.
    pub(crate) fn new(
        network: Network<T>,
        backend: &'a dyn Compile<T>,
        prepared: &'a Prepared<T>,
        options: &'a FitOptions,
        resume: Option<TrainState<T>>,
        is_new: bool,
        started: Instant,
    ) -> Result<Self, TrainError> {
        let executor = backend.compile(network.program())?;
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
            fresh: is_new,
            ..Position::default()
        };
        let mut network = network;
        let (position, method, x, best) = match resume {
            None => {
                let method = Method::new(options, &network, &prepared.training, None)?;
                (now, method, network.parameters().to_vec(), None)
            }
            Some(state) => {
                state.check(n)?;
                network.parameters_mut().copy_from_slice(&state.parameters);
                let mut method = Method::new(options, &network, &prepared.training, Some(state.optimizer))?;
                if state.position.objective != now.objective {
                    method.invalidate();
                }
                let position = continued(state.position, &now);
                let (count, found) = (batches.count(), position.batch);
                if found >= count {
                    return Err(StateError::Batch { count, found }.into());
                }
                let best = state.best_parameters.filter(|_| position.best.is_some());
                (position, method, state.parameters, best)
            }
        };
        let watch = Watch::new(watched, options.early_stopping, best);
        let before = x.clone();
        Ok(Self {
            network,
            backend,
            executor,
            on_device: None,
            home_only: false,
            prepared,
            batches,
            options,
            method,
            x,
            before,
            watch,
            earlier: position.steps,
            position,
            end: Length::Steps(0),
            total_steps: 0,
            history: History::new(),
            best: None,
            levels: Vec::new(),
            last_loss: None,
            kept: None,
            started,
            checkpointed: started,
        })
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
        if self.options.is_lm() {
            return self.solver_step(observer);
        }
        if self.is_on_device()? {
            return self.device_steps(observer);
        }
        let Position { steps, epochs, batch: index, .. } = self.position;
        let count = self.batches.count();
        let ends_pass = index.saturating_add(1) >= count;
        if count > 1 {
            self.method.invalidate();
        }
        // L-BFGS, the only optimiser to say that there is no step to do, says it of one batch.
        let may_idle = count > 1 && self.options.is_lbfgs();
        if may_idle || ends_pass && self.measures_before_step() {
            self.before.copy_from_slice(&self.x);
        }
        let Method::Gradient(optimizer) = &mut self.method else { return Ok(Some(StopReason::Completed)) };
        let rate = self.options.schedule.rate(self.options.base_rate(), steps, self.total_steps);
        let batch = self.batches.get(epochs, index);
        let weight =
            batch.weights.map_or(batch.rows as f64, |weights| weights.iter().map(|w| w.to_f64()).sum());
        let mut objective = BatchObjective {
            executor: &mut *self.executor,
            observer: &*observer,
            loss: self.options.loss,
            batch,
            terms: Terms::of(self.options, &self.network),
            evaluations: 0,
        };
        let outcome = match self.options.sam {
            None => optimizer.step(&mut self.x, rate, &mut objective),
            Some(rho) => optimizer.step(&mut self.x, rate, &mut SharpnessAware::new(rho, &mut objective)),
        };
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
        let pace = Pace { learning_rate: Some(rate), damping: None };
        let stops_early = self.advance(&step, weight, pace, observer)?;
        Ok(end.or(stops_early.then_some(StopReason::EarlyStopped)))
    }

    /// Counts a step on a batch of this weight, and tells of it. Returns whether to stop early.
    fn advance(
        &mut self,
        step: &Step,
        weight: f64,
        pace: Pace,
        observer: &mut dyn Observer<T>,
    ) -> Result<bool, EngineError> {
        let count = self.batches.count();
        let position = &mut self.position;
        position.steps = position.steps.saturating_add(1);
        position.pass_loss += step.loss * weight;
        position.pass_weight += weight;
        position.batch = position.batch.saturating_add(1);
        let pass_mean = if count == 1 { step.loss } else { position.pass_loss / position.pass_weight };
        let ends_pass = position.batch >= count;
        if ends_pass {
            position.epochs = position.epochs.saturating_add(1);
            (position.batch, position.pass_loss, position.pass_weight) = (0, 0.0, 0.0);
        }
        self.report(step, pace, pass_mean, ends_pass, observer)
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
        self.watch.watched == Watched::Training && !self.options.is_lbfgs() && !self.options.is_lm()
    }

    /// Tells the observer of a step, measures what is watched, and returns whether to stop early.
    fn report(
        &mut self,
        step: &Step,
        pace: Pace,
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
            let validation_loss = self.validation_loss()?;
            measurement = validation_loss.or(measurement);
            let loss = if by_step { step.loss } else { pass_mean };
            let record = Record {
                step: steps,
                epoch: epochs,
                loss,
                validation_loss,
                rmse: self.rmse(loss),
                validation_rmse: validation_loss.and_then(|loss| self.rmse(loss)),
                grid: self.network.specification().grid,
                learning_rate: pace.learning_rate,
                damping: pace.damping,
                gradient_norm: step.gradient_norm,
                evaluations,
                seconds,
            };
            self.last_loss = Some(loss);
            self.history.push(record);
            observer.on_record(&record);
        } else {
            let batches = self.batches.count();
            let progress = Progress {
                phase: Phase::Pass,
                step: steps,
                epoch: epochs,
                batch,
                batches,
                loss: pass_mean,
                seconds,
            };
            observer.on_progress(&progress);
        }
        let wanted = measurement.is_some_and(|loss| self.position.best.is_none_or(|best| loss < best.loss));
        if let Some(device) = self.on_device.as_mut().filter(|_| wanted) {
            device.better = true;
        }
        let Some(loss) = measurement else { return Ok(false) };
        let parameters = if self.on_device.is_some() {
            None
        } else if self.measures_before_step() {
            Some(Measured::Spare(&mut self.before))
        } else {
            Some(Measured::Needed(&self.x))
        };
        Ok(self.watch.measured(loss, parameters, &mut self.position))
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
        self.bring_home()?;
        self.choose_unmeasured();
        self.note_prior();
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
        (position.rounds, position.round_steps) = (0, 0);
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

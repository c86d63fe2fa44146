//! Steps of Adam whose parameters stay on a device. They are queued in windows, and what they came to is asked for once
//! a window, so that a device never waits for its host. A fit records and watches the same numbers as ever; where it
//! wants the parameters themselves, they are brought home.

use super::method::Method;
use super::{Pace, Run};
use crate::error::TrainError;
use crate::observer::Observer;
use crate::options::{CheckpointEvery, Length};
use crate::report::{StopReason, Watched};
use crate::state::Position;
use kanode_engine::{EngineError, Hold, Keep, Real, Resident, ResidentStart};
use kanode_optim::{OptimizerState, Step, StepOutcome};
use std::time::{Duration, Instant};

/// Steps of a window, at most.
const WINDOW: u64 = 32;
/// How long a window may take where it has more than one step: nobody can cancel a fit in it, and it is told of at its
/// end. So a device is read from once in so many steps, or a few times a second where they are slow.
const PATIENCE: Duration = Duration::from_millis(250);
/// How often parameters are brought home at least, in case the device is lost: after the first window, after `PATIENCE`,
/// and then after twice as long each time, up to this.
const SAFETY: Duration = Duration::from_secs(5);

/// Training on a device.
pub(super) struct OnDevice<T> {
    trainer: Box<dyn Resident<T>>,
    window: u64,
    /// Steps done since the parameters were home, the position then, and the time.
    ahead: u64,
    home: Position,
    since: Instant,
    /// How long after that they are due.
    due: Duration,
    /// Whether the window before found better parameters, which the device does not hold yet.
    pub(super) better: bool,
    /// Whether it holds better ones than were ever home.
    holds: bool,
}

/// A step that is queued.
struct Queued {
    rate: f64,
    weight: f64,
}

impl<T: Real> Run<'_, T> {
    /// Whether the steps are done on a device; brings the training there if it can be.
    pub(super) fn is_on_device(&mut self) -> Result<bool, TrainError> {
        if self.on_device.is_some() {
            return Ok(true);
        }
        let plain = self.options.sam.is_none();
        let Method::Gradient(optimizer) = &mut self.method else { return Ok(false) };
        let Some(memory) = optimizer.adam_memory().filter(|_| plain && !self.home_only) else {
            return Ok(false);
        };
        let mut moving = vec![T::ONE; self.x.len()];
        self.network.clear_absent(&mut moving);
        let still: Vec<usize> = (0..moving.len()).filter(|index| moving[*index] == T::ZERO).collect();
        let prior = self.options.regularization.fixed();
        let penalty = self.options.penalties.to_plain(&self.network, prior.as_ref());
        let start = ResidentStart {
            parameters: &self.x,
            first: memory.first,
            second: memory.second,
            still: &still,
            lowest: self.position.best.map(|best| best.loss),
            penalty: penalty.as_ref(),
        };
        let trainer = self.executor.resident(&start)?;
        self.home_only = trainer.is_none();
        self.on_device = trainer.map(|trainer| OnDevice {
            trainer,
            window: 1,
            ahead: 0,
            home: self.position.clone(),
            since: Instant::now(),
            due: Duration::ZERO,
            better: false,
            holds: false,
        });
        Ok(self.on_device.is_some())
    }

    /// Has the device hold the best parameters, where the window before found them: those that were measured at its end,
    /// or that it kept before a step. They stay there until parameters are brought home.
    fn hold_on_device(&mut self) -> Result<(), EngineError> {
        let what = if self.measures_before_step() { Hold::Kept } else { Hold::Present };
        let Some(device) = self.on_device.as_mut().filter(|device| device.better) else { return Ok(()) };
        (device.better, device.holds) = (false, true);
        device.trainer.hold(what)
    }

    /// Brings parameters, moments and the best parameters home, where steps were done since they were.
    pub(super) fn bring_home(&mut self) -> Result<(), EngineError> {
        let brought = self.hold_on_device().and_then(|()| self.read_device());
        if brought.is_err() {
            self.lose_device();
        }
        brought
    }

    fn read_device(&mut self) -> Result<(), EngineError> {
        let Some(device) = self.on_device.as_mut().filter(|device| device.ahead > 0) else { return Ok(()) };
        let Method::Gradient(optimizer) = &mut self.method else { return Ok(()) };
        let mut x = self.x.clone();
        let mut best = device.holds.then(|| x.clone());
        device.read(optimizer, &mut x, best.as_deref_mut())?;
        self.x = x;
        best.into_iter().for_each(|best| self.watch.bring(best));
        (device.home, device.since) = (self.position.clone(), Instant::now());
        device.due = (2 * device.due).clamp(PATIENCE, SAFETY);
        Ok(())
    }

    /// Goes back to where the parameters were home last: those of a lost device are lost.
    fn lose_device(&mut self) {
        if let Some(device) = self.on_device.take() {
            self.position = device.home;
        }
    }

    /// A window of steps, and all that is due after each.
    pub(super) fn device_steps(
        &mut self,
        observer: &mut dyn Observer<T>,
    ) -> Result<Option<StopReason>, TrainError> {
        if observer.cancelled() {
            return Ok(Some(StopReason::Cancelled));
        }
        let (begun, before) = (Instant::now(), self.position.steps);
        let result = self.run_window(observer);
        match &result {
            Err(TrainError::Engine(_)) => self.lose_device(),
            _ => {
                if let Some(device) = &mut self.on_device {
                    let steps = self.position.steps - before;
                    device.window = next_window(device.window, steps, begun.elapsed());
                    if device.since.elapsed() >= device.due {
                        self.bring_home()?;
                    }
                }
            }
        }
        result
    }

    fn run_window(&mut self, observer: &mut dyn Observer<T>) -> Result<Option<StopReason>, TrainError> {
        self.hold_on_device()?;
        let (count, whole) = (self.batches.count(), self.batches.count() == 1);
        let Position { steps, epochs, batch: first, .. } = self.position;
        let length = self.window_length(count - first);
        let watches = self.measures_before_step();
        let Some(device) = &mut self.on_device else { return Ok(None) };
        let Method::Gradient(optimizer) = &self.method else { return Ok(None) };
        let Some(done) = optimizer.adam_steps().map(|steps| steps + device.ahead) else { return Ok(None) };
        let mut queued = Vec::new();
        for index in 0..length {
            let rate = self.options.schedule.rate(self.options.base_rate(), steps + index, self.total_steps);
            let Some(rule) = optimizer.adam_rule(rate, done + index + 1) else { return Ok(None) };
            let ends_pass = whole || first + index + 1 == count;
            let keep = match (watches && ends_pass, whole) {
                (false, _) => Keep::Never,
                (true, true) => Keep::IfLowest,
                (true, false) => Keep::Always,
            };
            let pass = if whole { epochs + index } else { epochs };
            let batch = self.batches.get(pass, if whole { 0 } else { first + index });
            let weight = batch.weights.map_or(batch.rows as f64, |w| w.iter().map(|w| w.to_f64()).sum());
            device.trainer.step(self.options.loss, &batch, &rule, keep)?;
            queued.push(Queued { rate, weight });
        }
        let outcomes = device.trainer.outcomes()?;
        device.ahead += outcomes.iter().take_while(|step| step.done).count() as u64;
        self.position.evaluations = self.position.evaluations.saturating_add(outcomes.len() as u64);
        for (outcome, Queued { rate, weight }) in outcomes.iter().zip(queued) {
            if !outcome.done {
                // What is wrong with it, the ordinary step will say.
                self.bring_home()?;
                (self.on_device, self.home_only) = (None, true);
                return Ok(None);
            }
            let step = Step {
                loss: outcome.loss,
                gradient_norm: outcome.gradient_norm,
                evaluations: 1,
                outcome: StepOutcome::Accepted,
            };
            let pace = Pace { learning_rate: Some(rate), damping: None };
            if self.advance(&step, weight, pace, observer)? {
                return Ok(Some(StopReason::EarlyStopped));
            }
        }
        Ok(None)
    }

    /// Steps until something wants to know how it goes.
    fn window_length(&self, left_in_pass: u64) -> u64 {
        let Some(device) = &self.on_device else { return 0 };
        let Position { steps, epochs, .. } = self.position;
        let whole = self.batches.count() == 1;
        let mut length = device.window.min(device.trainer.capacity() as u64);
        if !whole {
            length = length.min(left_in_pass);
        }
        match self.end {
            Length::Steps(end) => length = length.min(end - steps),
            Length::Epochs(end) if whole => length = length.min(end - epochs),
            Length::Epochs(_) => {}
        }
        let by_step = matches!(self.end, Length::Steps(_));
        let validates = self.watch.watched == Watched::Validation && (by_step || whole);
        if validates || whole && self.options.early_stopping.is_some() {
            return 1;
        }
        let next = |every: u64| every - steps % every;
        if let Some(CheckpointEvery::Steps(every)) = self.options.checkpoint_every {
            length = length.min(next(every));
        }
        if let Some(updates) = self.options.grid_update.filter(|updates| updates.enabled) {
            length = length.min(next(updates.every));
        }
        length
    }

    /// The loss of the validation rows at the parameters of now, wherever they are.
    pub(super) fn validation_loss(&mut self) -> Result<Option<f64>, EngineError> {
        let Some(block) = &self.prepared.validation else { return Ok(None) };
        let loss = match &mut self.on_device {
            Some(device) => device.trainer.loss(self.options.loss, &block.all()),
            None => self.executor.loss(self.options.loss, &self.x, &block.all()),
        };
        loss.map(Some)
    }
}

/// Steps of the window after one of `window` steps, of which so many were done in so long: as many as fit, but no more
/// than twice as many as before.
fn next_window(window: u64, steps: u64, elapsed: Duration) -> u64 {
    let fitting = PATIENCE.as_secs_f64() * steps as f64 / elapsed.as_secs_f64().max(1e-9);
    (fitting as u64).clamp(1, (2 * window).min(WINDOW))
}

impl<T: Real> OnDevice<T> {
    /// Reads parameters, moments, and what is held if it is asked for; counts the steps done.
    fn read(
        &mut self,
        optimizer: &mut OptimizerState<T>,
        x: &mut [T],
        held: Option<&mut [T]>,
    ) -> Result<(), EngineError> {
        if let Some(held) = held {
            self.trainer.held(held)?;
            self.holds = false;
        }
        if let Some(memory) = optimizer.adam_memory() {
            self.trainer.read(x, memory.first, memory.second)?;
            *memory.steps += std::mem::take(&mut self.ahead);
            memory.changed();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_grow_while_they_are_short_and_hold_as_many_slow_steps_as_fit() {
        let next =
            |window, steps, milliseconds| next_window(window, steps, Duration::from_millis(milliseconds));
        assert_eq!((next(1, 1, 1), next(16, 16, 20), next(32, 32, 30)), (2, 32, 32));
        // Steps of 60 ms, of 100 ms, and longer ones than may be waited for.
        assert_eq!((next(2, 2, 120), next(8, 8, 800), next(2, 2, 900)), (4, 2, 1));
        // A window that the end of a pass made short tells how long steps are all the same.
        assert_eq!(next(16, 3, 30), 25);
        assert_eq!((next(4, 0, 0), next(4, 4, 0)), (1, 8));
    }
}

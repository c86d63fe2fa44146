//! How a fit ends: which parameters the network gets, and what the report says.

use super::Run;
use super::method::Method;
use crate::divergence::locate;
use crate::error::TrainError;
use crate::observer::Observer;
use crate::report::{Best, FitReport, Outside, StopReason, Watched};
use crate::solver::{Halt, Smoothing};
use crate::state::{Position, TrainState};
use crate::watch::Watch;
use kanode_engine::Real;
use kanode_network::Network;

/// Rows whose statistics are taken at once.
const BLOCK: usize = 8192;

impl<T: Real> Run<'_, T> {
    /// All that is needed to go on from here.
    pub(super) fn state(&self) -> TrainState<T> {
        TrainState {
            position: self.position.clone(),
            optimizer: self.method.export(),
            parameters: self.x.clone(),
            best_parameters: self.watch.best().cloned(),
        }
    }

    /// Gives the network the parameters that the fit ends with.
    fn choose(&mut self, stop: StopReason) -> Result<(), TrainError> {
        self.choose_unmeasured();
        let unmeasured = self.measures_before_step() && stop != StopReason::Cancelled;
        if !(unmeasured && self.options.restore_best) {
            return Ok(());
        }
        let all = self.prepared.training.all();
        let loss = self.executor.loss(self.options.loss, &self.x, &all)?;
        if self.best.is_none() && !loss.is_finite() {
            let edge = locate(&self.network, &mut *self.executor, &self.x, &all)?;
            return Err(TrainError::Diverged { step: self.position.steps.saturating_add(1), edge, loss });
        }
        if loss.is_finite() && self.best.is_none_or(|best| loss <= best.loss) {
            self.network.parameters_mut().copy_from_slice(&self.x);
            let Position { steps: step, epochs: epoch, .. } = self.position;
            self.best = Some(Best { step, epoch, loss, watched: Watched::Training, restored: false });
        }
        Ok(())
    }

    /// Gives the network the best parameters seen, if they are to be restored, else the last.
    pub(crate) fn choose_unmeasured(&mut self) {
        if self.options.restore_best && self.choose_best() {
            return;
        }
        self.best = self.best_seen(false);
        self.network.parameters_mut().copy_from_slice(&self.x);
    }

    /// Gives the network the best parameters seen; returns whether there are any.
    pub(crate) fn choose_best(&mut self) -> bool {
        let Some(best) = self.watch.best() else { return false };
        self.network.parameters_mut().copy_from_slice(best);
        self.best = self.best_seen(*best != self.x);
        true
    }

    fn best_seen(&self, restored: bool) -> Option<Best> {
        let best = self.position.best?;
        Some(Best {
            step: best.step,
            epoch: best.epoch,
            loss: best.loss,
            watched: self.watch.watched,
            restored,
        })
    }

    /// Chooses the parameters to end with, and looks how they use the grids. A fit that is cancelled while it measures
    /// has done all its steps, and ends as cancelled all the same.
    pub(crate) fn conclude(
        &mut self,
        stop: StopReason,
        observer: &dyn Observer<T>,
    ) -> Result<(StopReason, Vec<Outside>), TrainError> {
        let stop = if observer.cancelled() { StopReason::Cancelled } else { stop };
        self.choose(stop)?;
        if stop != StopReason::Cancelled && self.take_kept() {
            self.executor = self.backend.compile(self.network.program())?;
            self.x = self.network.parameters().to_vec();
            self.method = Method::new(self.options, &self.network, &self.prepared.training, None)?;
            self.watch = Watch::new(self.watch.watched, self.options.early_stopping, None);
            (self.position.best, self.position.threshold) = (None, None);
        }
        self.measure_noise(observer)?;
        self.note_prior();
        let outside = if stop == StopReason::Cancelled { None } else { self.outside(observer)? };
        Ok(outside.map_or((StopReason::Cancelled, Vec::new()), |outside| (stop, outside)))
    }

    /// Learns the noise at the end, where a prior was found from the data, if steps were done since it was last learned.
    fn measure_noise(&mut self, observer: &dyn Observer<T>) -> Result<(), TrainError> {
        let moved = self.position.round_steps > 0;
        let Method::Solver(solver) = &mut self.method else { return Ok(()) };
        if !(solver.smoothing.adaptive && (moved || solver.smoothing.noise.is_none())) {
            return Ok(());
        }
        match solver.measure_noise(&|| observer.cancelled()) {
            // Whoever does not want to wait gets what there is.
            Ok(_) | Err(Halt::Cancelled) => Ok(()),
            Err(Halt::Engine(error)) => Err(error.into()),
        }
    }

    /// Has the network remember the prior, which tells how sure its predictions are.
    pub(super) fn note_prior(&mut self) {
        if let Method::Solver(solver) = &self.method {
            self.network.set_regularization(Some(solver.smoothing.record()));
        } else {
            self.network.set_regularization(None);
        }
    }

    /// How much of the training rows lies outside the grids of each layer, with the parameters chosen; None if the
    /// observer does not want to wait for it.
    fn outside(&mut self, observer: &dyn Observer<T>) -> Result<Option<Vec<Outside>>, TrainError> {
        let block = &self.prepared.training;
        let mut layers: Vec<Outside> = Vec::new();
        for from in (0..block.rows).step_by(BLOCK) {
            if observer.cancelled() {
                return Ok(None);
            }
            let batch = block.batch(from, (from + BLOCK).min(block.rows));
            let statistics = self.executor.statistics(self.network.parameters(), batch.x)?;
            layers.resize(statistics.len(), Outside { outside: 0, values: 0 });
            for (layer, statistics) in layers.iter_mut().zip(&statistics) {
                layer.outside += statistics.inputs.iter().map(|input| input.outside).sum::<usize>();
                layer.values += statistics.inputs.len() * batch.rows;
            }
        }
        Ok(Some(layers))
    }

    /// The network as chosen, and what there is to tell. What becomes of that network is for the caller to say.
    pub(crate) fn finish(self, stop: StopReason, outside: Vec<Outside>) -> (Network<T>, FitReport<T>) {
        let state = self.state();
        let regularization = match &self.method {
            Method::Solver(solver) => solver.smoothing.report(),
            Method::Gradient(_) => {
                self.options.regularization.fixed().and_then(|prior| Smoothing::fixed(prior).report())
            }
        };
        let (history, records) = self.history.finish();
        let report = FitReport {
            history,
            records,
            stop,
            optimizer: self.options.optimizer().name(),
            levels: self.levels,
            regularization,
            best: self.best,
            steps: self.position.steps,
            epochs: self.position.epochs,
            evaluations: self.position.evaluations,
            training_rows: self.prepared.training.rows,
            validation_rows: self.prepared.validation.as_ref().map_or(0, |block| block.rows),
            seconds: self.started.elapsed().as_secs_f64(),
            changed: false,
            outside,
            state,
        };
        (self.network, report)
    }
}

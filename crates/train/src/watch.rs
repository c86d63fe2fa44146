//! Which parameters are the best so far, and whether it is time to stop.

use crate::options::EarlyStopping;
use crate::report::Watched;
use crate::state::{BestPoint, Position};
use kanode_engine::Real;

/// Keeps the best parameters by the loss watched.
#[derive(Debug)]
pub(crate) struct Watch<T> {
    pub(crate) watched: Watched,
    early: Option<EarlyStopping>,
    best: Option<Vec<T>>,
}

/// Parameters that were measured.
#[derive(Debug)]
pub(crate) enum Measured<'a, T> {
    /// Others have a use for them.
    Needed(&'a [T]),
    /// They may be exchanged for any of their length, which saves a copy.
    Spare(&'a mut Vec<T>),
}

impl<T: Real> Watch<T> {
    /// `best` are the parameters of `position.best`, if there is one.
    pub(crate) fn new(watched: Watched, early: Option<EarlyStopping>, best: Option<Vec<T>>) -> Self {
        Self { watched, early, best }
    }

    /// The best parameters so far.
    pub(crate) fn best(&self) -> Option<&Vec<T>> {
        self.best.as_ref()
    }

    /// Takes in the best parameters, measured before they were here.
    pub(crate) fn bring(&mut self, best: Vec<T>) {
        self.best = Some(best);
    }

    /// Takes in a measurement of the loss watched, at `parameters`; without them, [`Watch::bring`] has to follow. Returns
    /// whether to stop early.
    pub(crate) fn measured(
        &mut self,
        loss: f64,
        parameters: Option<Measured<'_, T>>,
        position: &mut Position,
    ) -> bool {
        // Comparisons with NaN are false: such a loss never improves on anything.
        let finite = loss.is_finite();
        if finite && position.best.is_none_or(|best| loss < best.loss) {
            position.best = Some(BestPoint { step: position.steps, epoch: position.epochs, loss });
            match (&mut self.best, parameters) {
                (Some(best), Some(Measured::Needed(parameters))) => best.copy_from_slice(parameters),
                (Some(best), Some(Measured::Spare(parameters))) => std::mem::swap(best, parameters),
                (None, Some(Measured::Needed(parameters))) => self.best = Some(parameters.to_vec()),
                (None, Some(Measured::Spare(parameters))) => self.best = Some(parameters.clone()),
                (_, None) => {}
            }
        }
        let Some(EarlyStopping { patience, min_delta }) = self.early else { return false };
        if finite && position.threshold.is_none_or(|threshold| loss < threshold) {
            position.threshold = Some(loss - min_delta);
            position.stale = 0;
            return false;
        }
        position.stale = position.stale.saturating_add(1);
        if position.stale < patience {
            return false;
        }
        // Who resumes after this asks for more patience.
        position.stale = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(patience: u64, min_delta: f64, losses: &[f64]) -> (Vec<bool>, Position, Option<Vec<f64>>) {
        let early = Some(EarlyStopping { patience, min_delta });
        let mut watch = Watch::new(Watched::Validation, early, None);
        let mut position = Position::default();
        let stops = losses.iter().map(|loss| {
            position.steps += 1;
            // Either way.
            let (needed, mut spare) = ([*loss], vec![*loss]);
            let here = match position.steps % 2 {
                0 => Measured::Needed(&needed),
                _ => Measured::Spare(&mut spare),
            };
            watch.measured(*loss, Some(here), &mut position)
        });
        let stops = stops.collect();
        (stops, position, watch.best)
    }

    #[test]
    fn patience_counts_measurements_without_improvement() {
        let (stops, position, best) = run(2, 0.0, &[3.0, 2.0, 2.5, 1.0, 1.0, 1.5]);
        assert_eq!(stops, [false, false, false, false, false, true]);
        assert_eq!(position.best, Some(BestPoint { step: 4, epoch: 0, loss: 1.0 }));
        assert_eq!(best, Some(vec![1.0]));
    }

    #[test]
    fn small_improvements_are_kept_but_do_not_count() {
        let (stops, position, best) = run(2, 0.5, &[3.0, 2.9, 2.8]);
        assert_eq!(stops, [false, false, true]);
        assert_eq!((position.best.unwrap().step, best), (3, Some(vec![2.8])));
    }

    #[test]
    fn a_loss_that_is_no_number_never_improves() {
        let (stops, position, best) = run(2, 0.0, &[f64::NAN, f64::NEG_INFINITY]);
        assert_eq!((stops, position.best, best), (vec![false, true], None, None));
    }
}

//! A sign of life of a search that finds nothing better for a while: the best so far is told again.

use crate::discover::Progress;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long nothing may be told.
pub(crate) const PERIOD: Duration = Duration::from_secs(1);

/// Hands on what is told, and tells the last of it again from within the questions whether to stop, which a search asks
/// often.
pub(crate) struct Pulse<'a> {
    progress: &'a (dyn Fn(&Progress) + Sync),
    period: Duration,
    last: Mutex<Option<(Instant, Progress)>>,
}

impl<'a> Pulse<'a> {
    pub(crate) fn new(progress: &'a (dyn Fn(&Progress) + Sync), period: Duration) -> Self {
        Self { progress, period, last: Mutex::new(None) }
    }

    pub(crate) fn tell(&self, progress: &Progress) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((Instant::now(), progress.clone()));
        (self.progress)(progress);
    }

    /// Tells the last again if it is old. Whoever is telling already is not waited for.
    pub(crate) fn beat(&self) {
        let Ok(mut last) = self.last.try_lock() else { return };
        if let Some((told, progress)) = last.as_mut()
            && told.elapsed() >= self.period
        {
            *told = Instant::now();
            (self.progress)(progress);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Expression;

    #[test]
    fn the_last_is_told_again_when_it_is_old() {
        let told = Mutex::new(Vec::new());
        let progress = |one: &Progress| told.lock().unwrap().push(one.evaluations);
        let one = |evaluations: f64| Progress { evaluations, formula: Expression::integer(1), error: 0.5 };
        for (period, expected) in
            [(Duration::ZERO, vec![3.0, 3.0, 4.0, 4.0]), (Duration::MAX, vec![3.0, 4.0])]
        {
            let pulse = Pulse::new(&progress, period);
            pulse.beat();
            for evaluations in [3.0, 4.0] {
                pulse.tell(&one(evaluations));
                pulse.beat();
            }
            assert_eq!(std::mem::take(&mut *told.lock().unwrap()), expected);
        }
    }
}

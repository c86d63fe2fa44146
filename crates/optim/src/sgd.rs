//! Gradient descent with momentum, plain or Nesterov's. The arithmetic of an element is `f64`, rounded once when it
//! is stored.

use crate::error::StateError;
use crate::objective::{Failure, Objective, Step, StepOutcome, fault};
use crate::state::{Method, State};
use crate::vector::norm;
use kanode_engine::Real;

/// `v ← μv + g`; `x ← x − ηv`, or with Nesterov's look-ahead `x ← x − η(g + μv)` (Sutskever et al. 2013, in the form
/// of PyTorch, where the rate multiplies the velocity rather than entering it).
#[derive(Clone, Debug)]
pub(crate) struct Sgd<T> {
    momentum: f64,
    nesterov: bool,
    /// Empty without momentum.
    velocity: Vec<T>,
    gradient: Vec<T>,
}

impl<T: Real> Sgd<T> {
    pub(crate) fn new(n: usize, momentum: f64, nesterov: bool) -> Self {
        let velocity = vec![T::ZERO; if momentum > 0.0 { n } else { 0 }];
        Self { momentum, nesterov, velocity, gradient: vec![T::ZERO; n] }
    }

    /// Numbers kept for each parameter.
    pub(crate) fn slabs(momentum: f64) -> usize {
        1 + usize::from(momentum > 0.0)
    }

    /// The new parameter and velocity.
    fn apply(momentum: f64, nesterov: bool, rate: f64, x: T, g: T, v: T) -> (T, T) {
        let g = g.to_f64();
        let v = T::from_f64(momentum * v.to_f64() + g);
        let direction = if nesterov { g + momentum * v.to_f64() } else { v.to_f64() };
        (T::from_f64(x.to_f64() - rate * direction), v)
    }
}

impl<T: Real> Method<T> for Sgd<T> {
    fn step<O: Objective<T> + ?Sized>(
        &mut self,
        x: &mut [T],
        learning_rate: f64,
        objective: &mut O,
    ) -> Result<Step, O::Stop> {
        let loss = objective.evaluate(x, &mut self.gradient)?;
        let gradient_norm = norm(&self.gradient);
        if let Some(reason) = fault(loss, &self.gradient) {
            return Ok(Step::failed(loss, gradient_norm, 1, reason));
        }
        let (momentum, nesterov) = (self.momentum, self.nesterov);
        let apply = |x, g, v| Self::apply(momentum, nesterov, learning_rate, x, g, v);
        // Everything is computed once only to see that it is finite: a rejected step must leave no trace.
        let old = self.velocity.iter().copied().chain(std::iter::repeat(T::ZERO));
        let bad = x.iter().zip(&self.gradient).zip(old).position(|((x, g), v)| {
            let (x, v) = apply(*x, *g, v);
            !(x.is_finite() && v.is_finite())
        });
        if let Some(index) = bad {
            return Ok(Step::failed(loss, gradient_norm, 1, Failure::Update { index }));
        }
        if self.velocity.is_empty() {
            for (x, g) in x.iter_mut().zip(&self.gradient) {
                *x = apply(*x, *g, T::ZERO).0;
            }
        } else {
            for ((x, g), v) in x.iter_mut().zip(&self.gradient).zip(&mut self.velocity) {
                (*x, *v) = apply(*x, *g, *v);
            }
        }
        Ok(Step { loss, gradient_norm, evaluations: 1, outcome: StepOutcome::Accepted })
    }

    fn export(&self, state: &mut State<T>) {
        if self.momentum > 0.0 {
            state.put_vector("velocity", &self.velocity);
        }
    }

    fn import(&mut self, state: &mut State<T>) -> Result<(), StateError> {
        // A run that is continued with momentum where it had none starts with velocity 0, and one that is continued
        // without forgets its velocity.
        if state.vectors.contains_key("velocity") {
            let velocity = state.take_vector("velocity", self.gradient.len())?;
            if self.momentum > 0.0 {
                self.velocity = velocity;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::quadratic;
    use crate::{Optimizer, OptimizerState};

    #[test]
    fn plain_momentum_and_nesterov_follow_their_formulas() {
        for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
            let mut state = OptimizerState::new(&Optimizer::Sgd { momentum, nesterov }, 2);
            let (mut x, mut expected, mut v) = ([1.0_f64, -3.0], [1.0, -3.0], [0.0, 0.0]);
            for _ in 0..40 {
                state.step(&mut x, 0.02, &mut quadratic(&[1.0, 8.0])).unwrap();
                for (i, curvature) in [1.0, 8.0].into_iter().enumerate() {
                    let g = curvature * expected[i];
                    v[i] = momentum * v[i] + g;
                    expected[i] -= 0.02 * if nesterov { g + momentum * v[i] } else { v[i] };
                }
            }
            assert_eq!(x, expected, "momentum {momentum}, nesterov {nesterov}");
        }
    }

    #[test]
    fn two_steps_computed_by_hand() {
        // f = x²/2 from 1, rate 0.1, momentum 0.5: v = 1, x = 0.9; then v = 0.5 + 0.9 = 1.4, x = 0.76.
        let mut state = OptimizerState::new(&Optimizer::Sgd { momentum: 0.5, nesterov: false }, 1);
        let mut x = [1.0_f64];
        state.step(&mut x, 0.1, &mut quadratic(&[1.0])).unwrap();
        assert_eq!(x, [0.9]);
        state.step(&mut x, 0.1, &mut quadratic(&[1.0])).unwrap();
        assert!((x[0] - 0.76).abs() < 1e-15);
    }

    #[test]
    fn a_run_can_be_continued_with_another_momentum() {
        let with = |momentum| Optimizer::Sgd { momentum, nesterov: false };
        let run = |optimizer: &Optimizer, state: Option<State<f64>>, x: &mut [f64]| {
            let mut run = match state {
                Some(state) => OptimizerState::import(optimizer, 1, state).unwrap(),
                None => OptimizerState::new(optimizer, 1),
            };
            run.step(x, 0.1, &mut quadratic(&[1.0])).unwrap();
            run.export()
        };
        // f = x²/2, rate 0.1: x = 0.9 without velocity, which then starts at 0: v = 0.9, x = 0.81.
        let mut x = [1.0];
        let saved = run(&with(0.0), None, &mut x);
        let saved = run(&with(0.5), Some(saved), &mut x);
        assert!((x[0] - 0.81).abs() < 1e-15 && saved.vectors["velocity"] == [0.9]);
        // And is dropped again: x = 0.81 − 0.081.
        let saved = run(&with(0.0), Some(saved), &mut x);
        assert!((x[0] - 0.729).abs() < 1e-15 && saved.vectors.is_empty());
    }

    #[test]
    fn a_step_out_of_range_is_rejected_and_leaves_no_trace() {
        let mut state = OptimizerState::new(&Optimizer::sgd(), 2);
        let mut x = [1.0_f32, 1.0];
        state.step(&mut x, 0.1, &mut quadratic(&[1.0, 2.0])).unwrap();
        let (before, saved) = (x, state.export());
        let step = state.step(&mut x, 1e300, &mut quadratic(&[1.0, 2.0])).unwrap();
        assert_eq!(step.outcome, StepOutcome::Failed { reason: Failure::Update { index: 0 } });
        assert_eq!((x, state.export()), (before, saved));
    }
}

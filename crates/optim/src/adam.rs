//! Adam and AdamW. The scalars of a step are computed in `f64`; elements in their own type, by whoever evaluates the
//! objective, which has the threads and the vectors.

use crate::error::StateError;
use crate::objective::{Failure, Objective, Step, StepOutcome, fault};
use crate::state::{Method, State};
use crate::vector::{norm, power};
use kanode_engine::{AdamRule, AdamSlabs, Descent, Real};

/// Adam (Kingma & Ba 2015, algorithm 1):
/// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `x ← (1−ηλ)x − η·m̂/(√v̂ + ε)` with `m̂ = m/(1−β₁ᵗ)`, `v̂ = v/(1−β₂ᵗ)`;
/// `λ` is the decoupled weight decay of AdamW (Loshchilov & Hutter 2019), 0 for Adam.
#[derive(Clone, Debug)]
pub(crate) struct Adam<T> {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    steps: u64,
    first: Vec<T>,
    second: Vec<T>,
    gradient: Vec<T>,
    /// No first moment, and no root of a second one, is larger.
    largest: f64,
}

impl<T: Real> Adam<T> {
    /// Numbers kept for each parameter.
    pub(crate) const SLABS: usize = 3;

    pub(crate) fn new(n: usize, beta1: f64, beta2: f64, epsilon: f64, weight_decay: f64) -> Self {
        let zeros = || vec![T::ZERO; n];
        let (first, second, gradient) = (zeros(), zeros(), zeros());
        Self { beta1, beta2, epsilon, weight_decay, steps: 0, first, second, gradient, largest: 0.0 }
    }

    /// The first parameter that a step would make leave the number range. Everything is computed once only to see that
    /// it is finite: a rejected step must leave no trace.
    fn first_out_of_range(&self, rule: &AdamRule<T>, x: &[T]) -> Option<usize> {
        let moments = self.first.iter().zip(&self.second);
        x.iter().zip(&self.gradient).zip(moments).position(|((x, g), (m, v))| {
            let (x, m, v) = rule.element(*x, *g, *m, *v);
            !(x.is_finite() && m.is_finite() && v.is_finite())
        })
    }

    /// The scalars of step number `step`, from 1.
    pub(crate) fn rule(&self, learning_rate: f64, step: u64) -> AdamRule<T> {
        AdamRule {
            first: [self.beta1, 1.0 - self.beta1].map(T::from_f64),
            second: [self.beta2, 1.0 - self.beta2].map(T::from_f64),
            epsilon: T::from_f64(self.epsilon),
            keep: T::from_f64(1.0 - learning_rate * self.weight_decay),
            rate: T::from_f64(learning_rate / (1.0 - power(self.beta1, step))),
            scale: T::from_f64(1.0 / (1.0 - power(self.beta2, step))),
        }
    }

    /// Ends a step that was done.
    fn accept(&mut self, steps: u64, loss: f64, gradient_norm: f64) -> Step {
        self.steps = steps;
        // A mean of numbers is below the largest, but for rounding.
        self.largest = self.largest.max(gradient_norm) * (1.0 + 4.0 * T::EPSILON.to_f64());
        Step { loss, gradient_norm, evaluations: 1, outcome: StepOutcome::Accepted }
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// Steps done, first and second moments.
    pub(crate) fn memory(&mut self) -> AdamMemory<'_, T> {
        let Self { steps, first, second, largest, .. } = self;
        AdamMemory { steps, first, second, largest }
    }
}

/// What Adam remembers, for whoever does its steps elsewhere.
#[derive(Debug)]
pub struct AdamMemory<'a, T> {
    /// Steps done.
    pub steps: &'a mut u64,
    /// First moments.
    pub first: &'a mut [T],
    /// Second moments.
    pub second: &'a mut [T],
    largest: &'a mut f64,
}

impl<T: Real> AdamMemory<'_, T> {
    /// To be called when the moments have changed.
    pub fn changed(self) {
        *self.largest = largest(self.first, self.second);
    }
}

/// The largest first moment or root of a second one.
fn largest<T: Real>(first: &[T], second: &[T]) -> f64 {
    let size = |(m, v): (&T, &T)| m.to_f64().abs().max(v.to_f64().sqrt());
    first.iter().zip(second).map(size).fold(0.0, f64::max)
}

impl<T: Real> Method<T> for Adam<T> {
    fn step<O: Objective<T> + ?Sized>(
        &mut self,
        x: &mut [T],
        learning_rate: f64,
        objective: &mut O,
    ) -> Result<Step, O::Stop> {
        let steps = self.steps.saturating_add(1);
        let rule = self.rule(learning_rate, steps);
        let Self { gradient, first, second, largest, .. } = self;
        let descent =
            Descent { rule: &rule, largest: *largest, parameters: &mut *x, gradient, first, second };
        let (loss, done) = objective.descend(descent)?;
        if let Some(squares) = done {
            return Ok(self.accept(steps, loss, squares.sqrt()));
        }
        let survey = objective.survey(x, &self.gradient);
        // Squares that leave the range are the exception that `norm` and `fault` are slow and careful for.
        let plain = survey.is_plain();
        let gradient_norm = if plain { survey.squares.sqrt() } else { norm(&self.gradient) };
        if (!plain || !loss.is_finite())
            && let Some(reason) = fault(loss, &self.gradient)
        {
            return Ok(Step::failed(loss, gradient_norm, 1, reason));
        }
        let safe = rule.stays_finite(survey.magnitudes, self.largest.max(gradient_norm));
        if !safe && let Some(index) = self.first_out_of_range(&rule, x) {
            return Ok(Step::failed(loss, gradient_norm, 1, Failure::Update { index }));
        }
        let Self { gradient, first, second, .. } = self;
        objective.adam(&rule, AdamSlabs { parameters: x, gradient, first, second });
        Ok(self.accept(steps, loss, gradient_norm))
    }

    fn export(&self, state: &mut State<T>) {
        state.put_counter("steps", self.steps);
        state.put_vector("firstMoment", &self.first);
        state.put_vector("secondMoment", &self.second);
    }

    fn import(&mut self, state: &mut State<T>) -> Result<(), StateError> {
        let n = self.gradient.len();
        self.steps = state.take_counter("steps")?;
        self.first = state.take_vector("firstMoment", n)?;
        self.second = state.take_vector("secondMoment", n)?;
        if self.second.iter().any(|v| *v < T::ZERO) {
            return Err(StateError::Range { name: "secondMoment".to_owned(), expected: "at least 0" });
        }
        self.largest = largest(&self.first, &self.second);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::quadratic;
    use crate::{Optimizer, OptimizerState};

    /// The formulas of the papers, one parameter at a time, with explicit powers.
    fn slow(decay: f64, rate: f64, steps: i32, x: &mut [f64]) {
        let curvature = [1.0, 10.0, 100.0];
        for (i, x) in x.iter_mut().enumerate() {
            let (mut m, mut v) = (0.0, 0.0);
            for t in 1..=steps {
                let g = curvature[i] * *x;
                m = 0.9 * m + 0.1 * g;
                v = 0.999 * v + 0.001 * g * g;
                let m_hat = m / (1.0 - 0.9_f64.powi(t));
                let v_hat = v / (1.0 - 0.999_f64.powi(t));
                *x -= rate * decay * *x;
                *x -= rate * m_hat / (v_hat.sqrt() + 1e-8);
            }
        }
    }

    #[test]
    fn the_first_step_computed_by_hand() {
        // g = 2: m = 0.2, v = 0.004, m̂ = 2, v̂ = 4, so x moves by 0.1·2/(2 + 1e-8).
        let mut x = [1.0_f64];
        let mut state = OptimizerState::new(&Optimizer::adam(), 1);
        let mut objective = |_: &[f64], g: &mut [f64]| {
            g[0] = 2.0;
            Ok::<f64, ()>(7.0)
        };
        let step = state.step(&mut x, 0.1, &mut objective).unwrap();
        assert!((x[0] - (1.0 - 0.1 * 2.0 / (2.0 + 1e-8))).abs() < 1e-15);
        assert_eq!((step.loss, step.gradient_norm, step.evaluations), (7.0, 2.0, 1));
        assert_eq!(step.outcome, StepOutcome::Accepted);
    }

    #[test]
    fn adam_and_adamw_follow_their_formulas() {
        for (optimizer, decay) in [(Optimizer::adam(), 0.0), (Optimizer::adamw(), 0.01)] {
            let (mut x, mut expected) = ([1.0, -2.0, 0.5], [1.0, -2.0, 0.5]);
            let mut state = OptimizerState::new(&optimizer, 3);
            for _ in 0..60 {
                state.step(&mut x, 0.05, &mut quadratic(&[1.0, 10.0, 100.0])).unwrap();
            }
            slow(decay, 0.05, 60, &mut expected);
            for (x, e) in x.iter().zip(&expected) {
                assert!((x - e).abs() < 1e-12, "{x} {e}");
            }
        }
    }

    #[test]
    fn a_parameter_that_never_had_a_gradient_does_not_move_a_bit() {
        let mut objective = |_: &[f64], g: &mut [f64]| {
            g.copy_from_slice(&[1.0, 0.0, -0.0]);
            Ok::<f64, ()>(1.0)
        };
        for optimizer in [Optimizer::adam(), Optimizer::adamw()] {
            let (mut x, mut state) = ([1.0, 3.0, -0.0], OptimizerState::new(&optimizer, 3));
            for _ in 0..5 {
                state.step(&mut x, 0.1, &mut objective).unwrap();
            }
            assert_eq!(x[1..].iter().map(|x| x.to_bits()).collect::<Vec<_>>(), [3f64.to_bits(), 1 << 63]);
        }
    }

    #[test]
    fn a_parameter_that_once_had_a_gradient_decays_with_adamw() {
        let mut slope = 1.0;
        let mut x = [1e6];
        let mut state = OptimizerState::new(&Optimizer::adamw(), 1);
        for _ in 0..3 {
            let mut objective = |_: &[f64], g: &mut [f64]| {
                g[0] = slope;
                Ok::<f64, ()>(1.0)
            };
            let before = x[0];
            state.step(&mut x, 0.1, &mut objective).unwrap();
            // The decay is 1000, a step of Adam at most of order 0.1.
            assert!((before - x[0] - 1e-3 * before).abs() < 1.0);
            slope = 0.0;
        }
    }

    #[test]
    fn a_step_out_of_range_is_rejected_and_leaves_no_trace() {
        let mut x = [1.0_f32, 1e38];
        let mut state = OptimizerState::new(&Optimizer::adam(), 2);
        state.step(&mut x, 0.1, &mut quadratic(&[1.0, 1e-30])).unwrap();
        let (before, saved) = (x, state.export());
        let step = state.step(&mut x, 1e39, &mut quadratic(&[1.0, 1e-30])).unwrap();
        assert!(matches!(step.outcome, StepOutcome::Failed { reason: Failure::Update { .. } }));
        assert_eq!((x, state.export()), (before, saved));
    }

    #[test]
    fn a_second_moment_below_zero_is_refused() {
        let mut state = OptimizerState::<f64>::new(&Optimizer::adam(), 2).export();
        state.vectors.insert("secondMoment".to_owned(), vec![0.0, -1.0]);
        let error = OptimizerState::import(&Optimizer::adam(), 2, state).unwrap_err();
        assert!(matches!(error, StateError::Range { name, .. } if name == "secondMoment"));
    }
}

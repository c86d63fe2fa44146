//! Sharpness-aware minimisation (Foret et al. 2021): the gradient is taken where the loss is worst nearby, which leads
//! to flat minima. KANs tend to sharp ones (tutorial slides, "Convergence & Generalization").

use crate::objective::Objective;
use crate::vector;
use kanode_engine::{AdamRule, AdamSlabs, Real, Survey};

/// An objective that answers with its own loss, and with the gradient of a point at distance `rho` up the slope.
#[derive(Debug)]
pub struct SharpnessAware<'a, O: ?Sized> {
    rho: f64,
    objective: &'a mut O,
}

impl<'a, O: ?Sized> SharpnessAware<'a, O> {
    /// Looks up to `rho` away, in the Euclidean norm of the parameters.
    pub fn new(rho: f64, objective: &'a mut O) -> Self {
        Self { rho, objective }
    }
}

impl<T: Real, O: Objective<T> + ?Sized> Objective<T> for SharpnessAware<'_, O> {
    type Stop = O::Stop;

    fn evaluate(&mut self, x: &[T], gradient: &mut [T]) -> Result<f64, O::Stop> {
        let loss = self.objective.evaluate(x, gradient)?;
        let norm = vector::norm(gradient);
        if !(norm > 0.0 && norm.is_finite() && loss.is_finite()) {
            return Ok(loss);
        }
        let scale = self.rho / norm;
        let uphill: Vec<T> =
            x.iter().zip(&*gradient).map(|(x, g)| T::from_f64(x.to_f64() + scale * g.to_f64())).collect();
        let above = self.objective.evaluate(&uphill, gradient)?;
        Ok(if above.is_finite() { loss } else { above })
    }

    fn survey(&mut self, x: &[T], gradient: &[T]) -> Survey {
        self.objective.survey(x, gradient)
    }

    fn adam(&mut self, rule: &AdamRule<T>, slabs: AdamSlabs<'_, T>) {
        self.objective.adam(rule, slabs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Optimizer, OptimizerState, StepOutcome};
    use kanode_engine::Descent;
    use std::convert::Infallible;

    #[test]
    fn the_gradient_is_that_of_the_point_uphill() {
        let mut points = Vec::new();
        let mut bowl = |x: &[f64], gradient: &mut [f64]| {
            points.push(x.to_vec());
            gradient.copy_from_slice(&[2.0 * x[0], 8.0 * x[1]]);
            Ok::<f64, Infallible>(x[0] * x[0] + 4.0 * x[1] * x[1])
        };
        let mut gradient = [0.0; 2];
        let loss = SharpnessAware::new(0.5, &mut bowl).evaluate(&[3.0, 1.0], &mut gradient).unwrap();
        assert_eq!(loss, 13.0);
        // The slope at (3, 1) is (6, 8), of norm 10.
        assert!((gradient[0] - 2.0 * 3.3).abs() < 1e-14 && (gradient[1] - 8.0 * 1.4).abs() < 1e-14);
        assert_eq!(points.len(), 2);
    }

    #[test]
    fn a_flat_point_is_left_alone() {
        let mut flat = |_: &[f32], gradient: &mut [f32]| {
            gradient.fill(0.0);
            Ok::<f64, Infallible>(1.0)
        };
        let mut gradient = [1.0f32; 3];
        assert_eq!(SharpnessAware::new(0.1, &mut flat).evaluate(&[0.0; 3], &mut gradient), Ok(1.0));
        assert_eq!(gradient, [0.0; 3]);
    }

    #[test]
    fn a_step_that_the_objective_would_do_itself_is_not_asked_for() {
        struct Eager;

        impl Objective<f64> for Eager {
            type Stop = Infallible;

            fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, Infallible> {
                gradient[0] = 2.0 * x[0];
                Ok(x[0] * x[0])
            }

            fn descend(&mut self, descent: Descent<'_, f64>) -> Result<(f64, Option<f64>), Infallible> {
                descent.parameters[0] = 7.0;
                Ok((1.0, Some(4.0)))
            }
        }

        let step = |sharp: bool| {
            let (mut x, mut state) = ([1.0], OptimizerState::new(&Optimizer::adam(), 1));
            let mut objective = Eager;
            let step = if sharp {
                state.step(&mut x, 0.1, &mut SharpnessAware::new(0.05, &mut objective))
            } else {
                state.step(&mut x, 0.1, &mut objective)
            };
            let step = step.unwrap();
            assert_eq!(step.outcome, StepOutcome::Accepted);
            (x[0], step.gradient_norm)
        };
        assert_eq!(step(false), (7.0, 2.0));
        assert!((step(true).0 - 0.9).abs() < 1e-6);
    }
}

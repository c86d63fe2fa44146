//! Loss, gradient and step of Adam at once. The first layer, whose gradients come last and which in wide networks has
//! nearly all parameters, moves tile by tile while its gradients are made; the others by a pass over their slab.

use super::CpuExecutor;
use crate::coefficients::Goal;
use crate::float::Float;
use crate::moves::Move;
use crate::partition::Rows;
use kanode_engine::{AdamSlabs, Batch, Descent, EngineError, Loss, Survey};

impl<T: Float> CpuExecutor<T> {
    /// See [`kanode_engine::Executor::descend`]; lengths of slabs agree.
    pub(super) fn step(
        &mut self,
        loss: Loss,
        batch: &Batch<'_, T>,
        descent: Descent<'_, T>,
    ) -> Result<(f64, Option<f64>), EngineError> {
        let Descent { rule, largest, parameters, gradient, first, second } = descent;
        let rows = Rows::new(batch.rows, self.block);
        // What is kept in a cache gains nothing from moving early.
        let kept = self.small || self.plans[0].keeps_packed(rows);
        if kept || !(1..=self.span()).contains(&batch.rows) {
            let value = self.gradient(loss, parameters, batch, gradient)?;
            let survey = self.team.survey(parameters, gradient, &mut self.surveys);
            let Survey { squares, magnitudes } = survey;
            let safe = value.is_finite()
                && survey.is_plain()
                && rule.stays_finite(magnitudes, largest.max(squares.sqrt()));
            if safe {
                self.team.adam(rule, AdamSlabs { parameters, gradient, first, second });
            }
            return Ok((value, safe.then_some(squares)));
        }
        self.team.take_magnitude();
        let (value, rows) = self.evaluate(loss, parameters, batch, true)?;
        let slopes = std::mem::take(&mut self.output_slopes);
        let mut layout = self.begin_reverse(rows, &slopes);
        self.output_slopes = slopes;
        for index in (1..self.plans.len()).rev() {
            self.take_slopes(index, layout);
            layout = self.reverse_layer(index, rows, self.written(index, parameters, gradient), true);
        }
        self.take_slopes(0, layout);
        let length = self.ranges[0].len();
        let others = self.team.survey(&parameters[length..], &gradient[length..], &mut self.surveys);
        let safe = value.is_finite() && {
            let (magnitude, bound) = self.bound(batch.x);
            let bounds = [magnitude, bound, others.magnitudes, others.squares];
            bounds.iter().all(|bound| bound.is_finite())
                && rule.stays_finite(
                    magnitude.max(others.magnitudes),
                    largest.max(bound).max(others.squares.sqrt()),
                )
        };
        if !safe {
            self.reverse_layer(0, rows, self.written(0, parameters, gradient), false);
            return Ok((value, None));
        }
        let layer = &self.program.layers()[0];
        let (parameters, other_parameters) = parameters.split_at_mut(length);
        let (first, other_first) = first.split_at_mut(length);
        let (second, other_second) = second.split_at_mut(length);
        let mut squares = std::mem::take(&mut self.squares);
        squares.clear();
        squares.resize(self.plans[0].inputs, 0.0);
        let step = Move {
            rule,
            parameters: layer.views_mut(parameters),
            first: layer.views_mut(first),
            second: layer.views_mut(second),
            squares: &mut squares,
        };
        self.reverse_layer(0, rows, Goal::Step(step), false);
        let slabs = AdamSlabs {
            parameters: other_parameters,
            gradient: &gradient[length..],
            first: other_first,
            second: other_second,
        };
        self.team.adam(rule, slabs);
        let sum = squares.iter().fold(others.squares, |sum, squares| sum + squares);
        self.squares = squares;
        Ok((value, Some(sum)))
    }

    /// What no parameter of the first layer exceeds, and none of their gradients: each of these is a sum over rows of a
    /// derivative by a sum and a basis function, times a parameter or a sum over parameters of an edge.
    fn bound(&mut self, x: &[T]) -> (f64, f64) {
        let plan = &self.plans[0];
        let magnitude = self.team.take_magnitude();
        let slopes = self.team.magnitude(&self.packed_dy, &mut self.surveys);
        let inputs = self.team.magnitude(x, &mut self.surveys);
        let limit = T::MAX.to_f64() / 4.0;
        let weight = plan.reach.largest(inputs, limit).max(inputs);
        // Where bases add up to 1, one of the k + 2 sums is all slopes less the others; the 2 is for rounding.
        let sums = 2.0 * (plan.degree + 2) as f64 * slopes * weight;
        // No slopes times an infinite weight is no number, and refused as well.
        (magnitude, sums * magnitude.max(1.0))
    }
}

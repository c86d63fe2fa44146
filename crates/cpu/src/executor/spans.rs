//! Steps in parts: of small networks, whose blocks go through all layers one by one, and of batches so long that their
//! activations would not fit.

use super::CpuExecutor;
use crate::float::Float;
use crate::partition::PASS;
use crate::small::Layers;
use kanode_engine::{Batch, EngineError, Loss, PartialLoss, Program};

/// Numbers that the nodes of a span of rows may have, more or less.
const SPAN: usize = 1 << 24;

impl<T: Float> CpuExecutor<T> {
    /// See [`kanode_engine::Executor::loss_and_gradient`]; lengths of parameters and gradient agree.
    pub(super) fn gradient(
        &mut self,
        loss: Loss,
        parameters: &[T],
        batch: &Batch<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, EngineError> {
        if self.small || batch.rows > self.span() {
            Program::check_length("parameters", self.program.parameter_count(), parameters.len())?;
            Program::check_length("x", batch.rows * self.program.inputs(), batch.x.len())?;
            if let Some(mut parts) = loss.in_parts(self.program.outputs(), batch)? {
                return if self.small {
                    self.small_gradient(&parts, parameters, batch, gradient)
                } else {
                    self.gradient_in_spans(&mut parts, parameters, batch, gradient)
                };
            }
        }
        let (value, rows) = self.evaluate(loss, parameters, batch, true)?;
        let slopes = std::mem::take(&mut self.output_slopes);
        self.reverse(parameters, rows, &slopes, gradient, None);
        self.output_slopes = slopes;
        Ok(value)
    }

    /// Packs all parameters, for small networks.
    pub(super) fn pack(&mut self, parameters: &[T]) {
        let layers = self.program.layers().iter().zip(&self.ranges).zip(&self.plans);
        for (((layer, range), plan), packed) in layers.zip(&mut self.packed) {
            self.team.pack(plan, layer.views(&parameters[range.clone()]), packed);
        }
    }

    /// Loss and gradient of a small network.
    fn small_gradient(
        &mut self,
        loss: &PartialLoss,
        parameters: &[T],
        batch: &Batch<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, EngineError> {
        self.begin(parameters, batch.x, false)?;
        self.pack(parameters);
        let layers = Layers { plans: &self.plans, packed: &self.packed };
        let value = self.team.gradient_small(layers, loss, batch, &mut self.gradients, &mut self.losses)?;
        let mut rest = &mut *self.gradients;
        for ((layer, range), plan) in self.program.layers().iter().zip(&self.ranges).zip(&self.plans) {
            let (packed, after) = rest.split_at_mut(plan.packed(plan.inputs));
            let views = layer.views(&parameters[range.clone()]);
            self.team.unpack(plan, packed, views, layer.views_mut(&mut gradient[range.clone()]));
            rest = after;
        }
        Ok(value)
    }

    /// Rows of a span: so many go forward and back before the next, which bounds the work space of a step.
    pub(super) fn span(&self) -> usize {
        let nodes: usize = (0..=self.plans.len()).map(|index| self.nodes(index)).sum();
        (SPAN / nodes / PASS).max(1) * PASS
    }

    /// Loss and gradient of a batch of more rows than a span has.
    fn gradient_in_spans(
        &mut self,
        loss: &mut PartialLoss,
        parameters: &[T],
        batch: &Batch<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, EngineError> {
        let (outputs, span) = (self.program.outputs(), self.span());
        let (mut y, mut dy) = (std::mem::take(&mut self.outputs), std::mem::take(&mut self.output_slopes));
        let mut of_span = std::mem::take(&mut self.span_gradient);
        of_span.resize(gradient.len(), T::ZERO);
        let mut value = 0.0;
        for start in (0..batch.rows).step_by(span) {
            let part = loss.part(batch, start..batch.rows.min(start + span));
            let rows = self.begin(parameters, part.x, true)?;
            y.resize(rows.count * outputs, T::ZERO);
            dy.resize(rows.count * outputs, T::ZERO);
            self.forward_to((parameters, part.x), rows, true, &mut y);
            value = loss.evaluate(value, &y, (&part, start), &mut dy)?;
            if start == 0 {
                self.reverse(parameters, rows, &dy, gradient, None);
            } else {
                self.reverse(parameters, rows, &dy, &mut of_span, None);
                self.team.add_slab(gradient, &of_span);
            }
        }
        (self.outputs, self.output_slopes, self.span_gradient) = (y, dy, of_span);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use crate::{CpuBackend, CpuOptions};
    use kanode_engine::{Base, Batch, Compile, Layer, Loss, Program};
    use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
    use std::sync::Arc;

    #[test]
    fn batches_of_several_spans_have_the_gradient_of_their_outputs() {
        let knots = Knots::uniform(-1.0, 1.0, 2, 1, KnotEnds::Clamped).unwrap();
        let table = Arc::new(CellTable::new(&knots, Outside::Linear));
        let (wide, rows) = (4200, 4200);
        let layer = |inputs, outputs| Layer {
            inputs,
            outputs,
            base: Base::Identity,
            splines: vec![Arc::clone(&table); inputs],
            products: Vec::new(),
            functions: Vec::new(),
        };
        let program = Arc::new(Program::new(vec![layer(1, wide), layer(wide, 2)]).unwrap());
        let backend = CpuBackend::new(CpuOptions { threads: Some(2), isa: None }).unwrap();
        let mut executor = backend.compile(&program).unwrap();
        let number = |i: usize| (i * 37 % 101) as f64 / 101.0 - 0.5;
        let parameters: Vec<f64> = (0..program.parameter_count()).map(|i| number(i) * 0.1).collect();
        let x: Vec<f64> = (0..rows).map(|i| 2.0 * number(i)).collect();
        let batches = [(Loss::Huber { delta: 0.1 }, 2), (Loss::CrossEntropy, 1)];
        for (loss, columns) in batches {
            let targets: Vec<f64> = (0..rows * columns).map(|i| (i % 2) as f64).collect();
            let batch = Batch { x: &x, targets: &targets, weights: None, rows };
            let mut found = vec![0.0; parameters.len()];
            let value = executor.loss_and_gradient(loss, &parameters, &batch, &mut found).unwrap();
            let (mut y, mut dy) = (vec![0.0; 2 * rows], vec![0.0; 2 * rows]);
            executor.predict(&parameters, &x, &mut y).unwrap();
            let whole = loss.evaluate(&y, 2, &batch, Some(&mut dy)).unwrap();
            assert!((value - whole).abs() <= 1e-12 * whole, "{value} {whole}");
            let (mut expected, mut dx) = (vec![0.0; parameters.len()], vec![0.0; rows]);
            executor.backward(&parameters, &x, &dy, &mut expected, &mut dx).unwrap();
            let largest = expected.iter().fold(0.0f64, |largest, g| largest.max(g.abs()));
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() <= 1e-12 * largest, "{found} {expected}");
            }
        }
    }
}

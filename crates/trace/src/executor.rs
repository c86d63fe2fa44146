//! An executor by traces, for programs with functions on edges, which the kernels of other backends do not know.
//!
//! Such programs are small: rows go one after the other in `f64`, each function evaluated once for value and all
//! derivatives. Results depend on nothing but the arguments.

use crate::jet::Jet;
use crate::packing::Packing;
use crate::trace::Trace;
use kanode_engine::{Backend, Batch, Compile, EngineError, Executor, LayerStatistics, Loss, Program, Real};
use std::sync::Arc;

/// Rows that are traced at a time.
const BLOCK: usize = 256;

/// A backend that runs programs of splines as `B` does, and those with functions on edges by traces.
#[derive(Clone, Copy, Debug)]
pub struct WithFunctions<B>(pub B);

impl<T: Real, B: Compile<T>> Compile<T> for WithFunctions<B> {
    fn compile(&self, program: &Arc<Program>) -> Result<Box<dyn Executor<T>>, EngineError> {
        if !program.has_functions() {
            return self.0.compile(program);
        }
        Ok(Box::new(TraceExecutor::new(program)))
    }

    fn threads(&self) -> usize {
        self.0.threads()
    }
}

impl<B: Backend> Backend for WithFunctions<B> {
    fn name(&self) -> String {
        self.0.name()
    }
}

struct TraceExecutor {
    program: Arc<Program>,
    packing: Arc<Packing>,
    trace: Trace,
}

impl TraceExecutor {
    fn new(program: &Arc<Program>) -> Self {
        let packing = Arc::new(Packing::new(program, &|_, _| false));
        let trace = Trace::new(Arc::clone(program), Arc::clone(&packing), Jet::value());
        Self { program: Arc::clone(program), packing, trace }
    }

    /// Runs rows in blocks; `each` gets the trace and the number of the block's first row.
    fn each_block<T: Real>(&mut self, theta: &[f64], x: &[T], mut each: impl FnMut(&mut Trace, usize)) {
        let width = self.program.inputs();
        for (index, block) in x.chunks(BLOCK * width).enumerate() {
            let block: Vec<f64> = block.iter().map(|x| x.to_f64()).collect();
            self.trace.forward(theta, &block);
            each(&mut self.trace, index * BLOCK);
        }
    }

    fn check<T: Real>(&self, parameters: &[T], x: &[T]) -> Result<usize, EngineError> {
        Program::check_length("parameters", self.program.parameter_count(), parameters.len())?;
        let rows = x.len() / self.program.inputs();
        Program::check_length("x", rows * self.program.inputs(), x.len())?;
        Ok(rows)
    }

    fn outputs<T: Real>(&mut self, theta: &[f64], x: &[T]) -> Vec<T> {
        let mut outputs = Vec::with_capacity(x.len() / self.program.inputs() * self.program.outputs());
        self.each_block(theta, x, |trace, _| outputs.extend(trace.outputs().iter().map(|y| T::from_f64(*y))));
        outputs
    }

    /// Overwrites `gradient` with the derivatives of `Σ dy·y`.
    fn gradient<T: Real>(
        &mut self,
        parameters: &[T],
        theta: &[f64],
        x: &[T],
        dy: &[f64],
        gradient: &mut [T],
    ) {
        let outputs = self.program.outputs();
        let mut by_theta = vec![0.0; theta.len()];
        self.each_block(theta, x, |trace, first| {
            let seeds = &dy[first * outputs..(first + trace.rows()) * outputs];
            trace.gradient(seeds, &mut by_theta);
        });
        gradient.fill(T::ZERO);
        self.packing.gradient_to_slab(parameters, &by_theta, gradient);
    }
}

impl<T: Real> Executor<T> for TraceExecutor {
    fn predict(&mut self, parameters: &[T], x: &[T], y: &mut [T]) -> Result<(), EngineError> {
        let rows = self.check(parameters, x)?;
        Program::check_length("outputs", rows * self.program.outputs(), y.len())?;
        let theta = self.packing.pack(parameters);
        y.copy_from_slice(&self.outputs(&theta, x));
        Ok(())
    }

    fn loss(&mut self, loss: Loss, parameters: &[T], batch: &Batch<'_, T>) -> Result<f64, EngineError> {
        self.check(parameters, batch.x)?;
        let theta = self.packing.pack(parameters);
        let outputs = self.outputs(&theta, batch.x);
        loss.evaluate(&outputs, self.program.outputs(), batch, None)
    }

    fn loss_and_gradient(
        &mut self,
        loss: Loss,
        parameters: &[T],
        batch: &Batch<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, EngineError> {
        self.check(parameters, batch.x)?;
        Program::check_length("gradient", parameters.len(), gradient.len())?;
        let theta = self.packing.pack(parameters);
        let outputs = self.outputs(&theta, batch.x);
        let mut dy = vec![T::ZERO; outputs.len()];
        let value = loss.evaluate(&outputs, self.program.outputs(), batch, Some(&mut dy))?;
        let dy: Vec<f64> = dy.iter().map(|dy| dy.to_f64()).collect();
        self.gradient(parameters, &theta, batch.x, &dy, gradient);
        Ok(value)
    }

    fn backward(
        &mut self,
        parameters: &[T],
        x: &[T],
        dy: &[T],
        gradient: &mut [T],
        dx: &mut [T],
    ) -> Result<(), EngineError> {
        let rows = self.check(parameters, x)?;
        let (inputs, outputs) = (self.program.inputs(), self.program.outputs());
        Program::check_length("dy", rows * outputs, dy.len())?;
        Program::check_length("gradient", parameters.len(), gradient.len())?;
        Program::check_length("dx", x.len(), dx.len())?;
        let theta = self.packing.pack(parameters);
        let dy: Vec<f64> = dy.iter().map(|dy| dy.to_f64()).collect();
        self.gradient(parameters, &theta, x, &dy, gradient);
        let jet = Jet { directions: (0..inputs).collect(), pairs: Vec::new() };
        let mut trace = Trace::new(Arc::clone(&self.program), Arc::clone(&self.packing), jet);
        for ((x, dy), dx) in
            x.chunks_exact(inputs).zip(dy.chunks_exact(outputs)).zip(dx.chunks_exact_mut(inputs))
        {
            let x: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
            trace.forward(&theta, &x);
            for (input, dx) in dx.iter_mut().enumerate() {
                let slopes = trace.outputs().chunks_exact(1 + inputs).map(|jet| jet[1 + input]);
                *dx = T::from_f64(dy.iter().zip(slopes).map(|(dy, slope)| dy * slope).sum());
            }
        }
        Ok(())
    }

    fn statistics(&mut self, parameters: &[T], x: &[T]) -> Result<Vec<LayerStatistics>, EngineError> {
        self.check(parameters, x)?;
        let theta = self.packing.pack(parameters);
        let program = Arc::clone(&self.program);
        let mut statistics: Vec<_> = program.layers().iter().map(LayerStatistics::none).collect();
        self.each_block(&theta, x, |trace, _| {
            for (index, (layer, statistics)) in program.layers().iter().zip(&mut statistics).enumerate() {
                for (input, (spline, seen)) in layer.splines.iter().zip(&mut statistics.inputs).enumerate() {
                    trace.node_values(index, input).for_each(|x| seen.observe(spline.domain(), x));
                }
            }
        });
        Ok(statistics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shape, plain};
    use kanode_engine::reference::Reference;

    /// Sums in another order: a few hundred roundings.
    const ROUNDING: f64 = 1e-10;

    fn near(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= ROUNDING * (1.0 + expected.abs()), "{found} {expected}");
        }
    }

    #[test]
    fn programs_with_functions_have_the_numbers_of_the_reference() {
        for products in [vec![], vec![2, 3]] {
            let layers = vec![(2, products), (2, vec![])];
            let case = Shape { layers, has_functions: true, rows: 600, ..plain() }.draw();
            let mut ours = Compile::<f64>::compile(&WithFunctions(Reference), &case.program).unwrap();
            let mut oracle = Compile::<f64>::compile(&Reference, &case.program).unwrap();
            let (outputs, rows) = (case.program.outputs(), case.rows);
            let targets: Vec<f64> = (0..rows * outputs).map(|at| (at as f64).sin()).collect();
            let batch = Batch { x: &case.x, targets: &targets, weights: None, rows };
            let mut gradients = [vec![0.0; case.slab.len()], vec![0.0; case.slab.len()]];
            let found = ours.loss_and_gradient(Loss::Mse, &case.slab, &batch, &mut gradients[0]).unwrap();
            let expected =
                oracle.loss_and_gradient(Loss::Mse, &case.slab, &batch, &mut gradients[1]).unwrap();
            near(&[found, ours.loss(Loss::Mse, &case.slab, &batch).unwrap()], &[expected, expected]);
            near(&gradients[0], &gradients[1]);
            let by_constants = case
                .program
                .layers()
                .iter()
                .zip(case.program.ranges())
                .flat_map(|(layer, range)| layer.views(&gradients[0][range]).constants);
            assert!(by_constants.clone().count() > 6 && by_constants.clone().all(|slope| *slope != 0.0));
            let mut dx = [vec![0.0; case.x.len()], vec![0.0; case.x.len()]];
            ours.backward(&case.slab, &case.x, &targets, &mut gradients[0], &mut dx[0]).unwrap();
            oracle.backward(&case.slab, &case.x, &targets, &mut gradients[1], &mut dx[1]).unwrap();
            near(&gradients[0], &gradients[1]);
            near(&dx[0], &dx[1]);
            let statistics = ours.statistics(&case.slab, &case.x).unwrap();
            let expected = oracle.statistics(&case.slab, &case.x).unwrap();
            for (found, expected) in statistics.iter().zip(&expected) {
                for (found, expected) in found.inputs.iter().zip(&expected.inputs) {
                    near(&[found.minimum, found.maximum], &[expected.minimum, expected.maximum]);
                    assert_eq!(found.outside, expected.outside);
                }
            }
        }
    }
}

//! The reference backend: `f64`, Cox–de Boor, a loop where a loop is meant. It is the oracle of all other backends,
//! so nothing here is clever; a step costs (G + k) terms an edge and allocates as it goes.

use crate::backend::{Backend, Batch, Compile, Executor, LayerStatistics};
use crate::error::EngineError;
use crate::loss::Loss;
use crate::program::{Layer, Program};
use crate::real::Real;
use kanode_spline::{cox_de_boor, cox_de_boor_derivative};
use std::sync::Arc;

/// The slow and obvious backend.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Backend for Reference {
    fn name(&self) -> String {
        "reference".to_owned()
    }
}

impl<T: Real> Compile<T> for Reference {
    fn compile(&self, program: &Arc<Program>) -> Result<Box<dyn Executor<T>>, EngineError> {
        Ok(Box::new(ReferenceExecutor { program: Arc::clone(program) }))
    }
}

struct ReferenceExecutor {
    program: Arc<Program>,
}

impl<T: Real> Executor<T> for ReferenceExecutor {
    fn predict(&mut self, parameters: &[T], x: &[T], y: &mut [T]) -> Result<(), EngineError> {
        let rows = self.check(parameters, x)?;
        Program::check_length("outputs", rows * self.program.outputs(), y.len())?;
        let activations = self.forward(&widen(parameters), &widen(x), rows);
        narrow(&activations[self.program.layers().len()], y);
        Ok(())
    }

    fn loss(&mut self, loss: Loss, parameters: &[T], batch: &Batch<'_, T>) -> Result<f64, EngineError> {
        let rows = self.check(parameters, batch.x)?;
        let activations = self.forward(&widen(parameters), &widen(batch.x), rows);
        let (targets, weights) = (widen(batch.targets), batch.weights.map(widen));
        let batch = Batch { x: &activations[0], targets: &targets, weights: weights.as_deref(), rows };
        loss.evaluate(&activations[self.program.layers().len()], self.program.outputs(), &batch, None)
    }

    fn loss_and_gradient(
        &mut self,
        loss: Loss,
        parameters: &[T],
        batch: &Batch<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, EngineError> {
        let rows = self.check(parameters, batch.x)?;
        Program::check_length("gradient", parameters.len(), gradient.len())?;
        let parameters = widen(parameters);
        let activations = self.forward(&parameters, &widen(batch.x), rows);
        let outputs = &activations[self.program.layers().len()];
        let (targets, weights) = (widen(batch.targets), batch.weights.map(widen));
        let batch = Batch { x: &activations[0], targets: &targets, weights: weights.as_deref(), rows };
        let mut dy = vec![0.0; outputs.len()];
        let value = loss.evaluate(outputs, self.program.outputs(), &batch, Some(&mut dy))?;
        let (wide, _) = self.reverse(&parameters, &activations, dy, rows);
        narrow(&wide, gradient);
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
        Program::check_length("dy", rows * self.program.outputs(), dy.len())?;
        Program::check_length("gradient", parameters.len(), gradient.len())?;
        Program::check_length("dx", x.len(), dx.len())?;
        let parameters = widen(parameters);
        let activations = self.forward(&parameters, &widen(x), rows);
        let (wide_gradient, wide_dx) = self.reverse(&parameters, &activations, widen(dy), rows);
        narrow(&wide_gradient, gradient);
        narrow(&wide_dx, dx);
        Ok(())
    }

    fn statistics(&mut self, parameters: &[T], x: &[T]) -> Result<Vec<LayerStatistics>, EngineError> {
        let rows = self.check(parameters, x)?;
        let activations = self.forward(&widen(parameters), &widen(x), rows);
        let layers = self.program.layers().iter().zip(&activations);
        Ok(layers.map(|(layer, x)| statistics(layer, x)).collect())
    }
}

/// Statistics of `x: [rows, layer.inputs]`.
fn statistics(layer: &Layer, x: &[f64]) -> LayerStatistics {
    let mut statistics = LayerStatistics::none(layer);
    for row in x.chunks_exact(layer.inputs) {
        for ((x, input), spline) in row.iter().zip(&mut statistics.inputs).zip(&layer.splines) {
            input.observe(spline.domain(), *x);
        }
    }
    statistics
}

impl ReferenceExecutor {
    /// Checks the lengths of the two arguments that every call has; returns the number of rows.
    fn check<T>(&self, parameters: &[T], x: &[T]) -> Result<usize, EngineError> {
        Program::check_length("parameters", self.program.parameter_count(), parameters.len())?;
        let rows = x.len() / self.program.inputs();
        Program::check_length("x", rows * self.program.inputs(), x.len())?;
        Ok(rows)
    }

    /// The inputs of every layer, and last the outputs of the network.
    fn forward(&self, parameters: &[f64], x: &[f64], rows: usize) -> Vec<Vec<f64>> {
        let mut activations = vec![x.to_vec()];
        for (layer, range) in self.program.layers().iter().zip(self.program.ranges()) {
            let p = layer.views(&parameters[range]);
            let x = &activations[activations.len() - 1];
            let mut y = vec![0.0; rows * layer.outputs];
            for row in 0..rows {
                for input in 0..layer.inputs {
                    let x = x[row * layer.inputs + input];
                    let bases = values(layer, input, x);
                    let (base, _) = layer.base.evaluate(x);
                    for output in 0..layer.outputs {
                        let edge = input * layer.outputs + output;
                        let points = &p.control_points[edge * layer.bases()..(edge + 1) * layer.bases()];
                        let spline: f64 = points.iter().zip(&bases).map(|(p, n)| p * n).sum();
                        y[row * layer.outputs + output] +=
                            p.base_weight[edge] * base + p.spline_weight[edge] * spline;
                    }
                }
            }
            activations.push(y);
        }
        activations
    }

    /// Derivatives with respect to parameters and inputs, from `dy` with respect to the outputs.
    fn reverse(
        &self,
        parameters: &[f64],
        activations: &[Vec<f64>],
        mut dy: Vec<f64>,
        rows: usize,
    ) -> (Vec<f64>, Vec<f64>) {
        let mut gradient = vec![0.0; parameters.len()];
        let layers = self.program.layers().iter().zip(self.program.ranges()).zip(activations);
        for ((layer, range), x) in layers.rev() {
            let p = layer.views(&parameters[range.clone()]);
            let g = layer.views_mut(&mut gradient[range]);
            let mut dx = vec![0.0; rows * layer.inputs];
            for row in 0..rows {
                for input in 0..layer.inputs {
                    let at = row * layer.inputs + input;
                    let bases = values(layer, input, x[at]);
                    let slopes = slopes(layer, input, x[at]);
                    let (base, base_slope) = layer.base.evaluate(x[at]);
                    for output in 0..layer.outputs {
                        let edge = input * layer.outputs + output;
                        let dy = dy[row * layer.outputs + output];
                        let span = edge * layer.bases()..(edge + 1) * layer.bases();
                        let points = &p.control_points[span.clone()];
                        let spline: f64 = points.iter().zip(&bases).map(|(p, n)| p * n).sum();
                        let slope: f64 = points.iter().zip(&slopes).map(|(p, n)| p * n).sum();
                        for (g, n) in g.control_points[span].iter_mut().zip(&bases) {
                            *g += dy * p.spline_weight[edge] * n;
                        }
                        g.spline_weight[edge] += dy * spline;
                        g.base_weight[edge] += dy * base;
                        dx[at] += dy * (p.base_weight[edge] * base_slope + p.spline_weight[edge] * slope);
                    }
                }
            }
            dy = dx;
        }
        (gradient, dy)
    }
}

fn values(layer: &Layer, input: usize, x: f64) -> Vec<f64> {
    cox_de_boor(layer.splines[input].knots(), layer.splines[input].outside(), x)
}

fn slopes(layer: &Layer, input: usize, x: f64) -> Vec<f64> {
    cox_de_boor_derivative(layer.splines[input].knots(), layer.splines[input].outside(), 1, x)
}

fn widen<T: Real>(from: &[T]) -> Vec<f64> {
    from.iter().map(|v| v.to_f64()).collect()
}

fn narrow<T: Real>(from: &[f64], to: &mut [T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = T::from_f64(*from);
    }
}

//! The reference backend: `f64`, Cox–de Boor, a loop where a loop is meant. It is the oracle of all other backends,
//! so nothing here is clever; a step costs (G + k) terms an edge and allocates as it goes.

mod penalty;

pub use penalty::penalty;

use crate::backend::{Backend, Batch, Compile, Executor, LayerStatistics};
use crate::error::EngineError;
use crate::loss::Loss;
use crate::program::{FunctionEdge, Layer, Program};
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

/// What the layers of a network came to for a batch.
struct Forward {
    /// The inputs of every layer, `[rows, inputs]`, and last the outputs of the network.
    nodes: Vec<Vec<f64>>,
    /// The sums of every layer, `[rows, outputs]`.
    sums: Vec<Vec<f64>>,
}

impl Forward {
    fn outputs(&self) -> &[f64] {
        &self.nodes[self.nodes.len() - 1]
    }
}

impl<T: Real> Executor<T> for ReferenceExecutor {
    fn predict(&mut self, parameters: &[T], x: &[T], y: &mut [T]) -> Result<(), EngineError> {
        let rows = self.check(parameters, x)?;
        Program::check_length("outputs", rows * self.program.outputs(), y.len())?;
        let forward = self.forward(&widen(parameters), &widen(x), rows);
        narrow(forward.outputs(), y);
        Ok(())
    }

    fn loss(&mut self, loss: Loss, parameters: &[T], batch: &Batch<'_, T>) -> Result<f64, EngineError> {
        let rows = self.check(parameters, batch.x)?;
        let forward = self.forward(&widen(parameters), &widen(batch.x), rows);
        let (targets, weights) = (widen(batch.targets), batch.weights.map(widen));
        let batch = Batch { x: &forward.nodes[0], targets: &targets, weights: weights.as_deref(), rows };
        loss.evaluate(forward.outputs(), self.program.outputs(), &batch, None)
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
        let forward = self.forward(&parameters, &widen(batch.x), rows);
        let (targets, weights) = (widen(batch.targets), batch.weights.map(widen));
        let batch = Batch { x: &forward.nodes[0], targets: &targets, weights: weights.as_deref(), rows };
        let mut dy = vec![0.0; forward.outputs().len()];
        let value = loss.evaluate(forward.outputs(), self.program.outputs(), &batch, Some(&mut dy))?;
        let (wide, _) = self.reverse(&parameters, &forward, dy, rows, &mut |_, _, _, _| 0.0);
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
        let forward = self.forward(&parameters, &widen(x), rows);
        let (wide_gradient, wide_dx) =
            self.reverse(&parameters, &forward, widen(dy), rows, &mut |_, _, _, _| 0.0);
        narrow(&wide_gradient, gradient);
        narrow(&wide_dx, dx);
        Ok(())
    }

    fn statistics(&mut self, parameters: &[T], x: &[T]) -> Result<Vec<LayerStatistics>, EngineError> {
        let rows = self.check(parameters, x)?;
        let forward = self.forward(&widen(parameters), &widen(x), rows);
        let layers = self.program.layers().iter().zip(&forward.nodes);
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

    fn forward(&self, parameters: &[f64], x: &[f64], rows: usize) -> Forward {
        let mut forward = Forward { nodes: vec![x.to_vec()], sums: Vec::new() };
        for (layer, range) in self.program.layers().iter().zip(self.program.ranges()) {
            let p = layer.views(&parameters[range]);
            let x = forward.outputs();
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
                for (function, constants) in layer.functions() {
                    let (input, output) = (function.edge / layer.outputs, function.edge % layer.outputs);
                    let x = x[row * layer.inputs + input];
                    y[row * layer.outputs + output] +=
                        of_function(function, &p.constants[constants], x)[0][0];
                }
            }
            forward.nodes.push(nodes(layer, &y, rows));
            forward.sums.push(y);
        }
        forward
    }

    /// Derivatives with respect to parameters and inputs, from `dy` with respect to the outputs, and from what
    /// `at_edge` says of each layer, row and edge, a spline, that has a value: the derivative by that value alone.
    fn reverse(
        &self,
        parameters: &[f64],
        forward: &Forward,
        mut dy: Vec<f64>,
        rows: usize,
        at_edge: &mut dyn FnMut(usize, usize, usize, f64) -> f64,
    ) -> (Vec<f64>, Vec<f64>) {
        let mut gradient = vec![0.0; parameters.len()];
        let layers = self.program.layers().iter().zip(self.program.ranges());
        for (index, (layer, range)) in layers.enumerate().rev() {
            let x = &forward.nodes[index];
            dy = by_sums(layer, &forward.sums[index], &dy, rows);
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
                        let span = edge * layer.bases()..(edge + 1) * layer.bases();
                        let points = &p.control_points[span.clone()];
                        let spline: f64 = points.iter().zip(&bases).map(|(p, n)| p * n).sum();
                        let slope: f64 = points.iter().zip(&slopes).map(|(p, n)| p * n).sum();
                        let value = p.base_weight[edge] * base + p.spline_weight[edge] * spline;
                        let dy = dy[row * layer.outputs + output] + at_edge(index, row, edge, value);
                        for (g, n) in g.control_points[span].iter_mut().zip(&bases) {
                            *g += dy * p.spline_weight[edge] * n;
                        }
                        g.spline_weight[edge] += dy * spline;
                        g.base_weight[edge] += dy * base;
                        dx[at] += dy * (p.base_weight[edge] * base_slope + p.spline_weight[edge] * slope);
                    }
                }
                for (function, constants) in layer.functions() {
                    let at = row * layer.inputs + function.edge / layer.outputs;
                    let dy = dy[row * layer.outputs + function.edge % layer.outputs];
                    let [values, slopes] = of_function(function, &p.constants[constants.clone()], x[at]);
                    dx[at] += dy * slopes[0];
                    for (g, slope) in g.constants[constants].iter_mut().zip(&values[1..]) {
                        *g += dy * slope;
                    }
                }
            }
            dy = dx;
        }
        (gradient, dy)
    }
}

/// The nodes `[rows, layer.nodes()]` that the sums `[rows, layer.outputs]` make.
fn nodes(layer: &Layer, sums: &[f64], rows: usize) -> Vec<f64> {
    let mut nodes = Vec::new();
    for row in 0..rows {
        let sums = &sums[row * layer.outputs..(row + 1) * layer.outputs];
        nodes.extend(&sums[..layer.sum_nodes()]);
        nodes.extend(layer.factors().map(|factors| sums[factors].iter().product::<f64>()));
    }
    nodes
}

/// Derivatives by the sums `[rows, layer.outputs]` from those by the nodes `[rows, layer.nodes()]`.
fn by_sums(layer: &Layer, sums: &[f64], by_nodes: &[f64], rows: usize) -> Vec<f64> {
    let mut slopes = Vec::new();
    for row in 0..rows {
        let sums = &sums[row * layer.outputs..(row + 1) * layer.outputs];
        let by_nodes = &by_nodes[row * layer.nodes()..(row + 1) * layer.nodes()];
        let (by_sum_nodes, by_products) = by_nodes.split_at(layer.sum_nodes());
        slopes.extend(by_sum_nodes);
        for (factors, dy) in layer.factors().zip(by_products) {
            for factor in factors.clone() {
                let others = factors.clone().filter(|other| *other != factor);
                slopes.push(dy * others.map(|other| sums[other]).product::<f64>());
            }
        }
    }
    slopes
}

fn values(layer: &Layer, input: usize, x: f64) -> Vec<f64> {
    cox_de_boor(layer.splines[input].knots(), layer.splines[input].outside(), x)
}

fn slopes(layer: &Layer, input: usize, x: f64) -> Vec<f64> {
    cox_de_boor_derivative(layer.splines[input].knots(), layer.splines[input].outside(), 1, x)
}

/// A function's value and its slope, each with its derivatives by the constants.
fn of_function(edge: &FunctionEdge, constants: &[f64], x: f64) -> [Vec<f64>; 2] {
    let width = 1 + constants.len();
    let mut out = vec![0.0; 2 * width];
    edge.function.evaluate(constants, x, &mut out);
    let slopes = out.split_off(width);
    [out, slopes]
}

fn widen<T: Real>(from: &[T]) -> Vec<f64> {
    from.iter().map(|v| v.to_f64()).collect()
}

fn narrow<T: Real>(from: &[f64], to: &mut [T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = T::from_f64(*from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Base;
    use kanode_spline::{CellTable, KnotEnds, Knots, Outside};

    /// A layer from one input, whose edges are constants: the base is 0 and the clamped bases add up to 1.
    fn constants(products: &[usize], sums: &[f64]) -> (Arc<Program>, Vec<f64>) {
        let knots = Knots::uniform(-1.0, 1.0, 2, 2, KnotEnds::Clamped).unwrap();
        let splines = vec![Arc::new(CellTable::new(&knots, Outside::Linear))];
        let products = products.to_vec();
        let layer = Layer {
            inputs: 1,
            outputs: sums.len(),
            base: Base::Zero,
            splines,
            products,
            functions: Vec::new(),
        };
        let mut parameters = Vec::new();
        sums.iter().for_each(|sum| parameters.extend([*sum; 4]));
        parameters.resize(5 * sums.len(), 0.0);
        parameters.resize(6 * sums.len(), 1.0);
        (Arc::new(Program::new(vec![layer]).unwrap()), parameters)
    }

    #[test]
    fn product_nodes_come_last_and_multiply_the_last_sums() {
        let (program, parameters) = constants(&[2, 3], &[7.0, 2.0, 3.0, 5.0, -1.0, 4.0]);
        let mut executor: Box<dyn Executor<f64>> = Reference.compile(&program).unwrap();
        let mut y = [0.0; 3];
        executor.predict(&parameters, &[0.3], &mut y).unwrap();
        assert!(y.iter().zip([7.0, 6.0, -20.0]).all(|(y, expected)| (y - expected).abs() < 1e-13), "{y:?}");
    }

    #[test]
    fn a_factor_of_zero_takes_the_slope_from_the_others_alone() {
        let (program, parameters) = constants(&[3], &[0.0, 2.0, 3.0]);
        let mut executor: Box<dyn Executor<f64>> = Reference.compile(&program).unwrap();
        let (mut gradient, mut dx) = (vec![0.0; parameters.len()], [0.0]);
        executor.backward(&parameters, &[0.3], &[1.0], &mut gradient, &mut dx).unwrap();
        let by_sum: Vec<f64> = gradient[..12].chunks(4).map(|points| points.iter().sum()).collect();
        assert!((by_sum[0] - 6.0).abs() < 1e-13 && by_sum[1..] == [0.0, 0.0], "{by_sum:?}");
    }
}

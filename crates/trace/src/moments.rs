//! What each edge and each node amounts to on data.

use crate::jet::Jet;
use crate::packing::Packing;
use crate::trace::Trace;
use kanode_engine::Program;
use std::sync::Arc;

/// Rows that are held at a time.
const BLOCK: usize = 64;

/// What the edges and the input nodes of one layer amount to over the rows of a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerMoments {
    /// Mean of `φ(x)`, `[input·outputs + output]`; 0 for pruned edges, as are the next two.
    pub mean: Vec<f64>,
    /// Standard deviation of `φ(x)` over the rows (divided by their number), `[input·outputs + output]`.
    pub deviation: Vec<f64>,
    /// Mean of `|φ(x)|`, `[input·outputs + output]`.
    pub mean_absolute: Vec<f64>,
    /// Least value of each input node; `+inf` without rows, NaN if there was one.
    pub minimum: Vec<f64>,
    /// Largest value of each input node; `-inf` without rows, NaN if there was one.
    pub maximum: Vec<f64>,
}

impl LayerMoments {
    fn none(inputs: usize, edges: usize) -> Self {
        Self {
            mean: vec![0.0; edges],
            deviation: vec![0.0; edges],
            mean_absolute: vec![0.0; edges],
            minimum: vec![f64::INFINITY; inputs],
            maximum: vec![f64::NEG_INFINITY; inputs],
        }
    }

    /// Counts in row number `count`, from 1. Running means, and in place of the deviations sums of squares about them
    /// (Welford, Technometrics 4, 1962), so that an edge with a large constant part keeps its digits.
    fn observe(&mut self, count: f64, values: &[f64]) {
        let means = self.mean.iter_mut().zip(&mut self.mean_absolute);
        for ((value, (mean, absolute)), squares) in values.iter().zip(means).zip(&mut self.deviation) {
            let distance = value - *mean;
            *mean += distance / count;
            *squares += distance * (value - *mean);
            *absolute += (value.abs() - *absolute) / count;
        }
    }
}

/// Moments of all edges and ranges of all input nodes of each layer, over the rows `x: [rows, inputs]` with the
/// parameters θ. Memory does not grow with the number of rows.
///
/// # Panics
/// If `theta` is not as long as the packing says, or `x` is no whole number of rows.
pub fn moments(program: &Program, packing: &Packing, theta: &[f64], x: &[f64]) -> Vec<LayerMoments> {
    let mut trace = Trace::new(Arc::new(program.clone()), Arc::new(packing.clone()), Jet::value());
    let layers = program.layers();
    let mut moments: Vec<LayerMoments> =
        layers.iter().map(|layer| LayerMoments::none(layer.inputs, layer.edges())).collect();
    let mut values = vec![0.0; layers.iter().map(|layer| layer.edges()).max().unwrap_or(0)];
    let mut count = 0.0;
    for block in x.chunks(BLOCK * program.inputs()) {
        trace.forward(theta, block);
        for row in 0..trace.rows() {
            count += 1.0;
            for (index, moments) in moments.iter_mut().enumerate() {
                let values = &mut values[..moments.mean.len()];
                trace.edge_values(index, row, values);
                moments.observe(count, values);
            }
        }
        for (index, moments) in moments.iter_mut().enumerate() {
            for (input, (low, high)) in moments.minimum.iter_mut().zip(&mut moments.maximum).enumerate() {
                (*low, *high) = trace.widen_range((*low, *high), index, input);
            }
        }
    }
    for deviation in moments.iter_mut().flat_map(|moments| &mut moments.deviation) {
        *deviation = if count == 0.0 { 0.0 } else { (*deviation / count).sqrt() };
    }
    moments
}

#[cfg(test)]
mod tests;

//! Rows run through a network, with all that is needed to differentiate any combination of its outputs.

use crate::activity::Influence;
use crate::functions;
use crate::jet::Jet;
use crate::packing::Packing;
use crate::products;
use crate::records::Records;
use crate::stage::Stage;
use kanode_engine::Program;
use kanode_optim::Rows;
use std::sync::Arc;

/// A forward pass in `f64` that keeps what happened, and the rows of its Jacobian.
///
/// It holds, for each row, the jets of all nodes and the basis functions at each of them, about
/// `nodes·(jet.len() + (jet.order() + 2)·(k + 2))` numbers; give it rows in blocks where that is too much.
#[derive(Clone, Debug)]
pub struct Trace {
    program: Arc<Program>,
    packing: Arc<Packing>,
    jet: Jet,
    stages: Vec<Stage>,
    theta: Vec<f64>,
    records: Records,
    outputs: Vec<f64>,
    /// Derivatives by the jets of one row, in their places.
    adjoints: Vec<f64>,
    scratch: Vec<f64>,
}

impl Trace {
    /// A trace of no rows yet.
    ///
    /// # Panics
    /// If `jet` names an input that the program does not have, or a direction that it does not have itself.
    pub fn new(program: Arc<Program>, packing: Arc<Packing>, jet: Jet) -> Self {
        assert!(jet.directions.iter().all(|input| *input < program.inputs()), "a direction is no input");
        let directions = jet.directions.len();
        assert!(jet.pairs.iter().all(|(i, j)| *i.max(j) < directions), "a pair is not of directions");
        let (stages, strides) = Stage::all(&program, &packing, &jet);
        let scratch = vec![0.0; stages.iter().map(products::scratch).max().unwrap_or(0)];
        Self {
            program,
            packing,
            jet,
            stages,
            theta: Vec::new(),
            records: Records::new(strides),
            outputs: Vec::new(),
            adjoints: vec![0.0; strides.jets],
            scratch,
        }
    }

    /// Runs the rows `x: [rows, inputs]` with the parameters θ.
    ///
    /// # Panics
    /// If `theta` is not as long as the packing says, or `x` is no whole number of rows.
    pub fn forward(&mut self, theta: &[f64], x: &[f64]) {
        assert_eq!(theta.len(), self.packing.len(), "a vector of another packing");
        let (inputs, outputs, length) = (self.program.inputs(), self.program.outputs(), self.jet.len());
        assert!(x.len().is_multiple_of(inputs), "no whole number of rows");
        self.theta.clear();
        self.theta.extend_from_slice(theta);
        self.records.resize(x.len() / inputs);
        self.outputs.resize(x.len() / inputs * outputs * length, 0.0);
        let ends = x.chunks_exact(inputs).zip(self.outputs.chunks_exact_mut(outputs * length));
        for (mut record, (x, y)) in self.records.iter_mut().zip(ends) {
            seed_inputs(&self.jet, x, &mut record.jets[..inputs * length]);
            for stage in &self.stages {
                (stage.kernels.forward)(stage, &self.jet, theta, &mut record);
                functions::forward(stage, &self.jet, theta, &mut record);
                if !stage.factors.is_empty() {
                    products::forward(stage, &self.jet, record.jets);
                }
            }
            y.copy_from_slice(&record.jets[record.jets.len() - y.len()..]);
        }
    }

    /// Number of rows of the last forward pass.
    pub fn rows(&self) -> usize {
        self.records.rows()
    }

    /// The derivatives that are carried.
    pub fn jet(&self) -> &Jet {
        &self.jet
    }

    /// The jets of the outputs, `[rows, outputs, jet.len()]`.
    pub fn outputs(&self) -> &[f64] {
        &self.outputs
    }

    /// Least and largest value that an input node of a layer had; `(+inf, -inf)` for no rows, NaN if there was one.
    ///
    /// # Panics
    /// If there is no such layer or input node.
    pub fn range(&self, layer: usize, input: usize) -> (f64, f64) {
        self.widen_range((f64::INFINITY, f64::NEG_INFINITY), layer, input)
    }

    /// The range `(least, largest)`, widened by what an input node of a layer had. Both ends stay NaN once they are.
    pub(crate) fn widen_range(&self, range: (f64, f64), layer: usize, input: usize) -> (f64, f64) {
        self.node_values(layer, input).fold(range, |(low, high), x| {
            let least = if x.is_nan() || x < low { x } else { low };
            let most = if x.is_nan() || x > high { x } else { high };
            (least, most)
        })
    }

    /// Writes the values `[input·outputs + output]` of a layer's edges for one row; 0 for pruned edges.
    pub(crate) fn edge_values(&self, layer: usize, row: usize, values: &mut [f64]) {
        let stage = &self.stages[layer];
        values.fill(0.0);
        (stage.kernels.values)(stage, &self.theta, self.records.row(row), values);
        functions::values(stage, self.records.row(row), values);
    }

    /// Adds one row's part of the activity penalty's gradient, see [`crate::activity::reverse`], for a trace of values.
    pub(crate) fn activity_gradient(
        &mut self,
        row: usize,
        share: f64,
        by_activities: &[Vec<f64>],
        gradient: &mut [f64],
    ) {
        let record = self.records.row(row);
        let at = self.adjoints.len() - self.program.outputs();
        self.adjoints[at..].fill(0.0);
        for (stage, by_activities) in self.stages.iter().zip(by_activities).rev() {
            if !stage.factors.is_empty() {
                products::adjoint(stage, &self.jet, record.jets, &mut self.adjoints, &mut self.scratch);
            }
            let influence = Influence { record, by_activities, share };
            (stage.kernels.activity)(stage, &self.theta, influence, &mut self.adjoints, gradient);
            functions::activity(stage, influence, &mut self.adjoints, gradient);
        }
    }

    /// The values that an input node of a layer had, row by row.
    ///
    /// # Panics
    /// If there is no such layer or input node.
    pub fn node_values(&self, layer: usize, input: usize) -> impl Iterator<Item = f64> + '_ {
        let stage = &self.stages[layer];
        assert!(input < stage.inputs, "layer {layer} has no input node {input}");
        let at = stage.inputs_at + input * self.jet.len();
        (0..self.records.rows()).map(move |row| self.records.row(row).jets[at])
    }

    /// Appends the Jacobian row `d(Σ seed·outputs of the row)/dθ`, for `seed: [outputs, jet.len()]`. Edges that have no
    /// part in it have no segment.
    ///
    /// # Panics
    /// If there is no such row, or `seed` has another length.
    pub fn row(&mut self, row: usize, seed: &[f64], rows: &mut Rows) {
        self.reverse(row, seed);
        let record = self.records.row(row);
        for stage in &self.stages {
            (stage.kernels.append)(stage, &self.jet, record, &self.adjoints, rows);
            functions::emit(stage, &self.jet, record, &self.adjoints, rows);
        }
        rows.finish_row();
    }

    /// Adds `d(Σ seeds·outputs)/dθ`, for `seeds: [rows, outputs, jet.len()]`, to `gradient`. Rows whose seeds are all 0
    /// cost nothing and have no influence.
    ///
    /// # Panics
    /// If `seeds` is not as long as the outputs, or `gradient` not as long as θ.
    pub fn gradient(&mut self, seeds: &[f64], gradient: &mut [f64]) {
        assert_eq!(seeds.len(), self.outputs.len(), "a seed for every output");
        assert_eq!(gradient.len(), self.theta.len(), "a gradient of another packing");
        let width = self.program.outputs() * self.jet.len();
        for (row, seed) in seeds.chunks_exact(width).enumerate() {
            if seed.iter().all(|seed| *seed == 0.0) {
                continue;
            }
            self.reverse(row, seed);
            let record = self.records.row(row);
            for stage in &self.stages {
                (stage.kernels.add)(stage, &self.jet, record, &self.adjoints, gradient);
                functions::emit(stage, &self.jet, record, &self.adjoints, gradient);
            }
        }
    }

    /// Fills the derivatives of `seed·outputs` by the jets of a row.
    fn reverse(&mut self, row: usize, seed: &[f64]) {
        let record = self.records.row(row);
        let at = self.adjoints.len() - self.program.outputs() * self.jet.len();
        self.adjoints[at..].copy_from_slice(seed);
        for (index, stage) in self.stages.iter().enumerate().rev() {
            if !stage.factors.is_empty() {
                products::adjoint(stage, &self.jet, record.jets, &mut self.adjoints, &mut self.scratch);
            }
            if index > 0 {
                (stage.kernels.adjoint)(stage, &self.jet, &self.theta, record, &mut self.adjoints);
                functions::adjoint(stage, &self.jet, record, &mut self.adjoints);
            }
        }
    }
}

/// The jets of the network's inputs: their values, and 1 as the derivative of an input by itself.
fn seed_inputs(jet: &Jet, x: &[f64], jets: &mut [f64]) {
    jets.fill(0.0);
    for (jet, x) in jets.chunks_exact_mut(jet.len()).zip(x) {
        jet[0] = *x;
    }
    for (slot, input) in jet.directions.iter().enumerate() {
        jets[input * jet.len() + 1 + slot] = 1.0;
    }
}

#[cfg(test)]
mod tests;

//! The loops over the edges of a layer, one row at a time, compiled for each degree and order of jet.
//!
//! With `φ` an edge's function and `x` the jet of its input, the edge adds to the jet of its sum
//! `φ`, `φ'·xᵢ` and `φ''·xᵢ·xⱼ + φ'·xᵢⱼ`: the chain rule. Given the derivatives `s` by these, `φ` and its control points
//! matter through `a₀ = s₀`, `a₁ = Σ sᵢ·xᵢ + Σ sᵢⱼ·xᵢⱼ` and `a₂ = Σ sᵢⱼ·xᵢ·xⱼ` alone: the derivative by a control
//! point is `a₀·N + a₁·N' + a₂·N''`.

use crate::activity::Influence;
use crate::basis::{base_derivatives, evaluate};
use crate::jet::Jet;
use crate::records::{Record, RecordMut};
use crate::stage::Stage;
use kanode_optim::Rows;

/// Takes derivatives by neighbouring numbers of θ, in ascending order within a row.
pub(crate) trait Sink {
    fn take(&mut self, column: usize, values: &[f64]);
}

impl Sink for Rows {
    #[inline]
    fn take(&mut self, column: usize, values: &[f64]) {
        self.segment(column, values.len()).copy_from_slice(values);
    }
}

impl Sink for [f64] {
    #[inline]
    fn take(&mut self, column: usize, values: &[f64]) {
        self[column..column + values.len()].iter_mut().zip(values).for_each(|(to, value)| *to += value);
    }
}

/// The loops of one layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kernels {
    /// Fills weights and sums of a row from the jets of the layer's inputs: `(stage, jet, θ, record)`.
    pub(crate) forward: fn(&Stage, &Jet, &[f64], &mut RecordMut<'_>),
    /// Passes derivatives by the sums on to the inputs: `(stage, jet, θ, record, adjoints)`. Not for the first layer.
    pub(crate) adjoint: fn(&Stage, &Jet, &[f64], Record<'_>, &mut [f64]),
    /// Appends the layer's part of a Jacobian row: `(stage, jet, record, adjoints, rows)`.
    pub(crate) append: fn(&Stage, &Jet, Record<'_>, &[f64], &mut Rows),
    /// Adds the layer's part of a gradient: `(stage, jet, record, adjoints, gradient)`.
    pub(crate) add: fn(&Stage, &Jet, Record<'_>, &[f64], &mut [f64]),
    /// Values of the layer's edges, `[input·outputs + output]`: `(stage, θ, record, values)`.
    pub(crate) values: fn(&Stage, &[f64], Record<'_>, &mut [f64]),
    /// As [`crate::activity::reverse`].
    pub(crate) activity: fn(&Stage, &[f64], Influence<'_>, &mut [f64], &mut [f64]),
}

impl Kernels {
    /// The loops for a degree from 1 to 5 and jets of order up to 2.
    pub(crate) fn new(degree: usize, order: usize, is_first: bool) -> Self {
        match degree {
            1 => Self::of_degree::<2>(order, is_first),
            2 => Self::of_degree::<3>(order, is_first),
            3 => Self::of_degree::<4>(order, is_first),
            4 => Self::of_degree::<5>(order, is_first),
            _ => Self::of_degree::<6>(order, is_first),
        }
    }

    fn of_degree<const N: usize>(order: usize, is_first: bool) -> Self {
        match (order, is_first) {
            (0, true) => Self::of::<N, 0, 1>(),
            (0, false) => Self::of::<N, 0, 2>(),
            (1, true) => Self::of::<N, 1, 2>(),
            (1, false) => Self::of::<N, 1, 3>(),
            (_, true) => Self::of::<N, 2, 3>(),
            (_, false) => Self::of::<N, 2, 4>(),
        }
    }

    fn of<const N: usize, const ORDER: usize, const T: usize>() -> Self {
        Self {
            forward: forward::<N, ORDER, T>,
            adjoint: adjoint::<N, ORDER>,
            append: emit::<N, ORDER, Rows>,
            add: emit::<N, ORDER, [f64]>,
            values: values::<N>,
            activity: crate::activity::reverse::<N>,
        }
    }
}

fn forward<const N: usize, const ORDER: usize, const T: usize>(
    stage: &Stage,
    jet: &Jet,
    theta: &[f64],
    record: &mut RecordMut<'_>,
) {
    let length = jet.len();
    let (inputs, sums) = record.jets.split_at_mut(stage.sums_at);
    let inputs = &inputs[stage.input_jets()];
    let sums = &mut sums[..stage.outputs * length];
    sums.fill(0.0);
    let weights = record.weights[stage.weights_at..].chunks_exact_mut(T * (N + 1));
    let firsts = record.firsts[stage.firsts_at..].iter_mut();
    for (input, ((x, weights), first)) in inputs.chunks_exact(length).zip(weights).zip(firsts).enumerate() {
        let (row, bases) = evaluate::<N, T>(&stage.splines[input], x[0]);
        let base = base_derivatives::<T>(stage.base, x[0]);
        *first = row as u32;
        for d in 0..T {
            weights[d * (N + 1)..][..N].copy_from_slice(&bases[d]);
            weights[d * (N + 1) + N] = base[d];
        }
        let weights = &weights[..(ORDER + 1) * (N + 1)];
        for link in stage.links(input) {
            let phi = stage.edge_function::<N>(theta, link, row, weights);
            let y = &mut sums[link.output * length..][..length];
            y[0] += phi[0];
            if ORDER >= 1 {
                y[1..].iter_mut().zip(&x[1..]).for_each(|(y, x)| *y += phi[1] * x);
            }
            if ORDER >= 2 {
                jet.triples().for_each(|(ij, i, j)| y[ij] += phi[2] * x[i] * x[j]);
            }
        }
    }
}

/// `a₁` and `a₂` of the module's documentation.
#[inline]
pub(crate) fn slopes<const ORDER: usize>(jet: &Jet, x: &[f64], s: &[f64]) -> (f64, f64) {
    let first = if ORDER >= 1 { x[1..].iter().zip(&s[1..]).map(|(x, s)| x * s).sum() } else { 0.0 };
    let second = if ORDER >= 2 { jet.triples().map(|(ij, i, j)| s[ij] * x[i] * x[j]).sum() } else { 0.0 };
    (first, second)
}

fn adjoint<const N: usize, const ORDER: usize>(
    stage: &Stage,
    jet: &Jet,
    theta: &[f64],
    record: Record<'_>,
    adjoints: &mut [f64],
) {
    let length = jet.len();
    let (by_inputs, by_sums) = adjoints.split_at_mut(stage.sums_at);
    let by_inputs = &mut by_inputs[stage.input_jets()];
    by_inputs.fill(0.0);
    let weights = record.weights[stage.weights_at..].chunks_exact((ORDER + 2) * (N + 1));
    let inputs = record.jets[stage.input_jets()].chunks_exact(length);
    for (input, ((x, weights), by_x)) in
        inputs.zip(weights).zip(by_inputs.chunks_exact_mut(length)).enumerate()
    {
        let first = record.firsts[stage.firsts_at + input] as usize;
        for link in stage.links(input) {
            let s = &by_sums[link.output * length..][..length];
            if s.iter().all(|s| *s == 0.0) {
                continue;
            }
            // The derivatives of φ' and so on: the first order is not needed.
            let phi = stage.edge_function::<N>(theta, link, first, &weights[N + 1..]);
            by_x[0] += phi[0] * s[0];
            if ORDER >= 1 {
                let (a1, a2) = slopes::<ORDER>(jet, x, s);
                by_x[0] += phi[1] * a1 + phi[2] * a2;
                by_x[1..].iter_mut().zip(&s[1..]).for_each(|(by_x, s)| *by_x += phi[0] * s);
            }
            if ORDER >= 2 {
                for (ij, i, j) in jet.triples() {
                    by_x[i] += phi[1] * s[ij] * x[j];
                    by_x[j] += phi[1] * s[ij] * x[i];
                }
            }
        }
    }
}

fn emit<const N: usize, const ORDER: usize, S: Sink + ?Sized>(
    stage: &Stage,
    jet: &Jet,
    record: Record<'_>,
    adjoints: &[f64],
    sink: &mut S,
) {
    let length = jet.len();
    let by_sums = &adjoints[stage.sum_jets()];
    let weights = record.weights[stage.weights_at..].chunks_exact(stage.tables * (N + 1));
    let inputs = record.jets[stage.input_jets()].chunks_exact(length);
    for (input, (x, weights)) in inputs.zip(weights).enumerate() {
        let first = record.firsts[stage.firsts_at + input] as usize;
        for link in stage.links(input) {
            let s = &by_sums[link.output * length..][..length];
            let (a1, a2) = slopes::<ORDER>(jet, x, s);
            if s[0] == 0.0 && a1 == 0.0 && a2 == 0.0 {
                continue;
            }
            // The basis functions and, after them, the base function: room for the highest degree.
            let mut values = [0.0; 7];
            for (a, weights) in [s[0], a1, a2].into_iter().zip(weights.chunks_exact(N + 1)).take(ORDER + 1) {
                for slot in 0..=N {
                    values[slot] += a * weights[slot];
                }
            }
            let column = link.start + first;
            match stage.base_weight(link) {
                Some(at) if column + N == at => sink.take(column, &values[..=N]),
                Some(at) => {
                    sink.take(column, &values[..N]);
                    sink.take(at, &values[N..=N]);
                }
                None => sink.take(column, &values[..N]),
            }
        }
    }
}

fn values<const N: usize>(stage: &Stage, theta: &[f64], record: Record<'_>, values: &mut [f64]) {
    let weights = record.weights[stage.weights_at..].chunks_exact(stage.tables * (N + 1));
    for (input, (weights, values)) in weights.zip(values.chunks_exact_mut(stage.outputs)).enumerate() {
        let first = record.firsts[stage.firsts_at + input] as usize;
        for link in stage.links(input) {
            [values[link.output], ..] = stage.edge_function::<N>(theta, link, first, &weights[..=N]);
        }
    }
}

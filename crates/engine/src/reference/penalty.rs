//! The oracle of penalties: every edge at every row, and matrices entry by entry.

use super::ReferenceExecutor;
use crate::penalty::Penalty;
use crate::program::Program;
use std::sync::Arc;

/// The penalty at the slab `parameters`, for rows `x: [rows, inputs]` of weights `[rows]`, and its derivatives by the
/// parameters. Where it has none, `|φ|` and `|c_i|` at 0, that counts as 0. A row of weight 0 has no influence.
///
/// # Panics
/// If a length does not fit the program.
pub fn penalty(
    program: &Arc<Program>,
    penalty: &Penalty,
    parameters: &[f64],
    x: &[f64],
    weights: Option<&[f64]>,
) -> (f64, Vec<f64>) {
    let (of_activity, mut gradient) = activity(program, penalty, parameters, x, weights);
    let mut value = of_activity;
    let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
    for ((layer, range), forms) in program.layers().iter().zip(program.ranges()).zip(&penalty.forms) {
        let p = layer.views(&parameters[range.clone()]);
        let g = layer.views_mut(&mut gradient[range]);
        for edge in 0..layer.edges() {
            let form = &forms[edge / layer.outputs];
            let span = edge * layer.bases()..(edge + 1) * layer.bases();
            let points = &p.control_points[span.clone()];
            let weight = p.spline_weight[edge];
            for (i, point) in points.iter().enumerate() {
                let c = weight * point;
                let product: f64 =
                    points.iter().enumerate().map(|(j, p)| form.matrix.get(i, j) * weight * p).sum();
                value += penalty.coefficient * c.abs() + c * product;
                let slope = penalty.coefficient * sign(c) + 2.0 * product;
                g.control_points[span.start + i] += slope * weight;
                g.spline_weight[edge] += slope * point;
            }
            value += form.base * p.base_weight[edge].powi(2);
            g.base_weight[edge] += 2.0 * form.base * p.base_weight[edge];
        }
    }
    (value, gradient)
}

fn activity(
    program: &Arc<Program>,
    penalty: &Penalty,
    parameters: &[f64],
    x: &[f64],
    weights: Option<&[f64]>,
) -> (f64, Vec<f64>) {
    let rows = x.len() / program.inputs();
    let total: f64 = weights.map_or(rows as f64, |weights| weights.iter().sum());
    if !penalty.is_active() || total == 0.0 {
        return (0.0, vec![0.0; parameters.len()]);
    }
    let share = |row: usize| weights.map_or(1.0, |weights| weights[row]) / total;
    let executor = ReferenceExecutor { program: Arc::clone(program) };
    let forward = executor.forward(parameters, x, rows);
    let mut means: Vec<Vec<f64>> = program.layers().iter().map(|layer| vec![0.0; layer.edges()]).collect();
    // The way back meets every edge at every row.
    let dy = || vec![0.0; rows * program.outputs()];
    executor.reverse(parameters, &forward, dy(), rows, &mut |layer, row, edge, value| {
        means[layer][edge] += share(row) * value.abs();
        0.0
    });
    let mut value = 0.0;
    for means in &mut means {
        let sum: f64 = means.iter().sum();
        let parts = means.iter().filter(|mean| **mean != 0.0).map(|mean| mean / sum);
        let disorder: f64 = parts.map(|part| -part * part.ln()).sum();
        value += penalty.l1 * sum + penalty.entropy * disorder;
        // From here on the derivatives by the means.
        for mean in means.iter_mut().filter(|mean| **mean != 0.0) {
            *mean = penalty.l1 - penalty.entropy * ((*mean / sum).ln() + disorder) / sum;
        }
    }
    let (gradient, _) = executor.reverse(parameters, &forward, dy(), rows, &mut |layer, row, edge, value| {
        if value == 0.0 { 0.0 } else { share(row) * value.signum() * means[layer][edge] }
    });
    (value, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Case, Placement};
    use crate::penalty::EdgeForm;
    use crate::program::Base;
    use kanode_spline::{Banded, Outside};

    #[test]
    fn gradients_of_penalties_are_those_of_differences() {
        let case = Case {
            sizes: vec![2, 3, 2],
            products: vec![vec![2], vec![]],
            grid: 4,
            degree: 3,
            placement: Placement::Adaptive,
            outside: Outside::Linear,
            base: Base::Silu,
            rows: 9,
        };
        let program = case.program();
        let forms = program.layers().iter().map(|layer| {
            let forms = (0..layer.inputs).map(|input| {
                let mut matrix = Banded::zeros(layer.bases(), 2);
                matrix.add_diagonal(0.3 + input as f64);
                (1..layer.bases()).for_each(|i| matrix.add(i, i - 1, -0.2));
                EdgeForm { matrix: Arc::new(matrix), base: 0.1 + input as f64 }
            });
            forms.collect()
        });
        let all = Penalty { l1: 0.7, entropy: 0.4, coefficient: 0.2, forms: forms.collect() };
        let (x, slab, weights) =
            (case.inputs::<f64>(), case.parameters::<f64>(&program), case.weights::<f64>());
        for weights in [None, Some(weights.as_slice())] {
            let (value, found) = penalty(&program, &all, &slab, &x, weights);
            assert!(value > 0.0);
            let mut point = slab.clone();
            for (index, found) in found.iter().enumerate() {
                let mut at = |step: f64| {
                    point[index] = slab[index] + step;
                    let (value, _) = penalty(&program, &all, &point, &x, weights);
                    point[index] = slab[index];
                    value
                };
                let expected = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!(
                    (found - expected).abs() < 1e-7 * (1.0 + expected.abs()),
                    "{index}: {found} {expected}"
                );
            }
        }
    }
}

//! Variable projection: the constants inside a function are searched, those outside solved for.

use super::least_squares::{dot, solve};

/// Seeds that are polished, and how far apart two of them must be.
const POLISHED: usize = 4;
const APART: f64 = 0.12;
/// Nodes that seeds are compared on.
const SCANNED: usize = 64;
/// Steps of Levenberg–Marquardt from one seed.
const STEPS: usize = 40;
/// An error, relative to the curve's, below which no other seed is tried.
const EXACT: f64 = 1e-26;

/// Where a function is evaluated: constants, nodes, and what is wanted.
pub(crate) trait Shape {
    /// Writes values at the nodes to `values`, and derivatives by each constant to `slopes` unless it is empty. Values
    /// that do not exist may be anything that is not finite.
    fn fill(&self, theta: &[f64], nodes: &[f64], values: &mut [f64], slopes: &mut [Vec<f64>]);
}

/// Constants with the least error of `c·f + d` against `target` (mean 0), from the best of the seeds; None if `f` is not
/// finite on the nodes for any of them.
pub(crate) fn search(
    shape: &dyn Shape,
    nodes: &[f64],
    target: &[f64],
    seeds: impl IntoIterator<Item = Vec<f64>>,
) -> Option<Vec<f64>> {
    let stride = (nodes.len() / SCANNED).max(1);
    let thin = |values: &[f64]| values.iter().copied().step_by(stride).collect::<Vec<_>>();
    let (few, mut aims) = (thin(nodes), thin(target));
    centre(&mut aims);
    let mut values = vec![0.0; few.len()];
    let mut scanned: Vec<(f64, Vec<f64>)> = Vec::new();
    for seed in seeds {
        shape.fill(&seed, &few, &mut values, &mut []);
        if let Some((error, _)) = project(&mut values, &aims) {
            scanned.push((error, seed));
        }
    }
    scanned.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut chosen: Vec<Vec<f64>> = Vec::new();
    for (_, seed) in scanned {
        let near = |other: &Vec<f64>| {
            other.iter().zip(&seed).all(|(a, b)| (a - b).abs() <= APART * (a.abs() + 1e-9).min(2.0))
        };
        if !chosen.iter().any(near) {
            chosen.push(seed);
        }
        if chosen.len() == POLISHED {
            break;
        }
    }
    let total = dot(target, target);
    let mut best: Option<(f64, Vec<f64>)> = None;
    for seed in chosen {
        let Some((error, theta)) = polish(shape, nodes, target, seed) else { continue };
        if best.as_ref().is_none_or(|(least, _)| error < *least) {
            best = Some((error, theta));
        }
        if error < EXACT * total {
            break;
        }
    }
    best.map(|(_, theta)| theta)
}

fn centre(values: &mut [f64]) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|value| *value -= mean);
}

/// Centres values and fits `c` of `c·values` to the target; the error and c. None if they are not finite or constant.
fn project(values: &mut [f64], target: &[f64]) -> Option<(f64, f64)> {
    let size = values.iter().fold(0.0_f64, |size, value| size.max(value.abs()));
    centre(values);
    let square = dot(values, values);
    if !(square.is_finite() && square > 1e-24 * size * size) {
        return None;
    }
    let c = dot(values, target) / square;
    let error: f64 = values.iter().zip(target).map(|(value, y)| (y - c * value) * (y - c * value)).sum();
    error.is_finite().then_some((error, c))
}

/// Levenberg–Marquardt with the Jacobian of Kaufman (1975): the slopes without what the linear constants absorb.
fn polish(shape: &dyn Shape, nodes: &[f64], target: &[f64], seed: Vec<f64>) -> Option<(f64, Vec<f64>)> {
    let (count, total) = (seed.len(), dot(target, target));
    let mut theta = seed;
    let mut values = vec![0.0; nodes.len()];
    let mut slopes = vec![vec![0.0; nodes.len()]; count];
    let mut trial_values = values.clone();
    shape.fill(&theta, nodes, &mut values, &mut slopes);
    let (mut error, mut c) = project(&mut values, target)?;
    let (mut damping, mut stalled) = (1e-2, 0);
    for _ in 0..STEPS {
        if stalled > 2 || error < 1e-32 * total {
            break;
        }
        let square = dot(&values, &values);
        for slope in &mut slopes {
            centre(slope);
            let along = dot(slope, &values) / square;
            slope.iter_mut().zip(&values).for_each(|(slope, value)| *slope = c * (*slope - along * value));
        }
        let residual: Vec<f64> = target.iter().zip(&values).map(|(y, value)| y - c * value).collect();
        let normal: Vec<Vec<f64>> =
            slopes.iter().map(|a| slopes.iter().map(|b| dot(a, b)).collect()).collect();
        let gradient: Vec<f64> = slopes.iter().map(|slope| dot(slope, &residual)).collect();
        let mut moved = false;
        for _ in 0..8 {
            let (mut matrix, mut step) = (normal.clone(), gradient.clone());
            (0..count).for_each(|at| matrix[at][at] = matrix[at][at] * (1.0 + damping) + f64::MIN_POSITIVE);
            if solve(&mut matrix, &mut step) {
                let trial: Vec<f64> = theta.iter().zip(&step).map(|(old, step)| old + step).collect();
                shape.fill(&trial, nodes, &mut trial_values, &mut []);
                if let Some((less, slope)) = project(&mut trial_values, target)
                    && less < error
                {
                    stalled = if less > error * (1.0 - 1e-6) { stalled + 1 } else { 0 };
                    (theta, error, c) = (trial, less, slope);
                    damping = (damping * 0.1_f64).max(1e-12);
                    moved = true;
                    break;
                }
            }
            damping *= 5.0;
        }
        if !moved {
            break;
        }
        shape.fill(&theta, nodes, &mut values, &mut slopes);
        centre(&mut values);
    }
    Some((error, theta))
}

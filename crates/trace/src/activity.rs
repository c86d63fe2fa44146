//! The penalty of the KAN paper on what edges do: their mean absolute values and the entropy of these in each layer
//! (arXiv 2404.19756, equations 2.17 to 2.20), with its gradient through all layers.

use crate::jet::Jet;
use crate::packing::Packing;
use crate::records::Record;
use crate::stage::Stage;
use crate::trace::Trace;
use kanode_engine::Program;
use std::sync::Arc;

/// Rows that are held at a time. A batch of no more rows is run through the network once, a longer one twice.
const BLOCK: usize = 256;

/// `l1·Σ |φ|₁ + entropy·Σ S` over the rows `x: [rows, inputs]` with the parameters θ. `|φ|₁` is the mean of `|φ(x)|` over
/// the rows, weighted where there are `weights: [rows]`; the first sum is over all edges. The second is over the layers,
/// `S = −Σ p·ln p` with `p` an edge's part in its layer's sum of `|φ|₁`.
///
/// Adds the derivatives by θ to `gradient`. The derivative of `|φ|` at 0 counts as 0. A row of weight 0 has no influence
/// at all; where no row has any, the penalty is 0.
///
/// # Panics
/// If `theta` or `gradient` is not as long as the packing says, `x` is no whole number of rows, or there is not a
/// weight for each.
#[expect(clippy::too_many_arguments, reason = "a function of a network on a batch, and of two strengths")]
pub fn activity_penalty(
    program: &Program,
    packing: &Packing,
    theta: &[f64],
    x: &[f64],
    weights: Option<&[f64]>,
    l1: f64,
    entropy: f64,
    gradient: Option<&mut [f64]>,
) -> f64 {
    let rows = x.len() / program.inputs();
    assert!(weights.is_none_or(|weights| weights.len() == rows), "a weight for every row");
    let total: f64 = weights.map_or(rows as f64, |weights| weights.iter().sum());
    if total == 0.0 {
        return 0.0;
    }
    let share = |row: usize| weights.map_or(1.0, |weights| weights[row]) / total;
    let mut trace = Trace::new(Arc::new(program.clone()), Arc::new(packing.clone()), Jet::value());
    let mut activities = mean_absolutes(program, &mut trace, theta, x, share);
    let mut value = 0.0;
    for activities in &mut activities {
        let sum: f64 = activities.iter().sum();
        // An edge without activity has the part 0, and 0·ln 0 = 0.
        let parts = activities.iter().map(|activity| activity / sum).filter(|part| *part != 0.0);
        let disorder = if sum == 0.0 { 0.0 } else { parts.map(|part| -part * part.ln()).sum() };
        value += l1 * sum + entropy * disorder;
        // From here on the derivatives of the penalty by the activities. Where an activity is 0, so is every φ.
        for activity in activities.iter_mut().filter(|activity| **activity != 0.0) {
            *activity = l1 - entropy * ((*activity / sum).ln() + disorder) / sum;
        }
    }
    if let Some(gradient) = gradient {
        assert_eq!(gradient.len(), packing.len(), "a gradient of another packing");
        let held = x.len() <= BLOCK * program.inputs();
        for (index, block) in x.chunks(BLOCK * program.inputs()).enumerate() {
            if !held {
                trace.forward(theta, block);
            }
            for row in 0..trace.rows() {
                let share = share(index * BLOCK + row);
                if share != 0.0 {
                    trace.activity_gradient(row, share, &activities, gradient);
                }
            }
        }
    }
    value
}

/// The mean absolute values of the edges of each layer; 0 for pruned edges.
fn mean_absolutes(
    program: &Program,
    trace: &mut Trace,
    theta: &[f64],
    x: &[f64],
    share: impl Fn(usize) -> f64,
) -> Vec<Vec<f64>> {
    let mut activities: Vec<Vec<f64>> =
        program.layers().iter().map(|layer| vec![0.0; layer.edges()]).collect();
    let mut values = vec![0.0; activities.iter().map(Vec::len).max().unwrap_or(0)];
    for (index, block) in x.chunks(BLOCK * program.inputs()).enumerate() {
        trace.forward(theta, block);
        for row in 0..trace.rows() {
            let share = share(index * BLOCK + row);
            if share == 0.0 {
                continue;
            }
            for (layer, activities) in activities.iter_mut().enumerate() {
                let values = &mut values[..activities.len()];
                trace.edge_values(layer, row, values);
                activities.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value.abs());
            }
        }
    }
    activities
}

/// What one row has to do with the penalty, through the edges of one layer.
#[derive(Clone, Copy)]
pub(crate) struct Influence<'a> {
    /// What the row came to.
    pub(crate) record: Record<'a>,
    /// Derivatives of the penalty by the mean absolute values of the edges, `[input·outputs + output]`.
    pub(crate) by_activities: &'a [f64],
    /// The row's part in these mean values.
    pub(crate) share: f64,
}

/// One layer's part of the penalty's gradient for one row: adds derivatives by θ to `gradient`, and passes those by the
/// inputs on within `adjoints`, if the layer is not the first.
pub(crate) fn reverse<const N: usize>(
    stage: &Stage,
    theta: &[f64],
    Influence { record, by_activities, share }: Influence<'_>,
    adjoints: &mut [f64],
    gradient: &mut [f64],
) {
    let (by_inputs, by_sums) = adjoints.split_at_mut(stage.sums_at);
    let by_inputs = &mut by_inputs[stage.input_jets()];
    let weights = record.weights[stage.weights_at..].chunks_exact(stage.tables * (N + 1));
    for (input, (weights, by_input)) in weights.zip(by_inputs).enumerate() {
        let first = record.firsts[stage.firsts_at + input] as usize;
        *by_input = 0.0;
        for link in stage.links(input) {
            // The slope is 0 for the first layer, which has none in its record and passes nothing on.
            let [value, slope, ..] = stage.edge_function::<N>(theta, link, first, weights);
            let sign = if value == 0.0 { 0.0 } else { value.signum() };
            let by_activity = by_activities[input * stage.outputs + link.output];
            let s = by_sums[link.output] + share * sign * by_activity;
            if s == 0.0 {
                continue;
            }
            *by_input += s * slope;
            let points = &mut gradient[link.start + first..][..N];
            points.iter_mut().zip(weights).for_each(|(to, weight)| *to += s * weight);
            if let Some(at) = stage.base_weight(link) {
                gradient[at] += s * weights[N];
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! How far networks are from rows, and formulas from networks, in the units of the data.

use super::Agreement;
use super::refit::{Observations, predictions};
use crate::formula::Formula;
use crate::front::{Candidate, Front};
use crate::sample::Sample;
use kanode_network::Network;

/// Rows in the network's units.
pub(super) fn observations(network: &Network<f64>, sample: &Sample, output: usize) -> Observations {
    let rows = sample.rows();
    let (mean, scale) = network
        .scaler()
        .map_or((0.0, 1.0), |scaler| (scaler.target_mean[output], scaler.target_scale[output]));
    let y = sample.y().iter().map(|y| (y - mean) / scale).collect();
    let total: f64 = (0..rows).map(|row| sample.weight(row)).sum();
    let roots = (0..rows).map(|row| (sample.weight(row) / total).sqrt()).collect();
    Observations { x: network.scale_inputs(&points(sample), rows), y, roots, output }
}

/// `[rows, columns]`.
fn points(sample: &Sample) -> Vec<f64> {
    (0..sample.rows()).flat_map(|row| sample.columns().iter().map(move |column| column[row])).collect()
}

/// What an output of a network is for the rows of a sample, in the units of the data.
pub(crate) fn predicted(network: &Network<f64>, sample: &Sample, output: usize) -> Vec<f64> {
    predictions(network, &observations(network, sample, output))
}

/// The part of the targets' variance that a network leaves unexplained, however many rows there are; not finite where it
/// has no value at a row, or the targets don't differ.
pub(crate) fn unexplained(network: &Network<f64>, sample: &Sample, output: usize) -> f64 {
    let predicted = predicted(network, sample, output);
    let squares: f64 = sample.residuals(&predicted).iter().map(|residual| residual * residual).sum();
    squares / sample.rows() as f64 / sample.variance()
}

/// How far formulas are from the network on the rows.
pub(super) fn agreements(
    front: &Front,
    network: &Network<f64>,
    sample: &Sample,
    output: usize,
) -> Vec<Agreement> {
    let predicted = predicted(network, sample, output);
    let points = points(sample);
    let of_candidate = |candidate: &Candidate| {
        let formula = Formula::new(candidate.model.expression(), Some(sample.names().to_vec())).ok();
        let mut values = vec![f64::NAN; sample.rows()];
        if let Some(formula) = formula {
            formula.evaluate(&points, &mut values);
        }
        agreement(&values, &predicted)
    };
    front.candidates().iter().map(of_candidate).collect()
}

/// NaN where a value is.
fn agreement(values: &[f64], predicted: &[f64]) -> Agreement {
    let differences = values.iter().zip(predicted).map(|(value, predicted)| (value - predicted).abs());
    let greater = |most: f64, one: f64| if most.is_nan() || one <= most { most } else { one };
    let largest = differences.clone().fold(0.0, greater);
    let rms = (differences.map(|one| one * one).sum::<f64>() / values.len() as f64).sqrt();
    Agreement { largest, rms }
}

#[cfg(test)]
mod tests {
    use super::super::refit::refit;
    use super::*;
    use kanode_network::Specification;
    use std::sync::Arc;

    #[test]
    fn a_value_that_is_nan_agrees_with_nothing() {
        let found = agreement(&[1.0, f64::NAN, 3.0], &[1.5, 2.0, 3.0]);
        assert!(found.largest.is_nan() && found.rms.is_nan());
        assert_eq!(agreement(&[1.0, 5.0, 3.0], &[1.5, 2.0, 3.0]).largest, 3.0);
    }

    #[test]
    fn what_blocks_of_rows_leave_unexplained_is_what_all_at_once_do() {
        let network = Network::<f64>::new(Specification::of(&[2, 2, 1])).unwrap();
        let column =
            |root: f64| -> Vec<f64> { (0..1500).map(|row| (f64::from(row) * root).fract()).collect() };
        let names = ["x", "y"].map(Arc::from).to_vec();
        let weights = column(0.7);
        let sample =
            Sample::new(names, vec![column(0.3), column(0.71)], column(0.123), Some(&weights)).unwrap();
        let rows = observations(&network, &sample, 0);
        let expected = refit(&mut network.clone(), &rows, 0) / rows.variance();
        let found = unexplained(&network, &sample, 0);
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    }
}

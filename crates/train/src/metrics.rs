//! How good a network is on given rows, in the user's units.

use crate::dataset::Dataset;
use crate::error::{Rows, TrainError};
use crate::memory::reserved;
use crate::predict::predict;
use kanode_engine::{Batch, Compile, EngineError, Loss, Real};
use kanode_network::Network;
use serde::Serialize;

/// Numbers above this might leave the range when many are added up.
const LARGE: f64 = 1e280;
/// The unit for those: a power of two (2⁶⁴), so that it changes no digit, and large enough for any number of rows.
const UNIT_OF_LARGE: f64 = 18_446_744_073_709_551_616.0;
/// Numbers above this might leave the range when many of their squares are added up, and those below its inverse may
/// have squares that are lost.
const LARGE_TO_SQUARE: f64 = 1e140;

/// Figures of merit; which ones is a matter of the loss that the network was fitted with.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Metrics {
    /// For quantities.
    Regression(Regression),
    /// For classes.
    Classification(Classification),
}

/// Errors of quantities. Rows count by their weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Regression {
    /// Root of the mean squared error, over rows and outputs.
    pub rmse: f64,
    /// Mean absolute error, over rows and outputs.
    pub mae: f64,
    /// Coefficient of determination, `1 − Σ(y − ŷ)² / Σ(y − ȳ)²` with the mean `ȳ` of these rows: 1 is perfect, 0 no
    /// better than that mean, and cut off at the number range below. With several outputs the mean over those that
    /// vary; None if none does.
    pub r2: Option<f64>,
    /// The same for each output; empty if there is one only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputErrors>,
}

/// Errors of one output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputErrors {
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Coefficient of determination; None if the targets do not vary.
    pub r2: Option<f64>,
}

/// Errors of classes. Rows count by their weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Classification {
    /// Part of the rows whose likeliest class is the right one (the likeliest in the targets, if those are
    /// probabilities). With `binaryCrossEntropy`: part of all outputs on the right side of one half.
    pub accuracy: f64,
    /// The cross-entropy in nats: the loss itself.
    pub log_loss: f64,
}

/// Predicts the rows of `data` and compares. A network that was never fitted is judged as a regression. `cancelled` is
/// asked before every block of 4096 rows whether to give up.
///
/// # Errors
/// [`TrainError::Data`] if the data do not fit the network or an output is not finite, [`TrainError::Cancelled`],
/// [`TrainError::Engine`], also where there is no memory for the outputs.
pub fn evaluate<T: Real>(
    network: &Network<T>,
    data: &Dataset,
    backend: &dyn Compile<T>,
    cancelled: &dyn Fn() -> bool,
) -> Result<Metrics, TrainError> {
    let loss = network.loss().unwrap_or_default();
    let error = |source| TrainError::Data { rows: Rows::Given, source };
    data.check_for(network.inputs(), network.outputs(), loss).map_err(error)?;
    let predictions = predict(network, data.x(), data.rows(), backend, cancelled)?;
    Ok(compare(&predictions, network.outputs(), data, loss)?)
}

/// Metrics of `predictions: [rows, outputs]` for the rows of `data`.
fn compare(predictions: &[f64], outputs: usize, data: &Dataset, loss: Loss) -> Result<Metrics, EngineError> {
    // Relative to the largest, so that no sum overflows.
    let largest = data.weights().map_or(1.0, |weights| weights.iter().copied().fold(0.0, f64::max));
    let mut weights = reserved("weights", data.rows())?;
    weights.extend((0..data.rows()).map(|row| data.weight(row) / largest));
    if loss.is_classification() {
        let batch = Batch { x: data.x(), targets: data.y(), weights: Some(&weights), rows: data.rows() };
        let log_loss = loss.evaluate(predictions, outputs, &batch, None)?;
        let accuracy = accuracy(predictions, outputs, data, &weights, loss);
        return Ok(Metrics::Classification(Classification { accuracy, log_loss }));
    }
    let columns: Vec<OutputErrors> =
        (0..outputs).map(|output| output_errors(predictions, outputs, output, data, &weights)).collect();
    let count = outputs as f64;
    let defined: Vec<f64> = columns.iter().filter_map(|column| column.r2).collect();
    Ok(Metrics::Regression(Regression {
        rmse: root_mean_square(columns.iter().map(|column| (1.0, column.rmse))),
        mae: columns.iter().map(|column| column.mae / count).sum(),
        r2: (!defined.is_empty()).then(|| defined.iter().map(|r2| r2 / defined.len() as f64).sum()),
        outputs: if outputs == 1 { Vec::new() } else { columns },
    }))
}

fn output_errors(
    predictions: &[f64],
    outputs: usize,
    output: usize,
    data: &Dataset,
    weights: &[f64],
) -> OutputErrors {
    let counted = || (0..data.rows()).filter(|row| weights[*row] > 0.0);
    let cell = |row: usize| (predictions[row * outputs + output], data.target_row(row)[output]);
    // Numbers near the end of the range are taken in a larger unit, in which no sum or difference overflows.
    let largest = counted().map(cell).fold(0.0, |largest: f64, (y, t)| largest.max(y.abs()).max(t.abs()));
    let unit = if largest > LARGE { UNIT_OF_LARGE } else { 1.0 };
    let target = |row: usize| cell(row).1 / unit;
    let error = |row: usize| cell(row).0 / unit - target(row);
    let total: f64 = counted().map(|row| weights[row]).sum();
    let mean = |of: &dyn Fn(usize) -> f64| counted().map(|row| weights[row] * of(row)).sum::<f64>() / total;
    // About a value of the column, so that a constant column has no spread at all.
    let origin = counted().next().map_or(0.0, target);
    let middle = origin + mean(&|row| target(row) - origin);
    let rmse = root_mean_square(counted().map(|row| (weights[row], error(row))));
    let spread = root_mean_square(counted().map(|row| (weights[row], target(row) - middle)));
    OutputErrors {
        rmse: rmse * unit,
        mae: mean(&|row| error(row).abs()) * unit,
        r2: (spread > 0.0).then(|| (1.0 - (rmse / spread).powi(2)).max(f64::MIN)),
    }
}

/// `√(Σ w·v² / Σ w)` of pairs `(w, v)`. Where the squares might overflow or underflow they are scaled by the largest
/// value first.
fn root_mean_square(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let largest = pairs.clone().fold(0.0, |largest: f64, (_, value)| largest.max(value.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    let scale = if (1.0 / LARGE_TO_SQUARE..=LARGE_TO_SQUARE).contains(&largest) { 1.0 } else { largest };
    let (sum, total) = pairs.fold((0.0, 0.0), |(sum, total), (weight, value)| {
        (sum + weight * (value / scale).powi(2), total + weight)
    });
    scale * (sum / total).sqrt()
}

fn accuracy(predictions: &[f64], outputs: usize, data: &Dataset, weights: &[f64], loss: Loss) -> f64 {
    let labels = data.holds_labels(outputs, loss);
    let (mut right, mut total) = (0.0, 0.0);
    for (row, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let found = &predictions[row * outputs..(row + 1) * outputs];
        let targets = data.target_row(row);
        total += weight;
        right += weight
            * if loss == Loss::BinaryCrossEntropy {
                let sides = found.iter().zip(targets).filter(|(y, t)| (**y > 0.0) == (**t > 0.5));
                sides.count() as f64 / outputs as f64
            } else {
                let class = if labels { targets[0] as usize } else { likeliest(targets) };
                if likeliest(found) == class { 1.0 } else { 0.0 }
            };
    }
    right / total
}

/// Index of the greatest value, the first of equal ones.
fn likeliest(values: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(targets: usize, y: &[f64], weights: Option<&[f64]>) -> Dataset {
        let rows = y.len() / targets;
        Dataset::new(rows, 1, targets, vec![0.0; rows], y.to_vec(), weights.map(<[f64]>::to_vec)).unwrap()
    }

    fn regression(predictions: &[f64], outputs: usize, data: &Dataset) -> Regression {
        match compare(predictions, outputs, data, Loss::Mae).unwrap() {
            Metrics::Regression(regression) => regression,
            other => panic!("{other:?}"),
        }
    }

    fn classification(predictions: &[f64], outputs: usize, data: &Dataset, loss: Loss) -> Classification {
        match compare(predictions, outputs, data, loss).unwrap() {
            Metrics::Classification(classification) => classification,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn regression_metrics_equal_their_definitions() {
        // Errors 1, -1, 2; the targets 1, 2, 6 have mean 3 and squared deviations 4, 1, 9.
        let found = regression(&[2.0, 1.0, 8.0], 1, &data(1, &[1.0, 2.0, 6.0], None));
        assert!((found.rmse - 2.0f64.sqrt()).abs() < 1e-15 && (found.mae - 4.0 / 3.0).abs() < 1e-15);
        assert!((found.r2.unwrap() - (1.0 - 6.0 / 14.0)).abs() < 1e-15);
        assert_eq!(found.outputs, []);
    }

    #[test]
    fn weights_count_as_repetitions() {
        let weighted = regression(
            &[2.0, 1.0, 8.0, 9.0],
            1,
            &data(1, &[1.0, 2.0, 6.0, 0.0], Some(&[1.0, 3.0, 2.0, 0.0])),
        );
        let repeated =
            regression(&[2.0, 1.0, 1.0, 1.0, 8.0, 8.0], 1, &data(1, &[1.0, 2.0, 2.0, 2.0, 6.0, 6.0], None));
        assert!((weighted.rmse - repeated.rmse).abs() < 1e-15 && (weighted.mae - repeated.mae).abs() < 1e-15);
        assert!((weighted.r2.unwrap() - repeated.r2.unwrap()).abs() < 1e-15);
        let huge = regression(&[2.0, 1.0], 1, &data(1, &[1.0, 2.0], Some(&[1e308, 1e308])));
        assert_eq!(huge.rmse, 1.0);
    }

    #[test]
    fn metrics_do_not_depend_on_the_size_of_the_numbers() {
        let (predictions, targets) = ([2.0, 1.0, 8.0, -3.0], [1.0, 2.0, 6.0, -3.5]);
        let scaled = |values: &[f64], scale: f64| values.iter().map(|v| v * scale).collect::<Vec<_>>();
        let close = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-13;
        for outputs in [1, 2] {
            let plain = regression(&predictions, outputs, &data(outputs, &targets, None));
            for scale in [1e160, 1e-170, 1e307, 1e-290] {
                let data = data(outputs, &scaled(&targets, scale), None);
                let found = regression(&scaled(&predictions, scale), outputs, &data);
                assert!(close(found.rmse / scale, plain.rmse), "{scale}: {found:?}");
                assert!(close(found.mae / scale, plain.mae), "{scale}: {found:?}");
                assert!(close(found.r2.unwrap(), plain.r2.unwrap()), "{scale}: {found:?}");
            }
        }
    }

    #[test]
    fn numbers_at_both_ends_of_the_range_give_finite_metrics() {
        let many: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 1e308 } else { -1e308 }).collect();
        let found = regression(&[0.0; 100], 1, &data(1, &many, None));
        assert!((found.rmse / 1e308 - 1.0).abs() < 1e-14 && (found.mae / 1e308 - 1.0).abs() < 1e-14);
        assert!(found.r2.unwrap().abs() < 1e-14);
        let hopeless = regression(&[1e300, 1e300], 1, &data(1, &[0.0, 1e-10], None));
        assert_eq!(hopeless.r2, Some(f64::MIN));
    }

    #[test]
    fn an_evaluation_can_be_cancelled() {
        let network = Network::<f64>::new(kanode_network::Specification::of(&[1, 1])).unwrap();
        let data = data(1, &[1.0, 2.0], None);
        let reference = &kanode_engine::reference::Reference;
        assert_eq!(evaluate(&network, &data, reference, &|| true), Err(TrainError::Cancelled));
        assert!(evaluate(&network, &data, reference, &|| false).is_ok());
    }

    #[test]
    fn several_outputs_are_told_apart() {
        let found = regression(&[1.0, 30.0, 3.0, 10.0], 2, &data(2, &[1.0, 10.0, 3.0, 10.0], None));
        assert_eq!(found.outputs[0], OutputErrors { rmse: 0.0, mae: 0.0, r2: Some(1.0) });
        assert_eq!(found.outputs[1], OutputErrors { rmse: 200.0f64.sqrt(), mae: 10.0, r2: None });
        assert!((found.rmse - 10.0).abs() < 1e-14);
        assert_eq!((found.mae, found.r2), (5.0, Some(1.0)));
    }

    #[test]
    fn targets_that_do_not_vary_have_no_coefficient_of_determination() {
        assert_eq!(regression(&[0.1, 0.2], 1, &data(1, &[0.1, 0.1], None)).r2, None);
    }

    #[test]
    fn classes_are_counted_and_weighed() {
        let predictions = [2.0, 1.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 1.0];
        let labels = data(1, &[0.0, 1.0, 0.0], Some(&[1.0, 1.0, 2.0]));
        let found = classification(&predictions, 3, &labels, Loss::CrossEntropy);
        assert_eq!(found.accuracy, 0.5);
        let one_hot = data(3, &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0], Some(&[1.0, 1.0, 2.0]));
        assert_eq!(classification(&predictions, 3, &one_hot, Loss::CrossEntropy), found);
        let even = classification(&[0.0; 9], 3, &labels, Loss::CrossEntropy);
        assert!((even.log_loss - 3.0f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn logits_are_judged_by_their_side() {
        let found = classification(
            &[2.0, -1.0, 3.0, 0.5],
            2,
            &data(2, &[1.0, 0.0, 0.0, 1.0], None),
            Loss::BinaryCrossEntropy,
        );
        assert_eq!(found.accuracy, 0.75);
    }

    #[test]
    fn metrics_serialise_without_a_tag() {
        let metrics = Metrics::Regression(Regression { rmse: 1.0, mae: 0.5, r2: None, outputs: vec![] });
        assert_eq!(serde_json::to_string(&metrics).unwrap(), r#"{"rmse":1.0,"mae":0.5,"r2":null}"#);
        let metrics = Metrics::Classification(Classification { accuracy: 1.0, log_loss: 0.25 });
        assert_eq!(serde_json::to_string(&metrics).unwrap(), r#"{"accuracy":1.0,"logLoss":0.25}"#);
    }
}

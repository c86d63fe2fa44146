//! Units: from the user's to the network's and back. A scaler belongs to the model and is saved with it, so that
//! predictions come out in the units that the targets went in.

use crate::error::NetworkError;
use kanode_engine::Real;
use serde::{Deserialize, Serialize};

/// Means and scales of the columns: `x' = (x - mean)/scale`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scaler {
    /// One for each input.
    pub input_mean: Vec<f64>,
    /// One for each input; positive.
    pub input_scale: Vec<f64>,
    /// One for each output.
    pub target_mean: Vec<f64>,
    /// One for each output; positive.
    pub target_scale: Vec<f64>,
}

impl Scaler {
    /// The scaler that changes nothing.
    pub fn identity(inputs: usize, outputs: usize) -> Self {
        Self {
            input_mean: vec![0.0; inputs],
            input_scale: vec![1.0; inputs],
            target_mean: vec![0.0; outputs],
            target_scale: vec![1.0; outputs],
        }
    }

    /// The scaler that brings each column of `x: [rows, inputs]` and `y: [rows, outputs]` to mean 0 and standard
    /// deviation 1, rows counting by `weights: [rows]` (or 1 each). Rows of weight 0 have no influence. A column that
    /// is constant, or varies by no more than rounding, gets scale 1; without rows that count, all is left as it is.
    ///
    /// # Errors
    /// [`NetworkError::Length`] if the lengths do not fit each other, [`NetworkError::Spread`] for a column that
    /// counts a value which is not finite, or values too large for a mean and a deviation.
    pub fn fit(
        x: &[f64],
        inputs: usize,
        y: &[f64],
        outputs: usize,
        weights: Option<&[f64]>,
    ) -> Result<Self, NetworkError> {
        let rows = check_rows("inputs", x, inputs, weights)?;
        let found = check_rows("targets", y, outputs, weights)?;
        if rows != found {
            return Err(NetworkError::Length { what: "rows of targets", expected: rows, found });
        }
        let (input_mean, input_scale) = columns("inputs", x, inputs, weights)?;
        let (target_mean, target_scale) = columns("targets", y, outputs, weights)?;
        Ok(Self { input_mean, input_scale, target_mean, target_scale })
    }

    /// As [`Scaler::fit`], but for targets that keep their values: classes.
    ///
    /// # Errors
    /// As [`Scaler::fit`].
    pub fn fit_inputs(
        x: &[f64],
        inputs: usize,
        outputs: usize,
        weights: Option<&[f64]>,
    ) -> Result<Self, NetworkError> {
        check_rows("inputs", x, inputs, weights)?;
        let (input_mean, input_scale) = columns("inputs", x, inputs, weights)?;
        Ok(Self { input_mean, input_scale, ..Self::identity(0, outputs) })
    }

    /// Checks lengths, that all numbers are finite, and that scales are positive.
    ///
    /// # Errors
    /// [`NetworkError::Length`] or [`NetworkError::Scaler`], naming the first number that is wrong.
    pub fn validate(&self, inputs: usize, outputs: usize) -> Result<(), NetworkError> {
        let parts = [
            ("inputMean", &self.input_mean, inputs, f64::NEG_INFINITY),
            ("inputScale", &self.input_scale, inputs, 0.0),
            ("targetMean", &self.target_mean, outputs, f64::NEG_INFINITY),
            ("targetScale", &self.target_scale, outputs, 0.0),
        ];
        for (what, numbers, expected, above) in parts {
            if numbers.len() != expected {
                return Err(NetworkError::Length { what, expected, found: numbers.len() });
            }
            if let Some(index) = numbers.iter().position(|n| !(n.is_finite() && *n > above)) {
                return Err(NetworkError::Scaler { what, index, found: numbers[index] });
            }
        }
        Ok(())
    }

    /// Inputs `[rows, inputs]` in the network's units.
    pub fn scale_inputs<T: Real>(&self, x: &[f64]) -> Vec<T> {
        scale(x, &self.input_mean, &self.input_scale)
    }

    /// Targets `[rows, outputs]` in the network's units.
    pub fn scale_targets<T: Real>(&self, y: &[f64]) -> Vec<T> {
        scale(y, &self.target_mean, &self.target_scale)
    }

    /// Outputs `[rows, outputs]` in the user's units.
    pub fn unscale_outputs<T: Real>(&self, y: &[T]) -> Vec<f64> {
        let columns = self.target_mean.iter().zip(&self.target_scale).cycle();
        y.iter().zip(columns).map(|(y, (mean, scale))| y.to_f64() * scale + mean).collect()
    }
}

fn scale<T: Real>(values: &[f64], means: &[f64], scales: &[f64]) -> Vec<T> {
    let columns = means.iter().zip(scales).cycle();
    values.iter().zip(columns).map(|(value, (mean, scale))| T::from_f64((value - mean) / scale)).collect()
}

/// The number of rows, if the values fill rows of this width, one for each weight.
fn check_rows(
    what: &'static str,
    values: &[f64],
    width: usize,
    weights: Option<&[f64]>,
) -> Result<usize, NetworkError> {
    let rows = weights.map_or_else(|| values.len().checked_div(width).unwrap_or(0), <[f64]>::len);
    let expected = rows.saturating_mul(width);
    if values.len() == expected {
        Ok(rows)
    } else {
        Err(NetworkError::Length { what, expected, found: values.len() })
    }
}

/// Means and scales of all columns.
fn columns(
    what: &'static str,
    values: &[f64],
    width: usize,
    weights: Option<&[f64]>,
) -> Result<(Vec<f64>, Vec<f64>), NetworkError> {
    // Weights relative to the largest, so that their sum is a number.
    let largest = weights.map_or(1.0, |weights| weights.iter().copied().fold(0.0, f64::max));
    let weight = |row: usize| weights.map_or(1.0, |weights| weights[row] / largest);
    let mut moments = (Vec::with_capacity(width), Vec::with_capacity(width));
    for column in 0..width {
        let counted =
            values.chunks_exact(width).enumerate().map(|(row, values)| (weight(row), values[column]));
        let counted = counted.filter(|(weight, _)| *weight > 0.0);
        let (mean, scale) = moments_of(counted).ok_or(NetworkError::Spread { what, column })?;
        moments.0.push(mean);
        moments.1.push(scale);
    }
    Ok(moments)
}

/// Mean and scale of weighted values, in two passes. Both passes sum differences to a value of the column or to the
/// mean, so that a large offset costs no digits and a constant column has its own value as mean, exactly.
fn moments_of(values: impl Iterator<Item = (f64, f64)> + Clone) -> Option<(f64, f64)> {
    let Some((_, origin)) = values.clone().next() else { return Some((0.0, 1.0)) };
    let total: f64 = values.clone().map(|(weight, _)| weight).sum();
    let mean = origin + values.clone().map(|(weight, value)| weight * (value - origin)).sum::<f64>() / total;
    // Differences relative to the largest, so that no square overflows or vanishes.
    let spread = values.clone().map(|(_, value)| (value - mean).abs()).fold(0.0, f64::max);
    let size = values.clone().map(|(_, value)| value.abs()).fold(0.0, f64::max);
    if !(mean.is_finite() && spread.is_finite() && size.is_finite()) {
        return None;
    }
    if spread == 0.0 {
        return Some((mean, 1.0));
    }
    let squares: f64 = values.map(|(weight, value)| weight * ((value - mean) / spread).powi(2)).sum();
    let deviation = spread * (squares / total).sqrt();
    let rounding = (4.0 * f64::EPSILON * size).max(f64::MIN_POSITIVE);
    deviation.is_finite().then_some((mean, if deviation <= rounding { 1.0 } else { deviation }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one_column(x: &[f64], weights: Option<&[f64]>) -> (f64, f64) {
        let scaler = Scaler::fit_inputs(x, 1, 1, weights).unwrap();
        (scaler.input_mean[0], scaler.input_scale[0])
    }

    #[test]
    fn columns_get_their_own_mean_and_deviation() {
        let x = [1.0, 10.0, 3.0, 10.0, 5.0, 40.0];
        let scaler = Scaler::fit(&x, 2, &[2.0, 4.0, 6.0], 1, None).unwrap();
        assert_eq!(scaler.input_mean, [3.0, 20.0]);
        assert!((scaler.input_scale[0] - (8.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((scaler.input_scale[1] - 200.0f64.sqrt()).abs() < 1e-14);
        assert_eq!(scaler.target_mean, [4.0]);
        let scaled: Vec<f64> = scaler.scale_inputs(&x);
        for column in 0..2 {
            let column: Vec<f64> = scaled.iter().skip(column).step_by(2).copied().collect();
            assert!(column.iter().sum::<f64>().abs() < 1e-15);
            assert!((column.iter().map(|v| v * v).sum::<f64>() - 3.0).abs() < 1e-14);
        }
    }

    #[test]
    fn a_large_offset_costs_no_digits() {
        let x: Vec<f64> = (0..1000).map(|i| 1e9 + f64::from(i % 10)).collect();
        let (mean, scale) = one_column(&x, None);
        assert_eq!(mean, 1e9 + 4.5);
        assert!((scale - 8.25f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn very_large_and_very_small_values_have_deviations() {
        assert_eq!(one_column(&[-1e300, 1e300], None), (0.0, 1e300));
        assert_eq!(one_column(&[-1e-300, 1e-300], None), (0.0, 1e-300));
        assert_eq!(one_column(&[0.0, 5e-324], None).1, 1.0);
    }

    #[test]
    fn a_constant_column_keeps_its_scale() {
        for value in [0.0, 0.1, 1e9, -3e-200] {
            assert_eq!(one_column(&[value; 7], None), (value, 1.0));
        }
        assert_eq!(one_column(&[0.3, 0.1 + 0.2, 0.3], None).1, 1.0);
    }

    #[test]
    fn weights_count_as_repetitions_and_rows_of_weight_zero_do_not_count() {
        let weighted = one_column(&[1.0, 2.0, f64::NAN, 7.0], Some(&[1.0, 3.0, 0.0, 2.0]));
        let repeated = one_column(&[1.0, 2.0, 2.0, 2.0, 7.0, 7.0], None);
        assert!((weighted.0 - repeated.0).abs() < 1e-15 && (weighted.1 - repeated.1).abs() < 1e-15);
        let large = one_column(&[1.0, 2.0, 7.0], Some(&[1e308, 3e307, 1e308]));
        assert!(large.0.is_finite() && large.1.is_finite());
        assert_eq!(one_column(&[5.0, 6.0], Some(&[0.0, 0.0])), (0.0, 1.0));
        assert_eq!(one_column(&[], None), (0.0, 1.0));
    }

    #[test]
    fn classes_keep_their_values() {
        let scaler = Scaler::fit_inputs(&[1.0, 2.0], 1, 3, None).unwrap();
        assert_eq!(scaler.scale_targets::<f64>(&[0.0, 2.0]), [0.0, 2.0]);
        assert_eq!(scaler.unscale_outputs(&[0.5f32, 1.0, -2.0]), [0.5, 1.0, -2.0]);
    }

    #[test]
    fn lengths_that_do_not_fit_are_named() {
        let error = Scaler::fit(&[1.0, 2.0, 3.0], 2, &[1.0], 1, None).unwrap_err();
        assert_eq!(error, NetworkError::Length { what: "inputs", expected: 2, found: 3 });
        let error = Scaler::fit(&[1.0, 2.0], 1, &[1.0], 1, None).unwrap_err();
        assert_eq!(error, NetworkError::Length { what: "rows of targets", expected: 2, found: 1 });
        let error = Scaler::fit(&[1.0, 2.0], 1, &[1.0, 2.0], 1, Some(&[1.0])).unwrap_err();
        assert_eq!(error, NetworkError::Length { what: "inputs", expected: 1, found: 2 });
    }

    #[test]
    fn values_without_a_finite_deviation_are_named() {
        let spread = |what, column| Err(NetworkError::Spread { what, column });
        assert_eq!(Scaler::fit(&[0.0, f64::NAN], 2, &[0.0], 1, None), spread("inputs", 1));
        assert_eq!(Scaler::fit(&[0.0, 1.0], 1, &[-1.7e308, 1.7e308], 1, None), spread("targets", 0));
    }

    #[test]
    fn numbers_that_are_no_scaler_are_named() {
        let good = Scaler::identity(2, 1);
        assert_eq!(good.validate(2, 1), Ok(()));
        let error = good.validate(3, 1).unwrap_err();
        assert_eq!(error, NetworkError::Length { what: "inputMean", expected: 3, found: 2 });
        let bad = Scaler { input_scale: vec![1.0, 0.0], ..good.clone() };
        let error = bad.validate(2, 1).unwrap_err();
        assert_eq!(error, NetworkError::Scaler { what: "inputScale", index: 1, found: 0.0 });
        let bad = Scaler { target_mean: vec![f64::INFINITY], ..good };
        let error = bad.validate(2, 1).unwrap_err();
        assert_eq!(error, NetworkError::Scaler { what: "targetMean", index: 0, found: f64::INFINITY });
    }

    proptest! {
        #[test]
        fn unscaling_takes_scaling_back(
            y in prop::collection::vec((-1e6..1e6f64, -1.0..1.0f64), 1..40),
            offset in prop_oneof![Just(0.0), Just(1e9)],
        ) {
            let y: Vec<f64> = y.iter().flat_map(|(a, b)| [*a, b + offset]).collect();
            let x = vec![0.0; y.len() / 2];
            let scaler = Scaler::fit(&x, 1, &y, 2, None).unwrap();
            let back = scaler.unscale_outputs(&scaler.scale_targets::<f64>(&y));
            for (y, back) in y.iter().zip(&back) {
                prop_assert!((y - back).abs() <= 4.0 * f64::EPSILON * (y.abs() + 1e6 + offset));
            }
        }
    }
}

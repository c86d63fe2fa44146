//! The rows that formulas are fitted to: columns by name, targets, weights.

use std::sync::Arc;

/// Why rows are no sample.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SampleError {
    /// A column with another number of values than there are targets, or other names than columns.
    #[error("{what} has {found} values, expected {expected}")]
    Length {
        /// What it is.
        what: String,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Fewer than three rows for a search, or none at all.
    #[error("a formula needs at least 3 rows with a weight, found {rows}")]
    Rows {
        /// How many there are.
        rows: usize,
    },
    /// A name with a control character in it: it could be neither written nor told from those of constants.
    #[error(
        "the name {name:?} of column {column} has a control character in it; give the column a name of letters"
    )]
    Name {
        /// The name.
        name: String,
        /// The column.
        column: usize,
    },
    /// Numbers so small or large that the law can't be written in their unit.
    #[error(
        "column '{column}' has numbers of the size {size:e}, whose powers leave the range of numbers; give it in another unit"
    )]
    Size {
        /// The column.
        column: String,
        /// Its largest number.
        size: f64,
    },
    /// A number that is infinite or NaN, or a negative weight.
    #[error("{what} is {value:?} in row {row}")]
    Number {
        /// What it is of.
        what: String,
        /// The row.
        row: usize,
        /// The number.
        value: f64,
    },
}

/// Fewest rows: a line through fewer is no law.
const FEWEST: usize = 3;

/// Rows of named columns with a target each.
#[derive(Clone, Debug)]
pub struct Sample {
    names: Vec<Arc<str>>,
    columns: Vec<Vec<f64>>,
    y: Vec<f64>,
    /// Square roots of the weights, of mean square 1; none if all rows count the same.
    roots: Option<Vec<f64>>,
    /// Weighted variance of the targets.
    variance: f64,
}

impl Sample {
    /// A sample of `columns: [columns][rows]`. Weights are relative; rows of weight 0 are left out.
    ///
    /// # Errors
    /// [`SampleError`].
    pub fn new(
        names: Vec<Arc<str>>,
        columns: Vec<Vec<f64>>,
        y: Vec<f64>,
        weights: Option<&[f64]>,
    ) -> Result<Self, SampleError> {
        if names.len() != columns.len() {
            let (expected, found) = (columns.len(), names.len());
            return Err(SampleError::Length { what: "the list of names".to_owned(), expected, found });
        }
        if let Some(column) = names.iter().position(|name| name.contains(char::is_control)) {
            return Err(SampleError::Name { name: names[column].to_string(), column });
        }
        let named =
            names.iter().zip(&columns).map(|(name, column)| (format!("column '{name}'"), column.as_slice()));
        let all = named.chain([("the target".to_owned(), y.as_slice())]);
        for (what, values) in all.chain(weights.map(|weights| ("the weight".to_owned(), weights))) {
            if values.len() != y.len() {
                return Err(SampleError::Length { what, expected: y.len(), found: values.len() });
            }
            let wrong = |value: &f64| !value.is_finite() || (what == "the weight" && *value < 0.0);
            if let Some(row) = values.iter().position(wrong) {
                return Err(SampleError::Number { what, row, value: values[row] });
            }
        }
        let sample = Self { names, columns, y, roots: None, variance: 0.0 };
        let sample = match weights {
            Some(weights) if weights.iter().any(|weight| *weight != weights[0] || *weight == 0.0) => {
                sample.weighted(weights)
            }
            _ => sample,
        };
        if sample.rows() == 0 {
            return Err(SampleError::Rows { rows: 0 });
        }
        Ok(Self { variance: sample.spread(), ..sample })
    }

    /// The sample, if it has as many rows as a search needs.
    ///
    /// # Errors
    /// [`SampleError::Rows`].
    pub fn with_enough_rows(self) -> Result<Self, SampleError> {
        if self.rows() < FEWEST { Err(SampleError::Rows { rows: self.rows() }) } else { Ok(self) }
    }

    fn weighted(self, weights: &[f64]) -> Self {
        let kept: Vec<usize> = (0..weights.len()).filter(|row| weights[*row] > 0.0).collect();
        let mean = kept.iter().map(|row| weights[*row]).sum::<f64>() / kept.len().max(1) as f64;
        let roots = kept.iter().map(|row| (weights[*row] / mean).sqrt()).collect();
        Self { roots: Some(roots), ..self.picked(&kept) }
    }

    /// The rows of the given numbers, with their weights.
    pub(crate) fn picked(&self, rows: &[usize]) -> Self {
        let pick = |values: &Vec<f64>| rows.iter().map(|row| values[*row]).collect::<Vec<f64>>();
        let picked = Self {
            names: self.names.clone(),
            columns: self.columns.iter().map(pick).collect(),
            y: pick(&self.y),
            roots: self.roots.as_ref().map(pick),
            variance: 0.0,
        };
        Self { variance: picked.spread(), ..picked }
    }

    /// The sample of some of its columns.
    pub(crate) fn with_columns(&self, chosen: &[usize]) -> Self {
        Self {
            names: chosen.iter().map(|at| Arc::clone(&self.names[*at])).collect(),
            columns: chosen.iter().map(|at| self.columns[*at].clone()).collect(),
            ..self.clone()
        }
    }

    /// The sample with other targets.
    ///
    /// # Errors
    /// [`SampleError`] for targets that are not finite, or not as many as there are rows.
    pub(crate) fn with_targets(&self, y: Vec<f64>) -> Result<Self, SampleError> {
        if y.len() != self.rows() {
            let (what, expected, found) = ("the target".to_owned(), self.rows(), y.len());
            return Err(SampleError::Length { what, expected, found });
        }
        if let Some(row) = y.iter().position(|value| !value.is_finite()) {
            return Err(SampleError::Number { what: "the target".to_owned(), row, value: y[row] });
        }
        let other = Self { y, ..self.clone() };
        Ok(Self { variance: other.spread(), ..other })
    }

    /// At most `most` rows: one by chance from each of as many equal parts, so that grids do not show.
    pub(crate) fn thinned(&self, most: usize, seed: u64) -> Self {
        let rows = self.rows();
        if rows <= most {
            return self.clone();
        }
        let start = |part: usize| part * rows / most;
        let chosen = |part: usize| {
            let length = start(part + 1) - start(part);
            start(part) + (scattered(seed.wrapping_add(part as u64)) % length as u64) as usize
        };
        self.picked(&(0..most).map(chosen).collect::<Vec<usize>>())
    }

    /// The rows whose columns are all within the ranges of another sample's; None if there are none.
    pub(crate) fn within(&self, other: &Self) -> Option<Self> {
        let ranges: Vec<(f64, f64)> = other.columns.iter().map(|column| range(column)).collect();
        let inside = |row: &usize| {
            self.columns
                .iter()
                .zip(&ranges)
                .all(|(column, (low, high))| (*low..=*high).contains(&column[*row]))
        };
        let rows: Vec<usize> = (0..self.rows()).filter(inside).collect();
        (!rows.is_empty()).then(|| self.picked(&rows))
    }

    /// The weighted mean of the targets.
    pub(crate) fn mean(&self) -> f64 {
        self.mean_of(|y| y)
    }

    fn spread(&self) -> f64 {
        let mean = self.mean();
        self.mean_of(|y| (y - mean).powi(2))
    }

    /// The weighted mean of what becomes of the targets.
    fn mean_of(&self, of: impl Fn(f64) -> f64) -> f64 {
        let total: f64 = (0..self.rows()).map(|row| self.weight(row)).sum();
        (0..self.rows()).map(|row| self.weight(row) * of(self.y[row])).sum::<f64>() / total
    }

    /// The relative weight of a row.
    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.roots.as_ref().map_or(1.0, |roots| roots[row] * roots[row])
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.y.len()
    }

    /// Names of the columns.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// The columns, `[columns][rows]`.
    pub fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// The targets.
    pub fn y(&self) -> &[f64] {
        &self.y
    }

    /// The weighted variance of the targets.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// The weighted standard deviation of the targets, also where their squares leave the range of numbers.
    pub fn deviation(&self) -> f64 {
        if self.variance.is_normal() && self.variance > 1e-200 {
            return self.variance.sqrt();
        }
        let largest = self.y.iter().fold(f64::MIN_POSITIVE, |largest, y| largest.max(y.abs()));
        let mean = self.mean_of(|y| y / largest);
        largest * self.mean_of(|y| (y / largest - mean).powi(2)).sqrt()
    }

    /// The sample with its columns and targets divided by units.
    pub(crate) fn in_units(&self, columns: &[f64], y: f64) -> Self {
        let divided = |(values, unit): (&Vec<f64>, &f64)| values.iter().map(|value| value / unit).collect();
        let scaled = Self {
            columns: self.columns.iter().zip(columns).map(divided).collect(),
            y: self.y.iter().map(|value| value / y).collect(),
            ..self.clone()
        };
        Self { variance: scaled.spread(), ..scaled }
    }

    /// Whether the targets differ by no more than their rounding.
    pub fn is_constant(&self) -> bool {
        let largest = self.y.iter().fold(0.0_f64, |largest, y| largest.max(y.abs()));
        self.variance <= (1e-14 * largest).powi(2)
    }

    /// The weighted residuals of values: `√w·(y − value)`.
    pub(crate) fn residuals(&self, values: &[f64]) -> Vec<f64> {
        let plain = self.y.iter().zip(values).map(|(y, value)| y - value);
        match &self.roots {
            Some(roots) => plain.zip(roots).map(|(residual, root)| root * residual).collect(),
            None => plain.collect(),
        }
    }

    /// Multiplies values by the roots of the weights.
    pub(crate) fn weigh(&self, values: &mut [f64]) {
        if let Some(roots) = &self.roots {
            values.iter_mut().zip(roots).for_each(|(value, root)| *value *= root);
        }
    }
}

/// The least and the largest number.
pub(crate) fn range(column: &[f64]) -> (f64, f64) {
    column.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)))
}

/// A number that looks random (the finaliser of SplitMix64).
fn scattered(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<Arc<str>> {
        (0..count).map(|at| Arc::from(format!("x{at}"))).collect()
    }

    #[test]
    fn rows_of_no_weight_have_no_influence() {
        let x = vec![vec![1.0, 2.0, 3.0, 4.0, 1e9]];
        let y = vec![1.0, 2.0, 4.0, 3.0, 1e9];
        let all = Sample::new(names(1), x.clone(), y.clone(), Some(&[2.0, 2.0, 2.0, 2.0, 0.0])).unwrap();
        let few = Sample::new(names(1), vec![x[0][..4].to_vec()], y[..4].to_vec(), None).unwrap();
        assert_eq!((all.rows(), all.variance()), (4, few.variance()));
        assert_eq!(all.residuals(&[0.0; 4]), few.residuals(&[0.0; 4]));
    }

    #[test]
    fn a_weight_of_two_is_a_row_twice() {
        let y = vec![1.0, 5.0, 2.0, 2.0];
        let twice = Sample::new(names(0), vec![], y[..3].to_vec(), Some(&[1.0, 1.0, 2.0])).unwrap();
        let plain = Sample::new(names(0), vec![], y, None).unwrap();
        assert!((twice.variance() - plain.variance()).abs() < 1e-15);
    }

    #[test]
    fn a_grid_is_thinned_to_all_its_values() {
        let x = vec![(0..10_000).map(|row| f64::from(row % 100)).collect::<Vec<f64>>()];
        let grid = Sample::new(names(1), x, vec![0.0; 10_000], None).unwrap();
        let mut seen: Vec<f64> = grid.thinned(400, 1).columns()[0].clone();
        seen.sort_by(f64::total_cmp);
        seen.dedup();
        assert!(seen.len() > 90);
        assert_eq!(grid.thinned(400, 1).columns(), grid.thinned(400, 1).columns());
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        let x = || vec![vec![1.0, 2.0, 3.0]];
        let y = || vec![1.0, 2.0, 3.0];
        let refused = |names, x, y, weights: Option<&[f64]>| Sample::new(names, x, y, weights).unwrap_err();
        assert!(matches!(refused(names(2), x(), y(), None), SampleError::Length { .. }));
        assert!(matches!(refused(names(1), x(), vec![1.0; 4], None), SampleError::Length { .. }));
        assert!(matches!(refused(names(1), x(), y(), Some(&[1.0; 2])), SampleError::Length { .. }));
        assert!(matches!(
            refused(names(1), vec![vec![1.0, f64::NAN, 3.0]], y(), None),
            SampleError::Number { row: 1, .. }
        ));
        assert!(matches!(refused(names(1), x(), y(), Some(&[1.0, -1.0, 1.0])), SampleError::Number { .. }));
        assert_eq!(refused(names(1), x(), y(), Some(&[0.0; 3])), SampleError::Rows { rows: 0 });
        // What constants are called while a search is on.
        let name = crate::model::constant_name(0);
        assert_eq!(
            refused(vec![name.clone()], x(), y(), None),
            SampleError::Name { name: name.to_string(), column: 0 }
        );
        let one = Sample::new(names(1), x(), y(), Some(&[0.0, 0.0, 1.0])).unwrap();
        assert_eq!(one.with_enough_rows().unwrap_err(), SampleError::Rows { rows: 1 });
    }
}

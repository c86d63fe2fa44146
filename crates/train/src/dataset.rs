//! Rows to learn from or to be judged by, in the user's units, checked once so that nothing behind has to ask again.

use crate::error::DataError;
use kanode_engine::Loss;

/// How far the probabilities of a row may be from adding up to 1.
const PROBABILITY_TOLERANCE: f64 = 1e-6;

/// Features, targets and weights of some rows; all blocks row-major and finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    rows: usize,
    features: usize,
    targets: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    weights: Option<Vec<f64>>,
}

impl Dataset {
    /// Takes `x: [rows, features]`, `y: [rows, targets]` and `weights: [rows]` (none: every row counts 1), after
    /// checking them.
    ///
    /// # Errors
    /// [`DataError::Empty`], [`DataError::Length`], [`DataError::NotFinite`] or [`DataError::NegativeWeight`].
    pub fn new(
        rows: usize,
        features: usize,
        targets: usize,
        x: Vec<f64>,
        y: Vec<f64>,
        weights: Option<Vec<f64>>,
    ) -> Result<Self, DataError> {
        check_block("x", &x, rows, features)?;
        check_block("y", &y, rows, targets)?;
        if let Some(weights) = &weights {
            check_block("weights", weights, rows, 1)?;
            if let Some(row) = weights.iter().position(|weight| *weight < 0.0) {
                return Err(DataError::NegativeWeight { row, found: weights[row] });
            }
        }
        if rows == 0 || weights.as_ref().is_some_and(|weights| weights.iter().all(|weight| *weight == 0.0)) {
            return Err(DataError::Empty { rows });
        }
        Ok(Self { rows, features, targets, x, y, weights })
    }

    /// Number of rows, at least one.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of feature columns.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Number of target columns.
    pub fn targets(&self) -> usize {
        self.targets
    }

    /// Features, `[rows, features]`.
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// Targets, `[rows, targets]`.
    pub fn y(&self) -> &[f64] {
        &self.y
    }

    /// Weights, `[rows]`, zero or more and not all zero; None if every row counts 1.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// The weight of a row.
    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// The targets of a row.
    pub(crate) fn target_row(&self, row: usize) -> &[f64] {
        &self.y[row * self.targets..(row + 1) * self.targets]
    }

    /// Checks that the columns fit a network of these sizes and, for a classification, that the targets of rows that
    /// count are classes: labels `0..outputs`, or probabilities.
    ///
    /// # Errors
    /// [`DataError::Features`], [`DataError::Targets`], [`DataError::Label`], [`DataError::Probability`] or
    /// [`DataError::ProbabilitySum`].
    pub fn check_for(&self, inputs: usize, outputs: usize, loss: Loss) -> Result<(), DataError> {
        if self.features != inputs {
            return Err(DataError::Features { expected: inputs, found: self.features });
        }
        let labels = self.holds_labels(outputs, loss);
        if self.targets != outputs && !labels {
            return Err(DataError::Targets {
                expected: outputs,
                found: self.targets,
                labels: loss == Loss::CrossEntropy,
            });
        }
        if !loss.is_classification() {
            return Ok(());
        }
        let counted = (0..self.rows).filter(|row| self.weight(*row) > 0.0);
        for row in counted {
            let targets = self.target_row(row);
            if labels {
                check_label(row, targets[0], outputs)?;
            } else {
                check_probabilities(row, targets, loss == Loss::CrossEntropy)?;
            }
        }
        Ok(())
    }

    /// Whether the targets are one column of class labels.
    pub(crate) fn holds_labels(&self, outputs: usize, loss: Loss) -> bool {
        loss == Loss::CrossEntropy && self.targets == 1 && outputs != 1
    }
}

/// Checks the length of a block, and that all its cells are finite.
pub(crate) fn check_block(
    what: &'static str,
    block: &[f64],
    rows: usize,
    columns: usize,
) -> Result<(), DataError> {
    let expected = rows.saturating_mul(columns);
    if block.len() != expected {
        return Err(DataError::Length { what, expected, found: block.len() });
    }
    match block.iter().position(|cell| !cell.is_finite()) {
        None => Ok(()),
        Some(at) => {
            Err(DataError::NotFinite { what, row: at / columns, column: at % columns, found: block[at] })
        }
    }
}

fn check_label(row: usize, found: f64, classes: usize) -> Result<(), DataError> {
    if found >= 0.0 && found < classes as f64 && found.fract() == 0.0 {
        Ok(())
    } else {
        Err(DataError::Label { row, found, classes })
    }
}

fn check_probabilities(row: usize, targets: &[f64], exclusive: bool) -> Result<(), DataError> {
    if let Some(column) = targets.iter().position(|target| !(0.0..=1.0).contains(target)) {
        return Err(DataError::Probability { row, column, found: targets[column] });
    }
    let found: f64 = targets.iter().sum();
    if exclusive && (found - 1.0).abs() > PROBABILITY_TOLERANCE {
        return Err(DataError::ProbabilitySum { row, found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(columns: usize, y: &[f64]) -> Dataset {
        let rows = y.len() / columns;
        Dataset::new(rows, 1, columns, vec![0.0; rows], y.to_vec(), None).unwrap()
    }

    #[test]
    fn blocks_are_kept_as_they_are() {
        let data =
            Dataset::new(2, 2, 1, vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 6.0], Some(vec![0.0, 2.0])).unwrap();
        assert_eq!((data.rows(), data.features(), data.targets()), (2, 2, 1));
        assert_eq!((data.x(), data.y()), ([1.0, 2.0, 3.0, 4.0].as_slice(), [5.0, 6.0].as_slice()));
        assert_eq!((data.weight(1), data.target_row(1)), (2.0, [6.0].as_slice()));
    }

    #[test]
    fn wrong_lengths_are_named() {
        let error = Dataset::new(2, 2, 1, vec![0.0; 5], vec![0.0; 2], None).unwrap_err();
        assert_eq!(error, DataError::Length { what: "x", expected: 4, found: 5 });
        let error = Dataset::new(2, 2, 1, vec![0.0; 4], vec![0.0; 3], None).unwrap_err();
        assert_eq!(error, DataError::Length { what: "y", expected: 2, found: 3 });
        let error = Dataset::new(2, 2, 1, vec![0.0; 4], vec![0.0; 2], Some(vec![])).unwrap_err();
        assert_eq!(error, DataError::Length { what: "weights", expected: 2, found: 0 });
        let error = Dataset::new(usize::MAX, 2, 1, vec![0.0; 4], vec![0.0; 2], None).unwrap_err();
        assert!(matches!(error, DataError::Length { what: "x", .. }));
    }

    #[test]
    fn a_cell_that_is_no_number_is_named_by_row_and_column() {
        let error =
            Dataset::new(2, 2, 1, vec![0.0, 0.0, 0.0, f64::INFINITY], vec![0.0; 2], None).unwrap_err();
        assert_eq!(error, DataError::NotFinite { what: "x", row: 1, column: 1, found: f64::INFINITY });
        let error = Dataset::new(2, 1, 1, vec![0.0; 2], vec![f64::NAN, 0.0], None).unwrap_err();
        assert!(matches!(error, DataError::NotFinite { what: "y", row: 0, column: 0, .. }));
        let weights = Some(vec![1.0, f64::NAN]);
        let error = Dataset::new(2, 1, 1, vec![0.0; 2], vec![0.0; 2], weights).unwrap_err();
        assert!(matches!(error, DataError::NotFinite { what: "weights", row: 1, column: 0, .. }));
    }

    #[test]
    fn rows_must_count() {
        assert_eq!(Dataset::new(0, 2, 1, vec![], vec![], None).unwrap_err(), DataError::Empty { rows: 0 });
        let error = Dataset::new(2, 1, 1, vec![0.0; 2], vec![0.0; 2], Some(vec![0.0; 2])).unwrap_err();
        assert_eq!(error, DataError::Empty { rows: 2 });
        let error = Dataset::new(2, 1, 1, vec![0.0; 2], vec![0.0; 2], Some(vec![1.0, -0.5])).unwrap_err();
        assert_eq!(error, DataError::NegativeWeight { row: 1, found: -0.5 });
    }

    #[test]
    fn columns_must_fit_the_network() {
        let data = targets(2, &[0.0; 4]);
        assert_eq!(data.check_for(1, 2, Loss::Mse), Ok(()));
        assert_eq!(data.check_for(3, 2, Loss::Mse), Err(DataError::Features { expected: 3, found: 1 }));
        let error = DataError::Targets { expected: 3, found: 2, labels: false };
        assert_eq!(data.check_for(1, 3, Loss::Mse), Err(error));
        let error = DataError::Targets { expected: 3, found: 2, labels: true };
        assert_eq!(data.check_for(1, 3, Loss::CrossEntropy), Err(error));
        let one = targets(1, &[0.0; 4]);
        assert!(one.check_for(1, 3, Loss::BinaryCrossEntropy).is_err());
    }

    #[test]
    fn labels_must_be_classes() {
        assert_eq!(targets(1, &[0.0, 2.0]).check_for(1, 3, Loss::CrossEntropy), Ok(()));
        for label in [3.0, -1.0, 0.5] {
            let error = DataError::Label { row: 1, found: label, classes: 3 };
            assert_eq!(targets(1, &[0.0, label]).check_for(1, 3, Loss::CrossEntropy), Err(error));
        }
        let masked = Dataset::new(2, 1, 1, vec![0.0; 2], vec![1.0, -1.0], Some(vec![1.0, 0.0])).unwrap();
        assert_eq!(masked.check_for(1, 3, Loss::CrossEntropy), Ok(()));
    }

    #[test]
    fn probabilities_must_be_probabilities() {
        let data = targets(2, &[1.0, 0.0, 0.25, 0.75]);
        assert_eq!(data.check_for(1, 2, Loss::CrossEntropy), Ok(()));
        let data = targets(2, &[1.0, 0.0, 0.25, 0.5]);
        let error = DataError::ProbabilitySum { row: 1, found: 0.75 };
        assert_eq!(data.check_for(1, 2, Loss::CrossEntropy), Err(error));
        assert_eq!(data.check_for(1, 2, Loss::BinaryCrossEntropy), Ok(()));
        let data = targets(2, &[1.0, 1.5]);
        let error = DataError::Probability { row: 0, column: 1, found: 1.5 };
        assert_eq!(data.check_for(1, 2, Loss::BinaryCrossEntropy), Err(error));
        let label = targets(1, &[2.0]);
        assert!(matches!(label.check_for(1, 1, Loss::CrossEntropy), Err(DataError::Probability { .. })));
    }
}

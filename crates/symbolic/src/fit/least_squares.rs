//! Small dense least squares: a few columns, many rows.

/// What brings a sum of columns nearest to a target.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Regression {
    /// A factor for each column.
    pub(crate) coefficients: Vec<f64>,
    /// The sum of the squared residuals.
    pub(crate) error: f64,
    /// The diagonal of the inverse of `AᵀA`: variances of the coefficients for residuals of variance 1.
    pub(crate) variances: Vec<f64>,
}

/// Least squares by orthogonal columns (Gram–Schmidt, each column twice), whose error is that of the columns' condition,
/// not of its square. None if columns depend on each other.
pub(crate) fn regress<C: AsRef<[f64]>>(columns: &[C], y: &[f64]) -> Option<Regression> {
    let count = columns.len();
    if count > y.len() {
        return None;
    }
    let mut units: Vec<Vec<f64>> = Vec::with_capacity(count);
    let mut upper = vec![vec![0.0; count]; count];
    let mut lengths = vec![0.0; count];
    for (place, column) in columns.iter().enumerate() {
        let mut unit = column.as_ref().to_vec();
        let length = normalise(&mut unit)?;
        lengths[place] = length;
        for _ in 0..2 {
            for (before, known) in units.iter().enumerate() {
                upper[before][place] += take_out(&mut unit, known);
            }
        }
        upper[place][place] = normalise(&mut unit).filter(|left| *left > 1e-13)?;
        units.push(unit);
    }
    let mut residual = y.to_vec();
    let mut coefficients = vec![0.0; count];
    for _ in 0..2 {
        for (place, unit) in units.iter().enumerate() {
            coefficients[place] += take_out(&mut residual, unit);
        }
    }
    back_substitute(&upper, &mut coefficients);
    coefficients.iter_mut().zip(&lengths).for_each(|(coefficient, length)| *coefficient /= length);
    let mut variances = vec![0.0; count];
    let mut inverse = vec![0.0; count];
    for column in 0..count {
        inverse[..=column].fill(0.0);
        inverse[column] = 1.0;
        back_substitute(&upper, &mut inverse[..=column]);
        (0..=column).for_each(|row| variances[row] += inverse[row] * inverse[row]);
    }
    variances.iter_mut().zip(&lengths).for_each(|(variance, length)| *variance /= length * length);
    Some(Regression { coefficients, error: dot(&residual, &residual), variances })
}

/// Coefficients of the columns that bring their sum nearest to `y`, and the sum of the squared residuals; None if columns
/// depend on each other.
pub(crate) fn least_squares(columns: &[Vec<f64>], y: &[f64]) -> Option<(Vec<f64>, f64)> {
    regress(columns, y).map(|found| (found.coefficients, found.error))
}

/// Solves the triangle of as many rows as `right` has, in place.
fn back_substitute(upper: &[Vec<f64>], right: &mut [f64]) {
    for row in (0..right.len()).rev() {
        let known = dot(&upper[row][row + 1..right.len()], &right[row + 1..]);
        right[row] = (right[row] - known) / upper[row][row];
    }
}

/// Scales to length 1; returns the length, None if there is none.
fn normalise(values: &mut [f64]) -> Option<f64> {
    let length = dot(values, values).sqrt();
    if !(length > 0.0 && length.is_finite()) {
        return None;
    }
    values.iter_mut().for_each(|value| *value /= length);
    Some(length)
}

/// Takes the part along a unit vector out of `values`; returns how long it was.
fn take_out(values: &mut [f64], unit: &[f64]) -> f64 {
    let along = dot(values, unit);
    values.iter_mut().zip(unit).for_each(|(value, unit)| *value -= along * unit);
    along
}

/// The product of two vectors, in eight partial sums, which vectors of numbers add up at once.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    let mut sums = [0.0; 8];
    for (a, b) in a.zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Solves the symmetric positive definite system of a few unknowns in place of `right`; false if it is not positive
/// definite.
pub(crate) fn solve(matrix: &mut [Vec<f64>], right: &mut [f64]) -> bool {
    let count = right.len();
    for row in 0..count {
        for column in 0..=row {
            let known: f64 = (0..column).map(|k| matrix[row][k] * matrix[column][k]).sum();
            let value = matrix[row][column] - known;
            matrix[row][column] = if row > column {
                value / matrix[column][column]
            } else if value > 0.0 {
                value.sqrt()
            } else {
                return false;
            };
        }
    }
    for row in 0..count {
        let known: f64 = (0..row).map(|k| matrix[row][k] * right[k]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    for row in (0..count).rev() {
        let known: f64 = (row + 1..count).map(|k| matrix[k][row] * right[k]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cubic_is_found_exactly_and_dependent_columns_are_refused() {
        let x: Vec<f64> = (0..30).map(|i| f64::from(i) / 15.0 - 1.0).collect();
        let columns: Vec<Vec<f64>> = (0..4).map(|k| x.iter().map(|x| x.powi(k)).collect()).collect();
        let y: Vec<f64> = x.iter().map(|x| 1.0 - 2.0 * x + 0.5 * x.powi(3)).collect();
        let (found, rest) = least_squares(&columns, &y).unwrap();
        for (found, expected) in found.iter().zip([1.0, -2.0, 0.0, 0.5]) {
            assert!((found - expected).abs() < 1e-13);
        }
        assert!(rest < 1e-27);
        assert_eq!(least_squares(&[x.clone(), x.clone()], &y), None);
    }

    #[test]
    fn variances_are_the_diagonal_of_the_inverse() {
        let columns = [vec![1.0, 1.0, 1.0, 1.0], vec![0.0, 1.0, 2.0, 5.0]];
        let found = regress(&columns, &[0.0, 1.0, 0.0, 2.0]).unwrap();
        // AᵀA = [4 8; 8 30], whose inverse is [30 −8; −8 4]/56.
        assert!((found.variances[0] - 30.0 / 56.0).abs() < 1e-15);
        assert!((found.variances[1] - 4.0 / 56.0).abs() < 1e-15);
        assert_eq!(regress(&columns[..], &[1.0]), None);
    }

    #[test]
    fn systems_are_solved_if_they_are_definite() {
        let mut right = vec![8.0, 9.0];
        assert!(solve(&mut [vec![4.0, 2.0], vec![2.0, 3.0]], &mut right));
        assert!((right[0] - 0.75).abs() < 1e-14 && (right[1] - 2.5).abs() < 1e-14);
        assert!(!solve(&mut [vec![1.0, 2.0], vec![2.0, 1.0]], &mut right));
    }
}

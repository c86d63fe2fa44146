//! Small dense least squares: a few columns, many rows.

/// Coefficients of the columns that bring their sum nearest to `y`, and the sum of the squared residuals. By orthogonal
/// columns (modified Gram–Schmidt), whose error is that of the columns' condition, not of its square. None if columns
/// depend on each other.
pub(crate) fn least_squares(columns: &[Vec<f64>], y: &[f64]) -> Option<(Vec<f64>, f64)> {
    let count = columns.len();
    let mut orthogonal: Vec<Vec<f64>> = columns.to_vec();
    let mut upper = vec![vec![0.0; count]; count];
    let mut residual = y.to_vec();
    let mut projected = vec![0.0; count];
    for column in 0..count {
        let length = dot(&orthogonal[column], &orthogonal[column]).sqrt();
        let original = dot(&columns[column], &columns[column]).sqrt();
        if length.is_nan() || length <= 1e-13 * original {
            return None;
        }
        upper[column][column] = length;
        orthogonal[column].iter_mut().for_each(|value| *value /= length);
        let (done, rest) = orthogonal.split_at_mut(column + 1);
        let unit = &done[column];
        for (other, later) in rest.iter_mut().enumerate() {
            upper[column][column + 1 + other] = take_out(later, unit);
        }
        projected[column] = take_out(&mut residual, unit);
    }
    for column in (0..count).rev() {
        let known: f64 = (column + 1..count).map(|other| upper[column][other] * projected[other]).sum();
        projected[column] = (projected[column] - known) / upper[column][column];
    }
    Some((projected, dot(&residual, &residual)))
}

/// Takes the part along a unit vector out of `values`; returns how long it was.
fn take_out(values: &mut [f64], unit: &[f64]) -> f64 {
    let along = dot(values, unit);
    values.iter_mut().zip(unit).for_each(|(value, unit)| *value -= along * unit);
    along
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
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
    fn systems_are_solved_if_they_are_definite() {
        let mut right = vec![8.0, 9.0];
        assert!(solve(&mut [vec![4.0, 2.0], vec![2.0, 3.0]], &mut right));
        assert!((right[0] - 0.75).abs() < 1e-14 && (right[1] - 2.5).abs() < 1e-14);
        assert!(!solve(&mut [vec![1.0, 2.0], vec![2.0, 1.0]], &mut right));
    }
}

//! Which of many columns a law may be of: one after the other those that explain most of what is left, by themselves or
//! in a product with another.

use super::problem::{moments, times};
use super::surrogate::{chebyshev, fitted};
use crate::fit::least_squares::dot;
use crate::sample::Sample;

/// Columns that are all searched, and how many are chosen where there are more.
const ALL: usize = 12;
const CHOSEN: usize = 9;
/// Rows that are looked at.
const ROWS: usize = 500;
/// A column is chosen if the squared correlation is this many times what a column of chance has.
const MORE: f64 = 3.0;

/// The columns to search, in their order.
pub(crate) fn columns(sample: &Sample) -> Vec<usize> {
    let count = sample.columns().len();
    if count <= ALL {
        return (0..count).collect();
    }
    let few = sample.thinned(ROWS, 0);
    let rows = few.rows();
    let scaled: Vec<Vec<f64>> = few.columns().iter().map(|column| standardised(column)).collect();
    let mut chosen: Vec<usize> = Vec::new();
    let mut left = standardised(few.y());
    while chosen.len() < CHOSEN {
        let (gain, next) = best(&scaled, &chosen, &left);
        // The largest of n chance correlations is about 2·ln n over the rows.
        let pairs = (count * count) as f64;
        if gain < MORE * 2.0 * pairs.ln() / rows as f64 && !chosen.is_empty() {
            break;
        }
        chosen.extend(next);
        let known: Vec<Vec<f64>> = chosen.iter().map(|at| few.columns()[*at].clone()).collect();
        let degree = if chosen.len() < 5 { 3 } else { 2 };
        let basis = chebyshev(&known, rows, degree);
        match unexplained(&basis, few.y()) {
            Some(residual) if moments(&residual).1 > 1e-20 * sample.variance() => {
                left = standardised(&residual)
            }
            _ => break,
        }
    }
    chosen.truncate(CHOSEN);
    chosen.sort_unstable();
    chosen
}

/// The column, or the two, that are most correlated with what is left.
fn best(columns: &[Vec<f64>], chosen: &[usize], left: &[f64]) -> (f64, Vec<usize>) {
    let open: Vec<usize> =
        (0..columns.len()).filter(|at| !chosen.contains(at) && !columns[*at].is_empty()).collect();
    let rows = left.len() as f64;
    let squared =
        |values: &[f64]| (dot(values, left) / rows).powi(2) / (dot(values, values) / rows).max(1e-300);
    let mut best = (0.0, Vec::new());
    for (place, first) in open.iter().enumerate() {
        let column = &columns[*first];
        let bent = standardised(&times(column, column));
        let alone = squared(column).max(if bent.is_empty() { 0.0 } else { squared(&bent) });
        if alone > best.0 {
            best = (alone, vec![*first]);
        }
        for second in &open[place + 1..] {
            let both = squared(&times(column, &columns[*second]));
            // Two columns have to explain twice as much.
            if 0.5 * both > best.0 {
                best = (0.5 * both, vec![*first, *second]);
            }
        }
    }
    best
}

/// Mean 0 and variance 1; nothing for a constant.
fn standardised(values: &[f64]) -> Vec<f64> {
    let (mean, variance) = moments(values);
    if variance <= 1e-24 * mean * mean || variance == 0.0 {
        return Vec::new();
    }
    values.iter().map(|value| (value - mean) / variance.sqrt()).collect()
}

fn unexplained(basis: &[Vec<f64>], y: &[f64]) -> Option<Vec<f64>> {
    let found = fitted(basis, y)?;
    let mut left = y.to_vec();
    for (column, coefficient) in basis.iter().zip(&found.coefficients) {
        left.iter_mut().zip(column).for_each(|(left, x)| *left -= coefficient * x);
    }
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::uniform;
    use std::sync::Arc;

    #[test]
    fn columns_that_matter_are_chosen_among_hundreds() {
        let columns: Vec<Vec<f64>> =
            (0..200).map(|at| uniform(at + 1, 400).iter().map(|u| 2.0 * u - 1.0).collect()).collect();
        let y = (0..400).map(|row| columns[7][row] * columns[150][row] + columns[31][row].exp()).collect();
        let names = (0..200).map(|at| Arc::from(format!("x{at}"))).collect();
        let chosen = super::columns(&Sample::new(names, columns, y, None).unwrap());
        assert!([7, 31, 150].iter().all(|at| chosen.contains(at)), "{chosen:?}");
        assert!(chosen.len() <= CHOSEN);
    }
}

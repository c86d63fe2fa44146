//! Terms that formulas are sums of: an expression with its values, and sums of them with named constants.

use crate::expression::Expression;
use crate::fit::least_squares::{Regression, regress};
use crate::model::constant_name;

/// An expression and its values.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    pub(super) expression: Expression,
    pub(super) values: Vec<f64>,
}

impl Feature {
    pub(super) fn one(rows: usize) -> Self {
        Self { expression: Expression::integer(1), values: vec![1.0; rows] }
    }
}

impl AsRef<[f64]> for Feature {
    fn as_ref(&self) -> &[f64] {
        &self.values
    }
}

/// The constant of a number.
pub(super) fn constant(number: usize) -> Expression {
    Expression::variable(&constant_name(number))
}

/// The sum of expressions with a constant each, numbered from `first`.
pub(super) fn sum<'a>(terms: impl IntoIterator<Item = &'a Expression>, first: usize) -> Expression {
    let terms = terms.into_iter().enumerate();
    Expression::sum(terms.map(|(place, term)| constant(first + place) * term.clone()))
}

/// Exponents of all monomials of so many variables up to a degree, lower degrees first.
pub(super) fn exponents(variables: usize, degree: usize) -> Vec<Vec<i32>> {
    let mut all = vec![vec![0; variables]];
    for variable in 0..variables {
        let mut next = Vec::new();
        for exponents in &all {
            let used: i32 = exponents.iter().sum();
            for power in 0..=degree as i32 - used {
                let mut more = exponents.clone();
                more[variable] = power;
                next.push(more);
            }
        }
        all = next;
    }
    all.sort_by_key(|exponents| exponents.iter().sum::<i32>());
    all
}

/// How many monomials [`exponents`] has, without counting beyond a million.
pub(super) fn monomials(variables: usize, degree: usize) -> usize {
    (0..degree).fold(1, |count, step| (count * (variables + step + 1) / (step + 1)).min(1_000_000))
}

/// The monomial of columns.
pub(super) fn monomial(columns: &[Vec<f64>], parts: &[Expression], exponents: &[i32]) -> Feature {
    let rows = columns.first().map_or(0, Vec::len);
    let mut values = vec![1.0; rows];
    let mut factors = Vec::new();
    for ((column, part), power) in columns.iter().zip(parts).zip(exponents) {
        if *power != 0 {
            values.iter_mut().zip(column).for_each(|(value, x)| *value *= x.powi(*power));
            factors.push(part.clone().powi((*power).into()));
        }
    }
    Feature { expression: Expression::product(factors), values }
}

/// Which columns a fit needs, and their coefficients.
pub(super) struct Sparse {
    pub(super) chosen: Vec<usize>,
    pub(super) coefficients: Vec<f64>,
}

/// The fewest columns that still meet the target to `tolerance` of its square: all are fitted, then those that matter
/// least are left out. None if even all don't.
pub(super) fn meeting<C: AsRef<[f64]>>(columns: &[C], target: &[f64], tolerance: f64) -> Option<Sparse> {
    let allowed = tolerance * target.iter().map(|y| y * y).sum::<f64>();
    let fit = |chosen: &[usize]| regress(&pick(columns, chosen), target);
    let mut chosen: Vec<usize> = (0..columns.len()).collect();
    let mut found = fit(&chosen).filter(|found| found.error <= allowed)?;
    while chosen.len() > 1 {
        // What leaving out a column adds to the error.
        let price = |at: usize| found.coefficients[at].powi(2) / found.variances[at].max(1e-300);
        let mut order: Vec<usize> = (0..chosen.len()).collect();
        order.sort_by(|a, b| price(*a).total_cmp(&price(*b)));
        let cheap = order.iter().filter(|at| price(**at) < 10.0 * allowed).count();
        let mut count = cheap.clamp(1, chosen.len() - 1);
        let mut shorter = None;
        while count > 0 && shorter.is_none() {
            let dropped = &order[..count];
            let kept: Vec<usize> =
                (0..chosen.len()).filter(|at| !dropped.contains(at)).map(|at| chosen[at]).collect();
            shorter = fit(&kept).filter(|found| found.error <= allowed).map(|found| (kept, found));
            count /= 2;
        }
        match shorter {
            Some((kept, better)) => (chosen, found) = (kept, better),
            None => break,
        }
    }
    Some(Sparse { chosen, coefficients: found.coefficients })
}

/// The columns whose coefficients are told from zero by noisy data (t² > ln n + 3, which is what a term costs), found by
/// leaving out the least.
pub(super) fn significant<C: AsRef<[f64]>>(columns: &[C], target: &[f64]) -> Option<Sparse> {
    let rows = target.len();
    if columns.len() * 5 > rows {
        return None;
    }
    let enough = (rows as f64).ln() + 3.0;
    let mut chosen: Vec<usize> = (0..columns.len()).collect();
    loop {
        let Regression { coefficients, error, variances } = regress(&pick(columns, &chosen), target)?;
        let variance = error / (rows - chosen.len()) as f64;
        let square = |at: usize| coefficients[at].powi(2) / (variances[at] * variance).max(1e-300);
        let mut order: Vec<usize> = (0..chosen.len()).collect();
        order.sort_by(|a, b| square(*a).total_cmp(&square(*b)));
        let weak = order.iter().filter(|at| square(**at) < enough).count();
        if weak == 0 || chosen.len() == 1 {
            return Some(Sparse { chosen, coefficients });
        }
        let count = if weak > 4 { weak / 3 } else { 1 }.min(chosen.len() - 1);
        let dropped = &order[..count];
        chosen = (0..chosen.len()).filter(|at| !dropped.contains(at)).map(|at| chosen[at]).collect();
    }
}

fn pick<'a, C: AsRef<[f64]>>(columns: &'a [C], chosen: &[usize]) -> Vec<&'a [f64]> {
    chosen.iter().map(|at| columns[*at].as_ref()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{noise, uniform};

    #[test]
    fn monomials_are_as_many_as_are_counted() {
        for (variables, degree) in [(1, 8), (2, 5), (4, 3), (7, 2)] {
            let all = exponents(variables, degree);
            assert_eq!(all.len(), monomials(variables, degree));
            assert!(all.iter().all(|one| one.iter().sum::<i32>() <= degree as i32));
        }
        assert_eq!(monomials(300, 9), 1_000_000);
    }

    fn columns() -> Vec<Vec<f64>> {
        let x = uniform(1, 300);
        (0..7).map(|power| x.iter().map(|x| x.powi(power)).collect()).collect()
    }

    #[test]
    fn exact_sums_are_found_with_their_terms_alone() {
        let columns = columns();
        let target: Vec<f64> = columns[1].iter().zip(&columns[5]).map(|(a, b)| 2.0 * a - b).collect();
        let found = meeting(&columns, &target, 1e-18).unwrap();
        assert_eq!(found.chosen, [1, 5]);
        assert!((found.coefficients[0] - 2.0).abs() < 1e-10);
        assert!(meeting(&columns[..5], &target, 1e-18).is_none());
    }

    #[test]
    fn noise_hides_no_strong_term_and_makes_none() {
        let columns = columns();
        let noise = noise(3, 300);
        let target: Vec<f64> =
            (0..300).map(|row| columns[0][row] + 4.0 * columns[2][row] + 0.01 * noise[row]).collect();
        assert_eq!(significant(&columns, &target).unwrap().chosen, [0, 2]);
    }
}

//! Reductions: a variable whose power is a factor of the law, or two variables that occur together only. Each is tried as
//! a branch; none is a commitment.

use super::problem::{Problem, moments, times, usable};
use super::search::Search;
use super::surrogate::{ROWS, chebyshev, degree_within, fitted};
use crate::expression::Expression;

/// Largest logarithm of the ratio of residual variances at which a model with a structure is as good as one without.
const AS_GOOD: f64 = 0.35;
/// Part of the variance below which a stand-in for clean data must come, or be better than the one without structure:
/// else rubbish is as good as rubbish.
const CLEAN: f64 = 3e-3;
/// How many times as much as by chance a product of a variable with others may explain if the variable's power is to be
/// a factor of its own: the F statistic of a few terms and some hundred rows, which chance brings to 3 once in hundreds.
const APART: f64 = 3.0;
/// Most terms of a stand-in.
const TERMS: usize = 170;

/// What the target is compared by.
pub(super) struct Probe {
    problem: Problem,
    /// Whether the target has one sign, so that its logarithm is explained.
    one_sign: bool,
    target: Vec<f64>,
    variance: f64,
    /// Variance of the residuals of the stand-in without structure.
    full: f64,
    full_columns: Vec<Vec<f64>>,
    /// The degree that gives a model of one variable less as many terms.
    degree: usize,
    noisy: bool,
}

/// A problem with less to explain, and how much worse its stand-in is (logarithm of the ratio of variances).
pub(super) struct Reduced {
    pub(super) problem: Problem,
    pub(super) loss: f64,
}

/// The power of a variable that may be a factor.
#[derive(Clone, Copy)]
pub(super) struct Peel {
    variable: usize,
    power: f64,
    loss: f64,
}

impl Probe {
    /// None where there are too few rows to tell anything.
    pub(super) fn new(search: &mut Search<'_>, problem: &Problem) -> Option<Self> {
        let variables = problem.columns.len();
        if variables < 2 || problem.rows() < 60 {
            return None;
        }
        let problem = problem.thinned(ROWS);
        let rows = problem.rows();
        let degree = degree_within(variables, (rows / 4).min(TERMS), 10);
        let full_columns = chebyshev(&problem.columns, rows, degree);
        if full_columns.len() * 2 > rows {
            return None;
        }
        let one_sign = problem.y.iter().all(|y| *y > 0.0) || problem.y.iter().all(|y| *y < 0.0);
        let target: Vec<f64> =
            if one_sign { problem.y.iter().map(|y| y.abs().ln()).collect() } else { problem.y.clone() };
        search.spend_regression(full_columns.len(), rows / 2);
        let terms = full_columns.len();
        let full =
            fitted(&full_columns, &target).map_or(f64::INFINITY, |one| one.error / (rows - terms) as f64);
        let noisy = search.noisy;
        let reduced = if noisy { degree } else { degree_within(variables - 1, terms, 16).max(degree) };
        let variance = moments(&target).1;
        Some(Self { problem, one_sign, target, variance, full, full_columns, degree: reduced, noisy })
    }

    fn rows(&self) -> usize {
        self.problem.rows()
    }

    /// The loss of a fit that leaves `error` with so many terms.
    fn loss(&self, error: f64, terms: usize) -> f64 {
        let variance = error / (self.rows() as f64 - terms as f64).max(1.0);
        (variance / self.full.max(1e-26 * self.variance)).ln()
    }

    fn without(&self, left_out: &[usize]) -> Vec<Vec<f64>> {
        let columns = self.problem.columns.iter().enumerate();
        columns.filter(|(at, _)| !left_out.contains(at)).map(|(_, column)| column.clone()).collect()
    }

    /// Whether a stand-in with a structure is as good as without. A poor one, as there is of many variables, must also be
    /// independent of the variable that was taken out.
    fn acceptable(&self, loss: f64, left: f64, apart: impl FnOnce() -> bool) -> bool {
        loss < AS_GOOD && (self.noisy || loss < 0.0 || left < CLEAN || apart())
    }

    /// Whether products of a variable's logarithm, the last of the columns, with those of others explain nothing of what
    /// the columns leave of the target.
    fn is_apart(&self, variable: usize, columns: &[Vec<f64>], error: f64) -> bool {
        let rows = self.rows();
        let Some(own) = columns.last() else { return false };
        let (mean, _) = moments(own);
        let own: Vec<f64> = own.iter().map(|x| x - mean).collect();
        let others = chebyshev(&self.without(&[variable]), rows, 1);
        let products = others[1..].iter().map(|other| times(&own, other)).chain([times(&own, &own)]);
        let more: Vec<Vec<f64>> = columns.iter().cloned().chain(products).collect();
        let added = (more.len() - columns.len()) as f64;
        let Some(found) = fitted(&more, &self.target) else { return false };
        let free = rows as f64 - more.len() as f64;
        (error - found.error) / added < APART * found.error / free
    }

    /// The variables whose power may be a factor.
    pub(super) fn peels(&self, search: &mut Search<'_>) -> Vec<Peel> {
        (0..self.problem.columns.len())
            .filter_map(|variable| {
                if search.done() {
                    return None;
                }
                let column = &self.problem.columns[variable];
                if self.one_sign && column.iter().all(|x| *x > 0.0) {
                    self.logarithmic_peel(search, variable)
                } else {
                    self.plain_peel(search, variable)
                }
            })
            .collect()
    }

    /// `log|y| = k·log x + polynomial of the rest`.
    fn logarithmic_peel(&self, search: &mut Search<'_>, variable: usize) -> Option<Peel> {
        let rows = self.rows();
        let mut columns = chebyshev(&self.without(&[variable]), rows, self.degree);
        columns.push(self.problem.columns[variable].iter().map(|x| x.ln()).collect());
        search.spend_regression(columns.len(), rows / 2);
        let found = fitted(&columns, &self.target)?;
        let loss = self.loss(found.error, columns.len());
        let power = *found.coefficients.last()?;
        let half = (2.0 * power).round() / 2.0;
        let spread = (found.error / rows as f64).sqrt();
        let near = if self.noisy { 0.03 } else { 0.02 + 3.0 * spread };
        let left = found.error / (rows as f64 * self.variance);
        let apart = || self.is_apart(variable, &columns, found.error);
        let accepted = (power - half).abs() < near && self.acceptable(loss, left, apart);
        accepted.then_some(Peel { variable, power: half, loss })
    }

    /// `y = x^k·polynomial of the rest`, for each of a few powers.
    fn plain_peel(&self, search: &mut Search<'_>, variable: usize) -> Option<Peel> {
        let rows = self.rows();
        let y = &self.problem.y;
        let variance = moments(y).1;
        let base = chebyshev(&self.without(&[variable]), rows, self.degree);
        let full = if self.one_sign {
            fitted(&self.full_columns, y)?.error / (rows - self.full_columns.len()) as f64
        } else {
            self.full
        };
        let mut best: Option<Peel> = None;
        for power in [1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 4.0, 0.0] {
            let scale: Vec<f64> = self.problem.columns[variable].iter().map(|x| raised(*x, power)).collect();
            if !usable(&scale) {
                continue;
            }
            let columns: Vec<Vec<f64>> = base.iter().map(|column| times(column, &scale)).collect();
            search.spend_regression(columns.len(), rows / 2);
            let Some(found) = fitted(&columns, y) else { continue };
            let left = found.error / (rows as f64 * variance);
            let residual = found.error / (rows as f64 - self.full_columns.len() as f64);
            let loss = (residual / full.max(1e-26 * variance)).ln();
            if self.acceptable(loss, left, || false) && best.is_none_or(|best| loss < best.loss) {
                best = Some(Peel { variable, power, loss });
            }
        }
        best
    }

    /// Pairs of variables that one expression of both may replace, the best first.
    pub(super) fn pairs(&self, search: &mut Search<'_>, whole: &Problem) -> Vec<Reduced> {
        let mut found = Vec::new();
        let variables = self.problem.columns.len();
        for first in 0..variables {
            for second in (0..variables).filter(|second| *second != first) {
                for pair in pairs(first < second, variables) {
                    if search.done() {
                        return found;
                    }
                    self.pair(search, whole, first, second, pair, &mut found);
                }
            }
        }
        found.sort_by(|a, b| a.loss.total_cmp(&b.loss));
        found
    }

    fn pair(
        &self,
        search: &mut Search<'_>,
        whole: &Problem,
        first: usize,
        second: usize,
        pair: Pair,
        found: &mut Vec<Reduced>,
    ) {
        let rows = self.rows();
        let joined = pair.column(&self.problem.columns[first], &self.problem.columns[second]);
        if !usable(&joined) {
            return;
        }
        let mut rest = self.without(&[first, second]);
        rest.push(joined);
        let mut columns = chebyshev(&rest, rows, self.degree);
        // A power of the first variable may be a factor beside the pair.
        let scaled =
            self.one_sign && pair.is_monomial() && self.problem.columns[first].iter().all(|x| *x > 0.0);
        if scaled {
            columns.push(self.problem.columns[first].iter().map(|x| x.ln()).collect());
        }
        search.spend_regression(columns.len(), rows / 2);
        let Some(fit) = fitted(&columns, &self.target) else { return };
        let loss = self.loss(fit.error, columns.len());
        let power = if scaled { fit.coefficients.last().copied().unwrap_or(0.0) } else { 0.0 };
        let half = (2.0 * power).round() / 2.0;
        if loss >= AS_GOOD || (power - half).abs() >= 0.05 + 2.0 * (fit.error / rows as f64).sqrt() {
            return;
        }
        let replaced = |by: usize| {
            let mut problem = without(whole, &[first, second]);
            problem.columns.push(pair.column(&whole.columns[first], &whole.columns[second]));
            problem.parts.push(pair.expression(whole.parts[first].clone(), whole.parts[second].clone()));
            divide(&mut problem, &whole.columns[by], &whole.parts[by], half);
            problem
        };
        found.push(Reduced { problem: replaced(first), loss });
        // The factor may as well be of the second variable: only one of the two may lead to a short formula.
        if half != 0.0 && whole.columns[second].iter().all(|x| *x > 0.0) {
            found.push(Reduced { problem: replaced(second), loss: loss + 1e-9 });
        }
    }
}

/// The problem with all powers taken out whose loss is at most `most`.
pub(super) fn peeled(problem: &Problem, peels: &[Peel], most: f64) -> Problem {
    let chosen: Vec<&Peel> = peels.iter().filter(|peel| peel.loss <= most).collect();
    let gone: Vec<usize> = chosen.iter().map(|peel| peel.variable).collect();
    let mut less = without(problem, &gone);
    for peel in chosen {
        divide(&mut less, &problem.columns[peel.variable], &problem.parts[peel.variable], peel.power);
    }
    less
}

/// The losses at which the peels are cut off, one branch for each: all, the better half, the best.
pub(super) fn cuts(peels: &[Peel], noisy: bool) -> Vec<f64> {
    let mut losses: Vec<f64> = peels.iter().map(|peel| peel.loss).collect();
    losses.sort_by(f64::total_cmp);
    let Some(last) = losses.last() else { return Vec::new() };
    let mut cuts = vec![*last];
    if !noisy {
        if losses.len() > 2 {
            cuts.push(losses[losses.len() / 2]);
        }
        if losses.len() > 1 {
            cuts.push(losses[0]);
        }
    }
    cuts
}

fn without(problem: &Problem, gone: &[usize]) -> Problem {
    let kept: Vec<usize> = (0..problem.columns.len()).filter(|at| !gone.contains(at)).collect();
    Problem {
        columns: kept.iter().map(|at| problem.columns[*at].clone()).collect(),
        parts: kept.iter().map(|at| problem.parts[*at].clone()).collect(),
        y: problem.y.clone(),
        outer: problem.outer.clone(),
    }
}

/// Takes a power out of the target.
fn divide(problem: &mut Problem, column: &[f64], part: &Expression, power: f64) {
    if power == 0.0 {
        return;
    }
    problem.y.iter_mut().zip(column).for_each(|(y, x)| *y /= raised(*x, power));
    problem.outer.push(part.clone().power(Expression::real(power)));
}

fn raised(x: f64, power: f64) -> f64 {
    if power.fract() == 0.0 { x.powi(power as i32) } else { x.powf(power) }
}

/// An expression of two variables.
#[derive(Clone, Copy)]
enum Pair {
    /// x·y^k
    Monomial(i32),
    Sum,
    Difference,
    SumOfSquares,
    DifferenceOfSquares,
    SumOfInverses,
}

/// The expressions of an ordered pair; those that are the same for both orders only for one.
fn pairs(ascending: bool, variables: usize) -> Vec<Pair> {
    let mut all = vec![Pair::Monomial(-2), Pair::Monomial(2)];
    if variables <= 4 {
        all.extend([3, -3, 4, -4].map(Pair::Monomial));
    }
    if ascending {
        all.extend([
            Pair::Monomial(1),
            Pair::Monomial(-1),
            Pair::Sum,
            Pair::Difference,
            Pair::SumOfSquares,
            Pair::DifferenceOfSquares,
            Pair::SumOfInverses,
        ]);
    }
    all
}

impl Pair {
    fn is_monomial(self) -> bool {
        matches!(self, Self::Monomial(_))
    }

    fn value(self, x: f64, y: f64) -> f64 {
        match self {
            Self::Monomial(power) => x * y.powi(power),
            Self::Sum => x + y,
            Self::Difference => x - y,
            Self::SumOfSquares => x * x + y * y,
            Self::DifferenceOfSquares => x * x - y * y,
            Self::SumOfInverses => 1.0 / x + 1.0 / y,
        }
    }

    fn column(self, x: &[f64], y: &[f64]) -> Vec<f64> {
        x.iter().zip(y).map(|(x, y)| self.value(*x, *y)).collect()
    }

    fn expression(self, x: Expression, y: Expression) -> Expression {
        match self {
            Self::Monomial(power) => x * y.powi(power.into()),
            Self::Sum => x + y,
            Self::Difference => x - y,
            Self::SumOfSquares => x.powi(2) + y.powi(2),
            Self::DifferenceOfSquares => x.powi(2) - y.powi(2),
            Self::SumOfInverses => x.powi(-1) + y.powi(-1),
        }
    }
}

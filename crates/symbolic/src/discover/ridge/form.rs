//! A form: functions of sums of columns, each with a factor, beside columns. All that is linear is solved for, and only the
//! constants inside the functions are searched (variable projection, Golub and Pereyra 1973, with the Jacobian of Kaufman
//! 1975).

use super::shape::{COLUMNS, Shape};
use crate::fit::least_squares::{dot, solve};

/// Part of a column that must be left beside others so that it is not one of them.
const INDEPENDENT: f64 = 1e-10;

/// The columns that a form is of: those inside functions from −1 to 1, and those outside as they are.
pub(super) struct Rows {
    pub(super) inner: Vec<Vec<f64>>,
    pub(super) outer: Vec<Vec<f64>>,
    pub(super) y: Vec<f64>,
}

/// A function of a sum of inner columns. `theta` has their coefficients, and the offset where the shape has one.
#[derive(Clone, Debug)]
pub(super) struct Ridge {
    pub(super) shape: Shape,
    pub(super) inner: Vec<usize>,
    pub(super) theta: Vec<f64>,
}

impl Ridge {
    /// The argument's value where all inner columns are 0.
    pub(super) fn offset(&self) -> f64 {
        match self.theta.get(self.inner.len()) {
            Some(offset) => *offset,
            None => f64::from(u8::from(self.shape.is_homogeneous())),
        }
    }

    /// What is taken off the argument of an exponential so that it does not overflow.
    pub(super) fn reach(&self) -> f64 {
        let size = || self.theta.iter().map(|a| a.abs()).sum();
        if self.shape == Shape::Exponential { size() } else { 0.0 }
    }

    /// Values and derivatives by the argument, `[columns][rows]` each; None outside the domain.
    pub(super) fn columns(&self, rows: &Rows) -> Option<[Vec<Vec<f64>>; 2]> {
        let count = self.shape.columns();
        let length = rows.y.len();
        let mut argument = vec![self.offset() - self.reach(); length];
        for (at, a) in self.inner.iter().zip(&self.theta) {
            argument.iter_mut().zip(&rows.inner[*at]).for_each(|(v, x)| *v += a * x);
        }
        let mut found = [vec![vec![0.0; length]; count], vec![vec![0.0; length]; count]];
        for (row, v) in argument.into_iter().enumerate() {
            let (values, slopes): ([f64; COLUMNS], [f64; COLUMNS]) = self.shape.at(v);
            if !values[0].is_finite() {
                return None;
            }
            for column in 0..count {
                found[0][column][row] = values[column];
                found[1][column][row] = slopes[column];
            }
        }
        Some(found)
    }
}

/// A product of an outer column and of one or two ridges.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) envelope: Option<usize>,
    pub(super) ridges: Vec<Ridge>,
}

impl Term {
    /// Its columns: those of its ridges, each with each, times the envelope.
    pub(super) fn columns(&self, rows: &Rows) -> Option<Vec<Vec<f64>>> {
        let values: Option<Vec<[Vec<Vec<f64>>; 2]>> =
            self.ridges.iter().map(|ridge| ridge.columns(rows)).collect();
        Some(self.multiplied(rows, &values?, None))
    }

    /// Products of values of the ridges, or with slopes for one of them.
    fn multiplied(&self, rows: &Rows, ridges: &[[Vec<Vec<f64>>; 2]], slope: Option<usize>) -> Vec<Vec<f64>> {
        let start = match self.envelope {
            Some(at) => rows.outer[at].clone(),
            None => vec![1.0; rows.y.len()],
        };
        ridges.iter().enumerate().fold(vec![start], |columns, (at, ridge)| {
            let factors = &ridge[usize::from(slope == Some(at))];
            let product = |a: &Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| a * b).collect();
            columns.iter().flat_map(|a| factors.iter().map(move |b| product(a, b))).collect()
        })
    }
}

/// A sum of terms and of outer columns.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) terms: Vec<Term>,
    pub(super) company: Vec<usize>,
}

/// A form at some constants.
struct State {
    /// Unit columns that span those of the form.
    span: Span,
    residual: Vec<f64>,
    error: f64,
    /// Derivatives of the form by its inner constants.
    slopes: Vec<Vec<f64>>,
}

impl Form {
    pub(super) fn ridges(&self) -> impl Iterator<Item = &Ridge> {
        self.terms.iter().flat_map(|term| &term.ridges)
    }

    /// How many constants it has.
    pub(super) fn constants(&self) -> usize {
        let inner: usize = self.ridges().map(|ridge| ridge.theta.len() + ridge.shape.columns() - 1).sum();
        inner + self.terms.len() + self.company.len()
    }

    pub(super) fn inner_constants(&self) -> usize {
        self.ridges().map(|ridge| ridge.theta.len()).sum()
    }

    fn theta(&self) -> Vec<f64> {
        self.ridges().flat_map(|ridge| ridge.theta.iter().copied()).collect()
    }

    fn set(&mut self, theta: &[f64]) {
        let mut theta = theta.iter();
        let ridges = self.terms.iter_mut().flat_map(|term| &mut term.ridges);
        ridges.flat_map(|ridge| &mut ridge.theta).zip(&mut theta).for_each(|(mine, value)| *mine = *value);
    }

    /// The linear columns: those of the terms, then the company's.
    pub(super) fn columns(&self, rows: &Rows) -> Option<Vec<Vec<f64>>> {
        let mut columns = Vec::new();
        for term in &self.terms {
            columns.extend(term.columns(rows)?);
        }
        columns.extend(self.company.iter().map(|at| rows.outer[*at].clone()));
        Some(columns)
    }

    fn state(&self, rows: &Rows) -> Option<State> {
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for term in &self.terms {
            let ridges: Option<Vec<_>> = term.ridges.iter().map(|ridge| ridge.columns(rows)).collect();
            let ridges = ridges?;
            columns.extend(term.multiplied(rows, &ridges, None));
            values.push(ridges);
        }
        columns.extend(self.company.iter().map(|at| rows.outer[*at].clone()));
        let span = Span::of(&columns);
        let (residual, coefficients) = span.fit(&rows.y);
        let error = dot(&residual, &residual);
        if !error.is_finite() {
            return None;
        }
        let mut slopes = Vec::new();
        let mut first = 0;
        for (term, values) in self.terms.iter().zip(&values) {
            for (at, ridge) in term.ridges.iter().enumerate() {
                let derived = term.multiplied(rows, values, Some(at));
                let mut total = vec![0.0; rows.y.len()];
                for (column, c) in derived.iter().zip(&coefficients[first..]) {
                    total.iter_mut().zip(column).for_each(|(total, value)| *total += c * value);
                }
                for inner in &ridge.inner {
                    slopes.push(total.iter().zip(&rows.inner[*inner]).map(|(a, b)| a * b).collect());
                }
                if ridge.shape.is_shifted() {
                    slopes.push(total);
                }
            }
            first += term.ridges.iter().map(|ridge| ridge.shape.columns()).product::<usize>();
        }
        Some(State { span, residual, error, slopes })
    }

    /// Fits the inner constants in at most so many steps of Levenberg–Marquardt, and returns the sum of the squared
    /// residuals; None where the form has no value.
    pub(super) fn fit(&mut self, rows: &Rows, steps: usize) -> Option<f64> {
        let least = 1e-30 * dot(&rows.y, &rows.y);
        let mut state = self.state(rows)?;
        let mut theta = self.theta();
        let count = theta.len();
        let (mut damping, mut stalled) = (1e-3, 0);
        for _ in 0..steps {
            if state.error <= least || stalled >= 3 {
                break;
            }
            let mut slopes = std::mem::take(&mut state.slopes);
            slopes.iter_mut().for_each(|slope| state.span.take_out(slope));
            let gradient: Vec<f64> = slopes.iter().map(|slope| dot(slope, &state.residual)).collect();
            let normal: Vec<Vec<f64>> =
                slopes.iter().map(|a| slopes.iter().map(|b| dot(a, b)).collect()).collect();
            let mut moved = false;
            for _ in 0..6 {
                let (mut matrix, mut step) = (normal.clone(), gradient.clone());
                (0..count).for_each(|at| matrix[at][at] += damping * normal[at][at] + f64::MIN_POSITIVE);
                if solve(&mut matrix, &mut step) {
                    let trial: Vec<f64> = theta.iter().zip(&step).map(|(old, step)| old + step).collect();
                    self.set(&trial);
                    if let Some(next) = self.state(rows).filter(|next| next.error < state.error) {
                        stalled = if next.error > state.error * (1.0 - 1e-4) { stalled + 1 } else { 0 };
                        (state, theta, moved) = (next, trial, true);
                        damping = (damping * 0.1_f64).max(1e-14);
                        break;
                    }
                }
                damping *= 8.0;
            }
            if !moved {
                break;
            }
        }
        self.set(&theta);
        Some(state.error)
    }
}

/// Orthogonal unit columns that span others; those that depend on ones before them are left out.
pub(super) struct Span {
    units: Vec<Vec<f64>>,
    /// For each unit its column, and that column's components along the units up to this one.
    upper: Vec<(usize, Vec<f64>)>,
    columns: usize,
}

impl Span {
    pub(super) fn of(columns: &[Vec<f64>]) -> Self {
        let mut span = Self { units: Vec::new(), upper: Vec::new(), columns: columns.len() };
        for (place, column) in columns.iter().enumerate() {
            let mut left = column.clone();
            let length = dot(&left, &left).sqrt();
            let mut along = vec![0.0; span.units.len()];
            for _ in 0..2 {
                for (unit, along) in span.units.iter().zip(&mut along) {
                    let part = dot(unit, &left);
                    left.iter_mut().zip(unit).for_each(|(left, unit)| *left -= part * unit);
                    *along += part;
                }
            }
            let rest = dot(&left, &left).sqrt();
            if rest > INDEPENDENT * length {
                left.iter_mut().for_each(|left| *left /= rest);
                along.push(rest);
                span.units.push(left);
                span.upper.push((place, along));
            }
        }
        span
    }

    /// The places of the columns that were not left out.
    pub(super) fn independent(&self) -> Vec<usize> {
        self.upper.iter().map(|(place, _)| *place).collect()
    }

    pub(super) fn take_out(&self, values: &mut [f64]) {
        for unit in &self.units {
            let part = dot(unit, values);
            values.iter_mut().zip(unit).for_each(|(value, unit)| *value -= part * unit);
        }
    }

    /// What is left of `y` beside the columns, and the coefficient of each.
    pub(super) fn fit(&self, y: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut residual = y.to_vec();
        let mut along = vec![0.0; self.units.len()];
        for _ in 0..2 {
            for (unit, along) in self.units.iter().zip(&mut along) {
                let part = dot(unit, &residual);
                residual.iter_mut().zip(unit).for_each(|(left, unit)| *left -= part * unit);
                *along += part;
            }
        }
        let mut coefficients = vec![0.0; self.columns];
        for at in (0..self.units.len()).rev() {
            let (place, components) = &self.upper[at];
            let factor = along[at] / components[at];
            coefficients[*place] = factor;
            along[..at].iter_mut().zip(components).for_each(|(along, part)| *along -= factor * part);
        }
        (residual, coefficients)
    }
}

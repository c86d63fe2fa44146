//! What ridges of a problem are made of: the columns inside functions, those beside them and those in front of them.

use super::form::{Form, Ridge, Rows, Term};
use super::shape::Shape;
use crate::discover::features::constant;
use crate::discover::problem::{Problem, usable, varies};
use crate::expression::Expression;
use crate::sample::range;
use std::f64::consts::{PI, TAU};

/// Most variables of which pairs are taken.
const VARIABLES: usize = 4;
/// Part of the largest argument below which an offset is what rounding leaves of none.
const ROUNDING: f64 = 1e-12;

/// An inner column: `(expression − middle)/half`.
struct Inner {
    expression: Expression,
    middle: f64,
    half: f64,
}

/// The columns of a problem, with what they mean.
pub(super) struct Material {
    pub(super) columns: Rows,
    inner: Vec<Inner>,
    outer: Vec<Expression>,
    /// Inner columns that occur together in an argument.
    pub(super) arguments: Vec<Vec<usize>>,
    /// Those of them that are tried beside each other.
    pub(super) short: Vec<Vec<usize>>,
    /// Outer columns that may be in front of a function.
    pub(super) envelopes: Vec<Option<usize>>,
    /// Those of them in front of functions that have very many starts.
    plain: Vec<Option<usize>>,
    /// Outer columns that may be beside one: few, and more.
    pub(super) companies: Vec<Vec<usize>>,
}

impl Material {
    pub(super) fn of(problem: &Problem) -> Self {
        let mut material = Self {
            columns: Rows { inner: Vec::new(), outer: Vec::new(), y: Vec::new() },
            inner: Vec::new(),
            outer: Vec::new(),
            arguments: Vec::new(),
            short: Vec::new(),
            envelopes: vec![None],
            plain: vec![None],
            companies: Vec::new(),
        };
        let count = problem.columns.len();
        let alone = |at: usize, power: i32| {
            let mut powers = vec![0; count];
            powers[at] = power;
            powers
        };
        let both = |first: usize, a: i32, second: usize, b: i32| {
            let mut powers = vec![0; count];
            (powers[first], powers[second]) = (a, b);
            powers
        };
        let one = material.outside(problem, &vec![0; count]);
        let mut linear: Vec<usize> = one.into_iter().collect();
        let mut square = Vec::new();
        let mut quotients = Vec::new();
        for at in 0..count {
            let x = material.outside(problem, &alone(at, 1));
            linear.extend(x);
            let squared = material.outside(problem, &alone(at, 2));
            square.extend(squared);
            let over = material.outside(problem, &alone(at, -1));
            quotients.extend(over);
            let cubed = if count == 1 { material.outside(problem, &alone(at, 3)) } else { None };
            let powers = [x, squared, over, cubed].into_iter().flatten().map(Some);
            material.plain.extend(x.map(Some));
            material.envelopes.extend(powers.take(if count <= 2 { 4 } else { 1 }));
            let [own, squared] = [1, 2].map(|power| material.inside(problem, &alone(at, power)));
            material.arguments.extend([own, squared].into_iter().flatten().map(|one| vec![one]));
            if count == 1 {
                material.short.clone_from(&material.arguments);
                let cubed = material.inside(problem, &alone(at, 3));
                let inverse = material.inside(problem, &alone(at, -1));
                material.arguments.extend([cubed, inverse].into_iter().flatten().map(|one| vec![one]));
            }
            if let (Some(own), Some(squared), true) = (own, squared, count <= 2) {
                material.arguments.push(vec![own, squared]);
                if count == 1 {
                    material.short.push(vec![own, squared]);
                }
            }
        }
        if count <= VARIABLES {
            for first in 0..count {
                for second in first + 1..count {
                    let product = material.outside(problem, &both(first, 1, second, 1));
                    square.extend(product);
                    let over = material.outside(problem, &both(first, 1, second, -1));
                    let under = material.outside(problem, &both(first, -1, second, 1));
                    quotients.extend([over, under].into_iter().flatten());
                    let factors = [product, over, under].into_iter().flatten().map(Some);
                    material.plain.extend(product.map(Some));
                    material.envelopes.extend(factors.take(if count <= 2 { 3 } else { 1 }));
                    material.pair(problem, first, second);
                }
            }
        }
        if count > 1 {
            let short = material.arguments.iter().filter(|argument| argument.len() <= 2);
            material.short = short.cloned().collect();
        }
        let few = linear.clone();
        linear.extend(square);
        let many = linear.clone();
        linear.extend(quotients);
        material.companies = vec![few, many, linear];
        // Of one variable there are no more, of four too many.
        if count == 1 || count > 3 {
            material.companies.pop();
        }
        material
    }

    /// What may be in front of a function of so many inner columns.
    pub(super) fn envelopes_of(&self, inner: usize) -> &[Option<usize>] {
        if inner > 2 { &self.plain } else { &self.envelopes }
    }

    /// The arguments of two variables.
    fn pair(&mut self, problem: &Problem, first: usize, second: usize) {
        let of = |a: i32, b: i32| {
            let mut powers = vec![0; problem.columns.len()];
            (powers[first], powers[second]) = (a, b);
            powers
        };
        let [product, over, under] = [(1, 1), (1, -1), (-1, 1)].map(|(a, b)| self.inside(problem, &of(a, b)));
        let [x, y] = [(1, 0), (0, 1)].map(|(a, b)| self.inside(problem, &of(a, b)));
        let [x2, y2] = [(2, 0), (0, 2)].map(|(a, b)| self.inside(problem, &of(a, b)));
        let mut together =
            vec![vec![product], vec![over], vec![under], vec![x, y], vec![x2, y2], vec![product, x, y]];
        if problem.columns.len() == 2 {
            together.extend([vec![x2, y], vec![x, y2]]);
        }
        self.arguments.extend(together.into_iter().filter_map(|list| list.into_iter().collect()));
    }

    /// Values of a product of powers, if they are of use.
    fn product(problem: &Problem, powers: &[i32]) -> Option<(Vec<f64>, Expression)> {
        let mut values = vec![1.0; problem.rows()];
        let mut factors = Vec::new();
        for ((column, part), power) in problem.columns.iter().zip(&problem.parts).zip(powers) {
            if *power != 0 {
                values.iter_mut().zip(column).for_each(|(value, x)| *value *= x.powi(*power));
                factors.push(part.clone().powi((*power).into()));
            }
        }
        usable(&values).then(|| (values, Expression::product(factors)))
    }

    fn outside(&mut self, problem: &Problem, powers: &[i32]) -> Option<usize> {
        let (values, expression) = Self::product(problem, powers)?;
        // A pole inside the range hides all else.
        let (low, high) = range(&values);
        if powers.iter().any(|power| *power < 0) && low * high <= 0.0 {
            return None;
        }
        self.outer.push(expression);
        self.columns.outer.push(values);
        Some(self.outer.len() - 1)
    }

    fn inside(&mut self, problem: &Problem, powers: &[i32]) -> Option<usize> {
        let (values, expression) = Self::product(problem, powers)?;
        let (low, high) = range(&values);
        if !varies(&values) || (powers.iter().any(|power| *power < 0) && low * high <= 0.0) {
            return None;
        }
        if let Some(known) = self.inner.iter().position(|inner| inner.expression == expression) {
            return Some(known);
        }
        let (middle, half) = (0.5 * (low + high), 0.5 * (high - low));
        self.columns.inner.push(values.iter().map(|value| (value - middle) / half).collect());
        self.inner.push(Inner { expression, middle, half });
        Some(self.inner.len() - 1)
    }

    /// So many of the rows, evenly, with a target.
    pub(super) fn rows(&self, y: &[f64], most: usize) -> Rows {
        let rows = y.len();
        let count = rows.min(most);
        let thin = |values: &[f64]| -> Vec<f64> { (0..count).map(|at| values[at * rows / count]).collect() };
        let all = |columns: &[Vec<f64>]| columns.iter().map(|column| thin(column)).collect();
        Rows { inner: all(&self.columns.inner), outer: all(&self.columns.outer), y: thin(y) }
    }

    /// The formula of a form, its constants named, with their values by the linear coefficients. None if some are beyond
    /// what numbers hold.
    pub(super) fn formula(&self, form: &Form, coefficients: &[f64]) -> Option<(Expression, Vec<f64>)> {
        let mut values = Vec::new();
        let mut terms = Vec::new();
        let mut first = 0;
        for term in &form.terms {
            let count: usize = term.ridges.iter().map(|ridge| ridge.shape.columns()).product();
            terms.push(self.term(term, &coefficients[first..first + count], &mut values));
            first += count;
        }
        for (at, coefficient) in form.company.iter().zip(&coefficients[first..]) {
            values.push(*coefficient);
            terms.push(constant(values.len() - 1) * self.outer[*at].clone());
        }
        usable(&values).then(|| (Expression::sum(terms), values))
    }

    fn term(&self, term: &Term, coefficients: &[f64], values: &mut Vec<f64>) -> Expression {
        let shares = factors(&term.ridges, coefficients);
        let place = values.len();
        values.push(1.0);
        let mut product = constant(place);
        if let Some(envelope) = term.envelope {
            product = product * self.outer[envelope].clone();
        }
        for (ridge, share) in term.ridges.iter().zip(&shares) {
            let (function, scale) = self.function(ridge, share, values);
            values[place] *= scale;
            product = product * function;
        }
        product
    }

    /// A ridge with coefficients of its columns, as a function with a factor.
    fn function(&self, ridge: &Ridge, share: &[f64], values: &mut Vec<f64>) -> (Expression, f64) {
        let inner = || ridge.inner.iter().map(|at| &self.inner[*at]);
        let mut slopes: Vec<f64> = inner().zip(&ridge.theta).map(|(inner, a)| a / inner.half).collect();
        let moved = |slopes: &[f64]| inner().zip(slopes).map(|(inner, a)| a * inner.middle).sum::<f64>();
        let mut offset = ridge.offset() - moved(&slopes);
        let size = ridge.offset().abs()
            + slopes.iter().zip(inner()).map(|(a, one)| (a * one.middle).abs()).sum::<f64>();
        if offset.abs() < ROUNDING * size {
            offset = 0.0;
        }
        let mut scale = share[0];
        let mut with_offset = true;
        match ridge.shape {
            Shape::Wave => {
                scale = share[0].hypot(share[1]);
                offset = (offset + share[1].atan2(share[0]) + PI).rem_euclid(TAU) - PI;
            }
            Shape::Exponential => {
                scale *= (offset - ridge.reach()).exp();
                with_offset = false;
            }
            Shape::Logarithm => {
                // c₁·log v + c₂ = c₁·log(v·exp(c₂/c₁))
                let factor = (share[1] / share[0]).exp();
                slopes.iter_mut().for_each(|slope| *slope *= factor);
                offset *= factor;
            }
            Shape::Root | Shape::InverseRoot | Shape::Inverse => {
                let largest = ridge.theta.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
                let unit = slopes[largest.map_or(0, |(at, _)| at)].abs();
                slopes.iter_mut().for_each(|slope| *slope /= unit);
                offset /= unit;
                scale *= match ridge.shape {
                    Shape::Root => unit.sqrt(),
                    Shape::InverseRoot => 1.0 / unit.sqrt(),
                    _ => 1.0 / unit,
                };
            }
            Shape::Tanh | Shape::Atan => {}
        }
        let mut terms = Vec::new();
        for (slope, inner) in slopes.into_iter().zip(inner()) {
            if slope.abs() == 1.0 {
                terms.push(Expression::integer(slope as i64) * inner.expression.clone());
            } else {
                values.push(slope);
                terms.push(constant(values.len() - 1) * inner.expression.clone());
            }
        }
        if with_offset {
            values.push(offset);
            terms.push(constant(values.len() - 1));
        }
        (ridge.shape.expression(Expression::sum(terms)), scale)
    }

    /// How many nodes a form's formula has about, as its length counts them.
    pub(super) fn length(&self, form: &Form) -> f64 {
        let outer = |at: usize| self.outer[at].complexity();
        let ridge = |ridge: &Ridge| {
            3.0 + ridge.inner.iter().map(|at| 2.0 + self.inner[*at].expression.complexity()).sum::<f64>()
        };
        let term =
            |term: &Term| term.envelope.map_or(0.0, outer) + term.ridges.iter().map(ridge).sum::<f64>();
        form.terms.iter().map(term).sum::<f64>() + form.company.iter().map(|at| 2.0 + outer(*at)).sum::<f64>()
    }
}

/// Coefficients of products of columns as products of coefficients, as nearly as that can be.
fn factors(ridges: &[Ridge], coefficients: &[f64]) -> Vec<Vec<f64>> {
    let [_, second] = ridges else { return vec![coefficients.to_vec()] };
    let columns = second.shape.columns();
    let lines: Vec<&[f64]> = coefficients.chunks(columns).collect();
    let size = |line: &[f64]| line.iter().map(|c| c * c).sum::<f64>();
    let mut b =
        lines.iter().max_by(|a, b| size(a).total_cmp(&size(b))).map_or(Vec::new(), |line| line.to_vec());
    let mut a = vec![0.0; lines.len()];
    // The powers of a matrix of two columns tend to its largest part.
    for _ in 0..20 {
        let square = size(&b).max(f64::MIN_POSITIVE);
        a = lines.iter().map(|line| line.iter().zip(&b).map(|(c, b)| c * b).sum::<f64>() / square).collect();
        let square = size(&a).max(f64::MIN_POSITIVE);
        b = (0..columns)
            .map(|at| lines.iter().zip(&a).map(|(line, a)| line[at] * a).sum::<f64>() / square)
            .collect();
    }
    vec![a, b]
}

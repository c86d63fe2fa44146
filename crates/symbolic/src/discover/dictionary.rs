//! A dictionary of several hundred terms, of which a few may add up to the transformed target: powers and functions of
//! the variables, functions of two of them, and products of those.

mod terms;

use super::features::{Feature, constant, sum};
use super::freed::freed;
use super::problem::{Problem, View, moments, times, usable, varies};
use super::search::Search;
use super::subsets::{Gram, Subset};
use super::transform::Transform;
use crate::expression::{Expression, Scratch, Tape};
use crate::fit::least_squares::regress;
use std::collections::HashMap;
use std::sync::Arc;

/// Part of the variance that a sum may leave if its inner constants are to be fitted.
const PROMISING: f64 = 0.3;
/// Most constants of a sum whose inner constants are fitted.
const CONSTANTS: usize = 12;

/// The terms of a problem with their values, and their products with each other.
pub(super) struct Dictionary {
    terms: Vec<Feature>,
    gram: Gram,
}

impl Dictionary {
    pub(super) fn of(search: &mut Search<'_>, problem: &Problem) -> Self {
        let (names, variables) = locals(problem);
        let local = terms::of(problem, &variables);
        let (terms, _) = evaluated(problem, &names, &local, &local);
        let columns: Vec<&[f64]> = terms.iter().map(|term| term.values.as_slice()).collect();
        search.spend(0.2 * (columns.len() * columns.len() * problem.rows()) as f64);
        let gram = Gram::of(&columns);
        Self { terms, gram }
    }
}

/// Names for the columns of a problem, and variables of these names.
pub(super) fn locals(problem: &Problem) -> (Vec<Arc<str>>, Vec<Expression>) {
    let names: Vec<Arc<str>> = (0..problem.columns.len()).map(|at| Arc::from(format!("v{at}"))).collect();
    let variables = names.iter().map(|name| Expression::variable(name)).collect();
    (names, variables)
}

/// Evaluates terms of local variables at once, and leaves out those that are not finite or constant. What they `mean`
/// is returned for those that stay, in the problem's own parts.
pub(super) fn evaluated(
    problem: &Problem,
    names: &[Arc<str>],
    local: &[Expression],
    mean: &[Expression],
) -> (Vec<Feature>, Vec<Expression>) {
    let Ok(tape) = Tape::new(local, names) else { return Default::default() };
    let rows = problem.rows();
    if local.is_empty() || rows == 0 {
        return Default::default();
    }
    let mut x = Vec::with_capacity(rows * names.len());
    for row in 0..rows {
        x.extend(problem.columns.iter().map(|column| column[row]));
    }
    let mut values = vec![0.0; rows * local.len()];
    tape.evaluate(&x, &mut values, &mut Scratch::default());
    let parts: HashMap<&str, Expression> =
        names.iter().zip(&problem.parts).map(|(name, part)| (&**name, part.clone())).collect();
    let finite =
        |values: &[f64]| usable(values) && values.iter().all(|value| value.abs() < 1e12) && varies(values);
    let kept = mean.iter().zip(values.chunks_exact(rows)).filter(|(_, values)| finite(values));
    kept.map(|(meant, values)| {
        let expression = meant.substitute(&parts);
        (Feature { expression: expression.clone(), values: values.to_vec() }, expression)
    })
    .unzip()
}

/// Terms times the target: with them a sum is a quotient.
fn implicit(view: &View<'_>, dictionary: &Dictionary, noisy: bool) -> Vec<Feature> {
    let variables = view.problem.columns.len();
    let most = if variables <= 2 { 8.0 } else { 5.0 };
    let suits = matches!(view.transform, Transform::Identity | Transform::Log | Transform::Square);
    if noisy || !suits || view.target.len() < 60 {
        return Vec::new();
    }
    let short = dictionary.terms.iter().filter(|term| term.expression.complexity() <= most);
    let products = short.map(|term| Feature { values: times(&term.values, &view.target), ..term.clone() });
    products.filter(|product| usable(&product.values)).take(80).collect()
}

/// Sums of a few terms for the transformed target, as they are, as quotients, and with their inner constants fitted.
pub(super) fn search(search: &mut Search<'_>, view: &View<'_>, dictionary: &Dictionary) {
    if dictionary.terms.is_empty() {
        return;
    }
    let rows = view.target.len();
    let products = implicit(view, dictionary, search.noisy);
    let columns: Vec<&[f64]> = products.iter().map(|product| product.values.as_slice()).collect();
    let gram = dictionary.gram.with(&columns);
    let most = if rows < 30 { 4 } else { 6 };
    search.spend(10.0 * (gram.count() * gram.count()) as f64);
    let subsets = gram.subsets(&view.target, most, if view.problem.columns.len() <= 2 { 60 } else { 40 });
    let sums = Sums { view, dictionary, products: &products };
    for subset in promising(&subsets, search.noisy, rows) {
        if search.done() {
            return;
        }
        sums.offer(search, subset);
    }
    for size in 1..=3 {
        let few = subsets.iter().filter(|subset| subset.terms.len() == size && subset.error < PROMISING);
        for subset in few.take(if size == 1 { 5 } else { 4 }) {
            if search.done() {
                return;
            }
            sums.offer_freed(search, subset);
        }
    }
}

fn promising(subsets: &[Subset], noisy: bool, rows: usize) -> Vec<&Subset> {
    let mut all: Vec<&Subset> = subsets.iter().filter(|subset| subset.error <= PROMISING).collect();
    if noisy {
        let bits = |subset: &Subset| {
            0.5 * rows as f64 * subset.error.max(1e-12).ln() + 6.0 * subset.terms.len() as f64
        };
        all.sort_by(|a, b| bits(a).total_cmp(&bits(b)));
    }
    all.truncate(if noisy { 8 } else { 4 });
    all
}

struct Sums<'a> {
    view: &'a View<'a>,
    dictionary: &'a Dictionary,
    products: &'a [Feature],
}

impl Sums<'_> {
    fn term(&self, at: usize) -> &Feature {
        let own = self.dictionary.terms.len();
        if at < own { &self.dictionary.terms[at] } else { &self.products[at - own] }
    }

    /// Terms of the sum, those of the denominator, and the coefficients of both and the offset.
    fn fitted(&self, subset: &Subset) -> Option<(Vec<usize>, Vec<usize>, Vec<f64>)> {
        let own = self.dictionary.terms.len();
        let (above, below): (Vec<usize>, Vec<usize>) = subset.terms.iter().partition(|at| **at < own);
        let one = vec![1.0; self.view.target.len()];
        let columns = above.iter().chain(&below).map(|at| self.term(*at).values.as_slice());
        let columns: Vec<&[f64]> = columns.chain([one.as_slice()]).collect();
        let found = regress(&columns, &self.view.target)?;
        Some((above, below, found.coefficients))
    }

    fn offer(&self, search: &mut Search<'_>, subset: &Subset) {
        let Some((above, below, coefficients)) = self.fitted(subset) else { return };
        let expressions: Vec<Expression> = above.iter().map(|at| self.term(*at).expression.clone()).collect();
        let (upper, lower) = coefficients.split_at(above.len());
        let (lower, offset) = lower.split_at(below.len());
        let offset = (moments(&self.view.target).1 > 0.0).then(|| offset[0]);
        for offset in [offset, None] {
            let mut values = upper.to_vec();
            let mut numerator = sum(&expressions, 0);
            if let Some(offset) = offset {
                numerator = numerator + constant(values.len());
                values.push(offset);
            } else if above.is_empty() {
                continue;
            }
            let mut law = numerator;
            if !below.is_empty() {
                let terms = below.iter().enumerate();
                let terms =
                    terms.map(|(at, term)| constant(values.len() + at) * self.term(*term).expression.clone());
                law = law / Expression::sum(terms.chain([Expression::integer(1)]));
                values.extend(lower.iter().map(|c| -c));
            }
            self.view.offer(search, law, &values, 12);
            if search.done() {
                return;
            }
        }
    }

    fn offer_freed(&self, search: &mut Search<'_>, subset: &Subset) {
        let Some((above, below, mut values)) = self.fitted(subset) else { return };
        if !below.is_empty() {
            return;
        }
        let terms: Vec<Expression> = above.iter().map(|at| self.term(*at).expression.clone()).collect();
        let law = sum(&terms, 0) + constant(terms.len());
        let law = freed(&law, &mut values);
        if values.len() < CONSTANTS && values.len() < self.view.target.len() {
            self.view.offer(search, law, &values, 40);
        }
    }
}

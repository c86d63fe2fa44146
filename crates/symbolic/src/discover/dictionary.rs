//! A dictionary of several hundred terms, of which a few may add up to the transformed target: powers and functions of
//! the variables, functions of two of them, and products of those.

use super::features::{Feature, constant, sum};
use super::freed::freed;
use super::problem::{Problem, View, moments, times, usable, varies};
use super::search::Search;
use super::subsets::{Gram, Subset};
use super::surrogate::range;
use super::transform::Transform;
use crate::expression::{Expression, Function, Scratch, Tape};
use crate::fit::least_squares::regress;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Most terms, and most that products of three may bring.
const MOST: usize = 1600;
const TRIPLES: usize = 1200;
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
        let local = expressions(problem, &variables);
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

/// A list without repetitions.
#[derive(Default)]
struct List {
    terms: Vec<Expression>,
    known: HashSet<Expression>,
}

impl List {
    fn add(&mut self, term: Expression) {
        if term.number().is_none() && self.known.insert(term.clone()) {
            self.terms.push(term);
        }
    }

    fn extend(&mut self, terms: impl IntoIterator<Item = Expression>) {
        terms.into_iter().for_each(|term| self.add(term));
    }
}

fn integer(number: i64) -> Expression {
    Expression::integer(number)
}

/// Functions of one variable; `level` 0 has powers only.
fn atoms(v: &Expression, positive: bool, level: usize) -> Vec<Expression> {
    let call = |function: Function, argument: Expression| argument.call(function);
    let mut atoms = vec![v.clone(), v.clone().powi(2), v.clone().powi(-1)];
    if level >= 1 {
        atoms.extend([v.clone().powi(-2), v.clone().powi(3)]);
        if positive {
            atoms.extend([v.clone().sqrt(), call(Function::Log, v.clone())]);
        }
        atoms.extend([Function::Sin, Function::Cos, Function::Exp].map(|function| call(function, v.clone())));
        atoms.push(call(Function::Exp, -v.clone()));
    }
    if level >= 2 {
        let square = || v.clone().powi(2);
        atoms.extend([
            v.clone().powi(4),
            call(Function::Sin, square()),
            call(Function::Cos, square()),
            call(Function::Exp, -square()),
            call(Function::Sin, v.clone()).powi(2),
        ]);
        for scale in [Expression::ratio(1, 2), integer(2), integer(3)] {
            let argument = scale * v.clone();
            atoms.extend([Function::Sin, Function::Cos].map(|function| call(function, argument.clone())));
        }
    }
    atoms
}

fn expressions(problem: &Problem, variables: &[Expression]) -> Vec<Expression> {
    let count = variables.len();
    let level = match count {
        1 | 2 => 2,
        3 | 4 => 1,
        _ => 0,
    };
    let ranges: Vec<(f64, f64)> = problem.columns.iter().map(|column| range(column)).collect();
    let atoms: Vec<Vec<Expression>> =
        variables.iter().zip(&ranges).map(|(v, (low, _))| atoms(v, *low >= 0.0, level)).collect();
    let mut list = List::default();
    list.extend(atoms.iter().flatten().cloned());
    let singles = list.terms.len();
    for first in 0..count {
        for second in first + 1..count {
            for a in &atoms[first] {
                list.extend(atoms[second].iter().map(|b| a.clone() * b.clone()));
            }
        }
    }
    match count {
        1 => of_one(&mut list, &variables[0], &atoms[0], ranges[0], problem.rows()),
        2 => of_two(&mut list, variables),
        3..=6 => triples(&mut list, &atoms),
        _ => {}
    }
    if count >= 2 {
        of_pairs(&mut list, variables, &ranges, singles);
    }
    list.terms.truncate(MOST);
    list.terms
}

const INNER: [Function; 4] = [Function::Sin, Function::Cos, Function::Exp, Function::Log];

/// Products of functions, waves of many frequencies, and functions of short polynomials.
fn of_one(list: &mut List, v: &Expression, atoms: &[Expression], (low, high): (f64, f64), rows: usize) {
    for (place, a) in atoms.iter().enumerate() {
        list.extend(atoms[place + 1..].iter().map(|b| a.clone() * b.clone()));
    }
    let half = 0.5 * (high - low);
    let envelopes = [integer(1), v.clone(), (-v.clone()).call(Function::Exp), v.clone().powi(2)];
    for step in 1..=(rows * 4 / 5).min(60) {
        let argument = Expression::real(0.8 * step as f64 / half) * v.clone();
        for envelope in &envelopes {
            for wave in [Function::Sin, Function::Cos] {
                list.add(envelope.clone() * argument.clone().call(wave));
            }
        }
    }
    for rate in [0.3, 0.6, 1.0, 1.6, 2.5, 4.0] {
        for sign in [1.0, -1.0] {
            list.add((Expression::real(sign * rate / half) * v.clone()).call(Function::Exp));
        }
    }
    let power = |k: i64| v.clone().powi(k);
    let mut arguments: Vec<Expression> = vec![power(3), integer(2) * v.clone(), integer(3) * v.clone()];
    for (sign, low, other_sign, high) in [
        (1, 1, 1, 2),
        (1, 1, -1, 2),
        (1, 0, 1, 2),
        (1, 0, -1, 2),
        (1, 0, 1, 1),
        (1, 0, -1, 1),
        (1, 1, 1, 3),
        (1, 2, 1, 3),
    ] {
        arguments.push(integer(sign) * power(low) + integer(other_sign) * power(high));
    }
    arguments.push(integer(1) + power(3));
    let around = [integer(1), v.clone(), power(2), power(-1), (integer(1) + power(2)).powi(-1)];
    for argument in arguments.into_iter().chain([v.clone(), power(2)]) {
        let inner = INNER.map(|function| argument.clone().call(function));
        let more =
            [(-argument.clone()).call(Function::Exp), argument.clone().call(Function::Tanh), argument.sqrt()];
        for function in inner.into_iter().chain(more) {
            list.extend(around.iter().map(|around| around.clone() * function.clone()));
        }
    }
}

/// Functions of shifted products and of sums of squares.
fn of_two(list: &mut List, v: &[Expression]) {
    let mut arguments = Vec::new();
    for p in -1..=1 {
        for q in -1..=1 {
            if (p, q) != (0, 0) {
                let (x, y) = (v[0].clone(), v[1].clone());
                arguments.push(x.clone() * y.clone() + integer(q) * x + integer(p) * y + integer(p * q));
            }
        }
    }
    for sign in [1, -1] {
        for offset in [0, 1] {
            arguments.push(v[0].clone().powi(2) + integer(sign) * v[1].clone().powi(2) + integer(offset));
        }
    }
    for argument in arguments {
        list.extend(INNER.map(|function| argument.clone().call(function)));
        list.add(argument.sqrt());
    }
}

/// Products of short functions of three variables.
fn triples(list: &mut List, atoms: &[Vec<Expression>]) {
    let short: Vec<Vec<&Expression>> =
        atoms.iter().map(|atoms| atoms.iter().filter(|atom| atom.complexity() < 6.0).collect()).collect();
    for first in 0..short.len() {
        for second in first + 1..short.len() {
            for third in second + 1..short.len() {
                for a in &short[first] {
                    for b in &short[second] {
                        for c in &short[third] {
                            if list.terms.len() > TRIPLES {
                                return;
                            }
                            list.add((*a).clone() * (*b).clone() * (*c).clone());
                        }
                    }
                }
            }
        }
    }
}

/// Functions of the product, quotient, sum and difference of two variables, and their products with the functions of
/// one; roots of products.
fn of_pairs(list: &mut List, v: &[Expression], ranges: &[(f64, f64)], singles: usize) {
    let count = v.len();
    let mut functions = Vec::new();
    for first in 0..count {
        for second in (0..count).filter(|second| *second != first) {
            let (x, y) = (v[first].clone(), v[second].clone());
            let mut arguments = vec![(x.clone() / y.clone(), false)];
            if first < second {
                let positive = ranges[first].0 + ranges[second].0 > 0.0;
                arguments.push((x.clone() * y.clone(), false));
                arguments.push((x.clone() + y.clone(), positive));
                arguments.push((x - y, false));
            }
            for (argument, positive) in arguments {
                functions
                    .extend([Function::Sin, Function::Cos, Function::Exp].map(|f| argument.clone().call(f)));
                functions.push((-argument.clone()).call(Function::Exp));
                if positive {
                    functions.extend([argument.clone().sqrt(), argument.call(Function::Log)]);
                }
            }
        }
    }
    let positive = |at: &usize| ranges[*at].0 >= 0.0;
    let roots: Vec<Expression> = (0..count)
        .filter(positive)
        .flat_map(|first| (first + 1..count).filter(positive).map(move |second| (first, second)))
        .map(|(first, second)| (v[first].clone() * v[second].clone()).sqrt())
        .collect();
    let base: Vec<Expression> = list.terms[..singles].to_vec();
    list.extend(functions.iter().cloned());
    for function in &functions {
        if count <= 5 {
            list.extend(base.iter().map(|single| function.clone() * single.clone()));
        }
        for first in 0..count {
            for second in first + 1..count {
                list.add(v[first].clone() * v[second].clone() * function.clone());
            }
        }
        list.extend(roots.iter().map(|root| root.clone() * function.clone()));
        if list.terms.len() > MOST {
            break;
        }
    }
    for root in roots {
        list.extend(base.iter().map(|single| root.clone() * single.clone()));
    }
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
                law = law / Expression::sum(terms.chain([integer(1)]));
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

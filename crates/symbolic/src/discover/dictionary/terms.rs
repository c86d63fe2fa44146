//! Which terms a dictionary has.

use crate::discover::problem::Problem;
use crate::expression::{Expression, Function};
use crate::sample::range;
use std::collections::HashSet;

/// Most terms, and most that products of three may bring.
const MOST: usize = 1600;
const TRIPLES: usize = 1200;

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

/// The terms for a problem in local variables.
pub(super) fn of(problem: &Problem, variables: &[Expression]) -> Vec<Expression> {
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
        2 => of_two(&mut list, variables, &ranges),
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

/// Places in a range, in halves of it from its middle, at which products may have their zeros.
const PLACES: [f64; 5] = [-2.0 / 3.0, -1.0 / 3.0, 0.0, 1.0 / 3.0, 2.0 / 3.0];

/// Functions of products of two shifted variables, for shifts all over their ranges, and of sums of squares. What is near
/// a law is brought there by the fit of its inner constants.
fn of_two(list: &mut List, v: &[Expression], ranges: &[(f64, f64)]) {
    let zero = |at: usize, place: f64| {
        let (low, high) = ranges[at];
        0.5 * (low + high) + place * 0.5 * (high - low)
    };
    let mut arguments = Vec::new();
    for a in PLACES.map(|place| zero(0, place)) {
        for b in PLACES.map(|place| zero(1, place)) {
            let (x, y) = (v[0].clone(), v[1].clone());
            let linear = Expression::real(-b) * x.clone() + Expression::real(-a) * y.clone();
            arguments.push(x * y + linear + Expression::real(a * b));
        }
    }
    let square = |at: usize| (0.5 * (ranges[at].1 - ranges[at].0)).powi(2);
    for sign in [1, -1] {
        for offset in [0.0, 0.5 * (square(0) + square(1))] {
            let squares = v[0].clone().powi(2) + integer(sign) * v[1].clone().powi(2);
            arguments.push(squares + Expression::real(offset));
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

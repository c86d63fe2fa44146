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
        atoms.extend([v.clone().powi(4), call(Function::Sin, v.clone()).powi(2)]);
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
        3..=6 => triples(&mut list, &atoms),
        _ => {}
    }
    if count >= 2 {
        of_pairs(&mut list, variables, &ranges, singles);
    }
    list.terms.truncate(MOST);
    list.terms
}

/// Products of functions, and waves and decays of as many kinds as the range can tell apart.
fn of_one(list: &mut List, v: &Expression, atoms: &[Expression], (low, high): (f64, f64), rows: usize) {
    for (place, a) in atoms.iter().enumerate() {
        list.extend(atoms[place + 1..].iter().map(|b| a.clone() * b.clone()));
    }
    let half = 0.5 * (high - low);
    for step in 1..=(rows * 4 / 5).min(60) {
        let argument = Expression::real(0.8 * step as f64 / half) * v.clone();
        for wave in [Function::Sin, Function::Cos] {
            list.add(argument.clone().call(wave));
            list.add(v.clone() * argument.clone().call(wave));
        }
    }
    for rate in [0.3, 0.6, 1.0, 1.6, 2.5, 4.0] {
        for sign in [1.0, -1.0] {
            list.add((Expression::real(sign * rate / half) * v.clone()).call(Function::Exp));
        }
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

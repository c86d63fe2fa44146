//! The rules of simplification: other forms of an expression, some of them wrong for some values of the variables. Who
//! asks for them compares.

use crate::expression::{Expression, Function, Node, Number};
use std::collections::HashMap;

/// Terms that multiplying out may come to.
const TERMS: usize = 40;
/// Length from which on nothing is multiplied out: it takes long and makes few formulas shorter.
const LONG: f64 = 150.0;

/// Factors that a sum is divided by, those that most terms share.
const SHARED: usize = 8;

/// Other forms of an expression whose parts are simple already.
pub(super) fn proposals(expression: &Expression) -> Vec<Expression> {
    let mut forms = match expression.node() {
        Node::Sum(terms) => of_sum(terms),
        Node::Product(factors) => of_product(factors),
        Node::Power(base, exponent) => of_power(base, exponent),
        Node::Call(function, argument) => of_call(*function, argument),
        Node::Number(_) | Node::Pi | Node::Variable(_) => Vec::new(),
    };
    forms.extend(multiplied_out(expression));
    if expression.variables().is_empty() {
        forms.extend(constant(expression));
    }
    forms
}

fn of_sum(terms: &[Expression]) -> Vec<Expression> {
    let mut forms = Vec::new();
    // A factor that two or more terms have in common.
    let mut holders: HashMap<Expression, Vec<usize>> = HashMap::new();
    let mut found = Vec::new();
    for (place, term) in terms.iter().enumerate() {
        for factor in factors_of(term) {
            let places = holders.entry(factor.clone()).or_default();
            if places.is_empty() {
                found.push(factor);
            }
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }
    found.retain(|factor| holders[factor].len() > 1);
    found.sort_by_key(|factor| std::cmp::Reverse(holders[factor].len()));
    for factor in found.iter().take(SHARED) {
        let inside = |place: &usize| holders[factor].contains(place);
        let shared = (0..terms.len()).filter(inside).map(|place| terms[place].clone() / factor.clone());
        let rest = (0..terms.len()).filter(|place| !inside(place)).map(|place| terms[place].clone());
        let together = factor.clone() * Expression::sum(shared);
        forms.push(Expression::sum(rest.chain([together])));
    }
    // c·sin²u + c·cos²u = c, c·cosh²u − c·sinh²u = c, and c − c·sin²u = c·cos²u by the same.
    for (place, term) in terms.iter().enumerate() {
        for factor in factors_of(term) {
            let Some((function, argument)) = squared(&factor) else { continue };
            let c = term.clone() / factor.clone();
            let of = |other: Function| argument.clone().call(other).powi(2);
            let same = match function {
                Function::Sin => c.clone() - c * of(Function::Cos),
                Function::Cosh => c.clone() + c * of(Function::Sinh),
                _ => continue,
            };
            let rest =
                terms.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, term)| term.clone());
            forms.push(Expression::sum(rest.chain([same])));
        }
    }
    forms
}

/// The factors that a sum may share: those of its terms, and the size of the number in front.
fn factors_of(term: &Expression) -> Vec<Expression> {
    match term.node() {
        Node::Product(factors) => factors
            .iter()
            .map(|factor| match factor.number() {
                Some(number) if number.is_negative() => Expression::from_number(number.negated()),
                _ => factor.clone(),
            })
            .flat_map(|factor| {
                let base = match factor.node() {
                    Node::Power(base, exponent) if exponent.number().is_some_and(|n| n.to_f64() > 1.0) => {
                        Some(base.clone())
                    }
                    _ => None,
                };
                [Some(factor), base].into_iter().flatten()
            })
            .filter(|factor| !factor.is(Number::ONE))
            .collect(),
        _ => vec![term.clone()],
    }
}

/// `f` and `u` of `f(u)²`.
fn squared(factor: &Expression) -> Option<(Function, &Expression)> {
    match factor.node() {
        Node::Power(base, exponent) if exponent.is(Number::integer(2)) => match base.node() {
            Node::Call(function, argument) => Some((*function, argument)),
            _ => None,
        },
        _ => None,
    }
}

fn of_product(factors: &[Expression]) -> Vec<Expression> {
    let mut forms = Vec::new();
    let exponentials = |factor: &Expression| match factor.node() {
        Node::Call(Function::Exp, argument) => Some(argument.clone()),
        _ => None,
    };
    let arguments: Vec<Expression> = factors.iter().filter_map(exponentials).collect();
    if arguments.len() > 1 {
        let rest = factors.iter().filter(|factor| exponentials(factor).is_none()).cloned();
        forms.push(Expression::product(rest.chain([Expression::sum(arguments).call(Function::Exp)])));
    }
    // Powers of one base whose exponents add up to a whole number, which the canonical form leaves apart.
    let parts: Vec<(Expression, Expression)> = factors.iter().map(Expression::base_and_exponent).collect();
    for (place, (base, exponent)) in parts.iter().enumerate() {
        for (other, (second, power)) in parts.iter().enumerate().skip(place + 1) {
            let rest =
                || (0..factors.len()).filter(|at| *at != place && *at != other).map(|at| factors[at].clone());
            if base == second {
                let merged = base.clone().power(exponent.clone() + power.clone());
                forms.push(Expression::product(rest().chain([merged])));
            } else if exponent == power && exponent.number().is_some_and(|number| number.whole().is_none()) {
                let merged = (base.clone() * second.clone()).power(exponent.clone());
                forms.push(Expression::product(rest().chain([merged])));
            }
            // sin u/cos u = tan u, sinh u/cosh u = tanh u.
            for (sine, tangent) in [(Function::Sin, Function::Tan), (Function::Sinh, Function::Tanh)] {
                if let Some(quotient) = tangent_of([(base, exponent), (second, power)], sine, tangent) {
                    forms.push(Expression::product(rest().chain([quotient])));
                }
            }
        }
    }
    forms
}

fn tangent_of(
    [first, second]: [(&Expression, &Expression); 2],
    sine: Function,
    tangent: Function,
) -> Option<Expression> {
    let cosine = if sine == Function::Sin { Function::Cos } else { Function::Cosh };
    let argument = |base: &Expression, function| match base.node() {
        Node::Call(found, argument) if *found == function => Some(argument.clone()),
        _ => None,
    };
    [(first, second), (second, first)].into_iter().find_map(|((top, p), (bottom, q))| {
        let (a, b) = (argument(top, sine)?, argument(bottom, cosine)?);
        (a == b && *p == -q.clone()).then(|| a.call(tangent).power(p.clone()))
    })
}

fn of_power(base: &Expression, exponent: &Expression) -> Vec<Expression> {
    match base.node() {
        Node::Power(inner, power) => {
            let product = inner.clone().power(power.clone() * exponent.clone());
            let size = inner.clone().call(Function::Abs).power(power.clone() * exponent.clone());
            vec![product, size]
        }
        Node::Product(factors) => {
            vec![Expression::product(factors.iter().map(|factor| factor.clone().power(exponent.clone())))]
        }
        _ => Vec::new(),
    }
}

fn of_call(function: Function, argument: &Expression) -> Vec<Expression> {
    let mut forms = Vec::new();
    match (function, argument.node()) {
        (Function::Exp, Node::Call(Function::Log, inner)) => forms.push(inner.clone()),
        (Function::Log, Node::Power(base, exponent)) => {
            forms.push(exponent.clone() * base.clone().call(Function::Log))
        }
        (Function::Abs, Node::Call(Function::Abs | Function::Exp, _)) => forms.push(argument.clone()),
        (Function::Abs, Node::Power(base, exponent)) => {
            forms.push(argument.clone());
            forms.push(base.clone().call(Function::Abs).power(exponent.clone()));
        }
        (Function::Sin | Function::Cos, Node::Sum(terms)) => forms.extend(turned(function, terms)),
        (Function::Exp, Node::Product(_)) => forms.extend(exponential_of_logarithm(argument)),
        (Function::Exp, Node::Sum(terms)) => {
            let (powers, rest): (Vec<_>, Vec<_>) = terms
                .iter()
                .map(|term| (exponential_of_logarithm(term), term))
                .partition(|(power, _)| power.is_some());
            if !powers.is_empty() {
                let rest =
                    Expression::sum(rest.into_iter().map(|(_, term)| term.clone())).call(Function::Exp);
                forms.push(Expression::product(
                    powers.into_iter().filter_map(|(power, _)| power).chain([rest]),
                ));
            }
        }
        _ => {}
    }
    forms
}

/// The sine or cosine of a sum without its multiple of π/2.
fn turned(function: Function, terms: &[Expression]) -> Option<Expression> {
    let (place, quarters) =
        terms.iter().enumerate().find_map(|(place, term)| Some((place, term.quarter_turns()?)))?;
    let rest = terms.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, term)| term.clone());
    // The cosine is a quarter ahead.
    let ahead = quarters + i64::from(function == Function::Cos);
    Some(Expression::sum(rest).sine_ahead(ahead))
}

/// `e^(k·log u)` as `u^k`.
fn exponential_of_logarithm(argument: &Expression) -> Option<Expression> {
    let factors = match argument.node() {
        Node::Product(factors) => factors.as_slice(),
        _ => std::slice::from_ref(argument),
    };
    let (place, inner) = factors.iter().enumerate().find_map(|(place, factor)| match factor.node() {
        Node::Call(Function::Log, inner) => Some((place, inner)),
        _ => None,
    })?;
    let rest =
        factors.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, factor)| factor.clone());
    Some(inner.clone().power(Expression::product(rest)))
}

/// Products of sums and whole powers of sums as one sum, if that stays within reason.
fn multiplied_out(expression: &Expression) -> Option<Expression> {
    if expression.complexity() > LONG {
        return None;
    }
    let out = terms_of(expression)?;
    (out.len() > 1).then(|| Expression::sum(out))
}

fn terms_of(expression: &Expression) -> Option<Vec<Expression>> {
    let limited = |terms: Vec<Expression>| (terms.len() <= TERMS).then_some(terms);
    match expression.node() {
        Node::Sum(terms) => {
            let parts: Option<Vec<_>> = terms.iter().map(terms_of).collect();
            limited(parts?.concat())
        }
        Node::Product(factors) => {
            let mut product = vec![Expression::integer(1)];
            for factor in factors {
                let parts = terms_of(factor)?;
                product = limited(
                    product.iter().flat_map(|a| parts.iter().map(|b| a.clone() * b.clone())).collect(),
                )?;
            }
            Some(product)
        }
        Node::Power(base, exponent) => match (base.node(), exponent.number().and_then(Number::whole)) {
            (Node::Sum(_), Some(power @ 2..=4)) => {
                let parts = terms_of(base)?;
                let mut product = parts.clone();
                for _ in 1..power {
                    let all =
                        product.iter().flat_map(|a| parts.iter().map(|b| a.clone() * b.clone())).collect();
                    product = limited(all)?;
                }
                Some(product)
            }
            _ => Some(vec![expression.clone()]),
        },
        _ => Some(vec![expression.clone()]),
    }
}

/// The small fraction that an expression without variables is; never 0, which differs from everything small.
fn constant(expression: &Expression) -> Option<Expression> {
    let tape = crate::expression::Tape::new(std::slice::from_ref(expression), &[]).ok()?;
    let value = tape.evaluate_point(&[])[0];
    (1..=12).find_map(|denominator| {
        let top = (value * denominator as f64).round();
        let near = top / denominator as f64;
        let same = (value - near).abs() <= 1e-14 * near.abs().max(1.0);
        (same && top != 0.0 && top.abs() <= 144.0).then(|| Expression::ratio(top as i64, denominator))
    })
}

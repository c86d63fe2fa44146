//! Forms of one formula with as few inexact numbers as it needs.
//!
//! In `2.1·(3x + 0.7)²` one of three numbers is redundant: scales can be moved out of powers, offsets out of exponentials.
//! A redundant number has no standard error, and is nice in one form only. So numbers are moved to where they meet, in
//! each of a few ways; which way the numbers are recognised in, bits decide.

use crate::expression::{Expression, Function, Node, Number};
use std::collections::HashMap;
use std::f64::consts::FRAC_PI_2;

/// Part of the largest number of a sum below which one may be what rounding has left of none: it is no scale for the
/// others.
const ROUNDING: f64 = 1e-9;

/// Where numbers go that can stand in several places.
#[derive(Clone, Copy)]
struct Gauge {
    /// Whether a scale before a power of a sum goes into the sum.
    inside: bool,
    /// Whether the last term of a sum below a power has no scale of its own, or the first.
    last: bool,
    /// Whether an offset beside a logarithm goes into it.
    gathered: bool,
    /// By how many quarter turns at a time phases of sines are brought near 0, if at all.
    turns: Option<i64>,
}

/// The different forms of an expression, the usual one first.
pub fn forms(expression: &Expression) -> Vec<Expression> {
    let mut forms = Vec::new();
    for (inside, last, gathered, turns) in [
        (false, true, false, None),
        (true, true, false, None),
        (false, false, false, None),
        (false, true, true, None),
        (true, true, true, None),
        (false, true, false, Some(1)),
        (false, true, false, Some(2)),
    ] {
        let form = Gauge { inside, last, gathered, turns }.of(expression);
        if form.is_finite() && !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

/// A sine or cosine whose phase is brought near 0 by a multiple of `step` quarter turns.
fn turned(function: Function, argument: &Expression, step: i64) -> Option<Expression> {
    let Node::Sum(terms) = argument.node() else { return None };
    let phase = terms.iter().find_map(inexact)?;
    let quarters = (phase / FRAC_PI_2 / step as f64).round() as i64 * step;
    let others = terms.iter().filter(|term| inexact(term).is_none()).cloned();
    let near = Expression::sum(others.chain([Expression::real(phase - quarters as f64 * FRAC_PI_2)]));
    Some(near.sine_ahead(quarters + i64::from(function == Function::Cos)))
}

fn inexact(expression: &Expression) -> Option<f64> {
    match expression.number() {
        Some(Number::Real(value)) => Some(value),
        _ => None,
    }
}

impl Gauge {
    fn of(self, expression: &Expression) -> Expression {
        let mut known: HashMap<Expression, Expression> = HashMap::new();
        expression.walk(|part| {
            let made = part.with_parts(|inner| known[inner].clone());
            known.insert(part.clone(), self.moved(made));
        });
        known.remove(expression).unwrap_or_else(|| expression.clone())
    }

    /// A part whose parts are in this gauge already.
    fn moved(self, part: Expression) -> Expression {
        match part.node() {
            Node::Product(factors) => self.product(&part, factors),
            Node::Power(base, exponent) => self.power(&part, base, exponent),
            Node::Call(Function::Exp, argument) => exponential(&part, argument),
            Node::Call(Function::Log, argument) => self.logarithm(&part, argument),
            Node::Call(function @ (Function::Sin | Function::Cos), argument) => {
                self.turns.and_then(|step| turned(*function, argument, step)).unwrap_or(part)
            }
            Node::Sum(terms) if self.gathered => gathered(&part, terms),
            _ => part,
        }
    }

    /// A number before a sum multiplies its terms; one before a power of a sum may go into the sum.
    fn product(self, part: &Expression, factors: &[Expression]) -> Expression {
        let others = factors.iter().filter(|factor| factor.number().is_none()).count();
        // A sum with a term of its own size is in this gauge already.
        let settled = |terms: &[Expression]| {
            terms.iter().any(|term| term.coefficient_and_rest().0.to_f64().abs() == 1.0)
        };
        let sums = |factor: &Expression| match factor.node() {
            Node::Sum(terms) if others > 1 && !settled(terms) => {
                self.scale_of(terms).map(|size| (size, terms.clone()))
            }
            _ => None,
        };
        if let Some((place, (size, terms))) =
            factors.iter().enumerate().find_map(|(at, one)| Some((at, sums(one)?)))
        {
            let divisor = Expression::real(1.0 / size);
            let sum = Expression::sum(terms.iter().map(|term| divide(term, &divisor, size)));
            let rest = (0..factors.len()).filter(|other| *other != place).map(|other| factors[other].clone());
            return self.moved(Expression::product(rest.chain([Expression::real(size), sum])));
        }
        let Some(scale) = inexact(&factors[0]) else { return part.clone() };
        if let [_, sum] = factors
            && let Node::Sum(terms) = sum.node()
        {
            return Expression::sum(terms.iter().map(|term| factors[0].clone() * term.clone()));
        }
        if !self.inside {
            return part.clone();
        }
        let below = |factor: &Expression| match factor.node() {
            Node::Power(base, exponent) => match (base.node(), exponent.number()) {
                (Node::Sum(terms), Some(power)) => Some((terms.clone(), power)),
                _ => None,
            },
            _ => None,
        };
        let found = factors.iter().enumerate().find_map(|(place, factor)| Some((place, below(factor)?)));
        let Some((place, (terms, power))) = found else { return part.clone() };
        let root = Expression::real(scale.abs().powf(1.0 / power.to_f64()));
        let sum = Expression::sum(terms.iter().map(|term| root.clone() * term.clone()));
        let kept = (1..factors.len()).filter(|other| *other != place).map(|other| factors[other].clone());
        let scaled = sum.power(Expression::from_number(power));
        Expression::product(kept.chain([scaled, Expression::real(scale.signum())]))
    }

    /// A scale below a power goes before it.
    fn power(self, part: &Expression, base: &Expression, exponent: &Expression) -> Expression {
        let Some(power) = exponent.number() else { return part.clone() };
        let raised = |scale: f64| Expression::real(scale.powf(power.to_f64()));
        match base.node() {
            Node::Product(factors) => match inexact(&factors[0]) {
                Some(scale) => {
                    let sign = Expression::real(if scale < 0.0 { -1.0 } else { 1.0 });
                    let rest = Expression::product(factors[1..].iter().cloned().chain([sign]));
                    raised(scale.abs()) * rest.power(exponent.clone())
                }
                None => part.clone(),
            },
            Node::Sum(terms) => match self.scale_of(terms) {
                Some(scale) => {
                    let size = if power.whole().is_some() { scale } else { scale.abs() };
                    let divisor = Expression::real(1.0 / size);
                    let sum = Expression::sum(terms.iter().map(|term| divide(term, &divisor, size)));
                    let sign =
                        if power.whole().is_some_and(|whole| whole % 2 != 0) { size.signum() } else { 1.0 };
                    raised(size.abs()) * Expression::real(sign) * sum.power(exponent.clone())
                }
                None => part.clone(),
            },
            _ => part.clone(),
        }
    }

    /// The number that a sum is divided by: the inexact scale of one of its terms.
    fn scale_of(self, terms: &[Expression]) -> Option<f64> {
        let size = |term: &Expression| term.coefficient_and_rest().0.to_f64().abs();
        let least = ROUNDING * terms.iter().map(size).fold(0.0, f64::max);
        let scale = |term: &Expression| match term.coefficient_and_rest().0 {
            Number::Real(scale) if scale.abs() > least => Some(scale),
            _ => None,
        };
        if self.last { terms.iter().rev().find_map(scale) } else { terms.iter().find_map(scale) }
    }

    /// A scale below a logarithm is an offset beside it.
    fn logarithm(self, part: &Expression, argument: &Expression) -> Expression {
        let (scale, inner) = match argument.node() {
            Node::Product(factors) => match inexact(&factors[0]) {
                Some(scale) if scale > 0.0 => (scale, Expression::product(factors[1..].iter().cloned())),
                _ => return part.clone(),
            },
            Node::Sum(terms) if !self.inside => match self.scale_of(terms) {
                Some(scale) => {
                    let size = scale.abs();
                    let divisor = Expression::real(1.0 / size);
                    (size, Expression::sum(terms.iter().map(|term| divide(term, &divisor, size))))
                }
                None => return part.clone(),
            },
            _ => return part.clone(),
        };
        inner.call(Function::Log) + Expression::real(scale.ln())
    }
}

/// A term without the scale, exactly 1 or −1 where that was its own.
fn divide(term: &Expression, divisor: &Expression, size: f64) -> Expression {
    let (coefficient, rest) = term.coefficient_and_rest();
    if coefficient.to_f64().abs() == size.abs() {
        return Expression::real(coefficient.to_f64() / size) * rest;
    }
    divisor.clone() * term.clone()
}

/// An inexact offset below an exponential is a scale before it.
fn exponential(part: &Expression, argument: &Expression) -> Expression {
    let Node::Sum(terms) = argument.node() else { return part.clone() };
    let Some((offset, rest)) = terms.split_last() else { return part.clone() };
    match inexact(offset) {
        Some(offset) => {
            Expression::real(offset.exp()) * Expression::sum(rest.iter().cloned()).call(Function::Exp)
        }
        None => part.clone(),
    }
}

/// `c·log(u) + d` as `c·log(e^(d/c)·u)`, where there is one logarithm.
fn gathered(part: &Expression, terms: &[Expression]) -> Expression {
    let [rest @ .., offset] = terms else { return part.clone() };
    let Some(offset) = inexact(offset) else { return part.clone() };
    let logarithm = |term: &Expression| {
        let (scale, inner) = term.coefficient_and_rest();
        match inner.node() {
            Node::Call(Function::Log, argument) => Some((scale.to_f64(), argument.clone())),
            _ => None,
        }
    };
    let found: Vec<(usize, (f64, Expression))> =
        rest.iter().enumerate().filter_map(|(place, term)| Some((place, logarithm(term)?))).collect();
    let [(place, (scale, argument))] = found.as_slice() else { return part.clone() };
    let factor = Expression::real((offset / scale).exp());
    let inner = match argument.node() {
        Node::Sum(terms) => Expression::sum(terms.iter().map(|term| factor.clone() * term.clone())),
        _ => factor * argument.clone(),
    };
    let others = (0..rest.len()).filter(|other| other != place).map(|other| rest[other].clone());
    Expression::sum(others.chain([Expression::real(*scale) * inner.call(Function::Log)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Tape;
    use crate::testing::parsed;

    fn numbers(expression: &Expression) -> usize {
        let mut count = 0;
        expression.walk(|part| count += usize::from(inexact(part).is_some()));
        count
    }

    #[test]
    fn phases_are_brought_near_zero_by_quarter_and_half_turns() {
        for (text, nice, numbers) in [
            ("1.3*sin(2.1*x + 1.8707963267948966)", "1.3*cos(2.1*x + 0.3)", 3),
            ("-sin(x - 2.14159265358979)", "sin(x + 1.000000000000003)", 1),
            ("cos(x*y - 1.2)", "cos(x*y - 1.2)", 1),
        ] {
            let names = ["x".into(), "y".into()];
            let value = |one: &Expression| {
                Tape::new(std::slice::from_ref(one), &names).unwrap().evaluate_point(&[0.83, 1.21])[0]
            };
            let all = forms(&parsed(text));
            assert!(all.iter().all(|form| (value(form) - value(&all[0])).abs() < 1e-14), "{all:?}");
            let near = |form: &Expression| form.rounded(9) == parsed(nice).rounded(9);
            assert!(all.iter().any(near), "{all:?}");
            assert!(all.iter().all(|form| self::numbers(form) == numbers), "{all:?}");
        }
    }

    #[test]
    fn redundant_numbers_are_moved_together() {
        for (text, enough) in [
            ("2.17*(3.31*x + 0.73)^2", 2),
            ("1.37*(0.71*x + 0.13) + 0.55", 2),
            ("0.47*exp(1.31*x + 0.77)", 2),
            ("sqrt(2.13*x)*3.7", 1),
            ("1.7/(0.33*x + 2.1*y + 0.6)", 3),
            ("1.31*log(0.77*x + 0.31) + 0.59", 3),
            ("(-1.3*x - 0.9)^3", 2),
            ("(1.3*sin(x) + 0.7)*(2.1*y + 0.4)", 3),
        ] {
            let expression = parsed(text);
            let point = [1.234, 0.77];
            let names = ["x", "y"].map(std::sync::Arc::from);
            let value = |e: &Expression| {
                Tape::new(std::slice::from_ref(e), &names).unwrap().evaluate_point(&point)[0]
            };
            let forms = forms(&expression);
            for form in &forms {
                let (found, expected) = (value(form), value(&expression));
                assert!(
                    (found - expected).abs() < 1e-12 * expected.abs(),
                    "{text}: {form:?} {found} {expected}"
                );
            }
            assert!(forms.iter().any(|form| numbers(form) <= enough), "{text}: {forms:?}");
        }
    }

    #[test]
    fn what_rounding_has_left_is_no_scale() {
        let spoilt = parsed("0.19*sin(2.1*x)*((1.37*y + 6.1e-12)^2 + 1.37)");
        for form in forms(&spoilt) {
            form.walk(|part| {
                if let Some(number) = inexact(part) {
                    assert!(number.abs() < 1e3, "{form:?}");
                }
            });
        }
    }

    #[test]
    fn some_form_has_the_numbers_that_were_meant() {
        let spoilt = parsed("1.7320508075688772*(x^2 + 0.6666666666666666)^(1/2)");
        let found = forms(&spoilt).into_iter().any(|form| {
            let inner = form.with_parts(Expression::clone);
            format!("{:?}", inner.rounded(9)).contains("3*x^2 + 2")
        });
        assert!(found, "{:?}", forms(&spoilt));
    }
}

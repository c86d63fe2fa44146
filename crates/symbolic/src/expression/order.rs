//! The order of terms and factors: the one in which people write them, and total.

use super::{Expression, Node};
use std::cmp::Ordering;

/// Names by letters and by the value of the numbers in them: `x2` before `x10`.
pub(crate) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while !left.is_empty() && !right.is_empty() {
        let ((x, digits, rest), (y, also, other)) = (chunk(left), chunk(right));
        let order = if digits && also {
            let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
            x.len().cmp(&y.len()).then(x.cmp(y))
        } else {
            x.cmp(y)
        };
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (rest, other);
    }
    left.len().cmp(&right.len()).then(a.cmp(b))
}

/// The digits, or else the other characters, that a text starts with; whether they are digits; and the rest.
fn chunk(text: &str) -> (&str, bool, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    (&text[..end], digits, &text[end..])
}

/// The order of terms: higher degree first, numbers last.
pub(super) fn of_terms(a: &Expression, b: &Expression) -> Ordering {
    degree(b).total_cmp(&degree(a)).then_with(|| of_factors(a, b))
}

/// The degree as a polynomial; 0 for what is none, less than that for numbers.
fn degree(term: &Expression) -> f64 {
    match term.node() {
        Node::Number(_) => -1e300,
        Node::Variable(_) => 1.0,
        Node::Product(factors) => factors.iter().map(degree).filter(|degree| *degree > -1e300).sum(),
        Node::Power(base, exponent) => match (base.node(), exponent.number()) {
            (Node::Variable(_), Some(exponent)) => exponent.to_f64(),
            _ => 0.0,
        },
        _ => 0.0,
    }
}

/// The order of factors: numbers, π, variables and their powers by name, functions, sums.
pub(super) fn of_factors(a: &Expression, b: &Expression) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let ((x, p), (y, q)) = (a.base_and_exponent(), b.base_and_exponent());
    if x != y {
        return of_bases(&x, &y);
    }
    if p != q { of_factors(&p, &q) } else { of_bases(a, b) }
}

fn of_bases(a: &Expression, b: &Expression) -> Ordering {
    match (a.node(), b.node()) {
        (Node::Number(a), Node::Number(b)) => a.cmp(b),
        (Node::Variable(a), Node::Variable(b)) => natural(a, b),
        (Node::Call(f, a), Node::Call(g, b)) => f.cmp(g).then_with(|| of_factors(a, b)),
        (Node::Power(a, p), Node::Power(b, q)) => of_factors(a, b).then_with(|| of_factors(p, q)),
        (Node::Sum(a), Node::Sum(b)) | (Node::Product(a), Node::Product(b)) => {
            let parts = a.iter().zip(b).map(|(a, b)| of_factors(a, b));
            parts.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(expression: &Expression) -> u8 {
    match expression.node() {
        Node::Number(_) => 0,
        Node::Pi => 1,
        Node::Variable(_) => 2,
        Node::Power(..) => 3,
        Node::Product(_) => 4,
        Node::Call(..) => 5,
        Node::Sum(_) => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_natural_order() {
        let mut names = ["x10", "x2", "y", "x", "a1b", "x02", ""];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["", "a1b", "x", "x02", "x2", "x10", "y"]);
    }
}

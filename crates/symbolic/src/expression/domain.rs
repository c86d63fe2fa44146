//! Where an expression has a value: conditions on parts of it.

use super::function::Support;
use super::{Expression, Function, Node};
use std::collections::HashMap;

/// What a part must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// Not 0.
    NotZero,
    /// Greater than 0.
    Positive,
    /// At least 0.
    NotNegative,
    /// At least 1.
    AtLeastOne,
    /// From −1 to 1.
    UpToOne,
    /// Between −1 and 1.
    BelowOne,
}

/// Something that must hold where an expression has a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// The part.
    pub part: Expression,
    /// What it must be.
    pub requirement: Requirement,
}

impl Expression {
    /// The conditions under which it has a value, without those that always hold. (The poles of tan are left out: they
    /// are single points that no floating-point number hits.)
    pub fn conditions(&self) -> Vec<Condition> {
        let mut found = Vec::new();
        let anywhere = HashMap::new();
        self.walk(|part| {
            let needed = match part.node() {
                Node::Power(base, exponent) => of_power(exponent).map(|needed| (base, needed)),
                Node::Call(function, argument) => of_call(*function).map(|needed| (argument, needed)),
                _ => None,
            };
            let Some((argument, requirement)) = needed else { return };
            let condition = Condition { part: argument.clone(), requirement };
            if !part.enclosure(&anywhere).defined && !found.contains(&condition) {
                found.push(condition);
            }
        });
        // What is positive is not negative and not zero.
        let strict: Vec<Expression> = found
            .iter()
            .filter(|one| one.requirement == Requirement::Positive)
            .map(|one| one.part.clone())
            .collect();
        found.retain(|one| {
            let implied = matches!(one.requirement, Requirement::NotZero | Requirement::NotNegative);
            !(implied && strict.contains(&one.part))
        });
        found
    }
}

fn of_power(exponent: &Expression) -> Option<Requirement> {
    let Some(number) = exponent.number() else { return Some(Requirement::Positive) };
    match (number.whole().is_some(), number.is_negative()) {
        (true, false) => None,
        (true, true) => Some(Requirement::NotZero),
        (false, false) => Some(Requirement::NotNegative),
        (false, true) => Some(Requirement::Positive),
    }
}

fn of_call(function: Function) -> Option<Requirement> {
    match function.support() {
        Support::All => None,
        Support::From { start: 0.0, .. } => Some(Requirement::Positive),
        Support::From { .. } => Some(Requirement::AtLeastOne),
        Support::Unit { closed: true } => Some(Requirement::UpToOne),
        Support::Unit { closed: false } => Some(Requirement::BelowOne),
    }
}

/// `x + 1 > 0`.
impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = crate::formula::text_of(&self.part);
        match self.requirement {
            Requirement::NotZero => write!(f, "{text} ≠ 0"),
            Requirement::Positive => write!(f, "{text} > 0"),
            Requirement::NotNegative => write!(f, "{text} ≥ 0"),
            Requirement::AtLeastOne => write!(f, "{text} ≥ 1"),
            Requirement::UpToOne => write!(f, "-1 ≤ {text} ≤ 1"),
            Requirement::BelowOne => write!(f, "-1 < {text} < 1"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::parsed;

    #[test]
    fn conditions_are_those_that_may_fail() {
        for (text, expected) in [
            ("x^2 + sin(x)", vec![]),
            ("1/x + log(y)", vec!["x ≠ 0", "y > 0"]),
            ("1/(1 + x^2)", vec![]),
            ("log(x)/x + sqrt(x)", vec!["x > 0"]),
            ("asin(x - 1) + acosh(y)", vec!["-1 ≤ x - 1 ≤ 1", "y ≥ 1"]),
            ("x^y", vec!["x > 0"]),
            ("sqrt(exp(x))", vec![]),
        ] {
            let found: Vec<String> = parsed(text).conditions().iter().map(ToString::to_string).collect();
            let mut sorted = found.clone();
            sorted.sort();
            let mut expected = expected.clone();
            expected.sort_unstable();
            assert_eq!(sorted, expected, "{text}");
        }
    }
}

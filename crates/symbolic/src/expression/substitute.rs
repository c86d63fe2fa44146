//! Expressions made from others by changing parts: other expressions for variables, rounded numbers.

use super::{Expression, Node, Number};
use std::collections::HashMap;

impl Expression {
    /// This with other expressions in the place of variables.
    pub fn substitute(&self, replacements: &HashMap<&str, Self>) -> Self {
        self.rebuild(|part| match part.node() {
            Node::Variable(name) => replacements.get(&**name).cloned(),
            _ => None,
        })
    }

    /// This with its inexact numbers rounded to `digits` significant digits, for a look at it.
    pub fn rounded(&self, digits: usize) -> Self {
        self.rebuild(|part| match part.number() {
            Some(Number::Real(number)) if number.is_finite() => {
                let text = format!("{number:.*e}", digits.saturating_sub(1));
                text.parse().ok().map(Self::real)
            }
            _ => None,
        })
    }

    /// Makes every part again from its parts, those replaced first for which `leaf` has something else.
    pub(crate) fn rebuild(&self, leaf: impl Fn(&Self) -> Option<Self>) -> Self {
        let mut known: HashMap<Self, Self> = HashMap::new();
        self.walk(|part| {
            let made = leaf(part).unwrap_or_else(|| part.with_parts(|inner| known[inner].clone()));
            known.insert(part.clone(), made);
        });
        known.remove(self).unwrap_or_else(|| self.clone())
    }

    /// The same of other parts.
    pub(crate) fn with_parts(&self, part: impl Fn(&Self) -> Self) -> Self {
        match self.node() {
            Node::Number(_) | Node::Pi | Node::Variable(_) => self.clone(),
            Node::Sum(terms) => Self::sum(terms.iter().map(part)),
            Node::Product(factors) => Self::product(factors.iter().map(part)),
            Node::Power(base, exponent) => part(base).power(part(exponent)),
            Node::Call(function, argument) => part(argument).call(*function),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parsed;

    #[test]
    fn variables_are_replaced_all_at_once() {
        let swapped = HashMap::from([("x", Expression::variable("y")), ("y", Expression::variable("x"))]);
        assert_eq!(parsed("x^2 - sin(y)").substitute(&swapped), parsed("y^2 - sin(x)"));
    }

    #[test]
    fn rounding_leaves_exact_numbers_alone() {
        assert_eq!(
            parsed("0.123456789*x + 1/3 + 98765.4321*y^12345").rounded(3),
            parsed("0.123*x + 1/3 + 98800*y^12345")
        );
    }
}

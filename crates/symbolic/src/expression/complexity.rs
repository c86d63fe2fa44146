//! How long a formula is.

use super::{Expression, Node};
use std::collections::HashMap;

impl Expression {
    /// The length of the formula as it is written, shared parts as often as they stand there: 1 for a constant, 1.5 for a
    /// variable, n − 1 for a sum or a product of n, 1 for a power, 2 for exp, log, sin, cos and √, 3.5 for other functions.
    pub fn complexity(&self) -> f64 {
        let mut known: HashMap<Self, f64> = HashMap::new();
        self.walk(|part| {
            let length = match part.node() {
                Node::Number(_) | Node::Pi => 1.0,
                Node::Variable(_) => 1.5,
                Node::Sum(parts) | Node::Product(parts) => {
                    parts.iter().map(|part| known[part]).sum::<f64>() + parts.len() as f64 - 1.0
                }
                Node::Power(base, exponent) => known[base] + known[exponent] + 1.0,
                Node::Call(function, argument) => known[argument] + function.weight(),
            };
            known.insert(part.clone(), length);
        });
        known[self]
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::parsed;

    #[test]
    fn complexity_counts_what_is_written() {
        assert_eq!(parsed("x").complexity(), 1.5);
        assert_eq!(parsed("2*x + 1").complexity(), 1.0 + 1.5 + 1.0 + 1.0 + 1.0);
        assert_eq!(parsed("sin(x)^2 * tanh(y)").complexity(), (3.5 + 1.0 + 1.0) + 5.0 + 1.0);
    }
}

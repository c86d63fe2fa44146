//! Inner constants: a sine of x becomes a sine of a·x + b.

use super::features::constant;
use crate::expression::{Expression, Function, Node};

/// The expression with constants inside its functions: a scale for every term of an argument, and an offset where a
/// function has no other way to be shifted. Their values, which change nothing yet, are appended to `values`.
pub(super) fn freed(expression: &Expression, values: &mut Vec<f64>) -> Expression {
    match expression.node() {
        Node::Number(_) | Node::Pi | Node::Variable(_) => expression.clone(),
        Node::Sum(terms) => Expression::sum(terms.iter().map(|term| freed(term, values)).collect::<Vec<_>>()),
        Node::Product(factors) => {
            Expression::product(factors.iter().map(|factor| freed(factor, values)).collect::<Vec<_>>())
        }
        Node::Power(base, exponent) => freed(base, values).power(exponent.clone()),
        Node::Call(function, argument) => {
            let mut inner = match argument.node() {
                Node::Sum(terms) => {
                    Expression::sum(terms.iter().map(|term| scaled(term, values)).collect::<Vec<_>>())
                }
                _ => scaled(argument, values),
            };
            let shifted = matches!(argument.node(), Node::Sum(terms) if terms.iter().any(|term| term.number().is_some()));
            if matches!(function, Function::Sin | Function::Cos | Function::Log) && !shifted {
                inner = inner + new(0.0, values);
            }
            inner.call(*function)
        }
    }
}

/// A term of an argument with a constant for its scale.
fn scaled(term: &Expression, values: &mut Vec<f64>) -> Expression {
    let (scale, rest) = term.coefficient_and_rest();
    let rest = freed(&rest, values);
    new(scale.to_f64(), values) * rest
}

fn new(value: f64, values: &mut Vec<f64>) -> Expression {
    values.push(value);
    constant(values.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::testing::parsed;

    #[test]
    fn freeing_changes_no_value_and_counts_constants() {
        for (text, count) in
            [("sin(x)", 2), ("exp(-x^2)", 1), ("x^2*log(x + 1)", 2), ("cos(x + x^2)*x", 3), ("x^3", 0)]
        {
            let expression = parsed(text);
            let mut values = Vec::new();
            let free = freed(&expression, &mut values);
            assert_eq!(values.len(), count, "{text}");
            let again = Model::with_values(free, &values).expression();
            assert_eq!(again, expression, "{text}");
        }
    }
}

//! Derivatives by a variable.

use super::{Expression, Function, Node, Number};
use std::collections::HashMap;

impl Expression {
    /// The derivative by a variable. That of `|u|` is `sign(u)·u′`, and that of `sign(u)` counts as 0.
    ///
    /// What is shared in this expression is shared in its derivative, so that it grows by a constant factor.
    pub fn derivative(&self, variable: &str) -> Self {
        let mut known: HashMap<Self, Self> = HashMap::new();
        let zero = Self::integer(0);
        self.walk(|part| {
            let by = |part: &Self| known[part].clone();
            let derivative = match part.node() {
                Node::Number(_) | Node::Pi => zero.clone(),
                Node::Variable(name) => Self::integer(i64::from(&**name == variable)),
                Node::Sum(terms) => Self::sum(terms.iter().map(by)),
                Node::Product(factors) => Self::sum((0..factors.len()).map(|changed| {
                    let one = |(place, factor): (usize, &Self)| {
                        if place == changed { by(factor) } else { factor.clone() }
                    };
                    Self::product(factors.iter().enumerate().map(one))
                })),
                Node::Power(base, exponent) => power(base, &by(base), exponent, &by(exponent), part),
                Node::Call(function, argument) => match by(argument) {
                    slope if slope == zero => slope,
                    slope => function.derivative(argument) * slope,
                },
            };
            known.insert(part.clone(), derivative);
        });
        known.remove(self).unwrap_or(zero)
    }
}

/// `(u^v)′ = v·u^(v−1)·u′ + u^v·ln u·v′`; each half only where it is not 0.
fn power(u: &Expression, du: &Expression, v: &Expression, dv: &Expression, whole: &Expression) -> Expression {
    let constant = |slope: &Expression| slope.is(Number::ZERO);
    let by_base = || v.clone() * u.clone().power(v.clone() - Expression::integer(1)) * du.clone();
    let by_exponent = || whole.clone() * u.clone().call(Function::Log) * dv.clone();
    match (constant(du), constant(dv)) {
        (true, true) => Expression::integer(0),
        (false, true) => by_base(),
        (true, false) => by_exponent(),
        (false, false) => by_base() + by_exponent(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Tape;
    use crate::testing::{parsed, texts};

    #[test]
    fn rules_give_what_one_would_write() {
        for (text, expected) in [
            ("x^3 + 2*x", "3*x^2 + 2"),
            ("sin(3*x)", "3*cos(3*x)"),
            ("exp(-x^2)", "-2*x*exp(-x^2)"),
            ("x^y", "x^(y - 1)*y"),
            ("2^x", "2^x*log(2)"),
            ("y + 1", "0"),
            ("abs(x)", "sign(x)"),
        ] {
            assert_eq!(parsed(text).derivative("x"), parsed(expected), "{text}");
        }
    }

    #[test]
    fn derivatives_are_the_central_differences() {
        for function in Function::ALL {
            let expression = (Expression::variable("x") * Expression::real(0.7)).call(function);
            let x0 = if function == Function::Acosh { 2.3 } else { 0.61 };
            check(&expression, x0, function.name());
        }
        for text in texts() {
            check(&parsed(text), 0.61, text);
        }
    }

    fn check(expression: &Expression, x0: f64, what: &str) {
        let variables = expression.variables();
        let at = |expression: &Expression, x: f64| {
            let tape = Tape::new(std::slice::from_ref(expression), &variables).unwrap();
            let point: Vec<f64> =
                variables.iter().map(|name| if &**name == "x" { x } else { 0.83 }).collect();
            tape.evaluate_point(&point)[0]
        };
        let h = 1e-5;
        let difference = (at(expression, x0 + h) - at(expression, x0 - h)) / (2.0 * h);
        let exact = at(&expression.derivative("x"), x0);
        // The error of a central difference is h²/6 of a third derivative and the rounding of the values over h.
        let allowed = 1e-8 * (1.0 + exact.abs()) + 1e-15 * at(expression, x0).abs() / h;
        assert!((difference - exact).abs() < allowed, "{what}: {difference} {exact}");
    }

    #[test]
    fn a_derivative_of_shared_parts_stays_small() {
        let mut nested = Expression::variable("x");
        for _ in 0..60 {
            nested = (nested.clone() + nested.powi(2)).call(Function::Tanh);
        }
        let mut parts = 0;
        nested.derivative("x").walk(|_| parts += 1);
        assert!(parts < 60 * 12, "{parts}");
    }
}

//! The functions of one argument that formulas may call: their names, values, derivatives and where they are defined.
//! What else formulas are made of (sums, products, powers) is no function here; a root is a power.

use super::Expression;
use super::bessel;
use super::number::Number;

/// A function of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum Function {
    Exp,
    Log,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Abs,
    Sign,
    Erf,
    BesselJ0,
    BesselJ1,
}

use Function::*;

/// Where a function of one argument has a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Support {
    /// Everywhere.
    All,
    /// Above the number, or there too if `closed`.
    From { start: f64, closed: bool },
    /// Between −1 and 1, and there too if `closed`.
    Unit { closed: bool },
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Exp, Log, Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Tanh, Asinh, Acosh, Atanh, Abs, Sign, Erf,
        BesselJ0, BesselJ1,
    ];

    /// Its name in formulas.
    pub fn name(self) -> &'static str {
        match self {
            Exp => "exp",
            Log => "log",
            Sin => "sin",
            Cos => "cos",
            Tan => "tan",
            Asin => "asin",
            Acos => "acos",
            Atan => "atan",
            Sinh => "sinh",
            Cosh => "cosh",
            Tanh => "tanh",
            Asinh => "asinh",
            Acosh => "acosh",
            Atanh => "atanh",
            Abs => "abs",
            Sign => "sign",
            Erf => "erf",
            BesselJ0 => "j0",
            BesselJ1 => "j1",
        }
    }

    /// Its value; NaN where it has none. The sign of 0 is 0.
    pub fn evaluate(self, x: f64) -> f64 {
        match self {
            Exp => x.exp(),
            Log => x.ln(),
            Sin => x.sin(),
            Cos => x.cos(),
            Tan => x.tan(),
            Asin => x.asin(),
            Acos => x.acos(),
            Atan => x.atan(),
            Sinh => x.sinh(),
            Cosh => x.cosh(),
            Tanh => x.tanh(),
            Asinh => x.asinh(),
            Acosh => x.acosh(),
            Atanh => x.atanh(),
            Abs => x.abs(),
            Sign if x == 0.0 => 0.0,
            Sign => x.signum(),
            Erf => bessel::erf(x),
            BesselJ0 => bessel::j0(x),
            BesselJ1 => bessel::j1(x),
        }
    }

    /// Its derivative at the expression `x`. That of `sign` counts as 0 everywhere.
    pub(super) fn derivative(self, x: &Expression) -> Expression {
        let one = || Expression::integer(1);
        let square = || x.clone().powi(2);
        match self {
            Exp => x.clone().call(Exp),
            Log => x.clone().powi(-1),
            Sin => x.clone().call(Cos),
            Cos => -x.clone().call(Sin),
            Tan => one() + x.clone().call(Tan).powi(2),
            Asin => (one() - square()).power(Expression::ratio(-1, 2)),
            Acos => -(one() - square()).power(Expression::ratio(-1, 2)),
            Atan => (one() + square()).powi(-1),
            Sinh => x.clone().call(Cosh),
            Cosh => x.clone().call(Sinh),
            Tanh => one() - x.clone().call(Tanh).powi(2),
            Asinh => (one() + square()).power(Expression::ratio(-1, 2)),
            Acosh => {
                let root = |shift| (x.clone() + Expression::integer(shift)).power(Expression::ratio(-1, 2));
                root(-1) * root(1)
            }
            Atanh => (one() - square()).powi(-1),
            Abs => x.clone().call(Sign),
            Sign => Expression::integer(0),
            Erf => {
                let scale = Expression::integer(2) * Expression::pi().power(Expression::ratio(-1, 2));
                scale * (-square()).call(Exp)
            }
            BesselJ0 => -x.clone().call(BesselJ1),
            BesselJ1 => x.clone().call(BesselJ0) - x.clone().call(BesselJ1) / x.clone(),
        }
    }

    /// Its derivative at a number where its value is `value`; what [`Function::derivative`] says, without an expression.
    pub(super) fn slope(self, x: f64, value: f64) -> f64 {
        match self {
            Exp => value,
            Log => 1.0 / x,
            Sin => x.cos(),
            Cos => -x.sin(),
            Tan => 1.0 + value * value,
            Asin => 1.0 / (1.0 - x * x).sqrt(),
            Acos => -1.0 / (1.0 - x * x).sqrt(),
            Atan => 1.0 / (1.0 + x * x),
            Sinh => x.cosh(),
            Cosh => x.sinh(),
            Tanh => 1.0 - value * value,
            Asinh => 1.0 / (1.0 + x * x).sqrt(),
            Acosh => 1.0 / ((x - 1.0).sqrt() * (x + 1.0).sqrt()),
            Atanh => 1.0 / (1.0 - x * x),
            Abs => Sign.evaluate(x),
            Sign => 0.0,
            Erf => 2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp(),
            BesselJ0 => -bessel::j1(x),
            BesselJ1 => bessel::j0(x) - value / x,
        }
    }

    /// Its value where that is an exact number.
    pub(super) fn exact(self, x: Number) -> Option<Number> {
        let zero = x == Number::ZERO;
        match self {
            Exp | Cos | Cosh | BesselJ0 if zero => Some(Number::ONE),
            Sin | Tan | Asin | Atan | Sinh | Tanh | Asinh | Atanh | Erf | BesselJ1 if zero => {
                Some(Number::ZERO)
            }
            Log if x == Number::ONE => Some(Number::ZERO),
            Abs if x.is_negative() => Some(x.negated()),
            Abs => Some(x),
            Sign => Some(Number::real(self.evaluate(x.to_f64()))),
            _ => None,
        }
    }

    /// Its value at `turns`·π/2, where that is a whole number and no rounding of one.
    pub(super) fn at_quarter_turns(self, turns: i64) -> Option<i64> {
        let sine = |turns: i64| [0, 1, 0, -1][turns.rem_euclid(4) as usize];
        match self {
            Sin => Some(sine(turns)),
            Cos => Some(sine(turns.rem_euclid(4) + 1)),
            Tan if turns % 2 == 0 => Some(0),
            _ => None,
        }
    }

    pub(crate) fn support(self) -> Support {
        match self {
            Log => Support::From { start: 0.0, closed: false },
            Acosh => Support::From { start: 1.0, closed: true },
            Asin | Acos => Support::Unit { closed: true },
            Atanh => Support::Unit { closed: false },
            _ => Support::All,
        }
    }

    /// Whether f(−x) = f(x): Some(true); −f(x): Some(false).
    pub(super) fn parity(self) -> Option<bool> {
        match self {
            Cos | Cosh | Abs | BesselJ0 => Some(true),
            Sin | Tan | Asin | Atan | Sinh | Tanh | Asinh | Atanh | Sign | Erf | BesselJ1 => Some(false),
            Exp | Log | Acos | Acosh => None,
        }
    }

    /// What the description of a formula pays for it, in units of a node: three bits.
    pub(crate) fn weight(self) -> f64 {
        match self {
            Exp | Log | Sin | Cos => 2.0,
            _ => 3.5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_function_is_listed() {
        let mut names: Vec<_> = Function::ALL.iter().map(|function| function.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Function::ALL.len());
    }

    #[test]
    fn exact_values_are_those_of_evaluation_and_parities_hold() {
        for function in Function::ALL {
            for number in [Number::ZERO, Number::ONE, Number::MINUS_ONE] {
                if let Some(exact) = function.exact(number) {
                    let found = function.evaluate(number.to_f64());
                    assert!((exact.to_f64() - found).abs() < 1e-15, "{function:?}: {found}");
                }
            }
            let [left, right] = [-0.37, 0.37].map(|x| function.evaluate(x));
            match function.parity() {
                Some(even) => {
                    assert!((left - if even { right } else { -right }).abs() < 1e-15, "{function:?}")
                }
                None => assert!(left.abs() != right.abs(), "{function:?}"),
            }
        }
    }
}

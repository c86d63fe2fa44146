//! Functions of one argument that ridges are made of.

use crate::expression::{Expression, Function};

/// A function; a wave is a sine of any phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    Wave,
    Exponential,
    Logarithm,
    Root,
    InverseRoot,
    Inverse,
    Tanh,
    Atan,
}

use Shape::*;

/// Most columns of a shape.
pub(super) const COLUMNS: usize = 2;

impl Shape {
    pub(super) const ALL: [Self; 8] = [Wave, Exponential, Logarithm, Root, InverseRoot, Inverse, Tanh, Atan];

    /// How many columns it has, which phases and scales of its argument are linear in: sine and cosine, the logarithm and 1.
    pub(super) fn columns(self) -> usize {
        if matches!(self, Wave | Logarithm) { 2 } else { 1 }
    }

    /// Whether a factor of the argument is one of the function, or a term, so that the argument is 1 in the middle.
    pub(super) fn is_homogeneous(self) -> bool {
        matches!(self, Logarithm | Root | InverseRoot | Inverse)
    }

    /// Whether the argument's offset is a constant of its own.
    pub(super) fn is_shifted(self) -> bool {
        matches!(self, Tanh | Atan)
    }

    /// The columns and their derivatives at an argument; not finite outside the domain.
    pub(super) fn at(self, v: f64) -> ([f64; COLUMNS], [f64; COLUMNS]) {
        let positive = if v > 0.0 { v } else { f64::NAN };
        match self {
            Wave => {
                let (sine, cosine) = v.sin_cos();
                ([sine, cosine], [cosine, -sine])
            }
            Exponential => {
                let value = v.exp();
                ([value, 0.0], [value, 0.0])
            }
            Logarithm => ([positive.ln(), 1.0], [1.0 / v, 0.0]),
            Root => {
                let root = positive.sqrt();
                ([root, 0.0], [0.5 / root, 0.0])
            }
            InverseRoot => {
                let value = 1.0 / positive.sqrt();
                ([value, 0.0], [-0.5 * value / v, 0.0])
            }
            Inverse => {
                let value = 1.0 / positive;
                ([value, 0.0], [-value * value, 0.0])
            }
            Tanh => {
                let value = v.tanh();
                ([value, 0.0], [1.0 - value * value, 0.0])
            }
            Atan => ([v.atan(), 0.0], [1.0 / (1.0 + v * v), 0.0]),
        }
    }

    pub(super) fn expression(self, argument: Expression) -> Expression {
        match self {
            Wave => argument.call(Function::Sin),
            Exponential => argument.call(Function::Exp),
            Logarithm => argument.call(Function::Log),
            Root => argument.sqrt(),
            InverseRoot => argument.power(Expression::ratio(-1, 2)),
            Inverse => argument.powi(-1),
            Tanh => argument.call(Function::Tanh),
            Atan => argument.call(Function::Atan),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_differences() {
        for shape in Shape::ALL {
            let (_, slopes) = shape.at(0.7);
            let (above, below) = (shape.at(0.7 + 1e-6).0, shape.at(0.7 - 1e-6).0);
            for column in 0..shape.columns() {
                let difference = (above[column] - below[column]) / 2e-6;
                assert!((slopes[column] - difference).abs() < 1e-8, "{shape:?}");
            }
        }
    }
}

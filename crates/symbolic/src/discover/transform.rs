//! Functions of the target under which a law may become a sum.

use crate::expression::{Expression, Function};
use std::f64::consts::{FRAC_PI_2, PI};

/// A function of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    Identity,
    Log,
    Inverse,
    Square,
    InverseSquare,
    Root,
    Exp,
    Sin,
    Cos,
    Tan,
    Sinh,
}

use Transform::*;

impl Transform {
    pub(super) const ALL: [Self; 11] =
        [Identity, Log, Inverse, Square, InverseSquare, Root, Exp, Sin, Cos, Tan, Sinh];

    pub(super) fn of(self, y: f64) -> f64 {
        match self {
            Identity => y,
            Log => y.ln(),
            Inverse => 1.0 / y,
            Square => y * y,
            InverseSquare => 1.0 / (y * y),
            Root => y.sqrt(),
            Exp => y.exp(),
            Sin => y.sin(),
            Cos => y.cos(),
            Tan => y.tan(),
            Sinh => y.sinh(),
        }
    }

    /// Its derivative.
    pub(super) fn slope(self, y: f64) -> f64 {
        match self {
            Identity => 1.0,
            Log => 1.0 / y,
            Inverse => -1.0 / (y * y),
            Square => 2.0 * y,
            InverseSquare => -2.0 / (y * y * y),
            Root => 0.5 / y.sqrt(),
            Exp => y.exp(),
            Sin => y.cos(),
            Cos => -y.sin(),
            Tan => 1.0 + y.tan().powi(2),
            Sinh => y.cosh(),
        }
    }

    /// The y whose transform is `g`.
    pub(super) fn inverse(self, g: Expression) -> Expression {
        match self {
            Identity => g,
            Log => g.call(Function::Exp),
            Inverse => g.powi(-1),
            Square => g.sqrt(),
            InverseSquare => g.power(Expression::ratio(-1, 2)),
            Root => g.powi(2),
            Exp => g.call(Function::Log),
            Sin => g.call(Function::Asin),
            Cos => g.call(Function::Acos),
            Tan => g.call(Function::Atan),
            Sinh => g.call(Function::Asinh),
        }
    }

    /// Whether it can be undone on these targets, and bends them enough to be worth a try. Noise may have thrown a sine
    /// beyond its largest argument.
    pub(super) fn suits(self, y: &[f64], noisy: bool) -> bool {
        let (low, high) =
            y.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(*y), high.max(*y)));
        let range = high - low;
        let slack = if noisy { 0.15 } else { 1e-4 };
        match self {
            Identity => true,
            Inverse => {
                let sizes: Vec<f64> = y.iter().map(|y| y.abs()).collect();
                let least = 1e-7 * super::problem::median(&sizes);
                sizes.iter().all(|size| *size > least)
            }
            Square | Root => low >= 0.0,
            InverseSquare | Log => low > 0.0,
            Exp => range < 30.0 && high < 50.0 && range > 0.2,
            Sin => low >= -FRAC_PI_2 - slack && high <= FRAC_PI_2 + slack && range > 0.3,
            Cos => low >= -slack && high <= PI + slack && range > 0.3,
            Tan => low > -FRAC_PI_2 && high < FRAC_PI_2 && range > 0.3,
            Sinh => high.abs().max(low.abs()) < 30.0 && range > 0.5,
        }
    }

    /// Whether errors of the target stay comparable under it, so that noise may be fitted through it.
    pub(super) fn bears_noise(self) -> bool {
        matches!(self, Identity | Square | Inverse | InverseSquare | Log | Exp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;
    use std::sync::Arc;

    #[test]
    fn inverses_undo_and_slopes_are_differences() {
        for transform in Transform::ALL {
            let y = 0.7;
            let g = transform.inverse(Expression::variable("g"));
            let back = Tape::new(&[g], &[Arc::from("g")]).unwrap().evaluate_point(&[transform.of(y)])[0];
            assert!((back - y).abs() < 1e-14, "{transform:?}");
            let difference = (transform.of(y + 1e-6) - transform.of(y - 1e-6)) / 2e-6;
            assert!((transform.slope(y) - difference).abs() < 1e-8, "{transform:?}");
        }
    }
}

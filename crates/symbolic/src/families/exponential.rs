//! The exponential function: `c·e^(a·x) + d`.

use super::{Family, fitted, spaced};
use crate::expression::{Expression, Function};
use crate::fit::Curve;
use crate::fit::projection::Shape;

/// Exponents beyond which e^(a·x) is written e^(a·x + b), so that nothing overflows.
const LARGE: f64 = 300.0;

/// `c·e^(a·x) + d`.
pub(super) struct Exponential;

impl Shape for Exponential {
    fn fill(&self, theta: &[f64], nodes: &[f64], values: &mut [f64], slopes: &mut [Vec<f64>]) {
        let a = theta[0];
        // 1 at the end where it is largest: no overflow.
        values.iter_mut().zip(nodes).for_each(|(value, u)| *value = (a * u - a.abs()).exp());
        for slope in slopes {
            for ((slope, value), u) in slope.iter_mut().zip(values.iter()).zip(nodes) {
                *slope = value * (u - a.signum());
            }
        }
    }
}

impl Family for Exponential {
    fn name(&self) -> &str {
        "exp"
    }

    fn bits(&self) -> f64 {
        4.0
    }

    fn constants(&self) -> usize {
        3
    }

    fn fit(&self, curve: &Curve) -> Option<Expression> {
        let seeds = spaced(0.02, 200.0, 60).flat_map(|a| [vec![a], vec![-a]]);
        fitted(curve, self, seeds, |theta| {
            let a = theta[0] / curve.half();
            let reach = (a * curve.middle()).abs() + theta[0].abs();
            let shift = if reach > LARGE { -a * curve.middle() - theta[0].abs() } else { 0.0 };
            (Expression::real(a) * Expression::variable("x") + Expression::real(shift)).call(Function::Exp)
        })
    }
}

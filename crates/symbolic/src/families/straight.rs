//! A constant and a straight line.

use super::Family;
use crate::expression::Expression;
use crate::fit::{Curve, with_linear_constants};

/// `d`.
pub(super) struct Constant;

/// `c·x + d`.
pub(super) struct Linear;

impl Family for Constant {
    fn name(&self) -> &str {
        "constant"
    }

    fn bits(&self) -> f64 {
        0.0
    }

    fn constants(&self) -> usize {
        1
    }

    fn fit(&self, curve: &Curve) -> Option<Expression> {
        Some(Expression::real(curve.mean()))
    }
}

impl Family for Linear {
    fn name(&self) -> &str {
        "x"
    }

    fn bits(&self) -> f64 {
        2.0
    }

    fn constants(&self) -> usize {
        2
    }

    fn fit(&self, curve: &Curve) -> Option<Expression> {
        with_linear_constants(curve, Expression::variable("x"))
    }
}

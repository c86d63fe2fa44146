//! What one curve may be: for each family of functions the best `c·f(a·x + b) + d`, ranked by the length of a description
//! of the curve with it.
//!
//! The linear constants c and d are solved for (variable projection, Golub and Pereyra 1973), so that only a and b are
//! searched: a scan over many seeds, then Levenberg–Marquardt on the projected residual from the best of them. The
//! abscissa is scaled to [−1, 1] and the curve to variance 1 first: units change nothing.

mod curve;
pub(crate) mod least_squares;
pub(crate) mod projection;

pub use curve::{Curve, CurveError};

use crate::expression::{Expression, Scratch, Tape};
use crate::families::Family;
use std::sync::Arc;

/// What is known about a curve beside its nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// The part of the curve's variance that means nothing. A hundredth of the truth is as good as the truth; 1e-24 for
    /// exact curves.
    pub floor: f64,
    /// How many independent observations the curve holds.
    pub observations: f64,
}

/// A function that a curve may be.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The family's name.
    pub family: String,
    /// The function of the variable `x`.
    pub expression: Expression,
    /// The part of the curve's variance that it does not explain; 0 for a constant curve and its constant.
    pub error: f64,
    /// The length of the description of the curve by it. Differences count; the least is the best.
    pub bits: f64,
}

/// Fits families to a curve; the best description first. Families that are not defined on the curve's interval are left
/// out.
pub fn suggest(curve: &Curve, families: &[Box<dyn Family>], noise: Noise) -> Vec<Fit> {
    let mut fits: Vec<Fit> =
        families.iter().filter_map(|family| fit(curve, family.as_ref(), noise)).collect();
    fits.sort_by(|a, b| a.bits.total_cmp(&b.bits));
    fits
}

/// Fits one family; None if it has no value at some node for all constants that were tried.
pub fn fit(curve: &Curve, family: &dyn Family, noise: Noise) -> Option<Fit> {
    if curve.is_constant() && family.constants() > 1 {
        return None;
    }
    let expression = family.fit(curve)?;
    let error = curve.unexplained(&expression)?;
    let Noise { floor, observations } = noise;
    let data = 0.5 * observations * (error + floor).log2();
    let constants = 0.5 * observations.log2() * family.constants() as f64;
    Some(Fit { family: family.name().to_owned(), expression, error, bits: data + family.bits() + constants })
}

/// `c·f + d` with c and d from least squares on the curve; None if f is not finite, or constant, on its nodes.
pub(crate) fn with_linear_constants(curve: &Curve, function: Expression) -> Option<Expression> {
    let values = values_on(curve.x(), &function)?;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (mut square, mut product) = (0.0, 0.0);
    for (value, y) in values.iter().zip(curve.centred()) {
        square += (value - mean) * (value - mean);
        product += (value - mean) * y;
    }
    let slope = product * curve.spread() / square;
    let offset = curve.mean() - slope * mean;
    if !(slope.is_finite() && offset.is_finite()) {
        return None;
    }
    // What is left of an offset by rounding is none.
    let largest = values.iter().fold(curve.mean().abs(), |largest, value| largest.max((slope * value).abs()));
    let offset = if offset.abs() < 1e-14 * largest { 0.0 } else { offset };
    Some(Expression::real(slope) * function + Expression::real(offset))
}

/// Values of a function of `x`; None if one is not finite.
pub(crate) fn values_on(x: &[f64], function: &Expression) -> Option<Vec<f64>> {
    let tape = Tape::new(std::slice::from_ref(function), &[Arc::from("x")]).ok()?;
    let mut values = vec![0.0; x.len()];
    tape.evaluate(x, &mut values, &mut Scratch::default());
    values.iter().all(|value| value.is_finite()).then_some(values)
}

#[cfg(test)]
mod tests;

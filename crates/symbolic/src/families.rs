//! The families of functions that an edge may be: `c·f(a·x + b) + d` each, in a form without constants that others make
//! up for. A family is one item in one of these files and one line in the list below.

mod bounded;
mod custom;
mod exponential;
mod power;
mod root;
mod sine;
mod step;
mod straight;

pub use custom::{Custom, CustomError};

use crate::expression::{Expression, Function};
use crate::fit::projection::{Shape, search};
use crate::fit::{Curve, with_linear_constants};

/// A kind of function.
pub trait Family: Send + Sync {
    /// Its name.
    fn name(&self) -> &str;

    /// Bits that the description of a curve pays for saying that it is this one.
    fn bits(&self) -> f64;

    /// How many constants describe a function of this kind, the linear ones included.
    fn constants(&self) -> usize;

    /// The function of `x` of this kind that is nearest to the curve; None if there is none on its interval.
    fn fit(&self, curve: &Curve) -> Option<Expression>;
}

/// The families that are tried unless others are named.
pub fn default_families() -> Vec<Box<dyn Family>> {
    let mut families: Vec<Box<dyn Family>> = vec![Box::new(straight::Constant), Box::new(straight::Linear)];
    families.extend((2..=5).map(|n| Box::new(power::power(n)) as Box<dyn Family>));
    families.extend((1..=5).map(|n| Box::new(power::power(-n)) as Box<dyn Family>));
    families.extend(root::roots());
    families.push(Box::new(root::RealPower));
    families.push(Box::new(root::Logarithm));
    families.push(Box::new(exponential::Exponential));
    families.push(Box::new(sine::Sine));
    families.extend(bounded::families());
    families.extend(step::families());
    families
}

/// Families that are tried only when they are named: a name, bits, and the function of `x` with its constants.
const OPTIONAL: &[(&str, f64, &str)] = &[
    ("sinh", 8.0, "sinh(a*x + b)"),
    ("cosh", 8.0, "cosh(a*x + b)"),
    ("softplus", 8.0, "softplus(a*x + b)"),
    ("relu", 6.0, "relu(x + b)"),
    ("erf", 8.0, "erf(a*x + b)"),
    ("x*log(x)", 6.0, "x*log(a*x)"),
    ("michaelis-menten", 6.0, "x/(x + b)"),
    ("hill", 8.0, "1/(1 + (b/x)^n)"),
    ("j0", 8.0, "j0(a*x + b)"),
];

/// Names of all families, those that are tried by default first.
pub fn family_names() -> Vec<String> {
    let optional = OPTIONAL.iter().map(|(name, ..)| (*name).to_owned());
    default_families().iter().map(|family| family.name().to_owned()).chain(optional).collect()
}

/// The family of a name.
pub fn family(name: &str) -> Option<Box<dyn Family>> {
    if let Some(known) = default_families().into_iter().find(|family| family.name() == name) {
        return Some(known);
    }
    let (name, bits, text) = OPTIONAL.iter().find(|(known, ..)| *known == name)?;
    let formula = crate::Formula::parse(text, None).ok()?;
    Custom::named(name, *bits, formula.expression()).ok().map(|family| Box::new(family) as Box<dyn Family>)
}

/// Searches the constants of a shape on [−1, 1] and solves for the linear ones of the function that `expression` makes of
/// them.
fn fitted(
    curve: &Curve,
    shape: &dyn Shape,
    seeds: impl IntoIterator<Item = Vec<f64>>,
    expression: impl Fn(&[f64]) -> Expression,
) -> Option<Expression> {
    let theta = search(shape, curve.unit(), curve.centred(), seeds)?;
    with_linear_constants(curve, expression(&theta))
}

/// The better of two functions.
fn better(curve: &Curve, candidates: impl IntoIterator<Item = Option<Expression>>) -> Option<Expression> {
    let judged = candidates.into_iter().flatten().filter_map(|one| Some((curve.unexplained(&one)?, one)));
    judged.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, best)| best)
}

/// `x + shift` with `sign` ±1 in front of x, for a shift in units of the half range: `±u + shift` is zero where this is.
/// A shift that is no more than rounding is none.
fn shifted(curve: &Curve, sign: f64, shift: f64) -> Expression {
    let b = shift * curve.half() - sign * curve.middle();
    let noise = 1e-13 * (curve.half() + curve.middle().abs());
    let b = if b.abs() < noise { 0.0 } else { b };
    Expression::real(sign) * Expression::variable("x") + Expression::real(b)
}

/// `a·x + b` for `scale·u + shift`.
fn scaled(curve: &Curve, scale: f64, shift: f64) -> Expression {
    let a = scale / curve.half();
    let b = shift - a * curve.middle();
    let noise = 1e-13 * (shift.abs() + (a * curve.middle()).abs() + scale.abs());
    let b = if b.abs() < noise { 0.0 } else { b };
    Expression::real(a) * Expression::variable("x") + Expression::real(b)
}

/// Numbers from `low` to `high` in equal ratios.
fn spaced(low: f64, high: f64, count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |at| low * (high / low).powf(at as f64 / (count - 1) as f64))
}

/// f(a·x + b) of a function.
fn of_scaled(curve: &Curve, function: Function, theta: &[f64]) -> Expression {
    scaled(curve, theta[0], theta[1]).call(function)
}

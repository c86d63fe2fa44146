//! Functions with an end: roots, real powers and the logarithm of `x + b` or `b − x`, which must be positive.

use super::{Family, better, fitted, shifted, spaced};
use crate::expression::{Expression, Function};
use crate::fit::Curve;
use crate::fit::projection::Shape;

/// `c·(±x + b)^p + d` for a fraction p.
struct Root {
    name: &'static str,
    bits: f64,
    numerator: i64,
    denominator: i64,
}

/// `c·(±x + b)^p + d` for any p.
pub(super) struct RealPower;

/// `c·ln(±x + b) + d`.
pub(super) struct Logarithm;

/// The roots.
pub(super) fn roots() -> Vec<Box<dyn Family>> {
    [("sqrt(x)", 4.0, 1, 2), ("1/sqrt(x)", 6.0, -1, 2), ("x^(3/2)", 6.0, 3, 2), ("x^(1/3)", 6.0, 1, 3)]
        .map(|(name, bits, numerator, denominator)| {
            Box::new(Root { name, bits, numerator, denominator }) as Box<dyn Family>
        })
        .into()
}

/// The function on one side of its end.
struct Sided<F> {
    sign: f64,
    /// Value and derivative at a positive number.
    function: F,
}

impl<F: Fn(f64) -> (f64, f64)> Shape for Sided<F> {
    fn fill(&self, theta: &[f64], nodes: &[f64], values: &mut [f64], slopes: &mut [Vec<f64>]) {
        let at = |u: f64| {
            let v = self.sign * u + theta[0];
            // An end a rounding away from a node is at the node.
            if v < -1e-14 { (f64::NAN, 0.0) } else { (self.function)(v.max(0.0)) }
        };
        values.iter_mut().zip(nodes).for_each(|(value, u)| *value = at(*u).0);
        for slope in slopes {
            slope.iter_mut().zip(nodes).for_each(|(slope, u)| *slope = at(*u).1);
        }
    }
}

/// Where the end may be, in half ranges beyond the interval.
fn ends() -> impl Iterator<Item = f64> {
    std::iter::once(0.0).chain(spaced(1e-9, 1e2, 100))
}

impl Root {
    fn on(&self, curve: &Curve, sign: f64) -> Option<Expression> {
        let p = self.numerator as f64 / self.denominator as f64;
        let function = |v: f64| {
            let value = match (self.numerator, self.denominator) {
                (1, 2) => v.sqrt(),
                (-1, 2) => 1.0 / v.sqrt(),
                (3, 2) => v * v.sqrt(),
                (1, 3) => v.cbrt(),
                _ => v.powf(p),
            };
            (value, p * value / v.max(1e-300))
        };
        let seeds = ends().map(|end| vec![1.0 + end]);
        fitted(curve, &Sided { sign, function }, seeds, |theta| {
            shifted(curve, sign, end_of(theta[0])).power(Expression::ratio(self.numerator, self.denominator))
        })
    }
}

/// A shift with its end not inside the interval by a rounding.
fn end_of(shift: f64) -> f64 {
    if (shift - 1.0).abs() < 1e-13 { 1.0 } else { shift }
}

impl Family for Root {
    fn name(&self) -> &str {
        self.name
    }

    fn bits(&self) -> f64 {
        self.bits
    }

    fn constants(&self) -> usize {
        3
    }

    fn fit(&self, curve: &Curve) -> Option<Expression> {
        better(curve, [1.0, -1.0].map(|sign| self.on(curve, sign)))
    }
}

impl Family for Logarithm {
    fn name(&self) -> &str {
        "log"
    }

    fn bits(&self) -> f64 {
        4.0
    }

    fn constants(&self) -> usize {
        3
    }

    fn fit(&self, curve: &Curve) -> Option<Expression> {
        let on = |sign: f64| {
            let shape = Sided { sign, function: |v: f64| (v.ln(), 1.0 / v) };
            let seeds = ends().map(|end| vec![1.0 + end]);
            fitted(curve, &shape, seeds, |theta| shifted(curve, sign, theta[0]).call(Function::Log))
        };
        better(curve, [1.0, -1.0].map(on))
    }
}

/// The shape of a real power: constants are the shift and the exponent.
struct RealShape {
    sign: f64,
}

impl Shape for RealShape {
    fn fill(&self, theta: &[f64], nodes: &[f64], values: &mut [f64], slopes: &mut [Vec<f64>]) {
        let p = theta[1];
        for (place, (value, u)) in values.iter_mut().zip(nodes).enumerate() {
            let v = self.sign * u + theta[0];
            let logarithm = v.max(1e-300).ln();
            *value = if v < -1e-14 { f64::NAN } else { (p * logarithm).exp() };
            if let [by_shift, by_exponent] = slopes {
                by_shift[place] = p * *value / v.max(1e-300);
                by_exponent[place] = *value * logarithm;
            }
        }
    }
}

impl Family for RealPower {
    fn name(&self) -> &str {
        "x^p"
    }

    fn bits(&self) -> f64 {
        6.0
    }

    fn constants(&self) -> usize {
        4
    }

    fn fit(&self, curve: &Curve) -> Option<Expression> {
        const EXPONENTS: [f64; 22] = [
            -4.0, -3.0, -2.5, -2.0, -1.5, -1.0, -0.7, -0.5, -0.3, 0.2, 0.4, 0.6, 0.8, 1.2, 1.4, 1.7, 2.0,
            2.5, 3.0, 3.5, 4.0, 5.0,
        ];
        let on = |sign: f64| {
            let seeds = std::iter::once(0.0).chain(spaced(1e-6, 30.0, 24));
            let seeds = seeds.flat_map(|end| EXPONENTS.map(|exponent| vec![1.0 + end, exponent]));
            fitted(curve, &RealShape { sign }, seeds, |theta| {
                shifted(curve, sign, end_of(theta[0])).power(Expression::real(theta[1]))
            })
        };
        better(curve, [1.0, -1.0].map(on))
    }
}

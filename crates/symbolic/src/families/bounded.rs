//! Functions of a scaled and shifted variable: `c·f(a·x + b) + d` with a > 0.

use super::{Family, fitted, of_scaled, scaled, spaced};
use crate::expression::{Expression, Function};
use crate::fit::Curve;
use crate::fit::projection::Shape;
use std::f64::consts::FRAC_PI_2;

/// f(v) and f′(v); not finite outside its domain.
type Value = fn(f64) -> (f64, f64);

struct Scaled {
    name: &'static str,
    bits: f64,
    /// How far `a·u + b` may be from 0 on the whole interval.
    limit: f64,
    value: Value,
    expression: fn(&Curve, &[f64]) -> Expression,
}

/// tan, asin, atanh, tanh, atan and the Gaussian.
pub(super) fn families() -> Vec<Box<dyn Family>> {
    let all = [
        Scaled {
            name: "tan",
            bits: 8.0,
            limit: FRAC_PI_2,
            value: |v| {
                let tan = v.tan();
                (tan, 1.0 + tan * tan)
            },
            expression: |curve, theta| of_scaled(curve, Function::Tan, theta),
        },
        Scaled {
            name: "asin",
            bits: 8.0,
            limit: 1.0,
            value: |v| (v.asin(), 1.0 / (1.0 - v * v).max(1e-12).sqrt()),
            expression: |curve, theta| of_scaled(curve, Function::Asin, theta),
        },
        Scaled {
            name: "atanh",
            bits: 8.0,
            limit: 1.0,
            value: |v| (v.atanh(), 1.0 / (1.0 - v * v)),
            expression: |curve, theta| of_scaled(curve, Function::Atanh, theta),
        },
        Scaled {
            name: "tanh",
            bits: 6.0,
            limit: f64::INFINITY,
            value: |v| {
                let tanh = v.tanh();
                (tanh, 1.0 - tanh * tanh)
            },
            expression: |curve, theta| of_scaled(curve, Function::Tanh, theta),
        },
        Scaled {
            name: "atan",
            bits: 8.0,
            limit: f64::INFINITY,
            value: |v| (v.atan(), 1.0 / (1.0 + v * v)),
            expression: |curve, theta| of_scaled(curve, Function::Atan, theta),
        },
        Scaled {
            name: "gaussian",
            bits: 6.0,
            limit: f64::INFINITY,
            value: |v| {
                let value = (-v * v).exp();
                (value, -2.0 * v * value)
            },
            expression: |curve, theta| (-scaled(curve, theta[0], theta[1]).powi(2)).call(Function::Exp),
        },
    ];
    all.map(|family| Box::new(family) as Box<dyn Family>).into()
}

impl Shape for Scaled {
    fn fill(&self, theta: &[f64], nodes: &[f64], values: &mut [f64], slopes: &mut [Vec<f64>]) {
        let (a, b) = (theta[0], theta[1]);
        if a.abs() + b.abs() > self.limit {
            values.fill(f64::NAN);
            return;
        }
        for (place, u) in nodes.iter().enumerate() {
            let (value, slope) = (self.value)(a * u + b);
            values[place] = value;
            if let [by_scale, by_shift] = slopes {
                by_scale[place] = slope * u;
                by_shift[place] = slope;
            }
        }
    }
}

impl Family for Scaled {
    fn name(&self) -> &str {
        self.name
    }

    fn bits(&self) -> f64 {
        self.bits
    }

    fn constants(&self) -> usize {
        4
    }

    fn fit(&self, curve: &Curve) -> Option<Expression> {
        let seeds: Vec<Vec<f64>> = if self.limit.is_finite() {
            // Scales and shifts that fill the triangle |a| + |b| < limit, up to its edge.
            let scales = (1..32).map(|step| self.limit * (f64::from(step) / 32.0));
            let pair = |a: f64| (-15..=15).map(move |step| (a, f64::from(step) / 15.001));
            scales.flat_map(pair).map(|(a, part)| vec![a, (self.limit - a) * part]).collect()
        } else {
            let centres = || (0..33).map(|step| 0.1 * f64::from(step) - 1.6);
            spaced(0.2, 60.0, 28).flat_map(|a| centres().map(move |centre| vec![a, -a * centre])).collect()
        };
        fitted(curve, self, seeds, |theta| {
            // f(−a·x − b) is −f or f of the other: a > 0.
            let sign = theta[0].signum();
            (self.expression)(curve, &[sign * theta[0], sign * theta[1]])
        })
    }
}

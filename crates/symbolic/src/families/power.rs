//! Whole powers of a shifted variable, with either sign of the exponent: `c·(x + b)^n + d`.

use super::{Family, fitted, shifted, spaced};
use crate::expression::Expression;
use crate::fit::Curve;
use crate::fit::projection::Shape;

/// `c·(x + b)^n + d`; for a negative n the interval is on one side of −b.
pub(super) struct Power {
    exponent: i32,
    name: String,
}

/// The family of an exponent.
pub(super) fn power(exponent: i32) -> Power {
    let name = match exponent {
        -1 => "1/x".to_owned(),
        negative if negative < 0 => format!("1/x^{}", -negative),
        _ => format!("x^{exponent}"),
    };
    Power { exponent, name }
}

impl Shape for Power {
    fn fill(&self, theta: &[f64], nodes: &[f64], values: &mut [f64], slopes: &mut [Vec<f64>]) {
        for (value, u) in values.iter_mut().zip(nodes) {
            *value = (u + theta[0]).powi(self.exponent);
        }
        for slope in slopes {
            for (slope, u) in slope.iter_mut().zip(nodes) {
                *slope = f64::from(self.exponent) * (u + theta[0]).powi(self.exponent - 1);
            }
        }
        // A pole between the nodes is one all the same.
        if self.exponent < 0 && theta[0].abs() < 1.0 {
            values.fill(f64::NAN);
        }
    }
}

impl Family for Power {
    fn name(&self) -> &str {
        &self.name
    }

    fn bits(&self) -> f64 {
        match self.exponent {
            2 | -1 => 4.0,
            3 | -2 => 5.0,
            4 => 6.0,
            _ => 7.0,
        }
    }

    fn constants(&self) -> usize {
        3
    }

    fn fit(&self, curve: &Curve) -> Option<Expression> {
        let seeds: Vec<f64> = if self.exponent > 0 {
            (0..61)
                .map(|step| 0.1 * f64::from(step) - 3.0)
                .chain([4.0, 6.0, 10.0, 20.0, 50.0, -4.0, -6.0, -10.0, -20.0, -50.0])
                .collect()
        } else {
            spaced(1e-6, 1e2, 80).flat_map(|distance| [1.0 + distance, -1.0 - distance]).collect()
        };
        fitted(curve, self, seeds.into_iter().map(|seed| vec![seed]), |theta| {
            shifted(curve, 1.0, theta[0]).powi(self.exponent.into())
        })
    }
}

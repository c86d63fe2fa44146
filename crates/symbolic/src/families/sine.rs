//! The sine, whose phase makes it a cosine too: `c·sin(a·x + b) + d` with a > 0, c > 0 and b in (−π, π].

use super::Family;
use crate::expression::{Expression, Function};
use crate::fit::least_squares::{dot, least_squares};
use crate::fit::{Curve, with_linear_constants};
use std::f64::consts::{PI, TAU};

/// Frequencies, in radians for half the range, that are scanned finely, and the two steps.
const FINE: f64 = 6.0;
const STEPS: [f64; 2] = [0.15, 0.6];
/// Local minima that are polished.
const POLISHED: usize = 3;

/// With sine and cosine both linear, only the frequency is searched.
pub(super) struct Sine;

impl Family for Sine {
    fn name(&self) -> &str {
        "sin"
    }

    fn bits(&self) -> f64 {
        4.0
    }

    /// The offset, the amplitude, the frequency and the phase.
    fn constants(&self) -> usize {
        4
    }

    fn fit(&self, curve: &Curve) -> Option<Expression> {
        let error = |frequency: f64| error_at(curve, frequency);
        let total = dot(curve.centred(), curve.centred());
        // More than 1.2 radians for each node can't be told from a slower wave.
        let most = 1.2 * curve.unit().len() as f64;
        let mut minima: Vec<(f64, f64)> = Vec::new();
        let (mut before, mut last) = ((0.0, total), (0.0, total));
        let mut frequency = STEPS[0];
        while frequency < most {
            let next = (frequency, error(frequency));
            if last.1 < next.1 && last.1 <= before.1 {
                minima.push(last);
            }
            (before, last) = (last, next);
            frequency += step(frequency);
        }
        minima.sort_by(|a, b| a.1.total_cmp(&b.1));
        minima.truncate(POLISHED);
        let polished = minima.into_iter().filter_map(|(near, _)| polish(curve, near));
        let (_, frequency, phase) = polished.min_by(|a, b| a.0.total_cmp(&b.0))?;
        let a = frequency / curve.half();
        // The sign of the amplitude goes to the phase.
        let candidate = |phase: f64| {
            let b = (phase - a * curve.middle()).rem_euclid(TAU);
            let b = if b > PI { b - TAU } else { b };
            let b = if b.abs() < 1e-13 * (1.0 + (a * curve.middle()).abs()) { 0.0 } else { b };
            let argument = Expression::real(a) * Expression::variable("x") + Expression::real(b);
            with_linear_constants(curve, argument.call(Function::Sin))
        };
        candidate(phase)
    }
}

fn step(frequency: f64) -> f64 {
    if frequency < FINE { STEPS[0] } else { STEPS[1] }
}

/// The error of the best wave of a frequency.
fn error_at(curve: &Curve, frequency: f64) -> f64 {
    let (mut ss, mut sc, mut cc, mut s1, mut c1, mut sy, mut cy, mut yy) =
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (u, y) in curve.unit().iter().zip(curve.centred()) {
        let (s, c) = (frequency * u).sin_cos();
        ss += s * s;
        sc += s * c;
        cc += c * c;
        s1 += s;
        c1 += c;
        sy += s * y;
        cy += c * y;
        yy += y * y;
    }
    let count = curve.unit().len() as f64;
    ss -= s1 * s1 / count;
    cc -= c1 * c1 / count;
    sc -= s1 * c1 / count;
    let determinant = ss * cc - sc * sc;
    if determinant < 1e-13 * ss * cc {
        return yy;
    }
    yy - (cc * sy * sy - 2.0 * sc * sy * cy + ss * cy * cy) / determinant
}

/// The error, frequency and phase near a frequency: golden section, then Gauss–Newton with the wave's derivative by the
/// frequency as one more column.
fn polish(curve: &Curve, near: f64) -> Option<(f64, f64, f64)> {
    let width = step(near);
    let (mut low, mut high) = ((near - width).max(0.02), near + width);
    for _ in 0..40 {
        let [left, right] = [0.382, 0.618].map(|part| low + part * (high - low));
        if error_at(curve, left) < error_at(curve, right) {
            high = right;
        } else {
            low = left;
        }
    }
    let mut frequency = 0.5 * (low + high);
    let mut best: Option<(f64, f64, f64)> = None;
    let nodes = curve.unit();
    for _ in 0..6 {
        let column = |f: &dyn Fn(f64) -> f64| nodes.iter().map(|u| f(*u)).collect::<Vec<f64>>();
        let (sine, cosine) = (column(&|u| (frequency * u).sin()), column(&|u| (frequency * u).cos()));
        let one = vec![1.0; nodes.len()];
        let (found, error) = least_squares(&[sine.clone(), cosine.clone(), one.clone()], curve.centred())?;
        if best.is_none_or(|(least, ..)| error < least) {
            best = Some((error, frequency, found[1].atan2(found[0])));
        }
        let slope: Vec<f64> =
            (0..nodes.len()).map(|at| nodes[at] * (found[0] * cosine[at] - found[1] * sine[at])).collect();
        let Some((found, _)) = least_squares(&[sine, cosine, one, slope], curve.centred()) else { break };
        frequency += found[3];
    }
    best
}

//! Where the fits of ridges start: constants all over what the range of the argument can tell apart. The inner columns
//! run from −1 to 1, so that units change nothing.

use super::form::Ridge;
use super::shape::Shape;
use crate::sample::range;
use std::f64::consts::PI;

/// Rates of exponentials for half the range.
const RATES: [f64; 7] = [0.3, 0.7, 1.2, 2.0, 3.2, 5.0, 8.0];
/// How far down homogeneous functions go, from the middle of the range to its end.
const DEPTHS: [f64; 5] = [0.35, 0.65, 0.85, 0.95, 0.99];
/// Steepness and centres of steps.
const SCALES: [f64; 4] = [0.6, 1.2, 2.4, 5.0];
const CENTRES: [f64; 5] = [-0.8, -0.4, 0.0, 0.4, 0.8];
/// Steps of the frequencies of waves of one column, of two and of three, in radians for half the range, and the highest.
const STEPS: [f64; 3] = [0.4, 0.8, 1.0];
const HIGHEST: [f64; 3] = [24.0, 20.0, 14.0];
/// The highest frequency of two columns beside another function.
const COMPANION: f64 = 6.0;
/// Radians for each row beyond which a wave can't be told from a slower one.
const RESOLVED: f64 = 0.6;
/// Directions in the space of two columns, on half a circle, fewer beside another function; and of three, on half a sphere.
const CIRCLE: [usize; 2] = [12, 6];
const SPHERE: usize = 40;

/// Starts for a shape of a sum of some of the inner columns, fewer if there is another function beside it.
pub(super) fn of(shape: Shape, inner: &[usize], columns: &[Vec<f64>], is_companion: bool) -> Vec<Ridge> {
    let rows = columns[inner[0]].len();
    if shape == Shape::Wave {
        let which = inner.len().min(3) - 1;
        let highest = if is_companion && which > 0 { COMPANION } else { HIGHEST[which] };
        let most = highest.min(RESOLVED * rows as f64);
        let waves = lattice(inner.len(), STEPS[which], most).into_iter();
        return waves.map(|theta| Ridge { shape, inner: inner.to_vec(), theta }).collect();
    }
    let mut found = Vec::new();
    for direction in directions(inner.len(), CIRCLE[usize::from(is_companion)]) {
        let mut sum = vec![0.0; rows];
        for (at, part) in inner.iter().zip(&direction) {
            sum.iter_mut().zip(&columns[*at]).for_each(|(sum, x)| *sum += part * x);
        }
        let (low, high) = range(&sum);
        let (middle, half) = (0.5 * (low + high), 0.5 * (high - low));
        if half < 1e-6 {
            continue;
        }
        // The argument is scale·(sum − middle)/half + shift.
        let mut add = |scale: f64, shift: f64| {
            let centre = shift - scale * middle / half;
            let unit = if shape.is_homogeneous() { centre } else { 1.0 };
            if unit <= 0.0 {
                return;
            }
            let mut theta: Vec<f64> = direction.iter().map(|part| scale * part / half / unit).collect();
            if shape.is_shifted() {
                theta.push(centre);
            }
            found.push(Ridge { shape, inner: inner.to_vec(), theta });
        };
        match shape {
            Shape::Exponential => RATES.iter().for_each(|rate| {
                add(*rate, 0.0);
                add(-rate, 0.0);
            }),
            Shape::Tanh | Shape::Atan => {
                for scale in SCALES {
                    CENTRES.iter().for_each(|centre| add(scale, -scale * centre));
                }
            }
            _ => DEPTHS.iter().for_each(|depth| {
                add(*depth, 1.0);
                add(-depth, 1.0);
            }),
        }
    }
    found
}

/// Points of a lattice up to a distance from 0, of each and its opposite only one.
fn lattice(dimensions: usize, step: f64, most: f64) -> Vec<Vec<f64>> {
    let count = (most / step) as i32;
    let mut points: Vec<Vec<f64>> = vec![Vec::new()];
    for _ in 0..dimensions {
        let longer = |point: Vec<f64>| {
            (-count..=count)
                .map(move |at| point.iter().copied().chain([step * f64::from(at)]).collect::<Vec<f64>>())
        };
        points = points.into_iter().flat_map(longer).collect();
    }
    points.retain(|point| {
        let first = point.iter().find(|at| **at != 0.0);
        first.is_some_and(|first| *first > 0.0) && point.iter().map(|at| at * at).sum::<f64>() <= most * most
    });
    points
}

/// Directions, of each and its opposite only one.
fn directions(dimensions: usize, circle: usize) -> Vec<Vec<f64>> {
    match dimensions {
        1 => vec![vec![1.0]],
        2 => (0..circle)
            .map(|at| {
                // Between the axes: along them a column is alone.
                let angle = PI * (at as f64 + 0.5) / circle as f64;
                vec![angle.cos(), angle.sin()]
            })
            .collect(),
        _ => (0..SPHERE)
            .map(|at| {
                // Points of a spiral (Fibonacci), even on the sphere.
                let height = (at as f64 + 0.5) / SPHERE as f64;
                let around = at as f64 * PI * (3.0 - 5.0_f64.sqrt());
                let radius = (1.0 - height * height).sqrt();
                vec![height, radius * around.cos(), radius * around.sin()]
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::ridge::form::Rows;
    use crate::testing::uniform;

    #[test]
    fn starts_have_values_on_all_rows() {
        let inner: Vec<Vec<f64>> =
            (1..4).map(|seed| uniform(seed, 50).iter().map(|u| 2.0 * u - 1.0).collect()).collect();
        let rows = Rows { inner, outer: Vec::new(), y: vec![0.0; 50] };
        for shape in Shape::ALL {
            for inner in [&[0][..], &[0, 1], &[0, 1, 2]] {
                let starts = of(shape, inner, &rows.inner, false);
                assert!(starts.len() >= 10, "{shape:?}");
                assert!(starts.iter().all(|start| start.columns(&rows).is_some()), "{shape:?}");
            }
        }
    }
}

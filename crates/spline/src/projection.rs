//! Taking a spline from one set of knots to another: grid extension and grid update are both this.

use crate::banded::{Banded, BandedCholesky};
use crate::cells::CellTable;
use crate::quadrature::gauss;

/// The L2 projection of splines on one set of knots onto splines on another, over the domain of the latter.
///
/// Integrals are exact: they are taken piece by piece between all knots of both. What the old spline is outside its
/// domain belongs to it. Where the knots nest the result is the same function to rounding. The Gram matrix of B-splines
/// is well conditioned whatever the data, so this never fails; a least-squares fit on samples does where a basis
/// function has none.
#[derive(Clone, Debug)]
pub struct Projection {
    gram: BandedCholesky,
    nodes: Vec<Node>,
    /// `[nodes, from's k + 1]` and `[nodes, to's k + 1]`.
    from_weights: Vec<f64>,
    to_weights: Vec<f64>,
    slots: (usize, usize),
}

/// A node of the quadrature: its weight, and the first basis functions that are not zero there.
#[derive(Clone, Copy, Debug)]
struct Node {
    weight: f64,
    from: usize,
    to: usize,
}

/// The control points of the spline on a table's knots that is nearest to a function, in the mean over its domain. What is
/// not finite makes them so.
pub fn project(table: &CellTable, mut function: impl FnMut(f64) -> f64) -> Vec<f64> {
    let (a, b) = table.domain();
    let mut gram = Banded::zeros(table.basis_count(), table.degree());
    let mut points = vec![0.0; table.basis_count()];
    let mut bases = vec![0.0; table.degree() + 1];
    for pair in table.knots().breaks().windows(2) {
        for (x, width) in gauss(pair[0], pair[1]) {
            let (first, weight) = (table.weights(x, &mut bases), width / (b - a));
            let value = weight * function(x);
            for (i, left) in bases.iter().enumerate() {
                points[first + i] += value * left;
                for (j, right) in bases[..=i].iter().enumerate() {
                    gram.add(first + i, first + j, weight * left * right);
                }
            }
        }
    }
    gram.add_diagonal(f64::EPSILON * f64::EPSILON);
    positive(gram).solve(&mut points);
    points
}

/// A projected spline, and how far it is from the old one at the nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Projected {
    /// `[G + k]` on the new knots.
    pub control_points: Vec<f64>,
    /// Root mean squared difference over the new domain.
    pub rms: f64,
    /// Greatest difference.
    pub maximum: f64,
}

impl Projection {
    /// Prepares for all splines on the knots of `from`.
    pub fn new(from: &CellTable, to: &CellTable) -> Self {
        let (a, b) = to.domain();
        let mut ends: Vec<f64> = to.knots().breaks().to_vec();
        ends.extend(from.starts().iter().chain(from.knots().breaks()).filter(|x| a < **x && **x < b));
        ends.sort_by(f64::total_cmp);
        let slots = (from.degree() + 1, to.degree() + 1);
        let (mut from_weights, mut to_weights) = (Vec::new(), Vec::new());
        let mut nodes = Vec::new();
        let mut gram = Banded::zeros(to.basis_count(), to.degree());
        let (mut old, mut new) = (vec![0.0; slots.0], vec![0.0; slots.1]);
        for pair in ends.windows(2).filter(|pair| pair[0] < pair[1]) {
            for (x, width) in gauss(pair[0], pair[1]) {
                let weight = width / (b - a);
                let node = Node { weight, from: from.weights(x, &mut old), to: to.weights(x, &mut new) };
                for (i, left) in new.iter().enumerate() {
                    for (j, right) in new[..=i].iter().enumerate() {
                        gram.add(node.to + i, node.to + j, weight * left * right);
                    }
                }
                nodes.push(node);
                from_weights.extend_from_slice(&old);
                to_weights.extend_from_slice(&new);
            }
        }
        // At the end of extended knots a basis function can be all but zero in the domain. Squared rounding moves no
        // function by more than rounding, and keeps control points that hardly matter within its inverse.
        gram.add_diagonal(f64::EPSILON * f64::EPSILON);
        let gram = positive(gram);
        Self { gram, nodes, from_weights, to_weights, slots }
    }

    /// Projects the spline with these control points, `[G + k]` on the old knots. What is not finite makes the result,
    /// rms and maximum NaN or infinite.
    ///
    /// # Panics
    /// If there are fewer control points.
    pub fn apply(&self, control_points: &[f64]) -> Projected {
        let old = |(node, weights): (&Node, &[f64])| -> f64 {
            weights.iter().zip(&control_points[node.from..]).map(|(w, p)| w * p).sum()
        };
        let mut rest: Vec<f64> =
            self.nodes.iter().zip(self.from_weights.chunks_exact(self.slots.0)).map(old).collect();
        let mut result = vec![0.0; self.gram.n()];
        // The second round takes back what rounding left of the first.
        for _ in 0..2 {
            let mut correction = vec![0.0; self.gram.n()];
            let weights = self.to_weights.chunks_exact(self.slots.1);
            for ((node, weights), value) in self.nodes.iter().zip(weights.clone()).zip(&rest) {
                for (sum, weight) in correction[node.to..].iter_mut().zip(weights) {
                    *sum += node.weight * weight * value;
                }
            }
            self.gram.solve(&mut correction);
            for ((node, weights), value) in self.nodes.iter().zip(weights).zip(&mut rest) {
                let new: f64 = weights.iter().zip(&correction[node.to..]).map(|(w, p)| w * p).sum();
                *value -= new;
            }
            result.iter_mut().zip(&correction).for_each(|(sum, part)| *sum += part);
        }
        let squares = self.nodes.iter().zip(&rest).map(|(node, value)| node.weight * value * value);
        // Not f64::max, which would pass over NaN.
        let greater = |most: f64, value: &f64| if value.abs() <= most { most } else { value.abs() };
        let maximum = rest.iter().fold(0.0, greater);
        Projected { control_points: result, rms: squares.sum::<f64>().sqrt(), maximum }
    }
}

/// The factor of a Gram matrix, which is positive definite but for rounding: breaks can be of rounding size apart.
fn positive(mut gram: Banded) -> BandedCholesky {
    let largest = (0..gram.n()).map(|i| gram.get(i, i)).fold(0.0, f64::max);
    let mut ridge = f64::EPSILON * largest.max(f64::MIN_POSITIVE);
    loop {
        if let Some(factor) = gram.cholesky() {
            return factor;
        }
        gram.add_diagonal(ridge);
        ridge *= 10.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KnotEnds, Knots, Outside};

    fn table(a: f64, b: f64, grid: usize, degree: usize, ends: KnotEnds) -> CellTable {
        CellTable::new(&Knots::uniform(a, b, grid, degree, ends).unwrap(), Outside::Linear)
    }

    fn value(table: &CellTable, points: &[f64], x: f64) -> f64 {
        let mut weights = vec![0.0; table.degree() + 1];
        let row = table.weights(x, &mut weights);
        weights.iter().zip(&points[row..]).map(|(w, p)| w * p).sum()
    }

    fn points(n: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * i) as f64).sin()).collect()
    }

    #[test]
    fn nested_knots_keep_the_function() {
        for ends in [KnotEnds::Clamped, KnotEnds::Extended] {
            for degree in 1..=5 {
                for (a, b) in [(-1.0, 1.0), (0.0, 1e-9), (-1e6, 3e6)] {
                    let (coarse, fine) = (table(a, b, 5, degree, ends), table(a, b, 20, degree, ends));
                    let c = points(coarse.basis_count());
                    let projected = Projection::new(&coarse, &fine).apply(&c);
                    assert!(projected.maximum < 1e-13, "{degree} {ends:?}: {projected:?}");
                    for i in 0..=1000 {
                        let x = a + (b - a) * f64::from(i) / 1000.0;
                        let error = value(&fine, &projected.control_points, x) - value(&coarse, &c, x);
                        assert!(error.abs() < 1e-12, "{degree} {ends:?} {x}: {error}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_thousand_intervals_are_no_harder() {
        let (coarse, fine) =
            (table(-1.0, 1.0, 10, 3, KnotEnds::Clamped), table(-1.0, 1.0, 1000, 3, KnotEnds::Clamped));
        let projected = Projection::new(&coarse, &fine).apply(&points(13));
        assert!(projected.maximum < 1e-12, "{}", projected.maximum);
    }

    #[test]
    fn the_line_outside_belongs_to_the_function() {
        // Both ends of the old domain are breaks of the new one, but a kink in the second derivative stays.
        let (narrow, wide) =
            (table(-1.0, 1.0, 4, 3, KnotEnds::Clamped), table(-2.0, 2.0, 400, 3, KnotEnds::Clamped));
        let c = points(7);
        let projected = Projection::new(&narrow, &wide).apply(&c);
        for i in 0..=400 {
            let x = -2.0 + f64::from(i) / 100.0;
            let error = value(&wide, &projected.control_points, x) - value(&narrow, &c, x);
            assert!(error.abs() < 2e-3, "{x}: {error}");
        }
        assert!(projected.rms <= projected.maximum && projected.maximum < 2e-3);
    }

    #[test]
    fn the_error_told_is_the_error_made_and_the_least_there_is() {
        let (fine, coarse) =
            (table(0.0, 1.0, 12, 3, KnotEnds::Clamped), table(0.0, 1.0, 5, 3, KnotEnds::Clamped));
        let c = points(15);
        let projected = Projection::new(&fine, &coarse).apply(&c);
        let distance = |points: &[f64]| {
            let squares: f64 = (0..10_000)
                .map(|i| {
                    let x = (f64::from(i) + 0.5) / 10_000.0;
                    (value(&coarse, points, x) - value(&fine, &c, x)).powi(2)
                })
                .sum();
            (squares / 10_000.0).sqrt()
        };
        let least = distance(&projected.control_points);
        assert!((least / projected.rms - 1.0).abs() < 1e-5, "{least} {}", projected.rms);
        for i in 0..8 {
            for step in [-1e-3, 1e-3] {
                let mut other = projected.control_points.clone();
                other[i] += step;
                assert!(distance(&other) > least);
            }
        }
    }

    #[test]
    fn breaks_of_rounding_size_apart_do_no_harm() {
        let breaks = vec![0.0, 0.5, 0.5 + 1e-15, 0.5 + 2e-15, 0.5 + 3e-15, 0.5 + 4e-15, 1.0];
        let odd = CellTable::new(&Knots::with_breaks(breaks, 3, KnotEnds::Clamped).unwrap(), Outside::Linear);
        let even = table(0.0, 1.0, 6, 3, KnotEnds::Clamped);
        let projected = Projection::new(&even, &odd).apply(&points(9));
        assert!(projected.control_points.iter().all(|p| p.is_finite()));
        let back = Projection::new(&odd, &even).apply(&projected.control_points);
        assert!(back.control_points.iter().all(|p| p.is_finite()));
    }

    #[test]
    fn tiny_intervals_at_extended_ends_leave_control_points_in_the_range_of_f32() {
        let breaks = vec![0.0, 1e-12, 0.5, 1.0];
        for degree in 1..=5 {
            let knots = Knots::with_breaks(breaks.clone(), degree, KnotEnds::Extended).unwrap();
            let odd = CellTable::new(&knots, Outside::Linear);
            let even = table(0.0, 1.0, 5, degree, KnotEnds::Extended);
            let projected = Projection::new(&even, &odd).apply(&points(even.basis_count()));
            // Functions of size 1 over the rounding unit.
            assert!(projected.control_points.iter().all(|p| p.abs() < f64::EPSILON.recip()), "{projected:?}");
        }
    }

    #[test]
    fn control_points_that_are_not_numbers_are_not_a_perfect_fit() {
        let even = table(0.0, 1.0, 5, 3, KnotEnds::Clamped);
        let projected = Projection::new(&even, &even).apply(&[f64::NAN; 8]);
        assert!(projected.rms.is_nan() && projected.maximum.is_nan());
    }
}

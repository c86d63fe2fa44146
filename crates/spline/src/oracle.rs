//! The basis functions straight from their definition: slow, obvious, and what every faster evaluation is tested against.
//! Nothing here is shared with the table of cells except the knots.

use crate::knots::{Knots, Outside};

/// The `G + k` basis functions at `x` by the Cox–de Boor recursion (tutorial slides, "B-Splines - Basis Function"),
/// with `0/0 := 0` and half-open intervals, the last one closed at `b`; outside the domain as `outside` says.
/// All are NaN unless `x` is finite.
pub fn cox_de_boor(knots: &Knots, outside: Outside, x: f64) -> Vec<f64> {
    cox_de_boor_derivative(knots, outside, 0, x)
}

/// The derivatives of order `order` of the `G + k` basis functions with respect to `x`, at `x`. At a break where a
/// derivative jumps it is the one from the right, at `b` the one from the left. All are NaN unless `x` is finite.
pub fn cox_de_boor_derivative(knots: &Knots, outside: Outside, order: usize, x: f64) -> Vec<f64> {
    let count = knots.basis_count();
    if !x.is_finite() {
        return vec![f64::NAN; count];
    }
    let (a, b) = knots.domain();
    let end = x.clamp(a, b);
    match (outside, order) {
        _ if x == end => recursion(knots, order, x),
        (Outside::Zero, _) => recursion(knots, order, x),
        (Outside::Linear, 0) => {
            let slopes = recursion(knots, 1, end);
            recursion(knots, 0, end).iter().zip(&slopes).map(|(n, slope)| n + slope * (x - end)).collect()
        }
        (Outside::Linear, 1) => recursion(knots, 1, end),
        (Outside::Constant, 0) => recursion(knots, 0, end),
        (Outside::Linear | Outside::Constant, _) => vec![0.0; count],
    }
}

/// The recursion on the whole knot vector: `k - order` steps of Cox–de Boor, then `order` steps of
/// `N'_{i,p} = p·(N_{i,p-1}/(t_{i+p} - t_i) - N_{i+1,p-1}/(t_{i+p+1} - t_{i+1}))`
/// (de Boor, "A Practical Guide to Splines", chapter X; Piegl and Tiller, "The NURBS Book", equation 2.9).
fn recursion(knots: &Knots, order: usize, x: f64) -> Vec<f64> {
    let (degree, t) = (knots.degree(), knots.as_slice());
    if order > degree {
        return vec![0.0; knots.basis_count()];
    }
    let (_, b) = knots.domain();
    let last = degree + knots.grid() - 1;
    let contains = |j: usize| if x == b { j == last } else { t[j] <= x && x < t[j + 1] };
    let mut bases: Vec<f64> = (0..t.len() - 1).map(|j| f64::from(contains(j))).collect();
    for p in 1..=degree {
        let step = |i: usize| {
            let left = over(bases[i], t[i + p] - t[i]);
            let right = over(bases[i + 1], t[i + p + 1] - t[i + 1]);
            if p <= degree - order {
                (x - t[i]) * left + (t[i + p + 1] - x) * right
            } else {
                p as f64 * (left - right)
            }
        };
        bases = (0..bases.len() - 1).map(step).collect();
    }
    bases
}

/// `numerator/denominator`, with `0/0 := 0`: a basis function whose knots all coincide is zero.
fn over(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 { 0.0 } else { numerator / denominator }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knots::KnotEnds;

    const OUTSIDES: [Outside; 3] = [Outside::Linear, Outside::Constant, Outside::Zero];

    fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() <= tolerance, "{found:?} but expected {expected:?}");
        }
    }

    #[test]
    fn curve_of_the_slides() {
        let knots = Knots::uniform(-2.0, 2.0, 4, 3, KnotEnds::Clamped).unwrap();
        let points = [0.0, 0.0, 0.0, 6.0, 0.0, 0.0, 0.0];
        let curve = |x| -> f64 {
            cox_de_boor(&knots, Outside::Linear, x).iter().zip(points).map(|(n, p)| n * p).sum()
        };
        // Six times the cardinal cubic B-spline: (x + 2)³ on [-2, -1], 4 - 6x² - 3x³ on [-1, 0], and even.
        for (x, expected) in [(-2.0, 0.0), (-1.5, 0.125), (-1.0, 1.0), (-0.5, 2.875), (0.0, 4.0)] {
            assert!((curve(x) - expected).abs() < 1e-15, "at {x}");
            assert!((curve(-x) - expected).abs() < 1e-15, "at {}", -x);
        }
        assert_eq!((curve(-3.0), curve(3.0)), (0.0, 0.0));
    }

    #[test]
    fn one_clamped_interval_is_the_bernstein_basis() {
        let binomial = |n: usize, i: usize| (0..i).fold(1.0, |c, j| c * (n - j) as f64 / (j + 1) as f64);
        for degree in 1..=5 {
            let knots = Knots::uniform(0.0, 1.0, 1, degree, KnotEnds::Clamped).unwrap();
            for u in [0.0, 0.125, 0.3, 0.5, 0.9, 1.0f64] {
                let power = |base: f64, exponent: usize| base.powi(exponent as i32);
                let bernstein = |i| binomial(degree, i) * power(u, i) * power(1.0 - u, degree - i);
                let expected: Vec<f64> = (0..=degree).map(bernstein).collect();
                assert_close(&cox_de_boor(&knots, Outside::Linear, u), &expected, 1e-15);
            }
        }
    }

    #[test]
    fn clamped_splines_end_in_their_first_and_last_control_point() {
        let knots = Knots::with_breaks(vec![-1.0, 0.2, 0.3, 2.0], 3, KnotEnds::Clamped).unwrap();
        for outside in OUTSIDES {
            assert_eq!(cox_de_boor(&knots, outside, -1.0), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
            assert_eq!(cox_de_boor(&knots, outside, 2.0), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        }
    }

    #[test]
    fn extended_cubic_has_the_cardinal_values_at_a_knot() {
        let knots = Knots::uniform(0.0, 4.0, 4, 3, KnotEnds::Extended).unwrap();
        let (sixth, third) = (1.0 / 6.0, 1.0 / 3.0);
        let at = |x| cox_de_boor(&knots, Outside::Zero, x);
        assert_close(&at(2.0), &[0.0, 0.0, sixth, 2.0 * third, sixth, 0.0, 0.0], 1e-15);
        assert_close(&at(4.0), &[0.0, 0.0, 0.0, 0.0, sixth, 2.0 * third, sixth], 1e-15);
        // One and two intervals beyond b the last bases have decayed; after three nothing is left.
        assert_close(&at(5.0), &[0.0, 0.0, 0.0, 0.0, 0.0, sixth, 2.0 * third], 1e-15);
        assert_close(&at(6.0), &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, sixth], 1e-15);
        assert_eq!(at(7.0), [0.0; 7]);
        assert_close(&at(-1.0), &[2.0 * third, sixth, 0.0, 0.0, 0.0, 0.0, 0.0], 1e-15);
        assert_eq!(at(-3.5), [0.0; 7]);
    }

    #[test]
    fn outside_the_domain_each_behaviour_does_what_it_says() {
        let knots = Knots::with_breaks(vec![0.0, 1.0, 1.5, 3.0], 3, KnotEnds::Clamped).unwrap();
        for (x, end) in [(-0.7, 0.0), (5.0, 3.0)] {
            let value = cox_de_boor(&knots, Outside::Linear, end);
            let slope = cox_de_boor_derivative(&knots, Outside::Linear, 1, end);
            let line: Vec<f64> = value.iter().zip(&slope).map(|(v, s)| v + s * (x - end)).collect();
            let at = |outside, order| cox_de_boor_derivative(&knots, outside, order, x);
            assert_close(&at(Outside::Linear, 0), &line, 1e-14);
            assert_close(&at(Outside::Linear, 1), &slope, 0.0);
            assert_close(&at(Outside::Linear, 2), &[0.0; 6], 0.0);
            assert_close(&at(Outside::Constant, 0), &value, 0.0);
            assert_close(&at(Outside::Constant, 1), &[0.0; 6], 0.0);
            assert_close(&at(Outside::Zero, 0), &[0.0; 6], 0.0);
            assert_close(&at(Outside::Zero, 1), &[0.0; 6], 0.0);
        }
    }

    /// Each order against central differences of the order below, between the breaks.
    #[test]
    fn derivatives_are_the_limits_of_differences() {
        let step = 1e-5;
        for ends in [KnotEnds::Clamped, KnotEnds::Extended] {
            for degree in 1..=5 {
                let knots = Knots::with_breaks(vec![-1.0, -0.2, 0.3, 1.5], degree, ends).unwrap();
                for outside in OUTSIDES {
                    for (order, x) in
                        (1..=degree + 1).flat_map(|order| [-2.1, -0.6, 0.1, 0.9, 2.3].map(|x| (order, x)))
                    {
                        let below = |x| cox_de_boor_derivative(&knots, outside, order - 1, x);
                        let (up, down) = (below(x + step), below(x - step));
                        let quotient: Vec<f64> =
                            up.iter().zip(&down).map(|(u, d)| (u - d) / (2.0 * step)).collect();
                        let found = cox_de_boor_derivative(&knots, outside, order, x);
                        let largest = below(x).iter().chain(&found).fold(1.0, |m: f64, v| m.max(v.abs()));
                        assert_close(&found, &quotient, 1e-7 * largest);
                    }
                }
            }
        }
    }
}

//! The search on functions of one variable whose answers are known.

use super::*;
use proptest::prelude::*;
use std::convert::Infallible;

/// Loss and slope as a function of t; counts its probes and remembers what was kept.
struct Curve<F> {
    function: F,
    probes: usize,
    last: f64,
    kept: f64,
}

impl<F: Fn(f64) -> (f64, f64)> Ray for Curve<F> {
    type Stop = Infallible;

    fn probe(&mut self, t: f64) -> Result<Probe, Infallible> {
        self.probes += 1;
        self.last = t;
        let (loss, slope) = (self.function)(t);
        let finite = loss.is_finite() && slope.is_finite();
        Ok(if finite { Probe::Inside(Point { t, loss, slope }) } else { Probe::Outside })
    }

    fn keep(&mut self) {
        self.kept = self.last;
    }
}

fn run<F: Fn(f64) -> (f64, f64)>(function: F, evaluations: usize) -> (Found, Curve<F>) {
    let (loss, slope) = function(0.0);
    let mut ray = Curve { function, probes: 0, last: 0.0, kept: 0.0 };
    let found = search(&mut ray, Point { t: 0.0, loss, slope }, 0.0, evaluations);
    let Ok(found) = found;
    (found, ray)
}

#[test]
fn a_good_first_step_costs_one_probe() {
    let (found, ray) = run(|t| ((t - 1.0).powi(2), 2.0 * (t - 1.0)), 25);
    assert_eq!(found, Found::Wolfe(Point { t: 1.0, loss: 0.0, slope: 0.0 }));
    assert_eq!(ray.probes, 1);
}

#[test]
fn minima_far_ahead_and_far_behind_are_found_in_few_probes() {
    for exponent in -9..10 {
        let minimum = 10.0_f64.powi(exponent);
        let (found, ray) = run(|t| ((t / minimum - 1.0).powi(2), 2.0 * (t / minimum - 1.0) / minimum), 40);
        assert!(matches!(found, Found::Wolfe(_)), "minimum {minimum}: {found:?}");
        assert!(ray.probes <= 16, "minimum {minimum}: {} probes", ray.probes);
    }
}

#[test]
fn a_region_that_is_not_finite_is_avoided() {
    let cliff = |t: f64| if t > 1e-3 { (f64::NAN, f64::NAN) } else { ((t - 5e-4).powi(2), 2.0 * (t - 5e-4)) };
    assert!(matches!(run(cliff, 25).0, Found::Wolfe(point) if point.t < 1e-3));
    let falling = |t: f64| if t < 3.0 { (-t, -1.0) } else { (f64::NEG_INFINITY, -1.0) };
    assert!(matches!(run(falling, 25).0, Found::Decrease(point) if point.t > 2.9));
}

#[test]
fn when_the_probes_run_out_the_kept_point_is_the_one_reported() {
    let (found, ray) = run(|t| (-t, -1.0), 5);
    let Found::Decrease(point) = found else { panic!("{found:?}") };
    assert_eq!((ray.probes, point.t), (5, ray.kept));
}

#[test]
fn a_function_that_only_rises_gives_nothing() {
    let (found, ray) = run(|t| if t == 0.0 { (0.0, -1.0) } else { (1.0 + t, -1.0) }, 10);
    // The slopes promise a fall that the losses contradict.
    assert!(matches!(found, Found::Nothing { contradicted: true, .. }), "{found:?}");
    assert_eq!(ray.probes, 10);
}

#[test]
fn a_kink_gives_nothing_but_is_no_contradiction() {
    // −1 is the slope that a subgradient may report at the bottom of |t|.
    let (found, _) = run(|t| if t == 0.0 { (0.0, -1.0) } else { (t, 1.0) }, 25);
    assert!(
        matches!(found, Found::Nothing { contradicted: false, shortest } if shortest < 1e-6),
        "{found:?}"
    );
}

#[test]
fn under_the_noise_the_slopes_decide() {
    // The true decrease, 1e-20, is invisible beside 1: the loss reads a little higher at the true minimum.
    let function = |t: f64| (if t == 0.0 { 1.0 } else { 1.0 + f64::EPSILON }, 1e-20 * (t - 1.0));
    let mut ray = Curve { function, probes: 0, last: 0.0, kept: 0.0 };
    let start = Point { t: 0.0, loss: 1.0, slope: -1e-20 };
    assert!(matches!(search(&mut ray, start, 1e-15, 25), Ok(Found::Wolfe(point)) if point.t == 1.0));
    assert!(matches!(search(&mut ray, start, 0.0, 25), Ok(Found::Nothing { .. })));
}

#[test]
fn the_cubic_finds_the_minimum_of_a_cubic() {
    let f = |t: f64| Point { t, loss: t * t * t - 3.0 * t, slope: 3.0 * t * t - 3.0 };
    assert!((cubic(f(0.0), f(3.0)).unwrap() - 1.0).abs() < 1e-14);
    assert!((cubic(f(3.0), f(0.0)).unwrap() - 1.0).abs() < 1e-14);
}

proptest! {
    /// A quartic with waves: several minima, and slopes of both signs.
    #[test]
    fn the_strong_wolfe_conditions_hold(
        scale in -4.0..4.0_f64, height in 0.0..0.9_f64, waves in 0.5..6.0_f64, depth in 0.1..3.0_f64,
    ) {
        let scale = 10.0_f64.powf(scale);
        let f = |t: f64| {
            let u = t * scale - depth;
            let loss = u * u + 0.1 * u.powi(4) + height * (waves * u).sin() / waves;
            (loss, scale * (2.0 * u + 0.4 * u.powi(3) + height * (waves * u).cos()))
        };
        let (loss, slope) = f(0.0);
        prop_assume!(slope < -1e-3 * scale);
        let (found, _) = run(f, 60);
        let Found::Wolfe(point) = found else {
            return Err(TestCaseError::fail(format!("{found:?}")));
        };
        prop_assert!(point.loss <= loss + C1 * point.t * slope);
        prop_assert!(point.slope.abs() <= C2 * slope.abs());
        prop_assert_eq!((point.loss, point.slope), f(point.t));
    }
}

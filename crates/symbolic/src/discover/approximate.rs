//! Formulas for a function that is known but for an error of known size, such as what a network has learned: the curve of
//! an edge, or what all of it gives at some rows.

use super::{FINALISTS, SEARCHING, SearchOptions, late, shared, trivial, whole};
use super::{features, problem, search::Search, solve};
use crate::fit::Noise;
use crate::front::{Description, Front, finish};
use crate::sample::Sample;
use std::time::Instant;

/// Errors below this part of the variance are rounding.
const EXACT: f64 = 1e-18;

/// Formulas for the targets of a sample, of which differences below the noise's floor mean nothing, and the evaluations
/// that they took.
pub fn approximate(
    sample: &Sample,
    noise: Noise,
    options: &SearchOptions,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> (Front, f64) {
    let description = Description { observations: noise.observations, floor: noise.floor.max(1e-24) };
    let noisy = noise.floor > EXACT;
    let shared = shared(sample, description, options, cancelled, &|_| {});
    let problem = whole(sample);
    let mut search = Search::new(&shared, noisy.then_some(noise.floor), noisy, options.evaluations);
    let begun = Instant::now();
    search.deadline = options.time.map(|time| begun + time.mul_f64(SEARCHING));
    search.offer(features::constant(0), &[problem::moments(&problem.y).0], 10);
    if !sample.is_constant() {
        solve::solve(&mut search, &problem, &options.families, 0);
    }
    let finalists = if noisy { FINALISTS.1 } else { FINALISTS.0 };
    let late = late(begun, options, cancelled);
    let front =
        finish(&search.archive, sample, description, finalists, &|formula| options.admits(formula), &late);
    (front.unwrap_or_else(|| trivial(sample, description)), search.spent())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn curves_are_found_beyond_families() {
        let x: Vec<f64> = (0..200).map(|node| 0.1 + f64::from(node) / 50.0).collect();
        let law = |x: f64| x.powi(2) * (-0.5 * x).exp() * (2.0 * x).sin();
        let y: Vec<f64> = x.iter().map(|x| law(*x)).collect();
        let noise = Noise { floor: 1e-24, observations: 200.0 };
        let sample = Sample::new(vec![Arc::from("x")], vec![x], y, None).unwrap();
        let (front, _) = approximate(&sample, noise, &SearchOptions::default(), &|| false);
        let best = &front.candidates()[front.best()];
        assert!(best.is_exact() && best.model.free() == 0, "{:?}", best.model);
        let found = crate::Formula::new(best.model.expression(), None).unwrap();
        for x in [0.37_f64, 2.2, 7.0] {
            assert!((found.evaluate_point(&[x]) - law(x)).abs() < 1e-12, "{found}");
        }
    }
}

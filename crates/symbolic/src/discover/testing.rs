//! What tests of the search share: problems of a known law, and the question whether it is found.

use super::problem::Problem;
use super::search::{Allowed, Search, Shared};
use crate::Formula;
use crate::expression::Expression;
use crate::front::{Description, Front};
use crate::sample::Sample;
use crate::testing::{noise, uniform};
use std::sync::Arc;

/// Rows of a law of x, y, z … in the given ranges, with noise of a part of the spread.
pub(crate) fn sample(text: &str, ranges: &[(f64, f64)], rows: usize, level: f64) -> Sample {
    let names: Vec<Arc<str>> =
        ["x", "y", "z", "u", "v", "w"][..ranges.len()].iter().map(|name| Arc::from(*name)).collect();
    let column = |(at, (low, high)): (usize, &(f64, f64))| -> Vec<f64> {
        uniform(11 + at as u64, rows).iter().map(|u| low + (high - low) * u).collect()
    };
    let columns: Vec<Vec<f64>> = ranges.iter().enumerate().map(column).collect();
    let law = Formula::parse(text, Some(&names)).unwrap();
    let point = |row: usize| columns.iter().map(|column| column[row]).collect::<Vec<f64>>();
    let clean: Vec<f64> = (0..rows).map(|row| law.evaluate_point(&point(row))).collect();
    let spread = super::problem::moments(&clean).1.sqrt();
    let y = clean.iter().zip(noise(5, rows)).map(|(y, noise)| y + level * spread * noise).collect();
    Sample::new(names, columns, y, None).unwrap()
}

/// The formulas of the front that a search ends with on so many threads, and their lengths.
pub(crate) fn texts(threads: usize, search: impl FnOnce() -> Front + Send) -> Vec<String> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let front = pool.install(search);
    front.candidates().iter().map(|one| format!("{:?} {}", one.model.expression(), one.bits)).collect()
}

/// Asserts that a part of the search finds a law exactly.
pub(super) fn found(
    text: &str,
    ranges: &[(f64, f64)],
    rows: usize,
    attempt: impl Fn(&mut Search<'_>, &Problem),
) {
    let sample = sample(text, ranges, rows, 0.0);
    let shared = Shared {
        trial: Shared::trial_of(&sample),
        description: Description::of_exact(rows),
        sample: &sample,
        unit: 1.0,
        allowed: Allowed { functions: None, complexity: None },
        cancelled: &|| false,
        progress: &|_| {},
        evaluations: Default::default(),
        told: Default::default(),
    };
    let problem = Problem {
        columns: sample.columns().to_vec(),
        parts: sample.names().iter().map(|name| Expression::variable(name)).collect(),
        y: sample.y().to_vec(),
        outer: Vec::new(),
    };
    let mut search = Search::new(&shared, None, false, 1e6);
    attempt(&mut search, &problem);
    let best = search.archive.candidates().first().map(|best| (best.error, best.model.expression()));
    assert!(search.has_exact(), "{text}: {best:?}");
}

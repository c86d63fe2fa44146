//! Units that a search can calculate in. Where numbers are so large or small that their powers leave the range of
//! numbers, columns and targets are brought near 1 by powers of two, and what is found is brought back.

use crate::discover::{Discovery, Progress, SearchOptions};
use crate::expression::{Expression, Node};
use crate::formula::Formula;
use crate::front::{Candidate, Front};
use crate::model::Model;
use crate::networks;
use crate::pulse::{PERIOD, Pulse};
use crate::sample::{Sample, SampleError};
use std::collections::HashMap;

/// Binary exponent beyond which numbers get another unit: sixth powers of 2¹⁷⁰, about 1e51, are still numbers.
const FAR: f64 = 170.0;
/// Largest exponent of a unit: it and its inverse are numbers.
const LARGEST: f64 = 1000.0;
/// Rows at which a formula is tried in the units of the data, and how far it may be off, as a part of the largest target.
const ROWS: usize = 64;
const OFF: f64 = 1e-9;

/// Searches for a law of the sample, in the data alone and in networks trained on them, in units that bear it. The result
/// does not depend on the number of threads of the pool that it runs in, unless time or `cancelled` ends it. `progress` hears
/// of what is better, and of the best again where that takes long.
///
/// # Errors
/// [`SampleError::Size`] where the best formula can't be written in the units of the data.
pub fn discover(
    sample: &Sample,
    options: &SearchOptions,
    cancelled: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn(&Progress) + Sync),
) -> Result<Discovery, SampleError> {
    let pulse = Pulse::new(progress, PERIOD);
    let stopped = || {
        pulse.beat();
        cancelled()
    };
    let Some(units) = Units::of(sample) else {
        return Ok(networks::discover(sample, options, &stopped, &|one| pulse.tell(one)));
    };
    let near = sample.in_units(&units.columns, units.y);
    let told = |one: &Progress| {
        pulse.tell(&Progress { formula: units.back(&one.formula, sample), ..one.clone() });
    };
    let found = networks::discover(&near, options, &stopped, &told);
    let front = units.front(&found.front, &near, sample)?;
    Ok(Discovery { front, ..found })
}

/// What a column, and the target, is divided by: powers of two.
struct Units {
    columns: Vec<f64>,
    y: f64,
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// The unit of some values: 1 where they are of a usual size.
fn unit(values: &[f64]) -> f64 {
    let size = largest(values);
    let exponent = if size > 0.0 { size.log2().floor() } else { 0.0 };
    if exponent.abs() < FAR { 1.0 } else { exponent.clamp(-LARGEST, LARGEST).exp2() }
}

impl Units {
    /// None where all numbers are of a usual size.
    fn of(sample: &Sample) -> Option<Self> {
        let columns: Vec<f64> = sample.columns().iter().map(|column| unit(column)).collect();
        let y = unit(sample.y());
        let is_usual = y == 1.0 && columns.iter().all(|unit| *unit == 1.0);
        (!is_usual).then_some(Self { columns, y })
    }

    /// A formula in the units of the data.
    fn back(&self, formula: &Expression, sample: &Sample) -> Expression {
        let scaled: HashMap<&str, Expression> = sample
            .names()
            .iter()
            .zip(&self.columns)
            .filter(|(_, unit)| **unit != 1.0)
            .map(|(name, unit)| (&**name, Expression::real(1.0 / unit) * Expression::variable(name)))
            .collect();
        let formula = formula.substitute(&scaled);
        let one = |term: &Expression| Expression::real(self.y) * term.clone();
        match formula.node() {
            Node::Sum(terms) => Expression::sum(terms.iter().map(one)),
            _ => one(&formula),
        }
    }

    /// A front in the units of the data, without the formulas that can't be written in them.
    fn front(&self, front: &Front, near: &Sample, sample: &Sample) -> Result<Front, SampleError> {
        let back = |candidate: &Candidate| {
            let expression = candidate.model.expression();
            let (model, before) = (Model::of(&self.back(&expression, sample)), expression);
            self.is_same(&before, &model.expression(), near, sample).then(|| candidate.rewritten(model))
        };
        let best = &front.candidates()[front.best()];
        let written = back(best).and_then(|_| Front::of(front.candidates().iter().filter_map(back)));
        written.ok_or_else(|| {
            let sizes = self.columns.iter().map(|unit| unit.log2().abs());
            let farthest = sizes.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(at, _)| at);
            let column = sample.names().get(farthest).map_or_else(String::new, ToString::to_string);
            SampleError::Size { column, size: sample.columns().get(farthest).map_or(0.0, |x| largest(x)) }
        })
    }

    /// Whether a formula has the same values in both units.
    fn is_same(&self, before: &Expression, after: &Expression, near: &Sample, sample: &Sample) -> bool {
        let formula = |expression: &Expression| {
            Formula::new(expression.clone(), Some(sample.names().to_vec()))
                .ok()
                .filter(|_| expression.is_finite())
        };
        let (Some(before), Some(after)) = (formula(before), formula(after)) else { return false };
        let most = largest(near.y());
        (0..sample.rows().min(ROWS)).all(|row| {
            let point =
                |sample: &Sample| sample.columns().iter().map(|column| column[row]).collect::<Vec<f64>>();
            let expected = before.evaluate_point(&point(near));
            let found = after.evaluate_point(&point(sample)) / self.y;
            (found - expected).abs() <= OFF * most
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::SearchEnd;
    use crate::discover::testing::sample;
    use crate::model::root_mean_square;

    /// A law found in units of the columns and of the target.
    fn found(text: &str, columns: [f64; 2], y: f64) -> Result<(Discovery, Sample), SampleError> {
        let plain = sample(text, &[(1.0, 2.0); 2], 60, 0.0);
        let scaled = plain.in_units(&columns.map(|unit| 1.0 / unit), 1.0 / y);
        discover(&scaled, &SearchOptions::default(), &|| false, &|_| {}).map(|found| (found, scaled))
    }

    #[test]
    fn laws_are_found_in_units_of_any_size() {
        for (columns, y) in [
            ([1e-200, 1.0], 1e-200),
            ([1.0, 1e-162], 1e-162),
            ([1.0, 1.0], 1e300),
            ([1e160, 1e-160], 1.0),
            ([1e250, 1e-20], 1e240),
            ([1e-30, 1e40], 1e-12),
        ] {
            let (found, scaled) = found("x*y + x", columns, y).unwrap();
            let best = &found.front.candidates()[found.front.best()];
            assert!(best.is_exact() && found.ended == SearchEnd::Exact, "{columns:?} {y}: {best:?}");
            let error = root_mean_square(&best.model, &scaled).unwrap();
            assert!(error < 1e-12 * scaled.deviation(), "{columns:?} {y}: {error}");
            let deviation = scaled.deviation() / y;
            assert!(
                (deviation / sample("x*y + x", &[(1.0, 2.0); 2], 60, 0.0).deviation() - 1.0).abs() < 1e-12
            );
        }
    }

    #[test]
    fn what_the_units_of_the_data_can_not_say_is_told() {
        // x² is 0 to the numbers that there are.
        let refused = found("x^2 + y", [1e-200, 1.0], 1.0).map(drop).unwrap_err();
        assert!(matches!(&refused, SampleError::Size { column, .. } if column == "x"), "{refused}");
        assert!(refused.to_string().contains("another unit"), "{refused}");
    }

    #[test]
    fn progress_is_told_in_the_units_of_the_data() {
        let plain = sample("x*y + x", &[(1.0, 2.0); 2], 60, 0.0);
        let scaled = plain.in_units(&[1.0, 1.0], 1e-200);
        let told = std::sync::Mutex::new(Vec::new());
        let progress = |one: &Progress| told.lock().unwrap().push(one.formula.clone());
        discover(&scaled, &SearchOptions::default(), &|| false, &progress).unwrap();
        let last = Formula::new(told.into_inner().unwrap().pop().unwrap(), None).unwrap();
        assert!((last.evaluate_point(&[1.5, 1.25]) / 3.375e200 - 1.0).abs() < 1e-9, "{last}");
    }
}

//! All constants of a model fitted to data at once.

use super::Model;
use crate::expression::Gradient;
use crate::fit::least_squares::{dot, regress, solve};
use crate::sample::Sample;
use std::sync::Arc;

/// Error, relative to the targets, that rounding leaves of an exact fit.
const EXACT: f64 = 1e-31;
/// Part by which a step must lessen the error so that it counts as progress.
const PROGRESS: f64 = 1e-9;

/// How constants are fitted: damped Gauss–Newton steps (Levenberg 1944, Marquardt 1963).
#[derive(Clone, Copy, Debug)]
pub struct LevenbergMarquardt {
    /// Most steps.
    pub steps: usize,
}

/// Fits the free constants of a model to a sample, least squares, weighted if the sample is; their standard errors are
/// those of the linearised model. Returns the part of the targets' variance that is left unexplained; infinite where the
/// model has no value at some row.
pub fn refine(model: &mut Model, sample: &Sample, how: LevenbergMarquardt) -> f64 {
    let Some(mut problem) = Problem::new(model, sample) else { return f64::INFINITY };
    let error = problem.minimise(how.steps);
    let errors = problem.standard_errors();
    let free = model.constants.iter_mut().filter(|constant| constant.snapped.is_none());
    for ((constant, value), error) in free.zip(&problem.theta).zip(errors) {
        (constant.value, constant.standard_error) = (*value, error);
    }
    relative(error, sample)
}

/// The unexplained part of the variance as the model stands; infinite where it has no value at some row.
pub fn error_of(model: &Model, sample: &Sample) -> f64 {
    let Some(problem) = Problem::new(model, sample) else { return f64::INFINITY };
    relative(problem.error_at(&problem.theta), sample)
}

/// The root-mean-square error of a model, in the units of the targets; none where it has no value at some row.
pub fn root_mean_square(model: &Model, sample: &Sample) -> Option<f64> {
    let problem = Problem::new(model, sample)?;
    let residuals = problem.residuals_at(&problem.theta);
    // In units of the largest: squares of numbers of any size stay numbers.
    let largest = residuals.iter().fold(f64::MIN_POSITIVE, |largest, one| largest.max(one.abs()));
    let scaled: Vec<f64> = residuals.iter().map(|one| one / largest).collect();
    let error = largest * (dot(&scaled, &scaled) / sample.rows() as f64).sqrt();
    error.is_finite().then_some(error)
}

fn relative(error: f64, sample: &Sample) -> f64 {
    let total = sample.variance() * sample.rows() as f64;
    if total > 0.0 {
        error / total
    } else if error > 0.0 {
        f64::INFINITY
    } else {
        0.0
    }
}

struct Problem<'a> {
    sample: &'a Sample,
    gradient: Gradient,
    theta: Vec<f64>,
}

impl<'a> Problem<'a> {
    fn new(model: &Model, sample: &'a Sample) -> Option<Self> {
        let free = || model.constants.iter().filter(|constant| constant.snapped.is_none());
        let names: Vec<Arc<str>> = free().map(|constant| Arc::clone(&constant.name)).collect();
        let theta: Vec<f64> = free().map(|constant| constant.value).collect();
        let gradient = Gradient::new(&model.free_skeleton(), sample.names(), &names).ok()?;
        theta.iter().all(|value| value.is_finite()).then_some(Self { sample, gradient, theta })
    }

    /// The sum of squared residuals, infinite where there is none.
    fn error_at(&self, theta: &[f64]) -> f64 {
        let residuals = self.residuals_at(theta);
        let error = dot(&residuals, &residuals);
        if error.is_finite() { error } else { f64::INFINITY }
    }

    fn residuals_at(&self, theta: &[f64]) -> Vec<f64> {
        let mut values = vec![0.0; self.sample.rows()];
        self.gradient.values(self.sample.columns(), theta, &mut values);
        self.sample.residuals(&values)
    }

    /// The residuals, and the slopes scaled to length 1 with their lengths.
    fn linearised(&self) -> (Vec<f64>, Vec<Vec<f64>>, Vec<f64>) {
        let rows = self.sample.rows();
        let mut values = vec![0.0; rows];
        let mut slopes = vec![vec![0.0; rows]; self.theta.len()];
        self.gradient.slopes(self.sample.columns(), &self.theta, &mut values, &mut slopes);
        let mut lengths = Vec::with_capacity(slopes.len());
        for slope in &mut slopes {
            self.sample.weigh(slope);
            let length = dot(slope, slope).sqrt();
            let length = if length > 0.0 && length.is_finite() { length } else { 1.0 };
            slope.iter_mut().for_each(|value| *value /= length);
            lengths.push(length);
        }
        (self.sample.residuals(&values), slopes, lengths)
    }

    fn minimise(&mut self, steps: usize) -> f64 {
        let mut error = self.error_at(&self.theta);
        let count = self.theta.len();
        if count == 0 || !error.is_finite() {
            return error;
        }
        let least = EXACT * dot(self.sample.y(), self.sample.y());
        let (mut damping, mut stalled) = (1e-3, 0);
        for _ in 0..steps {
            if stalled >= 3 || error <= least {
                break;
            }
            let (residuals, slopes, lengths) = self.linearised();
            let gradient: Vec<f64> = slopes.iter().map(|slope| dot(slope, &residuals)).collect();
            let mut normal = vec![vec![0.0; count]; count];
            for row in 0..count {
                for column in 0..=row {
                    normal[row][column] = dot(&slopes[row], &slopes[column]);
                    normal[column][row] = normal[row][column];
                }
            }
            let mut moved = false;
            for _ in 0..8 {
                let (mut matrix, mut step) = (normal.clone(), gradient.clone());
                (0..count).for_each(|at| matrix[at][at] += damping * normal[at][at].max(1e-12));
                if solve(&mut matrix, &mut step) {
                    let moves = step.iter().zip(&lengths).map(|(step, length)| step / length);
                    let trial: Vec<f64> =
                        self.theta.iter().zip(moves).map(|(old, step)| old + step).collect();
                    let less = self.error_at(&trial);
                    if less < error {
                        stalled = if less > error * (1.0 - PROGRESS) { stalled + 1 } else { 0 };
                        (self.theta, error, moved) = (trial, less, true);
                        damping = (damping * 0.1_f64).max(1e-14);
                        break;
                    }
                }
                damping *= 6.0;
            }
            if !moved {
                break;
            }
        }
        error
    }

    /// From the covariance of the linearised model, with the variance of the residuals but not less than rounding's.
    fn standard_errors(&self) -> Vec<Option<f64>> {
        let rows = self.sample.rows();
        if self.theta.is_empty() || rows <= self.theta.len() {
            return vec![None; self.theta.len()];
        }
        let (residuals, slopes, lengths) = self.linearised();
        let Some(found) = regress(&slopes, &residuals) else { return vec![None; self.theta.len()] };
        let freedom = (rows - self.theta.len()) as f64;
        let variance = (dot(&residuals, &residuals) / freedom).max(1e-28 * self.sample.variance());
        let error = |(inverse, length): (&f64, &f64)| Some((inverse * variance).sqrt() / length);
        let errors = found.variances.iter().zip(&lengths).map(error);
        errors.map(|error: Option<f64>| error.filter(|error| error.is_finite())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{noise, parsed};

    const HOW: LevenbergMarquardt = LevenbergMarquardt { steps: 60 };

    fn sample(function: impl Fn(f64, usize) -> f64, rows: usize, weights: Option<&[f64]>) -> Sample {
        let x: Vec<f64> = (0..rows).map(|row| 0.1 + 2.0 * row as f64 / rows as f64).collect();
        let y = x.iter().enumerate().map(|(row, x)| function(*x, row)).collect();
        Sample::new(vec![Arc::from("x")], vec![x], y, weights).unwrap()
    }

    #[test]
    fn constants_are_found_to_rounding() {
        let truth = |x: f64, _| 1.37 * (0.71 * x).sin() * (-0.4 * x).exp() + 0.52;
        let mut model = Model::of(&parsed("1.1*sin(0.83*x)*exp(-0.31*x) + 0.11"));
        assert!(refine(&mut model, &sample(truth, 200, None), HOW) < 1e-27);
        let mut values: Vec<f64> = model.constants().iter().map(|constant| constant.value.abs()).collect();
        values.sort_by(f64::total_cmp);
        for (found, expected) in values.iter().zip([0.4, 0.52, 0.71, 1.37]) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn standard_errors_are_the_spread_of_repeated_fits() {
        let fitted = |seed: u64| {
            let noise = noise(seed, 100);
            let mut model = Model::of(&parsed("1.3*exp(-0.77*x)"));
            let _ = refine(
                &mut model,
                &sample(|x, row| 1.5 * (-0.7 * x).exp() + 0.01 * noise[row], 100, None),
                HOW,
            );
            model.constants().iter().map(|c| (c.value, c.standard_error.unwrap())).collect::<Vec<_>>()
        };
        let fits: Vec<_> = (0..200).map(fitted).collect();
        for constant in 0..2 {
            let values = fits.iter().map(|fit| fit[constant].0);
            let mean = values.clone().sum::<f64>() / 200.0;
            let spread = (values.map(|value| (value - mean).powi(2)).sum::<f64>() / 199.0).sqrt();
            let told = fits.iter().map(|fit| fit[constant].1).sum::<f64>() / 200.0;
            // 200 draws know a standard deviation to 5 %; four times that.
            assert!((told / spread - 1.0).abs() < 0.2, "{told} {spread}");
        }
    }

    #[test]
    fn rows_count_as_their_weights() {
        let weights: Vec<f64> = (0..60).map(|row| if row % 3 == 0 { 1.0 } else { 1e-12 }).collect();
        let wrong = |x: f64, row| 2.5 * x + if row % 3 == 0 { 0.0 } else { 1.0 };
        let mut model = Model::of(&parsed("0.7*x + 0.3"));
        let _ = refine(&mut model, &sample(wrong, 60, Some(&weights)), HOW);
        let at_one = model.expression().substitute(&[("x", crate::Expression::integer(1))].into());
        assert!((at_one.number().unwrap().to_f64() - 2.5).abs() < 1e-6);
    }

    #[test]
    fn a_model_without_a_value_at_some_row_has_an_infinite_error() {
        let mut model = Model::of(&parsed("log(x - 0.53)"));
        assert_eq!(refine(&mut model, &sample(|x, _| x, 20, None), HOW), f64::INFINITY);
    }
}

//! A fit as Levenberg–Marquardt sees it: the loss of a network on rows, and its Gauss–Newton model.

use crate::error::TrainError;
use kanode_engine::{Batch, EngineError, Loss, Real};
use kanode_optim::{LeastSquares, Rows};
use kanode_trace::Trace;

/// Least curvature of a logistic loss: a row that is as good as certain still has a say, and nothing is divided by 0.
const LEAST_CURVATURE: f64 = 1e-10;

/// Training rows in `f64`.
#[derive(Debug)]
pub(crate) struct Observations {
    pub(crate) rows: usize,
    /// `[rows, inputs]`.
    pub(crate) x: Vec<f64>,
    /// `[rows, targets]`.
    targets: Vec<f64>,
    /// `[rows]`, with sum 1.
    shares: Vec<f64>,
    weights: Option<Vec<f64>>,
}

impl Observations {
    pub(crate) fn of<T: Real>(batch: &Batch<'_, T>) -> Self {
        let widen = |values: &[T]| values.iter().map(|v| v.to_f64()).collect::<Vec<_>>();
        let weights = batch.weights.map(widen);
        let total: f64 = weights.as_ref().map_or(batch.rows as f64, |weights| weights.iter().sum());
        let shares = (0..batch.rows).map(|row| weights.as_ref().map_or(1.0, |w| w[row]) / total).collect();
        Self { rows: batch.rows, x: widen(batch.x), targets: widen(batch.targets), shares, weights }
    }

    /// Outputs whose errors are observations of their own, of all `numbers` that a network puts out for the rows.
    pub(crate) fn outputs(&self, loss: Loss, numbers: usize) -> usize {
        if loss == Loss::CrossEntropy || self.rows == 0 { 1 } else { (numbers / self.rows).max(1) }
    }

    fn batch(&self) -> Batch<'_, f64> {
        Batch { x: &self.x, targets: &self.targets, weights: self.weights.as_deref(), rows: self.rows }
    }
}

/// Why an evaluation was given up.
#[derive(Debug)]
pub(crate) enum Halt {
    Cancelled,
    Engine(EngineError),
}

impl From<Halt> for TrainError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Cancelled => Self::Cancelled,
            Halt::Engine(error) => error.into(),
        }
    }
}

/// The loss of one network on observations.
pub(crate) struct Problem<'a> {
    pub(crate) trace: &'a mut Trace,
    pub(crate) observations: &'a Observations,
    pub(crate) loss: Loss,
    pub(crate) cancelled: &'a dyn Fn() -> bool,
    pub(crate) evaluations: &'a mut u64,
}

/// Whether Levenberg–Marquardt can minimise a loss: it needs curvature, which `mae` has not.
pub(crate) fn is_solvable(loss: Loss) -> bool {
    loss != Loss::Mae
}

/// What Levenberg–Marquardt minimises for a loss: the root has the minimum of what is under it.
pub(crate) fn objective_of(loss: Loss) -> Loss {
    if loss == Loss::Rmse { Loss::Mse } else { loss }
}

impl Problem<'_> {
    fn forward(&mut self, x: &[f64]) -> Result<f64, Halt> {
        if (self.cancelled)() {
            return Err(Halt::Cancelled);
        }
        self.trace.forward(x, &self.observations.x);
        let outputs = self.trace.outputs();
        let n_out = outputs.len() / self.observations.rows;
        self.loss.evaluate(outputs, n_out, &self.observations.batch(), None).map_err(Halt::Engine)
    }
}

impl LeastSquares for Problem<'_> {
    type Stop = Halt;

    fn value(&mut self, x: &[f64]) -> Result<f64, Halt> {
        *self.evaluations += 1;
        self.forward(x)
    }

    fn linearise(&mut self, x: &[f64], rows: &mut Rows, residuals: &mut Vec<f64>) -> Result<(), Halt> {
        self.forward(x)?;
        rows.clear();
        residuals.clear();
        let outputs = self.trace.outputs().to_vec();
        let n_out = outputs.len() / self.observations.rows;
        let width = self.observations.targets.len() / self.observations.rows;
        let mut seed = vec![0.0; n_out];
        let mut probabilities = vec![0.0; n_out];
        for row in 0..self.observations.rows {
            let y = &outputs[row * n_out..(row + 1) * n_out];
            let target = &self.observations.targets[row * width..(row + 1) * width];
            let share = self.observations.shares[row];
            if self.loss == Loss::CrossEntropy {
                softmax(y, &mut probabilities);
                for class in 0..n_out {
                    // diag(p) − ppᵀ is the sum over classes of p_c·(e_c − p)(e_c − p)ᵀ.
                    let p = probabilities[class].max(LEAST_CURVATURE);
                    let root = (0.5 * share * p).sqrt();
                    for (k, seed) in seed.iter_mut().enumerate() {
                        *seed = root * (f64::from(k == class) - probabilities[k]);
                    }
                    let wanted =
                        if width == 1 { f64::from(target[0] == class as f64) } else { target[class] };
                    residuals.push(0.5 * share * (probabilities[class] - wanted) / root);
                    self.trace.row(row, &seed, rows);
                }
            } else {
                for output in 0..n_out {
                    let (slope, curvature) = self.element(y[output], target[output]);
                    let root = (0.5 * share / n_out as f64 * curvature).sqrt();
                    seed.fill(0.0);
                    seed[output] = root;
                    residuals.push(0.5 * share / n_out as f64 * slope / root);
                    self.trace.row(row, &seed, rows);
                }
            }
        }
        Ok(())
    }
}

impl Problem<'_> {
    /// First derivative of the loss of one output, and a positive curvature that does not fall short of the second.
    fn element(&self, y: f64, target: f64) -> (f64, f64) {
        let d = y - target;
        match self.loss {
            Loss::Huber { delta } if d.abs() > delta => (delta * d.signum(), delta / d.abs()),
            Loss::Huber { .. } => (d, 1.0),
            Loss::BinaryCrossEntropy => {
                let p = 1.0 / (1.0 + (-y).exp());
                (p - target, (p * (1.0 - p)).max(LEAST_CURVATURE))
            }
            _ => (2.0 * d, 2.0),
        }
    }
}

fn softmax(y: &[f64], p: &mut [f64]) {
    let largest = y.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (p, y) in p.iter_mut().zip(y) {
        *p = (y - largest).exp();
        sum += *p;
    }
    p.iter_mut().for_each(|p| *p /= sum);
}

#[cfg(test)]
mod tests;

//! What a fit does when it was not told: which optimiser, how many starts. The rules follow from what a step costs.

use crate::error::OptionError;
use crate::options::FitOptions;
use crate::solver::is_solvable;
use kanode_engine::{Loss, Real};
use kanode_network::{Network, Penalties};
use kanode_optim::Optimizer;

/// Multiplications that a step of Levenberg–Marquardt may cost by default: about a second.
const LM_WORK: f64 = 2e9;
/// Numbers of the Jacobian that it may hold by default: half a gigabyte.
const LM_NUMBERS: f64 = 3e7;
/// Rows times edges from which mini-batches pay.
const BATCH_WORK: f64 = 2e7;
/// First parameters tried with Levenberg–Marquardt for a network with hidden nodes.
const STARTS: usize = 4;

impl FitOptions {
    /// These options with an optimiser, and with a number of starts.
    ///
    /// Levenberg–Marquardt is the choice for losses with curvature, where its step is cheap enough and nothing is asked
    /// for that it can't do. Otherwise, Adam in mini-batches for much data and large networks, and where it is asked for
    /// sharpness-aware minimisation; else L-BFGS.
    ///
    /// # Errors
    /// Options that do not go together.
    pub(crate) fn resolved<T: Real>(&self, network: &Network<T>, rows: usize) -> Result<Self, OptionError> {
        let mut options = self.clone();
        if options.optimizer.is_none() {
            options.optimizer = Some(self.choose(network, rows));
        }
        options.check_combination(network)?;
        options.starts = Some(self.starts.unwrap_or_else(|| {
            let layered = network.program().layers().len() > 1;
            if options.is_lm() && layered && !network.is_fitted() && !self.continual { STARTS } else { 1 }
        }));
        Ok(options)
    }

    fn choose<T: Real>(&self, network: &Network<T>, rows: usize) -> Optimizer {
        let in_batches = self.epochs.is_some() || self.batch_size.is_some();
        if self.sam.is_some() {
            return Optimizer::adam();
        }
        let gradient_only =
            in_batches || self.learning_rate.is_some() || self.penalties != Penalties::default();
        if !gradient_only && is_solvable(self.loss) && is_cheap(network, rows, self.grid.last().copied()) {
            return Optimizer::lm();
        }
        let edges: usize = network.program().layers().iter().map(|layer| layer.edges()).sum();
        let large = rows as f64 * edges as f64 > BATCH_WORK;
        if large && self.steps.is_none() { Optimizer::adam() } else { Optimizer::lbfgs() }
    }

    /// Refuses options that the optimiser can't heed.
    fn check_combination<T: Real>(&self, network: &Network<T>) -> Result<(), OptionError> {
        let name = self.optimizer().name();
        if self.is_lm() {
            if !is_solvable(self.loss) {
                return Err(OptionError::new(
                    "loss",
                    "a loss with curvature for lm, such as huber",
                    self.loss.name(),
                ));
            }
            if self.batch_size.is_some() {
                return Err(OptionError::new("batchSize", "no batches with lm, which takes all rows", name));
            }
            if self.penalties != Penalties::default() {
                let expected = "lbfgs, adam or another gradient method for penalties; lm has regularization";
                return Err(OptionError::new("optimizer", expected, name));
            }
        }
        if self.sam.is_some() && (self.is_lm() || self.is_lbfgs()) {
            return Err(OptionError::new("optimizer", "adam, adamw or sgd with sam", name));
        }
        if self.starts.is_some_and(|starts| starts > 1) && !self.is_lm() {
            return Err(OptionError::new("optimizer", "lm for several starts", name));
        }
        if self.continual {
            if !self.is_lm() {
                return Err(OptionError::new("optimizer", "lm for continual learning", name));
            }
            if self.starts.is_some_and(|starts| starts > 1) {
                let expected = "no starts with continual learning, which goes on from what is there";
                return Err(OptionError::new("starts", expected, self.starts.unwrap_or(1)));
            }
            if !self.grid.is_empty() {
                let expected = "no grids with continual learning, which leaves alone what has no data";
                return Err(OptionError::new("grid", expected, format!("{:?}", self.grid)));
            }
            if network.specification().base != kanode_engine::Base::Zero {
                let expected =
                    "a model with base: 'zero' for continual learning: a base function reaches everywhere";
                return Err(OptionError::new("continual", expected, true));
            }
            if network.specification().domain.is_none() && !network.is_fitted() {
                let expected =
                    "a model with a domain for continual learning: its grid can't follow the first data";
                return Err(OptionError::new("continual", expected, true));
            }
        }
        Ok(())
    }
}

/// Whether a step of Levenberg–Marquardt costs little enough, at the largest grid planned.
fn is_cheap<T: Real>(network: &Network<T>, rows: usize, grid: Option<usize>) -> bool {
    let specification = network.specification();
    let layers = network.program().layers();
    let bases = grid.unwrap_or(specification.grid) + specification.degree + 1;
    let edges: usize = layers.iter().map(|layer| layer.edges()).sum();
    let outputs = network.outputs();
    let last = layers[layers.len() - 1].edges();
    let touched = (edges - last + last / outputs.max(1)) as f64 * (specification.degree + 2) as f64;
    let (p, m) = (edges as f64 * bases as f64, rows as f64 * outputs as f64);
    let solve = if p <= 1.3 * m { p.powi(3) / 3.0 } else { m.powi(3) / 3.0 + m * m * touched };
    m * touched * touched / 2.0 + solve <= LM_WORK && m * touched <= LM_NUMBERS
}

/// Whether the prior is worth looking for in a loss: only where the noise has a meaning.
pub(crate) fn has_evidence(loss: Loss) -> bool {
    matches!(loss, Loss::Mse | Loss::Rmse | Loss::CrossEntropy | Loss::BinaryCrossEntropy)
}

//! What a fit does when it was not told: which optimiser, how many starts. The rules follow from what a step costs.

use crate::error::OptionError;
use crate::options::FitOptions;
use crate::regularization::Regularization;
use crate::solver::is_solvable;
use kanode_engine::{Loss, Real};
use kanode_network::{Network, Penalties, Smoothness};
use kanode_optim::Optimizer;

/// Multiplications that a step of Levenberg–Marquardt may cost by default: about a second.
const LM_WORK: f64 = 2e9;
/// Numbers of the Jacobian that it may hold by default: half a gigabyte.
const LM_NUMBERS: f64 = 3e7;
/// Rows times edges from which mini-batches pay.
const BATCH_WORK: f64 = 2e7;
/// What is expected of an edge between numbers whose scale is known, as that of logits is: standard deviations of its
/// control points and of its second derivative over the unit domain.
const LOGITS: [f64; 2] = [2.0, 6.0];
/// First parameters tried with Levenberg–Marquardt for a network with hidden nodes.
const STARTS: usize = 4;

impl FitOptions {
    /// These options with an optimiser, and with a number of starts. Whoever leaves the optimiser open gets a weak prior
    /// with it for classes; Levenberg–Marquardt finds its own.
    ///
    /// Levenberg–Marquardt is the choice for losses with curvature, where its step is cheap enough and nothing is asked
    /// for that it can't do. Otherwise, Adam in mini-batches for classes, for much data and large networks, and where it is
    /// asked for sharpness-aware minimisation; else L-BFGS. bench/accuracy/defaults.mjs measures what speaks for that.
    ///
    /// # Errors
    /// Options that do not go together.
    pub(crate) fn resolved<T: Real>(&self, network: &Network<T>, rows: usize) -> Result<Self, OptionError> {
        let mut options = self.clone();
        if options.optimizer.is_none() {
            options.optimizer = Some(self.optimizer_for(network, rows));
            if !options.is_lm() && self.loss.is_classification() && self.regularization.is_auto() {
                options.regularization = Regularization::Fixed(of_logits(rows));
            }
        }
        options.check_combination(network)?;
        options.starts = Some(self.starts.unwrap_or_else(|| {
            let layered = network.program().layers().len() > 1;
            if options.is_lm() && layered && !network.is_fitted() && !self.continual { STARTS } else { 1 }
        }));
        Ok(options)
    }

    /// The optimiser that trains `network` on so many rows: the one asked for, or the one chosen where that is open.
    pub fn optimizer_for<T: Real>(&self, network: &Network<T>, rows: usize) -> Optimizer {
        self.optimizer.clone().unwrap_or_else(|| self.choose(network, rows))
    }

    fn choose<T: Real>(&self, network: &Network<T>, rows: usize) -> Optimizer {
        let in_batches = self.epochs.is_some() || self.batch_size.is_some();
        if self.sam.is_some() {
            return Optimizer::adam();
        }
        let gradient_only =
            in_batches || self.learning_rate.is_some() || self.penalties != Penalties::default();
        if !gradient_only
            && is_solvable(self.loss)
            && LmCost::of(network, rows, self.grid.last().copied()).is_low()
        {
            return Optimizer::lm();
        }
        let edges: usize = network.program().layers().iter().map(|layer| layer.edges()).sum();
        let large = rows as f64 * edges as f64 > BATCH_WORK;
        // The noise of mini-batches keeps large networks from learning classes by heart.
        let in_batches = large || self.loss.is_classification();
        if in_batches && self.steps.is_none() { Optimizer::adam() } else { Optimizer::lbfgs() }
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
            if let Some(rate) = self.learning_rate {
                let expected = "no learning rate with lm, whose steps are damped instead";
                return Err(OptionError::new("learningRate", expected, rate));
            }
            if let Some(rows) = self.batch_size {
                return Err(OptionError::new("batchSize", "no batches with lm, which takes all rows", rows));
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
                let expected = "'zero' in a model for continual learning: a base function reaches everywhere";
                let found = format!("{:?}", network.specification().base).to_lowercase();
                return Err(OptionError::new("base", expected, found));
            }
            if network.specification().domain.is_none() && !network.is_fitted() {
                let expected =
                    "given in a model for continual learning: its grid can't follow the first data";
                return Err(OptionError::new("domain", expected, "none"));
            }
            if network.specification().standardize && !network.is_fitted() {
                let expected = "false in a model for continual learning: the first task tells nothing of the others' scale";
                return Err(OptionError::new("standardize", expected, true));
            }
        }
        Ok(())
    }
}

/// Multiplications that take about a tenth of a second.
const THREAD_WORK: f64 = 1e8;

/// What a step of Levenberg–Marquardt costs, at the largest grid planned.
pub(crate) struct LmCost {
    multiplications: f64,
    /// Numbers of the Jacobian.
    jacobian: f64,
    /// Numbers of the system, of the parameters or of the rows.
    system: f64,
}

impl LmCost {
    pub(crate) fn of<T: Real>(network: &Network<T>, rows: usize, grid: Option<usize>) -> Self {
        let specification = network.specification();
        let layers = network.program().layers();
        let bases = grid.unwrap_or(specification.grid) + specification.degree + 1;
        let edges: usize = layers.iter().map(|layer| layer.edges()).sum();
        let outputs = network.outputs();
        let last = layers[layers.len() - 1].edges();
        let touched = (edges - last + last / outputs.max(1)) as f64 * (specification.degree + 2) as f64;
        let (p, m) = (edges as f64 * bases as f64, rows as f64 * outputs as f64);
        let is_primal = p <= 1.3 * m;
        let solve = if is_primal { p.powi(3) / 3.0 } else { m.powi(3) / 3.0 + m * m * touched };
        // The evidence solves for every row with all parameters.
        let system = if is_primal { p * p } else { m * m + m * p };
        Self { multiplications: m * touched * touched / 2.0 + solve, jacobian: m * touched, system }
    }

    /// Whether a start is long enough for a thread of its own: below a tenth of a second, threads and the memory that
    /// each of them keeps are not worth it.
    pub(crate) fn is_worth_a_thread(&self) -> bool {
        self.multiplications * crate::starts::STEPS as f64 > THREAD_WORK
    }

    fn is_low(&self) -> bool {
        self.multiplications <= LM_WORK && self.jacobian <= LM_NUMBERS
    }

    /// Numbers that a step holds at its height: the system, damped and as it was, and the Jacobian.
    pub(crate) fn numbers(&self) -> usize {
        // Beyond what a machine has, any number says the same.
        (2.0 * self.system + self.jacobian) as usize
    }
}

/// The prior that takes edges for normally distributed, beside the mean negative log-likelihood of so many rows.
fn of_logits(rows: usize) -> Smoothness {
    let [ridge, lambda] = LOGITS.map(|deviation| 0.5 / (deviation * deviation * rows.max(1) as f64));
    Smoothness { order: 2, lambda, ridge }
}

/// Whether the prior is worth looking for in a loss: only where the noise has a meaning.
pub(crate) fn has_evidence(loss: Loss) -> bool {
    loss != Loss::Mae
}

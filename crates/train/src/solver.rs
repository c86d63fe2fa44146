//! Levenberg–Marquardt on a network: the packed parameters, the prior, and its strength by the evidence. It knows rows
//! and one network; levels, records and validation are the run's.

mod problem;

use crate::report::Prior as PriorReport;
use kanode_engine::{Loss, Real};
use kanode_network::{Network, Regularization as Record, Smoothness};
use kanode_optim::{
    Evidence, Found, LeastSquares, LmState, LmStep, Optimizer, Prior, Rows, State, StateError,
};
use kanode_trace::{Jet, Packing, Trace};
use problem::{Observations, Problem};
use std::sync::Arc;

pub(crate) use problem::{Halt, Observations as SolverRows, is_solvable, objective_of};

/// A change of ln λ that still counts: the optimum is flat.
const SETTLED: f64 = 0.1;
/// Noise, as a part of the variance of the targets, below which data count as clean.
const CLEAN: f64 = 1e-3;
/// Parameters that the data determine, as a part of the observations, above which what is left over says nothing of the
/// noise: the network may have learned it by heart.
const TELLING: f64 = 0.5;
/// Least strength of the prior on clean data: less than this does nothing but let edges without data run wild.
const LEAST_CLEAN: f64 = 1e-18;
/// The variance that makes a mean negative log-likelihood look like a sum of squares over twice the variance.
const LIKELIHOOD: f64 = 0.5;

/// The prior of a fit, and whether it is still looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Smoothing {
    pub(crate) prior: Smoothness,
    pub(crate) adaptive: bool,
    /// Noise variance in the network's units, and the number of parameters that the data determine, once known.
    pub(crate) noise: Option<f64>,
    pub(crate) effective: Option<f64>,
}

impl Smoothing {
    /// One to begin the search for a prior with.
    pub(crate) const SEARCH: Self = Self {
        prior: Smoothness { order: 2, lambda: 1e-2, ridge: 1e-6 },
        adaptive: true,
        noise: None,
        effective: None,
    };

    /// The same for data that have proved clean.
    pub(crate) const CLEAN: Self = Self {
        prior: Smoothness { order: 4, lambda: 1e-12, ridge: 1e-14 },
        adaptive: true,
        noise: None,
        effective: None,
    };

    /// None at all.
    pub(crate) const NONE: Self = Self {
        prior: Smoothness { order: 2, lambda: 0.0, ridge: 0.0 },
        adaptive: false,
        noise: None,
        effective: None,
    };

    /// One that stays.
    pub(crate) fn fixed(prior: Smoothness) -> Self {
        Self { prior, adaptive: false, noise: None, effective: None }
    }

    /// What the network keeps of it.
    pub(crate) fn record(&self) -> Record {
        let Smoothness { order, lambda, ridge } = self.prior;
        Record { order, lambda, ridge, noise: self.noise }
    }

    /// What a report tells of it; None if there is no prior.
    pub(crate) fn report(&self) -> Option<PriorReport> {
        let Smoothness { order, lambda, ridge } = self.prior;
        let noise = self.noise.map(f64::sqrt);
        (lambda > 0.0 || ridge > 0.0).then_some(PriorReport {
            order,
            lambda,
            ridge,
            noise,
            effective_parameters: self.effective,
        })
    }
}

/// One run of Levenberg–Marquardt on a network with fixed knots.
pub(crate) struct Solver {
    observations: Arc<Observations>,
    loss: Loss,
    packing: Arc<Packing>,
    trace: Trace,
    theta: Vec<f64>,
    lm: LmState,
    prior: Prior,
    pub(crate) smoothing: Smoothing,
    pub(crate) evaluations: u64,
    /// Whether the linear model is that of an earlier fit, which counted the evaluation that it takes to have it again.
    counted: bool,
}

impl Solver {
    /// Starts from the parameters of `network`.
    pub(crate) fn new<T: Real>(
        network: &Network<T>,
        observations: &Arc<Observations>,
        loss: Loss,
        optimizer: &Optimizer,
        smoothing: Smoothing,
    ) -> Self {
        let packing = Arc::new(network.packing());
        let program = network.program();
        let trace = Trace::new(Arc::clone(program), Arc::clone(&packing), Jet::value());
        let theta = packing.pack(network.parameters());
        let prior = smoothing.prior.prior(program, &packing);
        Self {
            observations: Arc::clone(observations),
            loss: objective_of(loss),
            packing,
            trace,
            theta,
            lm: LmState::new(optimizer),
            prior,
            smoothing,
            evaluations: 0,
            counted: false,
        }
    }

    /// The same run on another network of the same data: its knots have changed.
    pub(crate) fn on<T: Real>(&self, network: &Network<T>, optimizer: &Optimizer) -> Self {
        let mut solver = Self::new(network, &self.observations, self.loss, optimizer, self.smoothing);
        solver.evaluations = self.evaluations;
        solver
    }

    fn problem<'a>(
        &'a mut self,
        cancelled: &'a dyn Fn() -> bool,
    ) -> (Problem<'a>, &'a mut LmState, &'a Prior, &'a mut Vec<f64>) {
        let problem = Problem {
            trace: &mut self.trace,
            observations: &self.observations,
            loss: self.loss,
            cancelled,
            evaluations: &mut self.evaluations,
        };
        (problem, &mut self.lm, &self.prior, &mut self.theta)
    }

    /// One step.
    pub(crate) fn step(&mut self, cancelled: &dyn Fn() -> bool) -> Result<LmStep, Halt> {
        let before = self.evaluations;
        let (mut problem, lm, prior, theta) = self.problem(cancelled);
        let outcome = lm.step(theta, prior, &mut problem);
        if self.counted && self.evaluations > before {
            (self.evaluations, self.counted) = (self.evaluations - 1, false);
        }
        outcome
    }

    /// The Gauss–Newton model at the present parameters.
    pub(crate) fn linearise(&mut self, cancelled: &dyn Fn() -> bool) -> Result<(Rows, Vec<f64>), Halt> {
        let (mut rows, mut residuals) = (Rows::new(), Vec::new());
        let (mut problem, _, _, theta) = self.problem(cancelled);
        problem.linearise(theta, &mut rows, &mut residuals)?;
        Ok((rows, residuals))
    }

    /// The derivatives of every output of other rows `x: [rows, inputs]` by the parameters, row by row.
    pub(crate) fn output_rows(&mut self, x: &[f64], outputs: usize) -> Rows {
        let mut rows = Rows::new();
        self.trace.forward(&self.theta, x);
        let mut seed = vec![0.0; outputs];
        for row in 0..self.trace.rows() {
            for output in 0..outputs {
                seed.fill(0.0);
                seed[output] = 1.0;
                self.trace.row(row, &seed, &mut rows);
            }
        }
        rows
    }

    /// Number of parameters.
    pub(crate) fn len(&self) -> usize {
        self.theta.len()
    }

    /// The prior.
    pub(crate) fn prior(&self) -> &Prior {
        &self.prior
    }

    /// The observations that the evidence counts: a row of class probabilities is one.
    pub(crate) fn observed(&self) -> usize {
        let outputs = self.observations.outputs(self.loss, self.trace.outputs().len());
        self.observations.rows * outputs
    }

    /// Forgets the linear model.
    pub(crate) fn invalidate(&mut self) {
        self.lm.invalidate();
        self.counted = false;
    }

    /// Everything that the next steps depend on.
    pub(crate) fn export<T: Real>(&self) -> State<T> {
        let mut state = self.lm.export();
        let Smoothness { order, lambda, ridge } = self.smoothing.prior;
        state.counters.insert("order".to_owned(), order as u64);
        state.counters.insert("adaptive".to_owned(), u64::from(self.smoothing.adaptive));
        state.counters.insert("linearised".to_owned(), u64::from(self.lm.is_linearised() || self.counted));
        state.scalars.insert("lambda".to_owned(), lambda);
        state.scalars.insert("ridge".to_owned(), ridge);
        let learned = [("noise", self.smoothing.noise), ("effective", self.smoothing.effective)];
        let learned = learned.into_iter().filter_map(|(name, found)| Some((name.to_owned(), found?)));
        state.scalars.extend(learned);
        state
    }

    /// Goes on where a state was left: with its damping, and with its prior if this fit looks for one too.
    pub(crate) fn import<T: Real>(
        &mut self,
        network: &Network<T>,
        optimizer: &Optimizer,
        mut state: State<T>,
    ) -> Result<(), StateError> {
        self.lm = LmState::import(optimizer, &mut state)?;
        let missing = |name: &str| StateError::Missing { name: name.to_owned() };
        let mut counter = |name| state.counters.remove(name).ok_or_else(|| missing(name));
        let (order, adaptive) = (counter("order")?, counter("adaptive")?);
        let linearised = counter("linearised")? == 1;
        let mut scalar = |name| state.scalars.remove(name).ok_or_else(|| missing(name));
        let (lambda, ridge) = (scalar("lambda")?, scalar("ridge")?);
        if !((1..=6).contains(&order) && lambda >= 0.0 && ridge >= 0.0) {
            return Err(StateError::Range { name: "order".to_owned(), expected: "1 to 6" });
        }
        if self.smoothing.adaptive && adaptive == 1 {
            self.smoothing.prior = Smoothness { order: order as usize, lambda, ridge };
            self.smoothing.noise = state.scalars.remove("noise");
            self.smoothing.effective = state.scalars.remove("effective");
            self.renew_prior(network);
        }
        self.counted = linearised;
        Ok(())
    }

    /// The loss to expect on other rows, from the loss on these: generalised cross-validation, or for a likelihood
    /// Akaike's criterion. The loss itself where the number of parameters that the data determine is not known.
    pub(crate) fn expected_error(&self, data: f64) -> f64 {
        let Some(effective) = self.smoothing.effective else { return data };
        let share = effective / self.observed() as f64;
        if self.loss.is_classification() {
            data + share
        } else if share < 1.0 {
            data / ((1.0 - share) * (1.0 - share))
        } else {
            f64::INFINITY
        }
    }

    /// Makes the prior that the strength and the order ask for.
    fn renew_prior<T: Real>(&mut self, network: &Network<T>) {
        self.prior = self.smoothing.prior.prior(network.program(), &self.packing);
    }

    /// The loss as the user asked for it, from the one minimised.
    pub(crate) fn reported(&self, wanted: Loss, data: f64) -> f64 {
        if wanted == Loss::Rmse { data.sqrt() } else { data }
    }

    /// Writes the parameters to a slab. Where its numbers are narrower, goes on from what they can hold.
    pub(crate) fn unpack<T: Real>(&mut self, slab: &mut [T]) {
        self.packing.unpack(&self.theta, slab);
        let kept = self.packing.pack(slab);
        if kept != self.theta {
            self.theta = kept;
            self.invalidate();
        }
    }

    /// Finds the strength of the prior anew. Returns whether it changed.
    pub(crate) fn update_prior<T: Real>(
        &mut self,
        network: &Network<T>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<bool, Halt> {
        let Some(found) = self.measure_noise(cancelled)? else { return Ok(false) };
        let before = self.smoothing.prior;
        if before.order == Smoothing::SEARCH.prior.order && self.is_clean() {
            let Smoothing { noise, effective, .. } = self.smoothing;
            self.smoothing = Smoothing { noise, effective, ..Smoothing::CLEAN };
            self.renew_prior(network);
            self.invalidate();
            return Ok(true);
        }
        self.smoothing.prior = self.followed(&found);
        self.renew_prior(network);
        self.invalidate();
        let moved = (self.smoothing.prior.lambda / before.lambda).ln().abs() > SETTLED;
        Ok(moved)
    }

    /// The prior that follows from what was found.
    fn followed(&self, found: &Found) -> Smoothness {
        let before = self.smoothing.prior;
        let least = if before.order == Smoothing::CLEAN.prior.order {
            LEAST_CLEAN
        } else if self.is_telling() || self.loss.is_classification() {
            0.0
        } else {
            // Rows that the network has learned by heart are no reason to give it more freedom.
            before.lambda
        };
        Smoothness { lambda: found.lambda.max(least), ..before }
    }

    /// By how much the squares of a loss fall short of squared errors: Huber's is half of them.
    pub(crate) fn halves(&self) -> f64 {
        if matches!(self.loss, Loss::Huber { .. }) { 2.0 } else { 1.0 }
    }

    /// The mean squared error that residuals tell of; of Huber's loss, without outliers.
    pub(crate) fn mean_square(&self, residuals: &[f64]) -> f64 {
        self.halves()
            * match self.loss {
                Loss::Huber { .. } => robust_variance(residuals),
                _ => residuals.iter().map(|r| r * r).sum(),
            }
    }

    /// Whether the data have proved to be next to free of noise.
    pub(crate) fn is_clean(&self) -> bool {
        let low = self.smoothing.noise.is_some_and(|noise| noise < CLEAN);
        low && self.is_telling() && !self.loss.is_classification()
    }

    /// Whether there are observations enough for what is left over to say something of the noise.
    fn is_telling(&self) -> bool {
        self.smoothing.effective.is_some_and(|effective| effective <= TELLING * self.observed() as f64)
    }

    /// Learns from the data how noisy they are and how many parameters they determine, with the prior as it is. None
    /// where they do not say.
    pub(crate) fn measure_noise(&mut self, cancelled: &dyn Fn() -> bool) -> Result<Option<Found>, Halt> {
        let (rows, residuals) = self.linearise(cancelled)?;
        let evidence = Evidence {
            rows: &rows,
            residuals: &residuals,
            prior: &self.prior,
            observations: self.observed(),
            noise: match self.loss {
                Loss::Huber { .. } => Some(robust_variance(&residuals)),
                _ => self.loss.is_classification().then_some(LIKELIHOOD),
            },
        };
        let found = evidence.evaluate(&self.theta);
        if let Some(Found { noise, effective, .. }) = found {
            (self.smoothing.noise, self.smoothing.effective) = (Some(noise * self.halves()), Some(effective));
        }
        Ok(found)
    }
}

/// The variance of residuals, which are scaled by the root of their number, from the median of their sizes: outliers, for
/// which Huber's loss is there, are no noise. For normal residuals the median is 1/1.4826 of the deviation.
fn robust_variance(residuals: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = residuals.iter().map(|r| r.abs()).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    let median = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
    (1.4826 * median).powi(2) * residuals.len() as f64
}

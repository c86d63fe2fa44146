//! Several first parameters for one network: a short fit from each, and the best goes on. Small networks have poor
//! local minima, and a start on a coarse grid costs milliseconds.

use crate::batches::{Batches, Block, Plan};
use crate::error::TrainError;
use crate::memory::probe;
use crate::observer::Observer;
use crate::options::FitOptions;
use crate::report::{Phase, Progress};
use crate::resolve::LmCost;
use crate::run::initial_smoothing;
use crate::side_by_side::{Waiting, side_by_side};
use crate::solver::{Halt, Smoothing, Solver, SolverRows};
use kanode_engine::Real;
use kanode_network::{Network, Smoothness};
use kanode_optim::StepOutcome;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// 2⁶⁴ by the golden ratio: its multiples are evenly spread.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
/// Steps of Levenberg–Marquardt from each start, at most.
pub(crate) const STEPS: usize = 40;
/// Rows that starts are compared on: at least so many, and so many for each parameter. They tell valleys apart; the
/// fit that follows has all.
const ROWS: (usize, usize) = (2000, 4);
/// Least strength of the prior while starts are compared: a poor start is no reason to bend edges.
const LEAST_LAMBDA: f64 = 1e-8;

/// Gives the network the best of its own parameters and `options.starts - 1` others, each after a short fit, and says
/// which prior to go on with. Keeps what it has when it is cancelled. Starts run on at most so many threads, and each that is
/// done is told; which one is the best does not depend on the threads.
///
/// Where the prior is to be found from the data, the starts have next to none at first. If their best leaves next to no
/// noise, counted against the parameters that it needed, and these are few enough for that to say something, the data are
/// clean: the fit goes on from it, with a prior on the fourth derivative, which leaves cubic pieces alone. If not, the
/// starts are repeated with a strong prior on curvature, whose limit is the linear model.
pub(crate) fn choose_start<T: Real>(
    network: &mut Network<T>,
    training: &Block<T>,
    options: &FitOptions,
    threads: usize,
    observer: &mut dyn Observer<T>,
) -> Result<Smoothing, TrainError> {
    let asked = initial_smoothing(options, network);
    let plan = Plan { size: sample_of(training.rows, network), shuffle: true, seed: options.shuffle_seed };
    let rows = Arc::new(SolverRows::of(&Batches::new(training, plan).get(0, 0)));
    let threads = side_by_side_of(network, rows.rows, options, threads);
    let mut contest = Contest::new(rows, options, threads, observer);
    if !asked.adaptive {
        let prior = Smoothness { lambda: asked.prior.lambda.max(LEAST_LAMBDA), ..asked.prior };
        if let Some(best) = contest.best(network, Smoothing::fixed(prior))? {
            network.parameters_mut().copy_from_slice(&best.parameters);
        }
        return Ok(asked);
    }
    let weak = Smoothness { lambda: LEAST_LAMBDA, ..Smoothing::SEARCH.prior };
    if let Some(mut best) = contest.best(network, Smoothing { prior: weak, ..asked })? {
        let is_clean = match best.solver.measure_noise(&|| contest.cancelled()) {
            Ok(_) => best.solver.is_clean(),
            Err(Halt::Cancelled) => return Ok(asked),
            Err(Halt::Engine(error)) => return Err(error.into()),
        };
        if is_clean {
            network.parameters_mut().copy_from_slice(&best.parameters);
            return Ok(Smoothing { noise: best.solver.smoothing.noise, ..Smoothing::CLEAN });
        }
    }
    if let Some(best) = contest.best(network, asked)? {
        network.parameters_mut().copy_from_slice(&best.parameters);
    }
    Ok(asked)
}

/// Rows that starts are compared on, of so many.
fn sample_of<T: Real>(rows: usize, network: &Network<T>) -> usize {
    rows.min(ROWS.0.max(ROWS.1.saturating_mul(network.parameter_count())))
}

/// How many of so many threads starts on so many rows should have: one, unless a start is long and there is memory for a
/// system of each that is on its way.
fn side_by_side_of<T: Real>(
    network: &Network<T>,
    rows: usize,
    options: &FitOptions,
    threads: usize,
) -> usize {
    let cost = LmCost::of(network, rows, None);
    let most = threads.min(options.starts.unwrap_or(1));
    let has_room = || probe::<f64>("the systems of starts", cost.numbers().saturating_mul(most)).is_ok();
    if cost.is_worth_a_thread() && has_room() { most } else { 1 }
}

/// A start after its fit.
struct Start<T> {
    index: usize,
    parameters: Vec<T>,
    objective: f64,
    solver: Solver,
}

/// Starts on their way, and who hears of them.
struct Contest<'a, T: Real> {
    rows: Arc<SolverRows>,
    options: &'a FitOptions,
    threads: usize,
    observer: &'a mut dyn Observer<T>,
    /// The lowest objective so far, of equals the first.
    best: Option<Start<T>>,
    /// What ended it early.
    halt: Option<Halt>,
    /// Starts that have ended.
    done: u64,
    began: Instant,
}

impl<'a, T: Real> Contest<'a, T> {
    fn new(
        rows: Arc<SolverRows>,
        options: &'a FitOptions,
        threads: usize,
        observer: &'a mut dyn Observer<T>,
    ) -> Self {
        Self { rows, options, threads, observer, best: None, halt: None, done: 0, began: Instant::now() }
    }

    /// The start that reaches the lowest objective; None if it was cancelled or none moved.
    fn best(&mut self, network: &Network<T>, smoothing: Smoothing) -> Result<Option<Start<T>>, TrainError> {
        (self.best, self.done) = (None, 0);
        let (rows, options) = (Arc::clone(&self.rows), self.options);
        let job = |index: usize, cancelled: &dyn Fn() -> bool| {
            attempt(network, &rows, options, smoothing, index, cancelled)
        };
        side_by_side(self.threads, self.starts(), job, self);
        match self.halt.take() {
            None => Ok(self.best.take()),
            Some(Halt::Cancelled) => Ok(None),
            Some(Halt::Engine(error)) => Err(error.into()),
        }
    }

    fn starts(&self) -> usize {
        self.options.starts.unwrap_or(1)
    }
}

impl<T: Real> Waiting<Result<Option<Start<T>>, Halt>> for Contest<'_, T> {
    fn cancelled(&self) -> bool {
        self.observer.cancelled()
    }

    fn heard(&mut self, found: Result<Option<Start<T>>, Halt>) -> ControlFlow<()> {
        match found {
            Ok(start) => {
                let key = |start: &Start<T>| (start.objective, start.index);
                if let Some(start) = start
                    && self.best.as_ref().is_none_or(|best| key(&start) < key(best))
                {
                    self.best = Some(start);
                }
                self.done += 1;
                self.observer.on_progress(&Progress {
                    phase: Phase::Starts,
                    step: 0,
                    epoch: 0,
                    batch: self.done,
                    batches: self.starts() as u64,
                    loss: self.best.as_ref().map_or(f64::NAN, |best| best.objective),
                    seconds: self.began.elapsed().as_secs_f64(),
                });
                ControlFlow::Continue(())
            }
            Err(halt) => {
                self.halt = Some(halt);
                ControlFlow::Break(())
            }
        }
    }
}

/// A short fit from the parameters of `network`, or from others with a later index. None if it never moved.
fn attempt<T: Real>(
    network: &Network<T>,
    rows: &Arc<SolverRows>,
    options: &FitOptions,
    smoothing: Smoothing,
    index: usize,
    cancelled: &dyn Fn() -> bool,
) -> Result<Option<Start<T>>, Halt> {
    let mut candidate = network.clone();
    if index > 0 {
        // Seeds far from each other, so that models of neighbouring seeds share no start.
        let seed = candidate.specification().seed.wrapping_add(SPREAD.wrapping_mul(index as u64));
        let drawn = candidate.drawn(seed);
        candidate.parameters_mut().copy_from_slice(&drawn);
    }
    let mut solver = Solver::new(&candidate, rows, options.loss, &options.optimizer(), smoothing);
    let mut reached = None;
    for _ in 0..STEPS {
        let step = solver.step(cancelled)?;
        if step.outcome != StepOutcome::Accepted {
            break;
        }
        reached = Some(step.objective);
    }
    Ok(reached.map(|objective| {
        solver.unpack(candidate.parameters_mut());
        Start { index, parameters: candidate.parameters().to_vec(), objective, solver }
    }))
}

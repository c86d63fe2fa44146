//! The state of a search: what has been found, how much work is left, and when to stop. Branches of a search run beside
//! each other, each with a share of the work; their results are taken as if they had run one after the other.

use super::Progress;
use crate::expression::{Expression, Function, Node};
use crate::front::{Archive, Candidate, Description};
use crate::model::{LevenbergMarquardt, Model, error_of, refine};
use crate::sample::Sample;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Candidates that a search keeps.
const ROOM: usize = 40;
/// Multiplications that count as an evaluation: a formula of five constants fitted to 400 rows takes about as many.
pub(crate) const EVALUATION: f64 = 2e6;
/// Rows that a candidate is fitted to before it is known to be worth more.
const TRIAL: usize = 400;
/// Bits behind the worst kept candidate from which on a fit is not carried on.
const HOPELESS: f64 = 200.0;
/// Evaluations that are still spent once a short formula has reached the noise of the data, or a long one is exact; and
/// once one of many constants is exact, which is hardly a law.
const AFTERWARDS: f64 = 600.0;
const BEYOND_CHANCE: f64 = 3000.0;
/// Most constants of a formula that is fitted however far it is off.
const FEW: usize = 8;
/// Length up to which an exact formula ends the search at once.
const LONG: f64 = 22.0;
/// Most constants of a short formula.
const SHORT: usize = 5;

/// What formulas may be like.
#[derive(Clone, Copy)]
pub(super) struct Allowed<'a> {
    pub(super) functions: Option<&'a [Function]>,
    pub(super) complexity: Option<f64>,
}

impl Allowed<'_> {
    pub(super) fn admits(&self, expression: &Expression) -> bool {
        let mut admitted = self.complexity.is_none_or(|most| expression.complexity() <= most);
        if let Some(functions) = self.functions {
            expression.walk(|part| {
                if let Node::Call(function, _) = part.node() {
                    admitted &= functions.contains(function);
                }
            });
        }
        admitted
    }
}

/// What all branches of a search share.
pub(super) struct Shared<'a> {
    pub(super) sample: &'a Sample,
    /// Its variance as a part of that of all rows; for progress alone.
    pub(super) unit: f64,
    /// A few of its rows.
    pub(super) trial: Sample,
    pub(super) description: Description,
    pub(super) allowed: Allowed<'a>,
    pub(super) cancelled: &'a (dyn Fn() -> bool + Sync),
    pub(super) progress: &'a (dyn Fn(&Progress) + Sync),
    /// Evaluations of all branches, those whose results are not used included; for progress alone.
    pub(super) evaluations: AtomicU64,
    /// The fewest bits that progress has told of.
    pub(super) told: Mutex<Option<f64>>,
}

impl<'a> Shared<'a> {
    pub(super) fn trial_of(sample: &Sample) -> Sample {
        sample.thinned(TRIAL, 0)
    }
}

/// A branch among others: it is not needed once one before it has found an exact formula.
struct Lane<'a> {
    first: &'a AtomicUsize,
    index: usize,
    outer: Option<&'a Lane<'a>>,
}

impl Lane<'_> {
    fn is_needed(&self) -> bool {
        self.first.load(SeqCst) >= self.index && self.outer.is_none_or(Lane::is_needed)
    }
}

/// A search, or a branch of one.
pub(super) struct Search<'a> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) archive: Archive,
    /// Whether the data have noise.
    pub(super) noisy: bool,
    /// The part of the variance that is noise, if that could be told.
    noise: Option<f64>,
    spent: f64,
    budget: f64,
    /// Evaluations to which it was shortened; infinite if it was not.
    shortened: f64,
    pub(super) deadline: Option<Instant>,
    lane: Option<&'a Lane<'a>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(shared: &'a Shared<'a>, noise: Option<f64>, noisy: bool, budget: f64) -> Self {
        Self {
            shared,
            archive: Archive::new(ROOM),
            noisy,
            noise,
            spent: 0.0,
            budget,
            shortened: f64::INFINITY,
            deadline: None,
            lane: None,
        }
    }

    /// The same search for another kind of law: it keeps what it has found and goes on to so many evaluations in all.
    pub(super) fn next(
        self,
        noise: Option<f64>,
        noisy: bool,
        budget: f64,
        deadline: Option<Instant>,
    ) -> Self {
        let mut next = Self { noise, noisy, budget, deadline, shortened: f64::INFINITY, ..self };
        next.shorten();
        next
    }

    /// Whether nothing more is to be tried.
    pub(super) fn done(&self) -> bool {
        self.spent >= self.budget
            || self.is_settled()
            || (self.shared.cancelled)()
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
            || self.lane.is_some_and(|lane| !lane.is_needed())
    }

    /// Whether an exact formula of few constants was found. One of many may be an approximation that rounding hides.
    pub(super) fn has_exact(&self) -> bool {
        self.archive.candidates().iter().any(Candidate::is_exact)
    }

    /// Whether such a formula is short. For a long one the search goes on for a while: it may be a roundabout form of
    /// something shorter.
    fn is_settled(&self) -> bool {
        self.archive.candidates().iter().any(|one| one.is_exact() && one.complexity <= LONG)
    }

    /// Whether a short formula leaves no more than the noise of the data.
    pub(super) fn is_explained(&self) -> bool {
        let rows = self.shared.sample.rows() as f64;
        let slack = 1.0 + 4.0 * (2.0 / rows).sqrt();
        let most = self.noise.map(|noise| noise * slack);
        let is_short = |one: &&Candidate| one.model.free() <= SHORT;
        let mut short = self.archive.candidates().iter().filter(is_short);
        most.is_some_and(|most| short.any(|one| one.error < most))
    }

    /// Shortens the search once a short formula has reached the noise of the data, or an exact one was found.
    fn shorten(&mut self) {
        let candidates = self.archive.candidates();
        let more = if self.is_explained() || candidates.iter().any(Candidate::is_exact) {
            AFTERWARDS
        } else if candidates.iter().any(Candidate::meets_all) {
            BEYOND_CHANCE
        } else {
            return;
        };
        if more < self.shortened {
            self.shortened = more;
            self.budget = self.budget.min(self.spent + more);
        }
    }

    /// Evaluations so far.
    pub(super) fn spent(&self) -> f64 {
        self.spent
    }

    /// Evaluations that are left.
    pub(super) fn left(&self) -> f64 {
        (self.budget - self.spent).max(0.0)
    }

    /// Counts the work of a search of its own.
    pub(super) fn spend_evaluations(&mut self, evaluations: f64) {
        let whole = (self.spent + evaluations).floor() - self.spent.floor();
        self.shared.evaluations.fetch_add(whole as u64, SeqCst);
        self.spent += evaluations;
    }

    /// Counts work by its multiplications.
    pub(super) fn spend(&mut self, multiplications: f64) {
        self.spend_evaluations(multiplications / EVALUATION);
    }

    /// Counts a regression of so many columns on so many rows.
    pub(super) fn spend_regression(&mut self, columns: usize, rows: usize) {
        self.spend(2.0 * (columns * columns * rows) as f64);
    }

    /// Fits a formula with constants to the data and keeps it if it is good.
    pub(super) fn offer(&mut self, skeleton: Expression, values: &[f64], steps: usize) {
        if values.iter().any(|value| !value.is_finite()) || !self.archive.is_new(&skeleton) {
            return;
        }
        let mut model = Model::with_values(skeleton, values);
        if !model.skeleton().is_finite() || !self.shared.allowed.admits(model.skeleton()) {
            return;
        }
        let Shared { sample, trial, description, .. } = self.shared;
        let trials = error_of(&model, trial);
        self.count(trial.rows(), model.free(), 1);
        if !trials.is_finite() {
            return;
        }
        let worst = self.archive.worst();
        let hopeless = |model: &Model, error: f64| description.bits(model, error) > worst + HOPELESS;
        if trials > 1e-26 {
            // A short law of clean data may be far off before its constants are fitted.
            let doubtful = self.noisy || model.free() > FEW;
            let few = if doubtful && hopeless(&model, trials) { 3 } else { steps };
            let error = refine(&mut model, trial, LevenbergMarquardt { steps: few });
            self.count(trial.rows(), model.free(), few);
            if hopeless(&model, error) || !error.is_finite() {
                return;
            }
        }
        let error = if sample.rows() > trial.rows() {
            self.count(sample.rows(), model.free(), 4);
            refine(&mut model, sample, LevenbergMarquardt { steps })
        } else {
            error_of(&model, sample)
        };
        self.keep(model, error);
    }

    fn keep(&mut self, model: Model, error: f64) {
        if !error.is_finite() {
            return;
        }
        let candidate = Candidate::new(model, error, self.shared.description);
        let leads = self.archive.candidates().first().is_none_or(|best| candidate.bits < best.bits);
        if leads {
            self.tell(&candidate);
        }
        self.archive.add(candidate);
        self.shorten();
    }

    /// Tells of a candidate that leads this branch, if it leads all of them.
    fn tell(&self, best: &Candidate) {
        let mut told = self.shared.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|least| least <= best.bits) {
            return;
        }
        *told = Some(best.bits);
        let evaluations = self.shared.evaluations.load(SeqCst) as f64;
        let error = best.error * self.shared.unit;
        let progress = Progress { evaluations, formula: best.model.expression(), error };
        (self.shared.progress)(&progress);
    }

    /// Counts the steps of a fit.
    fn count(&mut self, rows: usize, constants: usize, steps: usize) {
        self.spend((rows * (constants + 4) * steps * 30) as f64);
    }

    /// Runs branches, each with its part of the work that is left, and takes what they find up to the first that finds an
    /// exact formula.
    pub(super) fn branch<T: Send>(
        &mut self,
        branches: Vec<(f64, T)>,
        run: impl for<'b> Fn(&mut Search<'b>, T) + Sync,
    ) {
        let left = self.left();
        let first = AtomicUsize::new(usize::MAX);
        let outer = self.lane;
        let (shared, noise, noisy, deadline) = (self.shared, self.noise, self.noisy, self.deadline);
        let found: Vec<Option<(Archive, f64, bool)>> = branches
            .into_par_iter()
            .enumerate()
            .map(|(index, (part, task))| {
                let lane = Lane { first: &first, index, outer };
                if !lane.is_needed() {
                    return None;
                }
                let budget = left * part;
                let mut search =
                    Search { lane: Some(&lane), deadline, ..Search::new(shared, noise, noisy, budget) };
                run(&mut search, task);
                let exact = search.is_settled();
                if exact {
                    first.fetch_min(index, SeqCst);
                }
                Some((search.archive, search.spent, exact))
            })
            .collect();
        for (archive, spent, exact) in found.into_iter().flatten() {
            self.spent += spent;
            archive.candidates().iter().for_each(|candidate| self.archive.add(candidate.clone()));
            if exact {
                break;
            }
        }
        self.shorten();
    }
}

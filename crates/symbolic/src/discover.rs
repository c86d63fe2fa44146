//! From data to a formula: a search over structures, without a network.
//!
//! A law is sought as `T⁻¹` of something simple, for a dozen transforms T of the target: a polynomial, a quotient of
//! polynomials, a family of functions of one variable, one or two functions of sums of powers, products and quotients with
//! any constants inside, or a sum of a few terms of a dictionary. Reductions make problems smaller first. All candidates are fitted to the untransformed target with all their constants, and judged by the
//! length of their description.

mod additive;
mod approximate;
mod curve;
mod dictionary;
mod features;
mod freed;
mod noise;
mod polynomial;
mod powers;
mod problem;
mod product;
mod rational;
mod reduce;
mod ridge;
mod screen;
mod search;
mod simple;
mod solve;
mod subsets;
mod surrogate;
#[cfg(test)]
pub(crate) mod testing;
mod transform;

pub use approximate::approximate;
pub(crate) use screen::columns as important_columns;
pub(crate) use search::EVALUATION;

use crate::expression::{Expression, Function};
use crate::families::{Family, default_families};
use crate::front::{Candidate, Description, Front, finish, variants};
use crate::model::Model;
use crate::sample::Sample;
use problem::Problem;
use search::{Allowed, Search, Shared};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rows that the search works on, and that its finalists are fitted to in all their forms.
const ROWS: usize = 2000;
const FINAL_ROWS: usize = 10_000;
/// Candidates that are fitted in all their forms at the end: of clean data, and of noisy data.
const FINALISTS: (usize, usize) = (4, 12);
/// Part of the work, and of the time, that the search for an exact law gets before one for a noisy law: where the data
/// look clean, where they look noisy, and where one can't tell.
const CLEAN_SHARES: [f64; 3] = [0.85, 0.1, 0.4];

/// Part of the time for the search; the rest is for the last fits.
const SEARCHING: f64 = 0.9;

/// How long and for what to search.
#[derive(Clone)]
pub struct SearchOptions {
    /// Work to be done at most, in fits of a formula of five constants to 400 rows.
    pub evaluations: f64,
    /// Time after which the search ends with what it has.
    pub time: Option<Duration>,
    /// Families of functions of one variable.
    pub families: Arc<[Box<dyn Family>]>,
    /// Functions that formulas may have; all if none are given. Roots are powers.
    pub functions: Option<Vec<Function>>,
    /// Length that formulas may have at most.
    pub complexity: Option<f64>,
    /// Which rows are looked at where there are too many for all.
    pub seed: u64,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            evaluations: 20_000.0,
            time: None,
            families: default_families().into(),
            functions: None,
            complexity: None,
            seed: 0,
        }
    }
}

impl SearchOptions {
    fn allowed(&self) -> Allowed<'_> {
        Allowed { functions: self.functions.as_deref(), complexity: self.complexity }
    }

    /// Whether a formula may be found.
    pub(crate) fn admits(&self, formula: &Expression) -> bool {
        self.allowed().admits(formula)
    }
}

/// How far a search is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Evaluations so far.
    pub evaluations: f64,
    /// The best formula so far.
    pub formula: Expression,
    /// The part of the variance that it leaves unexplained.
    pub error: f64,
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchEnd {
    /// It found an exact law.
    Exact,
    /// There is nothing left to try.
    Complete,
    /// The evaluations are used up.
    Budget,
    /// The time is used up.
    Time,
    /// It was cancelled.
    Cancelled,
}

/// What a search found.
pub struct Discovery {
    /// Candidates of which none is both shorter and more accurate than another.
    pub front: Front,
    /// Evaluations that were done.
    pub evaluations: f64,
    /// Why it ended.
    pub ended: SearchEnd,
}

/// Searches for a law of the sample. The result does not depend on the number of threads of the pool that it runs in,
/// unless time or `cancelled` ends it.
pub(crate) fn discover(
    sample: &Sample,
    options: &SearchOptions,
    cancelled: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn(&Progress) + Sync),
) -> Discovery {
    let few = sample.thinned(ROWS, options.seed);
    let begun = Instant::now();
    let deadline = options.time.map(|time| begun + time.mul_f64(SEARCHING));
    let late = late(begun, options, cancelled);
    let unit = if sample.variance() > 0.0 { few.variance() / sample.variance() } else { 1.0 };
    let shared =
        Shared { unit, ..shared(&few, Description::of_exact(few.rows()), options, cancelled, progress) };
    let problem = whole(&few.with_columns(&screen::columns(&few)));
    let noise = noise::estimate(&problem.columns, &few);
    let share = clean_share(&noise, few.rows());
    let mut search = Search::new(&shared, None, false, options.evaluations);
    search.offer(features::constant(0), &[problem::moments(&problem.y).0], 10);
    let simple = if few.is_constant() { Vec::new() } else { simple::laws(&problem) };
    simple.iter().for_each(|(law, values)| search.offer(law.clone(), values, 20));
    if !few.is_constant() {
        let soon = options.time.map(|time| begun + time.mul_f64(SEARCHING * share));
        search = search.next(None, false, options.evaluations * share, soon);
        solve::solve(&mut search, &problem, &options.families, 0);
        if !search.has_exact() && few.rows() >= noise::FEWEST {
            search = search.next(noise.level, true, options.evaluations, deadline);
            solve::solve(&mut search, &problem, &options.families, 0);
        }
    }
    let over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let finalists = if search.has_exact() { FINALISTS.0 } else { FINALISTS.1 };
    let all = sample.thinned(FINAL_ROWS, options.seed);
    let description = Description::of_exact(all.rows());
    let admits = |formula: &Expression| options.admits(formula);
    let front = finish(&search.archive, &all, description, finalists, &admits, &late);
    let simple = simple
        .iter()
        .take_while(|_| !late())
        .flat_map(|(law, values)| variants(&Model::with_values(law.clone(), values), &all, description));
    let simple = simple.filter(|one| admits(&one.model.expression()));
    let front = Front::of(front.iter().flat_map(Front::candidates).cloned().chain(simple));
    let front = match front {
        Some(front) if all.rows() < sample.rows() => front.on_all(sample, description, &late),
        front => front,
    };
    let front = front.unwrap_or_else(|| trivial(sample, description));
    // Rows that the search did not look at may speak against a law.
    let exact = search.has_exact() && front.candidates().iter().any(Candidate::is_exact);
    let ended = match (exact, cancelled(), over) {
        (true, ..) => SearchEnd::Exact,
        (_, true, _) => SearchEnd::Cancelled,
        (.., true) => SearchEnd::Time,
        _ if search.spent() >= options.evaluations => SearchEnd::Budget,
        _ => SearchEnd::Complete,
    };
    Discovery { front, evaluations: search.spent(), ended }
}

/// What the branches of a search of a sample share.
fn shared<'a>(
    sample: &'a Sample,
    description: Description,
    options: &'a SearchOptions,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    progress: &'a (dyn Fn(&Progress) + Sync),
) -> Shared<'a> {
    Shared {
        trial: Shared::trial_of(sample),
        description,
        sample,
        unit: 1.0,
        allowed: options.allowed(),
        cancelled,
        progress,
        evaluations: Default::default(),
        told: Default::default(),
    }
}

/// The problem to explain the targets of a sample by all its columns.
fn whole(sample: &Sample) -> Problem {
    Problem {
        columns: sample.columns().to_vec(),
        parts: sample.names().iter().map(|name| Expression::variable(name)).collect(),
        y: sample.y().to_vec(),
        outer: Vec::new(),
    }
}

/// The part for an exact law: all of it where there are too few rows to search for a noisy one.
fn clean_share(noise: &noise::Estimate, rows: usize) -> f64 {
    match (rows < noise::FEWEST, noise.is_clean, noise.is_noisy) {
        (true, ..) => 1.0,
        (_, true, _) => CLEAN_SHARES[0],
        (.., true) => CLEAN_SHARES[1],
        _ => CLEAN_SHARES[2],
    }
}

/// Whether the time for the last fits is over as well.
fn late(
    begun: Instant,
    options: &SearchOptions,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> impl Fn() -> bool + Sync {
    let deadline = options.time.map(|time| begun + time);
    move || cancelled() || deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// The mean of the targets, for data that nothing else was found for.
fn trivial(sample: &Sample, description: Description) -> Front {
    let mean = problem::moments(sample.y()).0;
    let model = Model::of(&Expression::real(mean));
    let error = crate::model::error_of(&model, sample);
    Front::single(Candidate::new(model, error, description))
}

#[cfg(test)]
mod tests {
    use super::testing::{sample, texts};
    use super::*;

    fn best(text: &str, ranges: &[(f64, f64)], rows: usize, level: f64) -> String {
        let found =
            discover(&sample(text, ranges, rows, level), &SearchOptions::default(), &|| false, &|_| {});
        let best = &found.front.candidates()[found.front.best()];
        format!("{:?}", best.model.expression())
    }

    #[test]
    fn laws_of_clean_data_are_found_with_their_constants() {
        for (text, ranges, rows) in [
            ("2*x^3 - x*y + y^2/3 + 5*y", &[(-1.0, 2.0); 2][..], 30),
            ("x*y/(4*pi*z^2)", &[(1.0, 5.0); 3], 300),
            ("(3*x + 2)/(x^2 + 5)", &[(-3.0, 3.0)], 20),
            ("sqrt(x^2 + y^2)*z", &[(1.0, 3.0); 3], 400),
        ] {
            let names: Vec<Arc<str>> =
                ["x", "y", "z"][..ranges.len()].iter().map(|name| Arc::from(*name)).collect();
            let law = crate::Formula::parse(text, Some(&names)).unwrap();
            let found = crate::Formula::parse(&best(text, ranges, rows, 0.0), Some(&names)).unwrap();
            let point = [1.7, 2.3, 2.9];
            let (value, expected) =
                (found.evaluate_point(&point[..ranges.len()]), law.evaluate_point(&point[..ranges.len()]));
            assert!((value - expected).abs() < 1e-12 * expected.abs(), "{text}: {found}");
        }
    }

    #[test]
    fn a_law_under_noise_is_found_with_exact_constants() {
        assert_eq!(best("x*y^2/2", &[(1.0, 3.0); 2], 500, 0.01), "x*y^2/2");
    }

    #[test]
    fn progress_tells_of_nothing_worse_than_before() {
        let data = sample("sin(x*y) + z/x", &[(1.0, 3.0); 3], 300, 0.001);
        let options = SearchOptions { evaluations: 400.0, ..SearchOptions::default() };
        let told = std::sync::Mutex::new(Vec::new());
        let progress = |progress: &Progress| {
            let model = Model::of(&progress.formula);
            let candidate = Candidate::new(model, progress.error, Description::of_exact(data.rows()));
            told.lock().unwrap().push(candidate.bits);
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let _ = pool.install(|| discover(&data, &options, &|| false, &progress));
        let told = told.into_inner().unwrap();
        assert!(told.len() > 1 && told.is_sorted_by(|before, after| before >= after), "{told:?}");
    }

    #[test]
    fn few_rows_are_explained_by_what_is_simple() {
        let found = |x: &[f64], y: &[f64]| {
            let sample = Sample::new(vec![Arc::from("x")], vec![x.to_vec()], y.to_vec(), None).unwrap();
            discover(&sample, &SearchOptions::default(), &|| false, &|_| {})
        };
        let best = |found: &Discovery| {
            let best = &found.front.candidates()[found.front.best()];
            (format!("{:?}", best.model.expression()), best.is_exact())
        };
        let three = [1.0, 2.0, 3.0];
        let straight = found(&three, &[2.0, 4.0, 6.0]);
        assert_eq!((best(&straight), straight.ended), (("2*x".to_owned(), true), SearchEnd::Exact));
        assert_eq!(best(&found(&three, &[1.0, 4.0, 9.0])), ("x^2".to_owned(), true));
        // A power law with noise.
        let five = found(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.02, 2.8, 5.22, 7.95, 11.2]);
        assert!(!best(&five).1 && five.ended != SearchEnd::Exact, "{:?}", best(&five));
        let formula = &five.front.candidates()[five.front.best()];
        assert!(formula.model.free() <= 2 && formula.complexity < 10.0, "{:?}", best(&five));
        // Nothing but noise.
        let noise = crate::testing::noise(3, 10);
        let pure = found(&crate::testing::uniform(4, 10), &noise);
        let formula = &pure.front.candidates()[pure.front.best()];
        assert!(!formula.is_exact() && formula.complexity < 12.0, "{:?}", best(&pure));
    }

    #[test]
    fn a_constant_target_is_told_once() {
        let sample =
            Sample::new(vec![Arc::from("x")], vec![vec![1.0, 2.0, 3.0, 4.0]], vec![7.0; 4], None).unwrap();
        let found = discover(&sample, &SearchOptions::default(), &|| false, &|_| {});
        let texts: Vec<String> =
            found.front.candidates().iter().map(|one| format!("{:?}", one.model.expression())).collect();
        assert_eq!(texts, ["7"]);
    }

    #[test]
    fn few_rows_get_all_of_the_work() {
        let unsure = noise::Estimate { level: None, is_noisy: false, is_clean: false };
        let shares = [noise::FEWEST - 1, noise::FEWEST].map(|rows| clean_share(&unsure, rows));
        assert_eq!(shares, [1.0, CLEAN_SHARES[2]]);
    }

    /// Many rows of a law, and the same with another target in one that neither the search nor the last fit in all forms
    /// looks at.
    fn outlying(level: f64) -> (Sample, Sample) {
        let many = sample("x*y + 1", &[(1.0, 3.0); 2], 12_000, level);
        let all = many.thinned(FINAL_ROWS, 0);
        let seen = |row: &usize| all.columns()[0].contains(&many.columns()[0][*row]);
        let row = (0..many.rows()).find(|row| !seen(row)).unwrap();
        let mut y = many.y().to_vec();
        y[row] += 1e4;
        let outlying = Sample::new(many.names().to_vec(), many.columns().to_vec(), y, None).unwrap();
        (many, outlying)
    }

    #[test]
    fn a_law_is_exact_on_all_rows_or_not_at_all() {
        let (clean, outlying) = outlying(0.0);
        let ended = |sample: &Sample| discover(sample, &SearchOptions::default(), &|| false, &|_| {}).ended;
        assert_eq!((ended(&clean), ended(&outlying)), (SearchEnd::Exact, SearchEnd::Complete));
    }

    #[test]
    fn errors_are_those_of_all_rows() {
        let (few, outlying) = outlying(0.01);
        let told = std::sync::Mutex::new(Vec::new());
        let options = SearchOptions { evaluations: 200.0, ..SearchOptions::default() };
        let progress = |progress: &Progress| told.lock().unwrap().push(progress.error * outlying.variance());
        let found = discover(&outlying, &options, &|| false, &progress);
        for candidate in found.front.candidates() {
            let error = (candidate.error * outlying.variance()).sqrt();
            let expected = crate::model::root_mean_square(&candidate.model, &outlying).unwrap();
            assert!((error / expected - 1.0).abs() < 1e-9, "{error} {expected}");
        }
        // Progress tells errors on the rows of the search.
        assert!(told.into_inner().unwrap().into_iter().all(|error| error < 1.1 * few.variance()));
    }

    #[test]
    fn fronts_are_the_same_for_any_number_of_threads() {
        let data = sample("sin(x*y) + z/x", &[(1.0, 3.0); 3], 300, 0.001);
        let options = SearchOptions { evaluations: 400.0, ..SearchOptions::default() };
        let search = || discover(&data, &options, &|| false, &|_| {}).front;
        assert_eq!(texts(1, search), texts(3, search));
    }
}

//! From data to a formula with the help of networks: where the search over structures stays short of what networks make
//! of rows that they were not trained on, small networks are read as formulas, and what the best of them gives at the
//! rows, which has no noise, is searched for structures once more. All formulas are on one front.

mod train;

use crate::discover::{self, Discovery, Progress, SearchEnd, SearchOptions, approximate, important_columns};
use crate::distil::{DistilOptions, Watch, distil, predicted};
use crate::fit::Noise;
use crate::front::{Candidate, Description, Front, variants};
use crate::model::error_of;
use crate::sample::Sample;
use std::time::{Duration, Instant};
use train::{Rows, Trained, trained, work};

/// Part of the evaluations, and of the time, that the search over structures may take where networks come after it.
const STRUCTURES: f64 = 0.75;
/// Fewest rows that networks are trained on, and most; and most on which their formulas are fitted.
const FEWEST: usize = 100;
const ROWS: usize = 1000;
const FINAL: usize = 3000;
/// Part of the target's variance below which what a formula leaves may not be noise.
const CLEAN: f64 = 1e-8;
/// Ratio of variances on rows not seen below which a network is better than a formula.
const BETTER: f64 = 0.95;
/// Evaluations that a fit of a network takes while its formula is sought.
const FIT: f64 = 5.0;
/// Part of what is left that the formula of each network may take, and the search for structures in what one gives.
const SHARE: f64 = 0.5;
/// Formulas of that search that are fitted to the data in all their forms.
const FINALISTS: usize = 4;

/// Searches for a law of the sample, in the data alone and in networks trained on them. The result does not depend on the
/// number of threads of the pool that it runs in, unless time or `cancelled` ends it.
pub(crate) fn discover(
    sample: &Sample,
    options: &SearchOptions,
    cancelled: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn(&Progress) + Sync),
) -> Discovery {
    if sample.rows() < FEWEST || sample.is_constant() {
        return discover::discover(sample, options, cancelled, progress);
    }
    let begun = Instant::now();
    let first = SearchOptions {
        evaluations: options.evaluations * STRUCTURES,
        time: options.time.map(|time| time.mul_f64(STRUCTURES)),
        ..options.clone()
    };
    let found = discover::discover(sample, &first, cancelled, progress);
    let mut search = Search { sample, options, cancelled, begun, spent: found.evaluations };
    if found.ended == SearchEnd::Exact || search.is_late() || search.left() < 1.0 {
        return found;
    }
    let before = found.front.candidates()[found.front.best()].bits;
    let more = search.formulas(&found.front);
    let front = search.joined(&found.front, more);
    let best = &front.candidates()[front.best()];
    if best.bits < before {
        let (formula, error) = (best.model.expression(), best.error);
        progress(&Progress { evaluations: search.spent, formula, error });
    }
    // What was cut short before is not complete because what came after it was.
    let ended = match search.end(best.is_exact()) {
        SearchEnd::Complete => found.ended,
        other => other,
    };
    Discovery { front, evaluations: search.spent, ended }
}

/// A search among networks.
struct Search<'a> {
    sample: &'a Sample,
    options: &'a SearchOptions,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    begun: Instant,
    spent: f64,
}

impl Search<'_> {
    fn time_left(&self) -> Option<Duration> {
        self.options.time.map(|time| time.saturating_sub(self.begun.elapsed()))
    }

    fn is_late(&self) -> bool {
        (self.cancelled)() || self.time_left().is_some_and(|left| left.is_zero())
    }

    /// Evaluations that are left.
    fn left(&self) -> f64 {
        (self.options.evaluations - self.spent).max(0.0)
    }

    /// Options for a part of what is left.
    fn part(&self) -> SearchOptions {
        SearchOptions {
            evaluations: SHARE * self.left(),
            time: self.time_left().map(|left| left.mul_f64(SHARE)),
            ..self.options.clone()
        }
    }

    fn end(&self, exact: bool) -> SearchEnd {
        match (exact, (self.cancelled)(), self.is_late()) {
            (true, ..) => SearchEnd::Exact,
            (_, true, _) => SearchEnd::Cancelled,
            (.., true) => SearchEnd::Time,
            _ if self.left() < 1.0 => SearchEnd::Budget,
            _ => SearchEnd::Complete,
        }
    }

    /// What networks have to add to a front.
    fn formulas(&mut self, front: &Front) -> Vec<Candidate> {
        let few = self.sample.thinned(FINAL, self.options.seed);
        let few = few.with_columns(&important_columns(&few));
        if few.columns().len() < 2 {
            // A network of one input is a curve.
            return Vec::new();
        }
        let rows = Rows::of(&few.thinned(ROWS, self.options.seed));
        let training = work(few.columns().len(), rows.seen.rows()) / discover::EVALUATION;
        if training > SHARE * self.left() {
            return Vec::new();
        }
        self.spent += training;
        let this: &Self = self;
        let networks = trained(&rows, &|| this.is_late());
        let Some(best) = networks.iter().min_by(|a, b| a.error.total_cmp(&b.error)) else {
            return Vec::new();
        };
        let formula = &front.candidates()[front.best()];
        let noisy = formula.error > CLEAN;
        if noisy && best.error > BETTER * error_of(&formula.model, &rows.unseen) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for network in &networks {
            found.extend(self.read(network, &few, &rows.unseen));
        }
        if noisy && !self.is_late() {
            found.extend(self.without_noise(best, &few));
        }
        found
    }

    /// The formulas of a network.
    fn read(&mut self, trained: &Trained, few: &Sample, unseen: &Sample) -> Vec<Candidate> {
        let part = self.part();
        let options = DistilOptions {
            families: part.families,
            budget: (part.evaluations / FIT) as usize,
            time: part.time,
            ..DistilOptions::default()
        };
        let mut watch = Watch { cancelled: self.cancelled, progress: &mut |_| {} };
        let Ok(found) = distil(&trained.network, few, Some(unseen), &options, &mut watch) else {
            return Vec::new();
        };
        self.spent += FIT * found.evaluations as f64;
        found.front.candidates().to_vec()
    }

    /// Structures of what a network gives at the rows, fitted to the data.
    fn without_noise(&mut self, trained: &Trained, few: &Sample) -> Vec<Candidate> {
        let Ok(smooth) = few.with_targets(predicted(&trained.network, few, 0)) else { return Vec::new() };
        let noise = Noise { floor: trained.error, observations: few.rows() as f64 };
        let part = self.part();
        let (front, spent) = approximate(&smooth, noise, &part, self.cancelled);
        self.spent += spent;
        let mut found = front.candidates().to_vec();
        found.sort_by(|a, b| a.bits.total_cmp(&b.bits));
        let description = Description::of_exact(few.rows());
        let on_data = found.iter().take(FINALISTS).take_while(|_| !self.is_late());
        on_data.flat_map(|one| variants(&one.model, few, description)).collect()
    }

    /// One front of all, judged by all rows.
    fn joined(&self, front: &Front, more: Vec<Candidate>) -> Front {
        let admitted = |one: &Candidate| self.options.admits(&one.model.expression());
        let description = Description::of_exact(self.sample.rows());
        let late = || self.is_late();
        let more = Front::of(more.into_iter().filter(admitted));
        let more = more.and_then(|more| more.on_all(self.sample, description, &late));
        let all = front.candidates().iter().chain(more.iter().flat_map(Front::candidates)).cloned();
        Front::of(all).unwrap_or_else(|| front.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::testing::{sample, texts};
    use crate::model::Model;

    /// What networks find where the search over structures has found nothing but the mean.
    fn beyond_the_mean(sample: &Sample) -> Vec<Candidate> {
        let options = SearchOptions::default();
        let mean = SearchOptions { evaluations: 0.0, ..options.clone() };
        let front = discover::discover(sample, &mean, &|| false, &|_| {}).front;
        let begun = Instant::now();
        Search { sample, options: &options, cancelled: &|| false, begun, spent: 0.0 }.formulas(&front)
    }

    #[test]
    fn networks_are_read_where_structures_stay_short() {
        let found = beyond_the_mean(&sample("exp(sin(pi*x) + y^2)", &[(-1.0, 1.0); 2], 400, 0.0));
        assert!(found.iter().any(Candidate::is_exact));
    }

    #[test]
    fn a_search_that_was_cut_short_is_not_complete() {
        let data = sample("tanh(sin(3*x) + abs(y - 0.3))", &[(-1.0, 1.0); 2], 200, 0.0);
        let few = SearchOptions { evaluations: 2000.0, ..SearchOptions::default() };
        assert_eq!(discover(&data, &few, &|| false, &|_| {}).ended, SearchEnd::Budget);
    }

    #[test]
    fn what_networks_give_without_the_noise_has_the_structure() {
        let data = sample("x*y^2 + 1/x", &[(0.5, 2.0); 2], 600, 0.1);
        let law = Model::of(&crate::testing::parsed("x*y^2 + 1/x"));
        let noise = error_of(&law, &data);
        let bits = |model: Model, error: f64| Candidate::new(model, error, Description::of_exact(600)).bits;
        let least = beyond_the_mean(&data).into_iter().map(|one| one.bits).fold(f64::INFINITY, f64::min);
        let expected = bits(law, noise);
        assert!(least <= expected + 1.0, "{least} {expected}");
    }

    #[test]
    fn fronts_are_the_same_for_any_number_of_threads() {
        let data = sample("tanh(sin(3*x) + abs(y - 0.3))", &[(-1.0, 1.0); 2], 200, 0.02);
        let options = SearchOptions { evaluations: 4000.0, ..SearchOptions::default() };
        let search = || discover(&data, &options, &|| false, &|_| {}).front;
        assert_eq!(texts(1, search), texts(3, search));
    }
}

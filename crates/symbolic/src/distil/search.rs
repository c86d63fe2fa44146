//! The beam over edges, what is undone of it, and the formulas that come of it.

use super::agreement::{agreements, observations, unexplained};
use super::chains::straightened;
use super::compose::{needed, output_formula};
use super::refit::{Observations, refit};
use super::state::{Scale, State};
use super::{DistilError, DistilOptions, DistilProgress, Distilled, Hybrid, Watch};
use crate::discover::SearchEnd;
use crate::expression::Expression;
use crate::families::{Family, family};
use crate::front::{Candidate, Description, Front, variants};
use crate::model::{Model, error_of};
use crate::sample::Sample;
use kanode_network::{EdgeId, Network, NetworkError};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

/// Rows of the search among networks, at least and for each parameter; and of that among forms of formulas, and of the
/// last fit of a network with splines.
const ROWS: usize = 600;
const PER_PARAMETER: usize = 6;
const FINAL: usize = 3_000;
/// Fully symbolic networks that become formulas.
const FINALISTS: usize = 4;
/// Bits by which a network with splines must be shorter than all formulas to be told of.
const HYBRID: f64 = 10.0;
/// Edges that nothing explains whose curve is searched by itself.
const CURVES: usize = 8;
/// Rounds of undoing.
const ROUNDS: usize = 2;
/// Relative error of a network below which its data count as clean.
const CLEAN: f64 = 1e-5;
/// By how much the error may grow where chains of edges are straightened.
const STRAIGHT: f64 = 30.0;
/// Grid intervals beyond which grids are not refined for that.
const FINEST: usize = 60;
/// What a network leaves unexplained of rows that it has not seen counts up to so many times what it leaves of its own,
/// or up to this part of the variance: more is not the error of its curves, but rows of another kind.
const FARTHER: f64 = 100.0;
const ACCURATE: f64 = 1e-4;
/// Steps that bring the network to its best on the rows.
const POLISH: usize = 10;

pub(super) struct Search<'a> {
    pub(super) network: &'a Network<f64>,
    /// Rows that formulas are found on, and all of them.
    sample: Sample,
    whole: &'a Sample,
    pub(super) options: &'a DistilOptions,
    pub(super) rows: Observations,
    pub(super) scale: Scale,
    /// The variance of the search's rows as a part of that of all.
    unit: f64,
    pub(super) noise: f64,
    description: Description,
    pub(super) evaluations: usize,
    /// Searches of single curves that may still be made: none before it is known what families alone lead to.
    pub(super) curves: usize,
    /// Whether an edge was met that nothing explains.
    pub(super) unexplained: bool,
    started: Instant,
    start: State,
    names: Vec<Arc<str>>,
    candidates: Vec<Candidate>,
    formulas: HashSet<Expression>,
    /// The best networks without splines, the best first.
    finished: Vec<State>,
    /// The best network that has functions and splines.
    partial: Option<State>,
}

/// The search is over before its end.
pub(super) struct Early(pub(super) SearchEnd);

impl<'a> Search<'a> {
    pub(super) fn new(
        network: &'a Network<f64>,
        sample: &'a Sample,
        validation: Option<&Sample>,
        options: &'a DistilOptions,
        watch: &Watch<'_>,
    ) -> Result<Self, DistilError> {
        let started = Instant::now();
        let over = || (watch.cancelled)() || options.time.is_some_and(|most| started.elapsed() >= most);
        let output = options.output;
        let whole = sample;
        let sample = sample.thinned(FINAL, 0);
        let most = ROWS.max(PER_PARAMETER * network.packing().len());
        let rows = observations(network, &sample, output).thinned(most);
        let variance = rows.variance();
        let before = refit(&mut network.clone(), &rows, 0) / variance;
        let (polished, error) = polished(network, &rows, before * variance, &over)?;
        let error = error / variance;
        if !error.is_finite() {
            return Err(DistilError::Nothing {
                reason: "the network has no finite value at one of the rows",
            });
        }
        let unseen = validation.and_then(|unseen| unseen.within(&sample));
        let unseen = unseen.map(|sample| unexplained(network, &sample, output));
        let most = (FARTHER * before).max(ACCURATE);
        let unseen = unseen.filter(|error| error.is_finite()).map(|error| error.min(most));
        let noise = options.noise.unwrap_or_else(|| unseen.unwrap_or(before).sqrt());
        let floor = (noise * noise).min(before).max(error).max(1e-24);
        let scale = Scale { rows: rows.y.len() as f64, variance, floor };
        let description = if error < CLEAN {
            Description::of_exact(sample.rows())
        } else {
            Description::of_noisy(sample.rows())
        };
        let unit = sample.variance() / whole.variance();
        let start = opened(polished, error, output);
        let names = sample.names().to_vec();
        Ok(Self {
            network,
            sample,
            whole,
            options,
            rows,
            scale,
            unit,
            noise,
            description,
            evaluations: 0,
            curves: 0,
            unexplained: false,
            started,
            partial: None,
            start,
            names,
            candidates: Vec::new(),
            formulas: HashSet::new(),
            finished: Vec::new(),
        })
    }

    pub(super) fn run(mut self, watch: &mut Watch<'_>) -> Result<Distilled, DistilError> {
        let ended = match self.explore(watch) {
            Ok(ended) => ended,
            Err(Early(ended)) => {
                self.settle();
                ended
            }
        };
        if self.candidates.is_empty() {
            self.settle();
        }
        let reason = "no network without splines was reached that has a finite value at all rows";
        let found = Front::of(std::mem::take(&mut self.candidates)).ok_or(DistilError::Nothing { reason })?;
        let late = || (watch.cancelled)() || self.is_late();
        let front = found.on_all(self.whole, self.description, &late);
        let front = front.ok_or(DistilError::Nothing { reason })?;
        let agreements = agreements(&front, self.network, self.whole, self.options.output);
        let best = &front.candidates()[front.best()];
        let hybrid = if best.is_exact() { None } else { self.hybrid(&late) };
        let hybrid = hybrid.filter(|hybrid| self.is_worth(hybrid, &best.model));
        Ok(Distilled { front, agreements, hybrid, evaluations: self.evaluations, ended })
    }

    fn explore(&mut self, watch: &mut Watch<'_>) -> Result<SearchEnd, Early> {
        self.follow_beam(watch)?;
        if self.conclude_finished(watch)? {
            return Ok(SearchEnd::Exact);
        }
        if self.unexplained {
            self.curves = CURVES;
            self.follow_beam(watch)?;
            self.curves = 0;
            if self.conclude_finished(watch)? {
                return Ok(SearchEnd::Exact);
            }
        }
        let Some(mut best) = self.finished.first().cloned() else { return Ok(SearchEnd::Complete) };
        for _ in 0..ROUNDS {
            let better = self.undone(&best, watch)?;
            let Some(better) = better else { break };
            best = better;
            self.finish(vec![best.clone()]);
            if self.conclude(&best, watch)? {
                return Ok(SearchEnd::Exact);
            }
        }
        self.simplify(best, watch)?;
        Ok(SearchEnd::Complete)
    }

    /// Makes formulas of the best networks without splines; whether one is exact.
    fn conclude_finished(&mut self, watch: &Watch<'_>) -> Result<bool, Early> {
        for state in self.finished.clone() {
            if self.conclude(&state, watch)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes one edge after the other a function, until no network that is followed has a spline left.
    fn follow_beam(&mut self, watch: &mut Watch<'_>) -> Result<(), Early> {
        let mut beam = vec![self.start.clone()];
        if self.start.open.is_empty() {
            self.finished.append(&mut beam);
        }
        while !beam.is_empty() {
            let mut children = self.children(&beam, watch)?;
            let mut seen = HashSet::new();
            children.retain(|child| seen.insert(child.signature()));
            children.sort_by(|a, b| a.bits(&self.scale).total_cmp(&b.bits(&self.scale)));
            children.truncate(self.options.beam.max(1));
            if let Some(best) = children.first() {
                let (fixed, edges) = (best.fixed.len(), best.fixed.len() + best.open.len());
                (watch.progress)(DistilProgress {
                    evaluations: self.evaluations,
                    fixed,
                    edges,
                    error: best.error * self.unit,
                });
                let least = self.partial.as_ref().map_or(f64::INFINITY, |partial| partial.bits(&self.scale));
                if !best.open.is_empty() && best.bits(&self.scale) < least {
                    self.partial = Some(best.clone());
                }
            }
            let (done, open) = children.into_iter().partition(|child| child.open.is_empty());
            beam = open;
            self.finish(done);
        }
        Ok(())
    }

    /// Keeps the best networks without splines.
    fn finish(&mut self, done: Vec<State>) {
        self.finished.extend(done);
        self.finished.sort_by(|a, b| a.bits(&self.scale).total_cmp(&b.bits(&self.scale)));
        self.finished.truncate(FINALISTS);
    }

    /// Formulas of what there is when the search has to end: of the networks without splines that are none yet, fitted for
    /// the best alone, and a constant, which is the best that can be said where no network has got so far.
    fn settle(&mut self) {
        let finished = self.finished.iter().filter_map(|state| self.expression(state));
        let mut expressions: Vec<Expression> = finished.collect();
        let best = (!expressions.is_empty()).then(|| self.formulas_of(&expressions.remove(0)));
        self.candidates.extend(best.into_iter().flatten());
        expressions.push(Expression::real(self.sample.mean()));
        for model in expressions.iter().map(Model::of) {
            let error = error_of(&model, &self.sample);
            self.candidates.push(Candidate::new(model, error, self.description));
        }
    }

    /// The best network that has functions and splines, if it describes the data shorter than all without.
    fn hybrid(&self, late: &dyn Fn() -> bool) -> Option<Hybrid> {
        let least = self.finished.first().map_or(f64::INFINITY, |best| best.bits(&self.scale));
        let partial = self.partial.as_ref().filter(|one| one.bits(&self.scale) + HYBRID < least)?;
        let splines = partial.open.keys().copied().collect();
        let judged = |network: &Network<f64>| unexplained(network, self.whole, self.options.output);
        let (mut network, mut error) = (partial.network.clone(), judged(&partial.network));
        let all = observations(self.network, &self.sample, self.options.output);
        if all.y.len() > self.rows.y.len() && !late() {
            let mut again = network.clone();
            let _ = refit(&mut again, &all, POLISH);
            let after = judged(&again);
            if after < error {
                (network, error) = (again, after);
            }
        }
        error.is_finite().then_some(Hybrid { network, splines, error })
    }

    /// Whether the splines of a network explain more than the best formula, whose constants were all fitted since, by more
    /// than their coefficients cost.
    fn is_worth(&self, hybrid: &Hybrid, formula: &Model) -> bool {
        let coefficients = hybrid.splines.len() * hybrid.network.specification().bases();
        let rows = self.sample.rows() as f64;
        let error = unexplained(&hybrid.network, &self.sample, self.options.output);
        let ratio = (error_of(formula, &self.sample) + self.scale.floor) / (error + self.scale.floor);
        rows * ratio.log2() > rows.log2() * coefficients as f64
    }

    /// Makes formulas of a network without splines; whether one is exact.
    fn conclude(&mut self, state: &State, watch: &Watch<'_>) -> Result<bool, Early> {
        let expression = self.expression(state);
        let found = self.each(expression.as_slice(), watch, Self::formulas_of)?;
        self.formulas.extend(expression);
        self.candidates.extend(found.into_iter().flatten());
        Ok(self.candidates.iter().any(Candidate::is_exact))
    }

    /// What a network without splines computes, if there are no formulas of that yet.
    fn expression(&self, state: &State) -> Option<Expression> {
        let formula = output_formula(&state.network, self.options.output, &self.names);
        formula.filter(|formula| !self.formulas.contains(formula))
    }

    fn formulas_of(&self, expression: &Expression) -> Vec<Candidate> {
        variants(&Model::of(expression), &self.sample, self.description)
    }

    /// The best network that has another function on one of its edges, read anew from a spline in its place; None if that
    /// is no better.
    fn undone(&mut self, best: &State, watch: &Watch<'_>) -> Result<Option<State>, Early> {
        let edges: Vec<EdgeId> = best.fixed.keys().copied().collect();
        let freed = self.each(&edges, watch, |this, edge| best.without(*edge, &this.rows, &this.scale))?;
        let freed: Vec<State> = freed.into_iter().flatten().collect();
        let mut children = self.children(&freed, watch)?;
        children.sort_by(|a, b| a.bits(&self.scale).total_cmp(&b.bits(&self.scale)));
        let better = children.into_iter().find(|child| child.open.is_empty());
        Ok(better.filter(|better| better.bits(&self.scale) < best.bits(&self.scale) - 1.0))
    }

    /// Shorter and shorter formulas: again and again the edge that costs least becomes a line or a constant, as the loss
    /// of the whole tells.
    fn simplify(&mut self, mut state: State, watch: &mut Watch<'_>) -> Result<(), Early> {
        let plain: Vec<Box<dyn Family>> = ["constant", "x"].into_iter().filter_map(family).collect();
        loop {
            let edges: Vec<EdgeId> = state
                .fixed
                .iter()
                .filter(|(_, fixed)| fixed.family != "constant")
                .map(|(edge, _)| *edge)
                .collect();
            let seen =
                self.each(&edges, watch, |this, edge| state.look(*edge, &plain, &this.rows, this.noise))?;
            let mut tries = Vec::new();
            for (edge, seen) in edges.into_iter().zip(seen) {
                let other = seen.fits.iter().filter(|fit| fit.family != state.fixed[&edge].family);
                tries.extend(other.map(|fit| (edge, fit.clone())));
            }
            let now = &state;
            let made =
                self.each(&tries, watch, |this, (edge, fit)| now.with(*edge, fit, &this.rows, &this.scale))?;
            let scale = self.scale;
            let better = |a: &State, b: &State| a.bits(&scale).total_cmp(&b.bits(&scale));
            let Some(next) = made.into_iter().flatten().min_by(better) else { return Ok(()) };
            self.conclude(&next, watch)?;
            if next.error > 0.999 {
                return Ok(());
            }
            state = next;
        }
    }

    /// Work done side by side, in order, after a look at budget, time and cancellation.
    pub(super) fn each<I: Sync, O: Send>(
        &mut self,
        items: &[I],
        watch: &Watch<'_>,
        work: impl Fn(&Self, &I) -> O + Sync,
    ) -> Result<Vec<O>, Early> {
        self.check(watch)?;
        self.evaluations += items.len();
        let this: &Self = self;
        Ok(items.par_iter().map(|item| work(this, item)).collect())
    }

    fn check(&self, watch: &Watch<'_>) -> Result<(), Early> {
        if (watch.cancelled)() {
            return Err(Early(SearchEnd::Cancelled));
        }
        if self.evaluations >= self.options.budget {
            return Err(Early(SearchEnd::Budget));
        }
        if self.is_late() { Err(Early(SearchEnd::Time)) } else { Ok(()) }
    }

    /// Whether the time is over.
    pub(super) fn is_late(&self) -> bool {
        self.options.time.is_some_and(|most| self.started.elapsed() >= most)
    }
}

/// The network without chains of edges, on finer grids where what two splines did needs them, brought to its best on the
/// rows, and its mean squared error; the network as it is where that comes nowhere near, or the search is over.
fn polished(
    network: &Network<f64>,
    rows: &Observations,
    before: f64,
    over: &dyn Fn() -> bool,
) -> Result<(Network<f64>, f64), NetworkError> {
    if over() {
        return Ok((network.clone(), before));
    }
    let mut straight = straightened(network, rows)?;
    let bearable = STRAIGHT * before.max(1e-24 * rows.variance());
    let mut error = refit(&mut straight, rows, POLISH);
    while error > bearable && straight.specification().grid < FINEST && !over() {
        straight.refine(2 * straight.specification().grid)?;
        error = refit(&mut straight, rows, POLISH);
    }
    if error.is_finite() && error <= bearable { Ok((straight, error)) } else { Ok((network.clone(), before)) }
}

/// The network with all its edges that lead to the output to be looked at. Those that are formulas already stay.
fn opened(network: Network<f64>, error: f64, output: usize) -> State {
    let (mut open, fixed) = (BTreeMap::new(), BTreeMap::new());
    for (layer, needed) in needed(&network, output).into_iter().enumerate() {
        let sums = network.program().layers()[layer].outputs;
        for edge in (0..needed.len()).filter(|edge| needed[*edge] && network.is_spline(layer, *edge)) {
            open.insert(EdgeId { layer, from: edge / sums, to: edge % sums }, None);
        }
    }
    State { network, error, fixed, open }
}

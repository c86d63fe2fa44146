//! Choosing among formulas: the length of a description, which formulas are exact, and the front of those that nothing
//! shorter matches.
//!
//! The description of data by a formula is `n/2·log₂(error + floor)`, three bits for each unit of the formula's
//! complexity, ½·log₂ n for each free constant and a bit for each that is an exact number, which counts as one number
//! whatever it is (2π, ½). (In the trials that the weights are from, 56 published laws at noise 0, 0.1 % and 1 %, the true
//! formula had the shortest description wherever it was a candidate.) Of n rows those count that constants could not meet by themselves.

use crate::expression::Expression;
use crate::model::{LevenbergMarquardt, Model, Snapping, error_of, forms, refine, snap};
use crate::sample::Sample;
use rayon::prelude::*;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// Bits for a unit of complexity, and for a constant that is exact.
pub(crate) const UNIT: f64 = 3.0;
const EXACT_CONSTANT: f64 = 1.0;
/// Unexplained parts of the variance that count as none, for few constants and for very few. Padé approximants of 15
/// constants reach rounding without being the law.
const EXACT: (f64, usize) = (1e-27, 7);
const EXACT_FEW: (f64, usize) = (1e-21, 6);
/// Bits below those of no formula at all that a description must have so that an exact formula is no chance.
const SURE: f64 = 20.0;
/// Digits by which formulas must differ to count as different: tables show as many.
const DIGITS: usize = 5;
/// By which part, and beyond which part of the variance, an error must be less to count as less.
const LESS: f64 = 1e-6;
const ROUNDING: f64 = 1e-26;
/// Part of the largest constant, or of the targets' size, below which a constant may be what rounding has left of none.
const TINY: f64 = 1e-9;

/// What lengths of descriptions are measured with.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// How many observations there are.
    pub observations: f64,
    /// The part of the targets' variance below which errors mean nothing.
    pub floor: f64,
}

impl Description {
    /// Of clean data, whose numbers have rounding errors only.
    pub fn of_exact(rows: usize) -> Self {
        Self { observations: rows as f64, floor: 1e-24 }
    }

    /// Of noisy data.
    pub fn of_noisy(rows: usize) -> Self {
        Self { observations: rows as f64, floor: 1e-12 }
    }

    /// The bits of a description by a model that leaves the part `error` of the variance unexplained. Differences count.
    pub fn bits(&self, model: &Model, error: f64) -> f64 {
        let formula = UNIT * model.length() + EXACT_CONSTANT * model.recognised() as f64;
        let free = model.free() as f64;
        self.of_error(error, model.numbers()) + formula + 0.5 * self.observations.log2() * free
    }

    /// As many constants meet as many observations whatever these are, so fewer than two for each constant tell less, and
    /// as many as constants nothing. Exact numbers count, too: they may have been fitted before.
    fn of_error(&self, error: f64, constants: usize) -> f64 {
        let for_each = self.observations / constants.max(1) as f64;
        let telling = self.observations * (for_each - 1.0).clamp(0.0, 1.0);
        0.5 * telling * (error + self.floor).log2()
    }

    /// Whether a formula with so many free constants, and so many in all, that leaves so much unexplained is exact, and
    /// not merely led through all observations.
    fn is_exact(&self, error: f64, free: usize, constants: usize) -> bool {
        let few = [EXACT, EXACT_FEW].into_iter().any(|(part, most)| error < part && free <= most);
        few && (constants as f64) < self.observations
    }
}

/// A formula that may be the law.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The formula and its constants.
    pub model: Model,
    /// Its length; see [`Expression::complexity`].
    pub complexity: f64,
    /// The part of the targets' variance that it leaves unexplained.
    pub error: f64,
    /// The length of the description of the data by it.
    pub bits: f64,
    exact: bool,
}

impl Candidate {
    /// A candidate with its bits.
    pub fn new(model: Model, error: f64, description: Description) -> Self {
        let (complexity, bits) = (model.expression().complexity(), description.bits(&model, error));
        let exact = bits < -SURE && description.is_exact(error, model.free(), model.numbers());
        Self { model, complexity, error, bits, exact }
    }

    /// The same formula written in other units.
    pub(crate) fn rewritten(&self, model: Model) -> Self {
        let complexity = model.expression().complexity();
        Self { model, complexity, ..self.clone() }
    }

    /// Whether it is exact for all that can be told, of so few constants that this is no chance.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Whether it leaves nothing but rounding, of however many constants.
    pub(crate) fn meets_all(&self) -> bool {
        self.exact || self.error < EXACT.0
    }
}

/// The best candidates by bits, as many as there is room for.
#[derive(Clone, Debug)]
pub struct Archive {
    kept: Vec<Candidate>,
    room: usize,
    skeletons: HashSet<Expression>,
}

impl Archive {
    /// An archive for so many.
    pub fn new(room: usize) -> Self {
        Self { kept: Vec::new(), room, skeletons: HashSet::new() }
    }

    /// Whether a skeleton is new here; it is not afterwards.
    pub(crate) fn is_new(&mut self, skeleton: &Expression) -> bool {
        self.skeletons.insert(skeleton.clone())
    }

    /// Keeps a candidate if there is room, or it is better than the worst.
    pub fn add(&mut self, candidate: Candidate) {
        if candidate.bits.is_nan() || candidate.error.is_nan() || candidate.bits >= self.worst() {
            return;
        }
        let place = self.kept.partition_point(|kept| kept.bits <= candidate.bits);
        self.kept.insert(place, candidate);
        self.kept.truncate(self.room);
    }

    /// The bits that a candidate must stay below.
    pub(crate) fn worst(&self) -> f64 {
        if self.kept.len() < self.room { f64::INFINITY } else { self.kept[self.room - 1].bits }
    }

    /// The candidates, the shortest description first.
    pub fn candidates(&self) -> &[Candidate] {
        &self.kept
    }
}

/// Candidates of which none is shorter and more accurate than another.
#[derive(Clone, Debug)]
pub struct Front {
    /// The shortest formula first.
    candidates: Vec<Candidate>,
    best: usize,
}

impl Front {
    /// The front of candidates; None if there are none.
    pub fn of(candidates: impl IntoIterator<Item = Candidate>) -> Option<Self> {
        let mut all: Vec<Candidate> = candidates.into_iter().filter(|one| one.error.is_finite()).collect();
        // Of equally long ones that with recognised constants comes first: others have to be more accurate than it. Errors
        // settle what is equal, so that the order does not depend on that of arrival.
        all.sort_by(|a, b| {
            let lengths = a.complexity.total_cmp(&b.complexity).then(a.bits.total_cmp(&b.bits));
            lengths.then(a.error.total_cmp(&b.error))
        });
        let best = all.iter().min_by(|a, b| a.bits.total_cmp(&b.bits))?.clone();
        let mut front: Vec<Candidate> = Vec::new();
        let mut awaited = true;
        for candidate in all {
            let is_best = awaited && candidate.bits == best.bits && candidate.model == best.model;
            awaited &= !is_best;
            let is_less = |than: &Candidate| candidate.error + ROUNDING < (1.0 - LESS) * than.error;
            if is_best || front.iter().all(is_less) {
                front.push(candidate);
            }
        }
        let front = distinct(front, &best);
        let place = front.iter().position(|one| one.bits == best.bits && one.model == best.model)?;
        Some(Self { candidates: front, best: place })
    }

    /// The front of one candidate.
    pub(crate) fn single(candidate: Candidate) -> Self {
        Self { candidates: vec![candidate], best: 0 }
    }

    /// The front of the same formulas, fitted to all rows where they were found on some, and judged by all, as long as it is
    /// not `late`; then judged as they are. None if no formula has a finite value at all rows.
    pub(crate) fn on_all(
        &self,
        sample: &Sample,
        description: Description,
        late: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let description = Description { observations: sample.rows() as f64, ..description };
        let last = |candidate: &Candidate| {
            let mut model = candidate.model.clone();
            let steps = if late() { 0 } else { LAST };
            let error = refine(&mut model, sample, LevenbergMarquardt { steps });
            Candidate::new(model, error, description)
        };
        Self::of(self.candidates.iter().map(last))
    }

    /// The candidates, the shortest formula first.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Which has the shortest description.
    pub fn best(&self) -> usize {
        self.best
    }

    /// Which has the least error.
    pub fn most_accurate(&self) -> usize {
        let errors = self.candidates.iter().enumerate();
        errors.min_by(|a, b| a.1.error.total_cmp(&b.1.error)).map_or(0, |(place, _)| place)
    }
}

/// Of candidates that a table shows alike, such as one with a recognised constant and one with the fitted number, the one of
/// the shortest description; in the place of the `best`, that one.
fn distinct(front: Vec<Candidate>, best: &Candidate) -> Vec<Candidate> {
    let mut shown: HashMap<Expression, usize> = HashMap::new();
    let mut kept: Vec<Candidate> = Vec::new();
    let is_best = |one: &Candidate| one.bits == best.bits && one.model == best.model;
    for candidate in front {
        match shown.entry(candidate.model.expression().rounded(DIGITS)) {
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(candidate);
            }
            Entry::Occupied(place) => {
                let known = &mut kept[*place.get()];
                if is_best(&candidate) || (candidate.bits < known.bits && !is_best(known)) {
                    *known = candidate;
                }
            }
        }
    }
    kept
}

/// The front of an archive: each of the best `finalists` fitted to all rows, in every form in which its numbers may be
/// recognised, with them recognised and without.
/// Those that `admits` refuses are left out. Once it is `late`, only the very best is fitted; the others are judged as they
/// are.
pub fn finish(
    archive: &Archive,
    sample: &Sample,
    description: Description,
    finalists: usize,
    admits: &(dyn Fn(&Expression) -> bool + Sync),
    late: &(dyn Fn() -> bool + Sync),
) -> Option<Front> {
    let found: Vec<Vec<Candidate>> = archive
        .candidates()
        .par_iter()
        .enumerate()
        .map(|(place, candidate)| {
            if place == 0 || (place < finalists && !late()) {
                return variants(&candidate.model, sample, description);
            }
            let error = error_of(&candidate.model, sample);
            vec![Candidate::new(candidate.model.clone(), error, description)]
        })
        .collect();
    let front = Front::of(found.into_iter().flatten().filter(|one| admits(&one.model.expression())))?;
    Front::of(front.candidates.iter().map(|one| shortened(one, sample, description)))
}

/// A candidate in a shorter form, if it has one: without constants that are rounding.
fn shortened(candidate: &Candidate, sample: &Sample, description: Description) -> Candidate {
    let model = without_rounding(candidate, sample).simplified();
    let shorter = Candidate::new(model.clone(), error_of(&model, sample), description);
    let as_good = shorter.error <= candidate.error * (1.0 + LESS) + ROUNDING;
    if as_good && shorter.complexity < candidate.complexity { shorter } else { candidate.clone() }
}

/// The model with zeros in the places of tiny constants that make no difference.
fn without_rounding(candidate: &Candidate, sample: &Sample) -> Model {
    let mut model = candidate.model.clone();
    let sizes = model.constants().iter().map(|constant| constant.value.abs());
    let largest = sizes.fold(sample.variance().sqrt(), f64::max);
    for place in 0..model.constants().len() {
        let constant = &model.constants()[place];
        if constant.snapped.is_none() && constant.value.abs() < TINY * largest {
            let trial = model.with_zero(place);
            if error_of(&trial, sample) <= candidate.error * (1.0 + LESS) + ROUNDING {
                model = trial;
            }
        }
    }
    model
}

/// Steps of the last fit, on all rows.
const LAST: usize = 10;
/// Margin of snapping in bits; see [`snap`].
const MARGIN: f64 = 3.0;

/// A model fitted to the sample, in each of its forms, with and without recognised constants.
pub fn variants(model: &Model, sample: &Sample, description: Description) -> Vec<Candidate> {
    let mut found = Vec::new();
    for form in forms(&model.expression()) {
        let mut free = Model::of(&form);
        let error = refine(&mut free, sample, LevenbergMarquardt { steps: 40 });
        if !error.is_finite() {
            continue;
        }
        let mut snapped = free.clone();
        found.push(shortened(&Candidate::new(free, error, description), sample, description));
        let error = snap(&mut snapped, sample, Snapping { margin: MARGIN, floor: description.floor });
        if error.is_finite() {
            found.push(shortened(&Candidate::new(snapped, error, description), sample, description));
        }
    }
    found
}

#[cfg(test)]
mod tests;

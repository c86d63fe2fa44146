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
mod tests {
    use super::*;
    use crate::testing::parsed;
    use std::sync::Arc;

    fn candidate(text: &str, error: f64) -> Candidate {
        Candidate::new(Model::of(&parsed(text)), error, Description::of_noisy(100))
    }

    #[test]
    fn the_front_keeps_what_nothing_shorter_matches() {
        let front = Front::of([
            candidate("x", 0.5),
            candidate("x^2 + 0.37*x", 0.6),
            candidate("sin(x)", 0.1),
            candidate("sin(x) + 0.1234*x + 0.3217*x^2", 0.099),
        ])
        .unwrap();
        let texts: Vec<String> =
            front.candidates().iter().map(|one| format!("{:?}", one.model.expression())).collect();
        assert_eq!(texts[..2], ["x", "sin(x)"]);
        assert_eq!((front.best(), front.most_accurate()), (1, 2));
        assert!(Front::of([]).is_none());
    }

    #[test]
    fn what_rounding_leaves_of_no_constant_is_left_out() {
        let x: Vec<f64> = (0..50).map(|row| 0.1 + 0.05 * f64::from(row)).collect();
        let description = Description::of_exact(50);
        let found = |text: &str, slope: f64| {
            let y = x.iter().map(|x| 1.37 * x * x + slope * x).collect();
            let sample = Sample::new(vec![Arc::from("x")], vec![x.clone()], y, None).unwrap();
            let model = Model::of(&parsed(text));
            let error = error_of(&model, &sample);
            let shorter = shortened(&Candidate::new(model, error, description), &sample, description);
            shorter.model.expression()
        };
        assert_eq!(found("1.37*x^2 + 2.3e-15", 0.0), parsed("1.37*x^2"));
        assert_eq!(found("1.37*x^2 + 1.3e-10*x", 1.3e-10), parsed("x*(1.37*x + 1.3e-10)"));
    }

    #[test]
    fn formulas_that_differ_by_rounding_are_there_once() {
        let exact = Candidate::new(Model::of(&parsed("2*x + 1")), 3e-31, Description::of_exact(100));
        let free =
            Candidate::new(Model::of(&parsed("2.000000000000001*x + 1")), 1e-31, Description::of_exact(100));
        for pair in [[exact.clone(), free.clone()], [free, exact.clone()], [exact.clone(), exact]] {
            let front = Front::of(pair).unwrap();
            assert_eq!(front.candidates().len(), 1, "{front:?}");
            assert_eq!(front.candidates()[0].model.free(), 0);
        }
    }

    #[test]
    fn a_table_shows_no_formula_twice() {
        let noisy = |text: &str, error: f64| {
            Candidate::new(Model::of(&parsed(text)), error, Description::of_exact(100))
        };
        let exact = noisy("x^2", 1.0e-4);
        let fitted = noisy("1.000001234*x^2", 0.9e-4);
        let other = noisy("1.00234*x^2 + 0.37", 0.8e-4);
        let front = Front::of([fitted, other, exact]).unwrap();
        let texts: Vec<String> =
            front.candidates().iter().map(|one| format!("{:?}", one.model.expression())).collect();
        assert_eq!(texts, ["x^2", "1.00234*x^2 + 0.37"]);
        assert_eq!(front.best(), 0);
    }

    #[test]
    fn as_many_constants_as_rows_explain_nothing() {
        let described = |text: &str, error: f64, rows: usize| {
            Candidate::new(Model::of(&parsed(text)), error, Description::of_exact(rows))
        };
        // Curves through all of the rows, and beside them what explains no more than is there.
        let waves = "78.575*sin(1.51*x) + 155.57*cos(12.3*x) - 50.902";
        for (rows, error) in [(3, 1e-31), (5, 1e-28), (6, 1e-26)] {
            let (through, line) = (described(waves, error, rows), described("2.1*x + 0.03", 1e-3, rows));
            assert!(!through.is_exact() && line.bits < through.bits, "{rows}");
        }
        assert!(described("2*x", 0.0, 3).is_exact() && described("2.13*x", 1e-30, 3).is_exact());
        assert!(described(waves, 1e-28, 12).is_exact());
        // With many rows a constant costs what it always did.
        let model = Model::of(&parsed(waves));
        let many = Description::of_exact(400);
        let formula = UNIT * model.length() + 0.5 * 400_f64.log2() * 5.0;
        assert!((many.bits(&model, 1e-6) - (formula + 200.0 * 1e-6_f64.log2())).abs() < 1e-6);
    }

    #[test]
    fn orders_of_arrival_change_nothing() {
        let all = [candidate("x", 0.5), candidate("y", 0.5), candidate("sin(x)", 0.1), candidate("2*x", 0.4)];
        let texts = |front: Front| {
            front.candidates().iter().map(|one| (one.complexity, one.error)).collect::<Vec<_>>()
        };
        let forwards = texts(Front::of(all.clone()).unwrap());
        assert_eq!(forwards, texts(Front::of(all.into_iter().rev()).unwrap()));
    }

    #[test]
    fn a_close_fit_of_many_constants_is_not_exact() {
        let is_exact = |error, free| Description::of_exact(16).is_exact(error, free, free);
        assert!(is_exact(1e-22, 6) && !is_exact(1e-22, 7) && is_exact(1e-28, 7));
        assert!(!is_exact(1e-28, 8) && !is_exact(1e-20, 1));
    }

    #[test]
    fn constants_that_vanish_cost_nothing() {
        let x: Vec<Vec<f64>> =
            [0.37, 0.61].map(|step| (0..20).map(|row| (f64::from(row) * step).sin()).collect()).to_vec();
        let y = x[0].iter().zip(&x[1]).map(|(x, y)| (1.5 * x).sin() * (0.5 * y).cos()).collect();
        let sample = Sample::new(["x", "y"].map(Arc::from).to_vec(), x, y, None).unwrap();
        let start = parsed("1.000001*sin(1.499999*x + 1e-7)*cos(0.500001*y + 2e-7) + 1e-8");
        let found = Front::of(variants(&Model::of(&start), &sample, Description::of_exact(20))).unwrap();
        let best = &found.candidates()[found.best()];
        assert_eq!(best.model.expression(), parsed("sin(3*x/2)*cos(y/2)"));
    }

    #[test]
    fn a_formula_led_through_few_rows_is_no_law() {
        let description = Description::of_exact(3);
        assert!(description.is_exact(1e-30, 0, 2) && !description.is_exact(1e-30, 0, 3));
        let of = |text: &str, error: f64| Candidate::new(Model::of(&parsed(text)), error, description).bits;
        let through = of("1.37*exp(0.21*x) + 2.17*cos(1.31*x)", 1e-32);
        assert!(through > of("0.77", 1.0));
        assert!(of("1.37*x + 0.21", 1e-32) < of("0.77", 1.0));
        // With rows enough nothing changes.
        let many = Description::of_exact(1000);
        assert_eq!(many.of_error(1e-9, 8), many.of_error(1e-9, 0));
    }

    #[test]
    fn the_archive_has_room_for_the_best() {
        let mut archive = Archive::new(2);
        for (text, error) in [("x", 0.5), ("x^2", 0.1), ("sin(x)", 0.2), ("exp(x)", f64::NAN)] {
            archive.add(candidate(text, error));
        }
        let errors: Vec<f64> = archive.candidates().iter().map(|one| one.error).collect();
        assert_eq!(errors, [0.1, 0.2]);
    }

    #[test]
    fn finishing_recognises_constants_in_the_form_that_has_them() {
        let x: Vec<f64> = (0..50).map(|row| 0.1 + 0.05 * f64::from(row)).collect();
        let y = x.iter().map(|x| (3.0 * x * x + 2.0).sqrt()).collect();
        let sample = Sample::new(vec![Arc::from("x")], vec![x], y, None).unwrap();
        let mut archive = Archive::new(4);
        let description = Description::of_exact(50);
        archive.add(Candidate::new(Model::of(&parsed("1.74*sqrt(x^2 + 0.66)")), 1e-3, description));
        let front = finish(&archive, &sample, description, 4, &|_| true, &|| false).unwrap();
        let best = &front.candidates()[front.best()];
        assert_eq!(best.model.expression(), parsed("sqrt(3*x^2 + 2)"));
        assert!(best.is_exact());
        // Behind a better one it is fitted too, unless it is late.
        archive.add(Candidate::new(Model::of(&parsed("x")), 1e-6, description));
        let found = |late: bool| finish(&archive, &sample, description, 4, &|_| true, &|| late).unwrap();
        let exact = |front: Front| front.candidates().iter().any(Candidate::is_exact);
        assert!(exact(found(false)) && !exact(found(true)));
    }
}

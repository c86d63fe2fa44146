//! A function with unknown constants inside, of one column or two, times an envelope and beside terms of low degree.
//! Factors, phases and offsets come from least squares, so that only what is inside is scanned, relative to the range of
//! the argument: no constant and no unit of a column is nearer to the search than another.

use super::problem::{Problem, View, moments, times, usable};
use super::search::Search;
use crate::expression::{Expression, Function};
use crate::fit::least_squares::{dot, regress};
use crate::model::Model;
use crate::sample::range;
use rayon::prelude::*;

/// Rows that constants are scanned on.
const ROWS: usize = 240;
/// Most columns of a problem: with more of them there are too many pairs.
const COLUMNS: usize = 4;
/// Waves: steps of half a radian for half the range.
const WAVES: usize = 24;
/// Rates of exponentials, for half the range.
const RATES: [f64; 7] = [0.25, 0.45, 0.8, 1.4, 2.3, 3.7, 6.1];
/// Where a function of a shifted argument begins, in halves of the range below it.
const STARTS: [f64; 4] = [0.07, 0.3, 1.1, 3.1];
/// Ratios of two summands, as parts of their ranges, and their signs.
const RATIOS: usize = 14;
const RATIO_STEP: f64 = 1.3;
/// Candidates of each argument that are looked at more closely, of all, and of each function that are then fitted with all
/// constants.
const OF_ARGUMENT: usize = 4;
const CLOSER: usize = 40;
const OF_SHAPE: usize = 4;
/// Halvings of a step of the scan, and most steps in all.
const HALVINGS: usize = 16;
const STEPS: usize = 60;
/// Part of a column that must be left beside others so that it counts as one of its own, squared.
const INDEPENDENT: f64 = 1e-10;
/// By which factor the error may grow, and to which part of the variance at least, as terms are left out.
const GROWTH: f64 = 100.0;
const NEGLIGIBLE: f64 = 1e-9;

/// A term with its values.
#[derive(Clone)]
struct Term {
    expression: Expression,
    values: Vec<f64>,
}

/// What a function is of: a term, or a sum of two.
struct Argument {
    first: Term,
    second: Option<Term>,
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// Sine and cosine of a multiple.
    Wave,
    /// Exponential of a multiple.
    Exponential,
    /// A function of the argument with something added.
    Shifted(Shifted),
}

#[derive(Clone, Copy, PartialEq)]
enum Shifted {
    Log,
    Root,
    Inverse,
}

/// A point of the scan.
#[derive(Clone, Copy)]
struct Place {
    argument: usize,
    envelope: usize,
    shape: Shape,
    /// The factor of the argument, or what is added to it.
    constant: f64,
    /// The factor of the second summand.
    ratio: f64,
    error: f64,
}

/// Columns that are there whatever the function is, orthonormal, and what they leave of the target.
struct Ground {
    basis: Vec<Vec<f64>>,
    left: Vec<f64>,
    total: f64,
}

impl Ground {
    fn of(company: &[Term], target: &[f64]) -> Self {
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for term in company {
            let mut column = term.values.clone();
            let before = dot(&column, &column);
            // Twice is enough (Giraud and others 2005).
            (0..2).for_each(|_| project(&mut column, &basis));
            let after = dot(&column, &column);
            if after > INDEPENDENT * before {
                column.iter_mut().for_each(|value| *value /= after.sqrt());
                basis.push(column);
            }
        }
        let mut left = target.to_vec();
        (0..2).for_each(|_| project(&mut left, &basis));
        Self { basis, left, total: moments(target).1 * target.len() as f64 }
    }

    /// The part of the target's variance that more columns leave.
    fn error(&self, columns: &[Vec<f64>]) -> f64 {
        let mut chosen: Vec<Vec<f64>> = Vec::new();
        let mut explained = 0.0;
        for column in columns {
            let mut own = column.clone();
            let before = dot(&own, &own);
            project(&mut own, &self.basis);
            project(&mut own, &chosen);
            let after = dot(&own, &own);
            if !before.is_finite() || after <= INDEPENDENT * before {
                return f64::INFINITY;
            }
            own.iter_mut().for_each(|value| *value /= after.sqrt());
            explained += dot(&own, &self.left).powi(2);
            chosen.push(own);
        }
        (dot(&self.left, &self.left) - explained).max(0.0) / self.total
    }
}

/// Takes away what lies along orthonormal columns.
fn project(column: &mut [f64], basis: &[Vec<f64>]) {
    for one in basis {
        let along = dot(column, one);
        column.iter_mut().zip(one).for_each(|(value, one)| *value -= along * one);
    }
}

/// Searches for such a law of the transformed target.
pub(super) fn search(search: &mut Search<'_>, problem: &Problem) {
    let few = problem.thinned(ROWS);
    if few.columns.len() > COLUMNS || few.rows() < 30 {
        return;
    }
    let Some(view) = View::new(&few, super::transform::Transform::Identity, search.noisy) else { return };
    let scan = Scan::new(&few, &view.target);
    if dot(&scan.ground.left, &scan.ground.left) < NEGLIGIBLE * scan.ground.total {
        return;
    }
    search.spend(scan.work());
    let found: Vec<Vec<Place>> =
        (0..scan.arguments.len()).into_par_iter().map(|argument| scan.best_of(argument)).collect();
    let mut places = found.concat();
    places.sort_by(|a, b| a.error.total_cmp(&b.error));
    places.truncate(CLOSER);
    let mut places: Vec<Place> = places.into_par_iter().map(|place| scan.closer(place)).collect();
    places.sort_by(|a, b| a.error.total_cmp(&b.error));
    // Smooth functions stand in for each other, so that one kind could take all places.
    let mut chosen: Vec<Place> = Vec::new();
    for place in places {
        if chosen.iter().filter(|one| one.shape == place.shape).count() < OF_SHAPE {
            chosen.push(place);
        }
    }
    for place in chosen {
        if search.done() {
            return;
        }
        if let Some(law) = scan.law(&place, search.noisy) {
            let model = Model::of(&law);
            let values: Vec<f64> = model.constants().iter().map(|constant| constant.value).collect();
            view.offer(search, model.skeleton().clone(), &values, 60);
        }
    }
}

struct Scan<'a> {
    target: &'a [f64],
    arguments: Vec<Argument>,
    envelopes: Vec<Term>,
    company: Vec<Term>,
    ground: Ground,
}

impl<'a> Scan<'a> {
    fn new(problem: &Problem, target: &'a [f64]) -> Self {
        let rows = problem.rows();
        let one = Term { expression: Expression::integer(1), values: vec![1.0; rows] };
        let columns: Vec<Term> = problem
            .columns
            .iter()
            .zip(&problem.parts)
            .map(|(values, part)| Term { expression: part.clone(), values: values.clone() })
            .collect();
        let product = |a: &Term, b: &Term| Term {
            expression: a.expression.clone() * b.expression.clone(),
            values: times(&a.values, &b.values),
        };
        let inverse = |a: &Term| Term {
            expression: a.expression.clone().powi(-1),
            values: a.values.iter().map(|value| 1.0 / value).collect(),
        };
        let squares: Vec<Term> = columns.iter().map(|column| product(column, column)).collect();
        let inverses: Vec<Term> =
            columns.iter().filter(|column| is_beside_zero(column)).map(inverse).collect();
        let (mut products, mut quotients) = (Vec::new(), Vec::new());
        for (place, first) in columns.iter().enumerate() {
            for (other, second) in columns.iter().enumerate() {
                if other > place {
                    products.push(product(first, second));
                }
                if other != place && is_beside_zero(second) {
                    quotients.push(product(first, &inverse(second)));
                }
            }
        }
        let mut arguments: Vec<Argument> = [&columns, &squares, &products, &quotients]
            .into_iter()
            .flatten()
            .map(|term| Argument { first: term.clone(), second: None })
            .collect();
        let sums = |pair: (&Term, &Term)| Argument { first: pair.0.clone(), second: Some(pair.1.clone()) };
        match columns.as_slice() {
            [only] => arguments.push(sums((only, &squares[0]))),
            several => {
                for (place, first) in several.iter().enumerate() {
                    arguments.extend(several[place + 1..].iter().map(|second| sums((first, second))));
                }
            }
        }
        let envelopes: Vec<Term> = [&vec![one.clone()], &columns, &inverses, &products, &squares]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let mut company: Vec<Term> = [&vec![one], &columns, &squares, &products, &inverses, &quotients]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        for terms in [&mut company] {
            terms.retain(|term| usable(&term.values));
        }
        let ground = Ground::of(&company, target);
        Self { target, arguments, envelopes, company, ground }
    }

    /// Multiplications of the scan.
    fn work(&self) -> f64 {
        let ratios =
            self.arguments.iter().map(|one| if one.second.is_some() { 2 * RATIOS } else { 1 }).sum::<usize>();
        let shapes = 2 * WAVES + 2 * RATES.len() + 3 * (STARTS.len() + 1);
        (2 * self.target.len() * self.ground.basis.len() * self.envelopes.len() * shapes * ratios) as f64
    }

    fn ratios(&self, argument: &Argument) -> Vec<f64> {
        let Some(second) = &argument.second else { return vec![0.0] };
        let half = |term: &Term| {
            let (low, high) = range(&term.values);
            0.5 * (high - low)
        };
        let unit = half(&argument.first) / half(second);
        let sizes = (0..RATIOS).map(|step| unit * RATIO_STEP.powf(step as f64 - 0.5 * RATIOS as f64 + 0.3));
        sizes.flat_map(|size| [size, -size]).collect()
    }

    /// The best places of an argument.
    fn best_of(&self, argument: usize) -> Vec<Place> {
        let mut best: Vec<Place> = Vec::new();
        for ratio in self.ratios(&self.arguments[argument]) {
            let values = self.values(argument, ratio);
            let (low, high) = range(&values);
            let half = 0.5 * (high - low);
            if !(half > 0.0 && half.is_finite()) {
                continue;
            }
            let mut offer = |shape: Shape, constant: f64| {
                for envelope in 0..self.envelopes.len() {
                    let place = Place { argument, envelope, shape, constant, ratio, error: 0.0 };
                    let error = self.ground.error(&self.columns(&values, &place));
                    if best.len() < OF_ARGUMENT || error < best[OF_ARGUMENT - 1].error {
                        // Neighbours of one place are one place.
                        match best.iter_mut().find(|one| one.envelope == envelope && one.shape == shape) {
                            Some(known) if known.error <= error => continue,
                            Some(known) => *known = Place { error, ..place },
                            None => best.push(Place { error, ..place }),
                        }
                        best.sort_by(|a, b| a.error.total_cmp(&b.error));
                        best.truncate(OF_ARGUMENT);
                    }
                }
            };
            for step in 1..=WAVES {
                offer(Shape::Wave, 0.5 * step as f64 / half);
            }
            for rate in RATES {
                offer(Shape::Exponential, rate / half);
                offer(Shape::Exponential, -rate / half);
            }
            let starts = STARTS.map(|start| start * half - low);
            for shape in [Shifted::Log, Shifted::Root, Shifted::Inverse].map(Shape::Shifted) {
                starts.into_iter().chain((low > 0.0).then_some(0.0)).for_each(|start| offer(shape, start));
            }
        }
        best
    }

    fn values(&self, argument: usize, ratio: f64) -> Vec<f64> {
        let Argument { first, second } = &self.arguments[argument];
        match second {
            Some(second) => first.values.iter().zip(&second.values).map(|(a, b)| a + ratio * b).collect(),
            None => first.values.clone(),
        }
    }

    /// The columns whose factors least squares finds.
    fn columns(&self, values: &[f64], place: &Place) -> Vec<Vec<f64>> {
        let envelope = &self.envelopes[place.envelope].values;
        let of = |function: &dyn Fn(f64) -> f64| -> Vec<f64> {
            values.iter().zip(envelope).map(|(value, envelope)| envelope * function(*value)).collect()
        };
        let c = place.constant;
        match place.shape {
            Shape::Wave => vec![of(&|u| (c * u).sin()), of(&|u| (c * u).cos())],
            Shape::Exponential => vec![of(&|u| (c * u).exp())],
            Shape::Shifted(Shifted::Log) => vec![of(&|u| (u + c).ln())],
            Shape::Shifted(Shifted::Root) => vec![of(&|u| (u + c).sqrt())],
            Shape::Shifted(Shifted::Inverse) => vec![of(&|u| 1.0 / (u + c))],
        }
    }

    fn error(&self, place: &Place) -> f64 {
        self.ground.error(&self.columns(&self.values(place.argument, place.ratio), place))
    }

    /// The best place nearby.
    fn closer(&self, mut place: Place) -> Place {
        let (low, high) = range(&self.values(place.argument, place.ratio));
        let half = 0.5 * (high - low);
        let mut step = match place.shape {
            Shape::Wave => 0.25 / half,
            Shape::Exponential => 0.3 * place.constant.abs(),
            Shape::Shifted(_) => 0.5 * (place.constant + low),
        };
        let mut ratio_step = place.ratio * 0.5 * (RATIO_STEP - 1.0);
        let fixed = matches!(place.shape, Shape::Shifted(_)) && place.constant == 0.0;
        let mut halvings = 0;
        for _ in 0..STEPS {
            if halvings == HALVINGS {
                break;
            }
            let mut near = Vec::new();
            for sign in [1.0, -1.0] {
                if !fixed {
                    near.push(Place { constant: place.constant + sign * step, ..place });
                }
                if place.ratio != 0.0 {
                    near.push(Place { ratio: place.ratio + sign * ratio_step, ..place });
                }
            }
            near.iter_mut().for_each(|near| near.error = self.error(near));
            let best = near.into_iter().min_by(|a, b| a.error.total_cmp(&b.error));
            match best.filter(|best| best.error < place.error) {
                Some(best) => place = best,
                None => (step, ratio_step, halvings) = (0.5 * step, 0.5 * ratio_step, halvings + 1),
            }
        }
        place
    }

    /// The law of a place, with the terms beside it that it needs.
    fn law(&self, place: &Place, noisy: bool) -> Option<Expression> {
        let own = self.columns(&self.values(place.argument, place.ratio), place);
        let mut beside: Vec<&Term> = self.company.iter().collect();
        let fitted = |beside: &[&Term]| {
            let columns: Vec<&[f64]> = own
                .iter()
                .map(Vec::as_slice)
                .chain(beside.iter().map(|term| term.values.as_slice()))
                .collect();
            regress(&columns, self.target)
        };
        let mut found = fitted(&beside);
        while found.is_none() && !beside.is_empty() {
            beside.pop();
            found = fitted(&beside);
        }
        let mut found = found?;
        let rows = self.target.len() as f64;
        let least = found.error;
        let mut removed = 0.0;
        while !beside.is_empty() {
            let loss = |at: usize| {
                let at = own.len() + at;
                found.coefficients[at].powi(2) / found.variances[at]
            };
            let least_lost = (0..beside.len()).min_by(|a, b| loss(*a).total_cmp(&loss(*b)));
            let Some(weakest) = least_lost else { break };
            let mut fewer = beside.clone();
            fewer.remove(weakest);
            let Some(next) = fitted(&fewer) else { break };
            removed += 1.0;
            let grown = if noisy {
                least * (1.0 + removed * (rows.ln() + 3.0) / rows)
            } else {
                GROWTH * least + NEGLIGIBLE * self.ground.total
            };
            if next.error > grown {
                break;
            }
            (beside, found) = (fewer, next);
        }
        let c = &found.coefficients;
        let Argument { first, second } = &self.arguments[place.argument];
        // Both summands have factors of their own.
        let argument = |factor: f64, offset: f64| {
            let summands = second.iter().map(|second| (factor * place.ratio, second));
            let summands = [(factor, first)].into_iter().chain(summands);
            let terms = summands.map(|(factor, term)| Expression::real(factor) * term.expression.clone());
            Expression::sum(terms.chain((offset != 0.0).then(|| Expression::real(offset))))
        };
        let function = match place.shape {
            Shape::Wave => {
                let wave = argument(place.constant, c[1].atan2(c[0])).call(Function::Sin);
                Expression::real(c[0].hypot(c[1])) * wave
            }
            Shape::Exponential => Expression::real(c[0]) * argument(place.constant, 0.0).call(Function::Exp),
            Shape::Shifted(shifted) => {
                let inner = argument(1.0, place.constant);
                let function = match shifted {
                    Shifted::Log => inner.call(Function::Log),
                    Shifted::Root => inner.sqrt(),
                    Shifted::Inverse => inner.powi(-1),
                };
                Expression::real(c[0]) * function
            }
        };
        let beside = beside.iter().zip(&c[own.len()..]);
        let beside = beside.map(|(term, factor)| Expression::real(*factor) * term.expression.clone());
        let first = self.envelopes[place.envelope].expression.clone() * function;
        Some(Expression::sum([first].into_iter().chain(beside)))
    }
}

/// Whether a term has one sign, and no values near zero.
fn is_beside_zero(term: &Term) -> bool {
    let (low, high) = range(&term.values);
    low > 0.0 || high < 0.0
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;

    #[test]
    fn constants_inside_functions_of_pairs_are_found() {
        for text in [
            "sin(1.3*x*y) + x",
            "cos(1.4*x - 0.8*y) + x*y",
            "exp(-0.3*x*y) + y",
            "x*sin(1.6*x*y)",
            "sqrt(x + 1.7*y)*x + y",
            "1.7*log(x + 2.3*y)*x",
        ] {
            found(text, &[(1.0, 3.0); 2], 300, |search, problem| super::search(search, problem));
        }
    }

    #[test]
    fn units_of_columns_change_nothing() {
        for unit in [1e-9, 1e9] {
            let text = format!("sin(x*y/{}) + x/{unit}", unit * unit);
            found(&text, &[(unit, 3.0 * unit); 2], 300, |search, problem| super::search(search, problem));
        }
    }

    #[test]
    fn arguments_may_be_quadratic_in_one_variable() {
        for text in ["sin(1.3*x^2)", "1.2*cos(0.7*x^2 + 1.9*x) + 0.4*x"] {
            found(text, &[(-2.0, 2.0)], 200, |search, problem| super::search(search, problem));
        }
    }
}

//! Ridge functions: f(a·u + b·v + c) of columns u and v that are powers, products and quotients of variables, with a
//! factor in front and terms beside them, and sums and products of two. Their constants may be anything: a scan of all that
//! the range of an argument can tell apart finds where they are, on few rows and with all that is linear solved for, and
//! the best of each form are fitted.

mod form;
mod material;
mod screen;
mod seeds;
mod shape;

use super::features::{meeting, significant};
use super::problem::{Problem, View, moments, times};
use super::search::Search;
use crate::fit::least_squares::dot;
use form::{Form, Ridge, Rows, Span, Term};
use material::Material;
use rayon::prelude::*;
use screen::{Block, Most};
use shape::Shape;

/// Rows that constants are scanned on, of one function and of two; and rows that forms are fitted to.
const SCANNED: (usize, usize) = (64, 40);
const FITTED: usize = 160;
/// Starts of each form that are fitted, with one column in the argument, two, and three; and of two functions.
const STARTS: [usize; 3] = [2, 4, 40];
const STARTS_OF_TWO: usize = 2;
/// Starts of all forms with as many inner constants that are fitted a little, those that are fitted further, and those of
/// all forms that are offered: forms of few constants are not crowded out by what bends to anything.
const TRIED: [usize; 3] = [900, 240, 60];
const OFFERED: usize = 8;
/// Steps of those fits, on few rows at first.
const STEPS: [usize; 3] = [3, 6, 30];
/// Most columns in the arguments of both.
const MOST_INNER: usize = 3;
/// What is left of the target's variance by rounding.
const ROUNDING: f64 = 1e-24;
/// How many times as much as a fit leaves its terms may leave if some are taken out.
const SLACK: f64 = 4.0;

/// A shape of an argument, all its starts, and their columns at the scanned rows.
struct Kind {
    /// How many columns the argument has.
    inner: usize,
    starts: Vec<(Ridge, Vec<Vec<f64>>)>,
}

/// The functions of a problem, whatever its target.
pub(super) struct Ridges {
    material: Material,
    variables: usize,
}

impl Ridges {
    pub(super) fn of(problem: &Problem) -> Self {
        Self { material: Material::of(problem), variables: problem.columns.len() }
    }

    fn kinds(&self, rows: &Rows, arguments: &[Vec<usize>], shapes: &[Shape], are_two: bool) -> Vec<Kind> {
        let pairs: Vec<(&Vec<usize>, Shape)> = arguments
            .iter()
            .flat_map(|argument| shapes.iter().map(move |shape| (argument, *shape)))
            .collect();
        let kind = |(argument, shape): (&Vec<usize>, Shape)| {
            let starts = seeds::of(shape, argument, &rows.inner, are_two).into_iter();
            let starts = starts.filter_map(|ridge| Some((ridge.clone(), ridge.columns(rows)?[0].clone())));
            Kind { inner: argument.len(), starts: starts.collect() }
        };
        pairs.into_par_iter().map(kind).filter(|kind| !kind.starts.is_empty()).collect()
    }
}

/// Searches the transformed target for a function with a factor and company.
pub(super) fn one(search: &mut Search<'_>, view: &View<'_>, ridges: &Ridges) {
    for company in &ridges.material.companies {
        let mut scan = Scan { view, ridges, company, forms: Vec::new(), work: 0.0 };
        scan.singles();
        search.spend(scan.work);
        scan.fit(search);
        if search.done() {
            return;
        }
    }
}

/// Searches the transformed target for two functions.
pub(super) fn two(search: &mut Search<'_>, view: &View<'_>, ridges: &Ridges) {
    let Some(company) = ridges.material.companies.first() else { return };
    let mut scan = Scan { view, ridges, company, forms: Vec::new(), work: 0.0 };
    scan.doubles();
    search.spend(scan.work);
    scan.fit(search);
}

struct Scan<'a> {
    view: &'a View<'a>,
    ridges: &'a Ridges,
    /// The outer columns beside the functions.
    company: &'a [usize],
    /// What a form leaves of the target, and the form.
    forms: Vec<(f64, Form)>,
    work: f64,
}

impl Scan<'_> {
    /// The span of the company, and what it leaves of the target.
    fn company(&self, rows: &Rows) -> (Span, Vec<f64>) {
        let columns: Vec<Vec<f64>> = self.company.iter().map(|at| rows.outer[*at].clone()).collect();
        let span = Span::of(&columns);
        let (target, _) = span.fit(&rows.y);
        (span, target)
    }

    /// One function, with a factor and company.
    fn singles(&mut self) {
        let material = &self.ridges.material;
        let company = self.company;
        let rows = material.rows(&self.view.target, SCANNED.0.max(3 * company.len() + 12));
        if 2 * (company.len() + 2) > rows.y.len() {
            return;
        }
        let kinds = self.ridges.kinds(&rows, &material.arguments, &Shape::ALL, false);
        let (span, target) = self.company(&rows);
        let total = dot(&target, &target);
        let starts: usize =
            kinds.iter().map(|kind| kind.starts.len() * material.envelopes_of(kind.inner).len()).sum();
        self.work += (starts * rows.y.len() * 3 * (company.len() + 2)) as f64;
        let best = |(kind, envelope): (&Kind, Option<usize>)| {
            let mut most = Most::new(STARTS[kind.inner - 1]);
            for (at, (_, values)) in kind.starts.iter().enumerate() {
                let block = Block::of(under(values, envelope, &rows), &span, &target);
                most.offer(block.explained(), || at);
            }
            let form = |(explained, at): (f64, usize)| {
                let term = Term { envelope, ridges: vec![kind.starts[at].0.clone()] };
                (total - explained, Form { terms: vec![term], company: company.to_vec() })
            };
            most.kept.into_iter().map(form).collect::<Vec<_>>()
        };
        let all: Vec<(&Kind, Option<usize>)> = kinds
            .iter()
            .flat_map(|kind| {
                let envelopes = material.envelopes_of(kind.inner);
                envelopes.iter().map(move |envelope| (kind, *envelope))
            })
            .collect();
        let found: Vec<Vec<(f64, Form)>> = all.into_par_iter().map(best).collect();
        self.forms.extend(found.into_iter().flatten());
    }

    /// Two functions: their sum, and their product, of one variable with a factor.
    fn doubles(&mut self) {
        let material = &self.ridges.material;
        let rows = material.rows(&self.view.target, SCANNED.1);
        let alone = self.ridges.variables == 1;
        let shapes =
            &[Shape::Wave, Shape::Exponential, Shape::Logarithm, Shape::Root, Shape::Inverse, Shape::Tanh];
        let kinds = self.ridges.kinds(&rows, &material.short, shapes, true);
        let company = self.company;
        if 2 * (company.len() + 5) > rows.y.len() {
            return;
        }
        let (span, target) = self.company(&rows);
        let total = dot(&target, &target);
        let blocks: Vec<Vec<Block>> = kinds
            .par_iter()
            .map(|kind| {
                kind.starts.iter().map(|(_, values)| Block::of(values.clone(), &span, &target)).collect()
            })
            .collect();
        let starts = kinds.iter().map(|kind| kind.starts.len()).sum::<usize>() as f64;
        let each = (rows.y.len() * if alone { 40 } else { 4 }) as f64;
        self.work += 0.5 * starts * starts * each;
        let pairs: Vec<(usize, usize)> = (0..kinds.len())
            .flat_map(|first| (first..kinds.len()).map(move |second| (first, second)))
            .collect();
        let few = |(first, second): &(usize, usize)| kinds[*first].inner + kinds[*second].inner <= MOST_INNER;
        let term = |envelope: Option<usize>, ridges: &[&Ridge]| Term {
            envelope,
            ridges: ridges.iter().map(|ridge| (*ridge).clone()).collect(),
        };
        let best = |(first, second): (usize, usize)| {
            let (one, other) = (&kinds[first].starts, &kinds[second].starts);
            let mut found: Vec<(f64, Form)> = Vec::new();
            let mut sums = Most::new(STARTS_OF_TWO);
            for a in 0..one.len() {
                let from = if first == second { a + 1 } else { 0 };
                for b in from..other.len() {
                    sums.offer(blocks[first][a].explained_with(&blocks[second][b]), || (a, b));
                }
            }
            for (explained, (a, b)) in sums.kept {
                let terms = vec![term(None, &[&one[a].0]), term(None, &[&other[b].0])];
                found.push((total - explained, Form { terms, company: company.to_vec() }));
            }
            if !alone && kinds[first].inner + kinds[second].inner > 2 {
                return found;
            }
            for envelope in if alone { &material.envelopes } else { &material.envelopes[..1] } {
                let mut products = Most::new(STARTS_OF_TWO);
                let fronts: Vec<Vec<Vec<f64>>> =
                    one.iter().map(|(_, values)| under(values, *envelope, &rows)).collect();
                for (a, front) in fronts.iter().enumerate() {
                    let from = if first == second { a } else { 0 };
                    for (b, (_, values)) in other.iter().enumerate().skip(from) {
                        let columns =
                            front.iter().flat_map(|one| values.iter().map(move |two| times(one, two)));
                        let block = Block::of(columns.collect(), &span, &target);
                        products.offer(block.explained(), || (a, b));
                    }
                }
                for (explained, (a, b)) in products.kept {
                    let terms = vec![term(*envelope, &[&one[a].0, &other[b].0])];
                    found.push((total - explained, Form { terms, company: company.to_vec() }));
                }
            }
            found
        };
        let found: Vec<Vec<(f64, Form)>> = pairs.into_par_iter().filter(few).map(best).collect();
        self.forms.extend(found.into_iter().flatten());
    }

    /// Fits the forms, the best further, and offers the best of those.
    fn fit(mut self, search: &mut Search<'_>) {
        let material = &self.ridges.material;
        let by_error = |forms: &mut Vec<(f64, Form)>, most: usize| {
            forms.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut counts = [0; 10];
            forms.retain(|(_, form)| {
                let count = &mut counts[form.inner_constants().min(9)];
                *count += 1;
                *count <= most
            });
        };
        let mut forms = std::mem::take(&mut self.forms);
        let rows = material.rows(&self.view.target, FITTED);
        let few = material.rows(&self.view.target, SCANNED.0.max(3 * self.company.len() + 12));
        // With fewer rows fits are cheaper, and starts harder to tell apart.
        let more = (SCANNED.0 / few.y.len()).max(1);
        for ((rows, steps), most) in [&few, &few, &rows].into_iter().zip(STEPS).zip(TRIED) {
            by_error(&mut forms, most * more);
            let work = |form: &Form| (steps * rows.y.len() * (form.constants() + 3).pow(2) * 3) as f64;
            search.spend(forms.iter().map(|(_, form)| work(form)).sum());
            forms = forms
                .into_par_iter()
                .filter_map(|(_, mut form)| form.fit(rows, steps).map(|error| (error, form)))
                .collect();
            if search.done() {
                return;
            }
        }
        let variance = spread(&rows.y);
        let observations = rows.y.len() as f64;
        let bits = |error: f64, form: &Form| {
            0.5 * observations * (error + ROUNDING).log2()
                + 0.5 * observations.log2() * form.constants() as f64
                + 3.0 * material.length(form)
        };
        let mut offers: Vec<(f64, Form)> = forms
            .into_iter()
            .map(|(error, form)| self.without_needless(&rows, error / variance, form, search.noisy))
            .map(|(error, form)| (bits(error, &form), form))
            .collect();
        offers.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut offered: Vec<f64> = Vec::new();
        for (bits, form) in offers {
            if search.done() || offered.len() == OFFERED {
                return;
            }
            if offered.iter().any(|other| (bits - other).abs() < 1e-3) {
                continue;
            }
            offered.push(bits);
            self.offer(search, &rows, &form);
        }
    }

    /// The form without the company that it does not need.
    fn without_needless(&self, rows: &Rows, error: f64, form: Form, noisy: bool) -> (f64, Form) {
        let Some(columns) = form.columns(rows) else { return (f64::INFINITY, form) };
        let own = columns.len() - form.company.len();
        let square = dot(&rows.y, &rows.y) / spread(&rows.y);
        // Company that the functions stand for already would make the columns dependent.
        let places = Span::of(&columns).independent();
        let columns: Vec<&Vec<f64>> = places.iter().map(|at| &columns[*at]).collect();
        let sparse = if noisy {
            significant(&columns, &rows.y)
        } else {
            meeting(&columns, &rows.y, (SLACK * error / square).max(ROUNDING))
        };
        let Some(sparse) = sparse else { return (error, form) };
        let kept = sparse.chosen.iter().map(|at| places[*at]).filter(|at| *at >= own);
        let kept = kept.map(|at| form.company[at - own]).collect();
        let mut less = Form { company: kept, ..form };
        let error = less.fit(rows, STEPS[1]).map_or(f64::INFINITY, |error| error / spread(&rows.y));
        (error, less)
    }

    fn offer(&self, search: &mut Search<'_>, rows: &Rows, form: &Form) {
        let Some(columns) = form.columns(rows) else { return };
        let (_, coefficients) = Span::of(&columns).fit(&rows.y);
        if let Some((law, values)) = self.ridges.material.formula(form, &coefficients) {
            self.view.offer(search, law, &values, 60);
        }
    }
}

/// The sum of squares about the mean.
fn spread(y: &[f64]) -> f64 {
    moments(y).1 * y.len() as f64
}

/// Columns times an outer one.
fn under(columns: &[Vec<f64>], envelope: Option<usize>, rows: &Rows) -> Vec<Vec<f64>> {
    match envelope {
        Some(at) => columns.iter().map(|column| times(column, &rows.outer[at])).collect(),
        None => columns.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::View;
    use super::super::testing::found;
    use super::super::transform::Transform;
    use super::*;

    fn searched(
        text: &str,
        ranges: &[(f64, f64)],
        rows: usize,
        attempt: fn(&mut Search<'_>, &View<'_>, &Ridges),
    ) {
        found(text, ranges, rows, |search, problem| {
            let view = View::new(problem, Transform::Identity, false).unwrap();
            attempt(search, &view, &Ridges::of(problem));
        });
    }

    #[test]
    fn functions_of_two_variables_are_found_whatever_their_constants() {
        for text in [
            "sin(1.37*x*y) + x",
            "cos(1.43*x - 0.82*y) + x*y",
            "exp(-0.34*x*y) + 1.7*y",
            "x*sin(1.63*x*y)",
            "sqrt(x + 1.74*y)*x + y",
            "log(x + 2.31*y)*x",
            "1.4*x^2 + 2.7*sin((x - 1.37)*(y - 0.63))",
            "tanh(0.63*x*y) + 0.4*y",
        ] {
            searched(text, &[(1.0, 3.0); 2], 400, one);
        }
    }

    #[test]
    fn units_of_the_variables_change_nothing() {
        for (scale, text) in [(1e-9, "sin(1.37e18*x*y) + 1e9*x"), (1e9, "sin(1.37e-18*x*y) + 1e-9*x")] {
            searched(text, &[(scale, 3.0 * scale); 2], 300, one);
        }
    }

    #[test]
    fn two_functions_of_a_variable_are_found_whatever_their_constants() {
        for text in [
            "1.83*sin(2.31*x + 0.77)*sqrt(x + 1.37)",
            "0.94*tanh(0.71*x + 0.2)*cos(2.63*x + 1.2)",
            "1.7*cos(1.93*x + 0.31)/(x + 1.83)",
            "0.94*exp(-0.41*x^2)*cos(2.63*x + 1.2)",
            "1.63*sin(0.8*x + 0.3)*sin(2.71*x + 1.18)",
            "1.31*x*exp(-0.35*x)*sin(2.2*x + 0.6)",
            "1.63*log(x + 1.8)*exp(-0.71*x)",
            "1.3*sqrt(x + 0.83) + 1.7*exp(-1.3*x)",
        ] {
            searched(text, &[(0.0, 4.0)], 200, two);
        }
    }
}

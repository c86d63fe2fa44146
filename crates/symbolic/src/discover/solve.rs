//! The order in which things are tried: cheap fits, then reductions as branches with a share of the work each, then
//! everything on the problem as it is.

use super::additive;
use super::curve;
use super::dictionary::{self, Dictionary};
use super::polynomial;
use super::powers;
use super::problem::{Problem, View, median, moments};
use super::product;
use super::rational;
use super::reduce::{Probe, Reduced, cuts, peeled};
use super::ridge::{self, Ridges};
use super::search::Search;
use super::transform::Transform;
use crate::families::Family;

/// Rows that exact relations are searched on, and noisy ones.
const ROWS: (usize, usize) = (400, 1000);
/// Rows from which on neighbours are near, and how far off the line between them a curve may be, in its spread.
const CURVE_ROWS: usize = 500;
const ON_LINE: f64 = 0.02;
/// Most variables of which functions with any constants are tried.
const RIDGES: usize = 4;
/// Deepest nesting of reductions.
const DEPTH: usize = 6;
/// Shares of the work that is left, of branches that are tried one after the other.
const SHARES: [f64; 4] = [0.45, 0.25, 0.15, 0.1];

/// Explains a problem.
pub(super) fn solve(search: &mut Search<'_>, problem: &Problem, families: &[Box<dyn Family>], depth: usize) {
    if search.done() {
        return;
    }
    match problem.columns.len() {
        0 => return constant(search, problem),
        1 if !search.noisy && !is_curve(problem) => return,
        1 => {
            attempt(search, problem, families, false);
            ridges(search, problem, ridge::one);
            if depth == 0 {
                ridges(search, problem, ridge::two);
            }
            if !search.done() {
                powers::functions(search, problem);
            }
            attempt(search, problem, families, true);
            if depth == 1 && problem.rows() >= CURVE_ROWS {
                ridges(search, problem, ridge::two);
            }
            return;
        }
        _ => {}
    }
    powers::monomial(search, problem);
    attempt(search, problem, families, false);
    if search.done() {
        return;
    }
    if depth <= 2 {
        additive::split(search, problem, families);
    }
    // Of two variables and without noise functions cost little; else all other ways come first.
    let are_two = problem.columns.len() == 2;
    let early = are_two && !search.noisy;
    if early && depth == 0 {
        ridges(search, problem, ridge::one);
    }
    if depth < DEPTH && !search.done() {
        let probe = Probe::new(search, problem);
        if let Some(probe) = probe
            && reductions(search, problem, &probe, families, depth)
        {
            return;
        }
    }
    if early && depth == 1 {
        ridges(search, problem, ridge::one);
    }
    if !search.done() && depth == 0 {
        powers::functions(search, problem);
    }
    if early && depth == 0 {
        ridges(search, problem, ridge::two);
    }
    if !search.done() {
        attempt(search, problem, families, true);
    }
    if !early && depth == 0 && problem.columns.len() <= RIDGES {
        ridges(search, problem, ridge::one);
    }
    if depth <= 1 && !search.done() {
        product::split(search, problem, families);
    }
}

/// Whether the target of clean data is a function of the one variable, as far as neighbours tell: where a reduction was
/// wrong, points between two neighbours are off the line through them.
fn is_curve(problem: &Problem) -> bool {
    let rows = problem.rows();
    if rows < CURVE_ROWS {
        return true;
    }
    let (x, y) = (&problem.columns[0], &problem.y);
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
    let off: Vec<f64> = order
        .windows(3)
        .map(|three| {
            let [a, b, c] = [three[0], three[1], three[2]];
            let along = if x[c] > x[a] { (x[b] - x[a]) / (x[c] - x[a]) } else { 0.5 };
            y[b] - y[a] - along * (y[c] - y[a])
        })
        .collect();
    // The middle one: poles and jumps are few.
    let typical = median(&off.iter().map(|off| off.abs()).collect::<Vec<_>>());
    let (centre, spread) = (median(y), |values: Vec<f64>| median(&values));
    typical < ON_LINE * spread(y.iter().map(|y| (y - centre).abs()).collect())
}

/// Tries reductions; whether that settles the problem.
fn reductions(
    search: &mut Search<'_>,
    problem: &Problem,
    probe: &Probe,
    families: &[Box<dyn Family>],
    depth: usize,
) -> bool {
    let peels = probe.peels(search);
    let branches: Vec<Problem> =
        cuts(&peels, search.noisy).into_iter().map(|most| peeled(problem, &peels, most)).collect();
    let some = !branches.is_empty();
    follow(search, branches, families, depth);
    if search.done() {
        return true;
    }
    if search.noisy && some {
        attempt(search, problem, families, true);
        return depth > 0;
    }
    let mut pairs: Vec<Reduced> = probe.pairs(search, problem);
    pairs.truncate(if depth == 0 { 4 } else { 2 });
    follow(search, pairs.into_iter().map(|reduced| reduced.problem).collect(), families, depth);
    false
}

fn follow(search: &mut Search<'_>, problems: Vec<Problem>, families: &[Box<dyn Family>], depth: usize) {
    if search.done() {
        return;
    }
    let usable = problems.into_iter().filter(|problem| super::problem::usable(&problem.y));
    let branches = SHARES.into_iter().zip(usable).collect();
    search.branch(branches, |branch, problem: Problem| solve(branch, &problem, families, depth + 1));
}

fn constant(search: &mut Search<'_>, problem: &Problem) {
    let mean = moments(&problem.y).0;
    search.offer(problem.law(super::features::constant(0)), &[mean], 10);
}

/// Fits everything that needs no reduction, for every transform of the target.
fn attempt(search: &mut Search<'_>, problem: &Problem, families: &[Box<dyn Family>], deep: bool) {
    attempt_under(search, problem, families, deep, &Transform::ALL);
}

/// Fits what a part of a law may be: a few transforms are enough.
pub(super) fn attempt_part(search: &mut Search<'_>, problem: &Problem, families: &[Box<dyn Family>]) {
    let few = [Transform::Identity, Transform::Inverse, Transform::Log, Transform::Square];
    attempt_under(search, problem, families, problem.columns.len() > 1, &few);
    if problem.columns.len() <= RIDGES {
        ridges(search, problem, ridge::one);
    }
    if problem.columns.len() <= 2 {
        ridges(search, problem, ridge::two);
    }
    if problem.columns.len() == 1 && !search.done() {
        attempt_under(search, problem, families, true, &few[..1]);
    }
}

/// Tries functions whose constants may be anything, unless something short explains the problem already.
fn ridges(search: &mut Search<'_>, problem: &Problem, attempt: fn(&mut Search<'_>, &View<'_>, &Ridges)) {
    if search.is_explained() || search.done() {
        return;
    }
    let few = problem.thinned(if search.noisy { ROWS.1 } else { ROWS.0 });
    let Some(view) = View::new(&few, Transform::Identity, search.noisy) else { return };
    attempt(search, &view, &Ridges::of(&few));
}

fn attempt_under(
    search: &mut Search<'_>,
    problem: &Problem,
    families: &[Box<dyn Family>],
    deep: bool,
    transforms: &[Transform],
) {
    let few = problem.thinned(if search.noisy { ROWS.1 } else { ROWS.0 });
    let terms = deep.then(|| Dictionary::of(search, &few));
    let ridges = (deep && few.columns.len() <= 2).then(|| Ridges::of(&few));
    let branches = transforms.iter().map(|transform| (1.0, *transform)).collect();
    search.branch(branches, |branch, transform: Transform| {
        let Some(view) = View::new(&few, transform, branch.noisy) else { return };
        one_transform(branch, &view, families, deep);
        if let Some(terms) = &terms
            && !branch.done()
        {
            dictionary::search(branch, &view, terms);
        }
        let bends = matches!(transform, Transform::Log | Transform::Inverse | Transform::Square);
        if let Some(ridges) = &ridges
            && bends
            && !branch.is_explained()
            && !branch.done()
        {
            ridge::one(branch, &view, ridges);
        }
    });
}

fn one_transform(search: &mut Search<'_>, view: &View<'_>, families: &[Box<dyn Family>], deep: bool) {
    use Transform::*;
    let transform = view.transform;
    if view.problem.columns.len() == 1 {
        if deep || matches!(transform, Identity | Log | Inverse | Square | InverseSquare | Root) {
            curve::families(search, view, families, deep);
        }
        if deep && transform == Identity && !search.done() {
            curve::waves(search, view);
        }
        if deep && matches!(transform, Identity | Inverse | Log | InverseSquare) && !search.done() {
            curve::families_of_products(search, view.problem, transform, families);
        }
    }
    if search.noisy && transform.bears_noise() && view.target.len() >= 60 && !search.done() {
        polynomial::noisy(search, view);
        if matches!(transform, Identity | Square) && !search.done() {
            rational::noisy(search, view);
        }
    }
    if !search.noisy && !search.done() {
        polynomial::exact(search, view, deep);
        let worth = matches!(transform, Identity | Square | Root | InverseSquare | Log | Exp | Inverse);
        if worth && !search.done() {
            rational::exact(search, view, deep);
        }
    }
}

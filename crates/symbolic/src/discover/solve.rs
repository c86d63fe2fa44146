//! The order in which things are tried: cheap fits, then reductions as branches with a share of the work each, then
//! everything on the problem as it is.

use super::additive;
use super::curve;
use super::dictionary::{self, Dictionary};
use super::polynomial;
use super::problem::{Problem, View, moments};
use super::rational;
use super::reduce::{Probe, Reduced, cuts, peeled};
use super::search::Search;
use super::transform::Transform;
use crate::families::Family;

/// Rows that exact relations are searched on, and noisy ones.
const ROWS: (usize, usize) = (400, 1000);
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
        1 => {
            attempt(search, problem, families, false);
            return attempt(search, problem, families, true);
        }
        _ => {}
    }
    attempt(search, problem, families, false);
    if search.done() {
        return;
    }
    if depth <= 2 {
        additive::split(search, problem, families);
    }
    if depth < DEPTH && !search.done() {
        let probe = Probe::new(search, problem);
        if let Some(probe) = probe
            && reductions(search, problem, &probe, families, depth)
        {
            return;
        }
    }
    if !search.done() {
        attempt(search, problem, families, true);
    }
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
pub(super) fn attempt(search: &mut Search<'_>, problem: &Problem, families: &[Box<dyn Family>], deep: bool) {
    let few = problem.thinned(if search.noisy { ROWS.1 } else { ROWS.0 });
    let terms = deep.then(|| Dictionary::of(search, &few));
    let branches = Transform::ALL.into_iter().map(|transform| (1.0, transform)).collect();
    search.branch(branches, |branch, transform: Transform| {
        let Some(view) = View::new(&few, transform, branch.noisy) else { return };
        one_transform(branch, &view, families, deep);
        if let Some(terms) = &terms
            && !branch.done()
        {
            dictionary::search(branch, &view, terms);
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

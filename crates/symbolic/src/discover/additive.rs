//! Laws that are sums of parts with variables of their own: the groups are those between which a polynomial needs no
//! products; each part is searched for by itself, and the best of all parts are fitted together.

use super::features::{exponents, monomials};
use super::problem::{Problem, moments, usable};
use super::search::{Search, Shared};
use super::solve::attempt_part;
use super::surrogate::{chebyshev, fitted};
use crate::expression::Expression;
use crate::families::Family;
use crate::front::{Candidate, Description};
use crate::model::{LevenbergMarquardt, Model, constant_name, refine};
use crate::sample::Sample;
use std::collections::HashMap;
use std::sync::Arc;

/// Rows for the groups, and for the parts.
const ROWS: (usize, usize) = (900, 1500);
/// How many times as much as by chance products between two groups may explain if they are not needed (F statistic).
const NEEDLESS: f64 = 8.0;
/// Formulas of a part that are combined with those of the others, and combinations at most.
const PARTS: usize = 5;
const COMBINATIONS: usize = 60;

/// Part of the target's variance that a part of the law must have.
const ROUNDING: f64 = 1e-18;
/// Shares of the work that is left: for each part, and for all.
const SHARE: f64 = 0.2;
const SHARES: f64 = 0.6;

/// Searches for a law of a problem as a sum.
pub(super) fn split(search: &mut Search<'_>, problem: &Problem, families: &[Box<dyn Family>]) {
    if problem.columns.len() < 2 || problem.rows() < 200 {
        return;
    }
    let Some(groups) = groups(search, problem) else { return };
    if groups.len() < 2 {
        return;
    }
    let Some(parts) = parts(search, problem, &groups) else { return };
    let budget = search.left() * SHARE.min(SHARES / parts.len().max(1) as f64);
    let mut formulas: Vec<Vec<Model>> = Vec::new();
    for part in &parts {
        if search.done() {
            return;
        }
        let found = formulas_of(search, part, families, budget);
        if found.is_empty() {
            return;
        }
        formulas.push(found);
    }
    combine(search, problem, &formulas);
}

/// Groups of variables; None if nothing can be told.
fn groups(search: &mut Search<'_>, problem: &Problem) -> Option<Vec<Vec<usize>>> {
    let few = problem.thinned(ROWS.0);
    let (rows, variables) = (few.rows(), few.columns.len());
    let degree = (2..=8).take_while(|degree| monomials(variables, *degree) <= rows / 4).last()?;
    let all = exponents(variables, degree);
    let columns = chebyshev(&few.columns, rows, degree);
    search.spend_regression(columns.len(), rows / 2);
    let full = fitted(&columns, &few.y)?.error;
    let chance = full / (rows - columns.len()) as f64;
    let rounding = 1e-24 * moments(&few.y).1;
    let mut group: Vec<usize> = (0..variables).collect();
    for first in 0..variables {
        for second in first + 1..variables {
            if group[first] == group[second] {
                continue;
            }
            if search.done() {
                return None;
            }
            let apart =
                all.iter().zip(&columns).filter(|(powers, _)| powers[first] == 0 || powers[second] == 0);
            let kept: Vec<&Vec<f64>> = apart.map(|(_, column)| column).collect();
            search.spend_regression(kept.len(), rows / 2);
            let products = (columns.len() - kept.len()) as f64;
            let gain = fitted(&kept, &few.y)?.error - full;
            if gain > NEEDLESS * chance * products + rounding * rows as f64 {
                let (keep, join) = (group[first], group[second]);
                group.iter_mut().filter(|one| **one == join).for_each(|one| *one = keep);
            }
        }
    }
    let mut names = group.clone();
    names.sort_unstable();
    names.dedup();
    let members = |name: usize| (0..variables).filter(|at| group[*at] == name).collect();
    Some(names.into_iter().map(members).collect())
}

/// A part of a law, known up to an error: of a sum up to a constant, of a product up to a scale.
pub(super) struct Part {
    pub(super) problem: Problem,
    /// The part of its variance that is an error of the stand-in.
    pub(super) floor: f64,
}

/// The parts by a polynomial of each group.
fn parts(search: &mut Search<'_>, problem: &Problem, groups: &[Vec<usize>]) -> Option<Vec<Part>> {
    let few = problem.thinned(ROWS.1);
    let rows = few.rows();
    let mut columns = vec![vec![1.0; rows]];
    let mut owner = vec![usize::MAX];
    for (name, group) in groups.iter().enumerate() {
        let degree = (2..=14).take_while(|degree| monomials(group.len(), *degree) <= rows / 8).last()?;
        let own: Vec<Vec<f64>> = group.iter().map(|at| few.columns[*at].clone()).collect();
        for column in chebyshev(&own, rows, degree) {
            if moments(&column).1 > 1e-12 {
                columns.push(column);
                owner.push(name);
            }
        }
    }
    search.spend_regression(columns.len(), rows / 2);
    let found = fitted(&columns, &few.y)?;
    let error = found.error / rows as f64;
    let part = |(name, group): (usize, &Vec<usize>)| {
        let mut y = vec![0.0; rows];
        for ((column, coefficient), _) in
            columns.iter().zip(&found.coefficients).zip(&owner).filter(|(_, owner)| **owner == name)
        {
            y.iter_mut().zip(column).for_each(|(y, x)| *y += coefficient * x);
        }
        let floor = (error / moments(&y).1).max(1e-24);
        let problem = Problem {
            columns: group.iter().map(|at| few.columns[*at].clone()).collect(),
            parts: group.iter().map(|at| few.parts[*at].clone()).collect(),
            y,
            outer: Vec::new(),
        };
        Part { problem, floor }
    };
    // A column that nothing depends on has a part of rounding.
    let least = ROUNDING * moments(&few.y).1;
    Some(groups.iter().enumerate().map(part).filter(|part| moments(&part.problem.y).1 > least).collect())
}

/// The best formulas of a part, which is as good as noisy.
pub(super) fn formulas_of(
    search: &mut Search<'_>,
    part: &Part,
    families: &[Box<dyn Family>],
    budget: f64,
) -> Vec<Model> {
    let names: Vec<Arc<str>> =
        (0..part.problem.columns.len()).map(|at| Arc::from(format!("x{at}"))).collect();
    let Ok(sample) = Sample::new(names.clone(), part.problem.columns.clone(), part.problem.y.clone(), None)
    else {
        return Vec::new();
    };
    let shared = Shared {
        trial: Shared::trial_of(&sample),
        description: Description { observations: sample.rows() as f64, floor: part.floor },
        sample: &sample,
        unit: 1.0,
        allowed: search.shared.allowed,
        cancelled: search.shared.cancelled,
        progress: &|_| {},
        evaluations: Default::default(),
        told: Default::default(),
    };
    let mut inner = Search::new(&shared, Some(1.5 * part.floor + 1e-22), true, budget);
    inner.deadline = search.deadline;
    let local = Problem {
        parts: names.iter().map(|name| Expression::variable(name)).collect(),
        ..part.problem.clone()
    };
    powers(&mut inner, &local);
    attempt_part(&mut inner, &local, families);
    search.spend_evaluations(inner.spent());
    let back: HashMap<&str, Expression> =
        names.iter().zip(&part.problem.parts).map(|(name, part)| (&**name, part.clone())).collect();
    let best: Vec<&Candidate> = inner.archive.candidates().iter().take(PARTS).collect();
    best.into_iter().map(|candidate| Model::of(&candidate.model.expression().substitute(&back))).collect()
}

/// `c·Π xᵏ + d` with free exponents, which become halves where they are near.
fn powers(search: &mut Search<'_>, problem: &Problem) {
    if !problem.columns.iter().flatten().all(|x| *x > 0.0) {
        return;
    }
    let (mean, variance) = moments(&problem.y);
    let count = problem.columns.len();
    let constant = super::features::constant;
    for sign in [1.0, -1.0] {
        for start in [0.0, 1.0, -1.0, 2.0, -2.0] {
            let power = |at: usize| problem.parts[at].clone().power(constant(at + 1));
            let product = Expression::product((0..count).map(power).chain([constant(0)]));
            let exponents = (0..count).map(|at| start + 0.3 * at as f64);
            let values: Vec<f64> =
                [sign * variance.sqrt()].into_iter().chain(exponents).chain([mean]).collect();
            let mut model = Model::with_values(product + constant(count + 1), &values);
            let error = refine(&mut model, &search.shared.trial, LevenbergMarquardt { steps: 40 });
            search.spend_regression(count + 2, 40 * search.shared.trial.rows());
            if error > 1e-4 {
                continue;
            }
            let value = |at: usize| {
                let name = constant_name(at);
                model.constants().iter().find(|constant| constant.name == name).map_or(0.0, |one| one.value)
            };
            let half = |at: usize| (2.0 * value(at + 1)).round() / 2.0;
            if (0..count).all(|at| (value(at + 1) - half(at)).abs() < 0.05) {
                let power = |at: usize| problem.parts[at].clone().power(Expression::real(half(at)));
                let product = Expression::product((0..count).map(power).chain([constant(0)]));
                search.offer(product + constant(1), &[value(0), value(count + 1)], 40);
                return;
            }
        }
    }
}

/// Fits sums of formulas of the parts.
fn combine(search: &mut Search<'_>, problem: &Problem, formulas: &[Vec<Model>]) {
    let mean = moments(&problem.y).0;
    // An offset of any size: it is fitted.
    let offset = Expression::real(mean + 1e-3 * mean.abs() + 1e-9);
    combine_with(search, problem, formulas, |terms| {
        Expression::sum(terms.into_iter().chain([offset.clone()]))
    });
}

/// Fits what `join` makes of a formula of each part, the best of each first.
pub(super) fn combine_with(
    search: &mut Search<'_>,
    problem: &Problem,
    formulas: &[Vec<Model>],
    join: impl Fn(Vec<Expression>) -> Expression,
) {
    let lengths: Vec<usize> = formulas.iter().map(Vec::len).collect();
    for chosen in combinations(&lengths, COMBINATIONS) {
        if search.done() {
            return;
        }
        let parts = formulas.iter().zip(chosen).map(|(list, at)| list[at].expression()).collect();
        let law = Model::of(&join(parts));
        let values: Vec<f64> = law.constants().iter().map(|constant| constant.value).collect();
        if usable(&values) {
            search.offer(problem.law(law.skeleton().clone()), &values, 60);
        }
    }
}

/// The first `most` choices of a place in each list, those of the least sum first: there may be millions of all.
fn combinations(lengths: &[usize], most: usize) -> Vec<Vec<usize>> {
    let largest: usize = lengths.iter().map(|length| length.saturating_sub(1)).sum();
    let mut found = Vec::new();
    for sum in 0..=largest {
        summing(lengths, sum, most, &mut Vec::new(), &mut found);
    }
    found
}

/// Adds to `found`, until it is full, the choices that begin with `chosen` and whose other places add up to `sum`.
fn summing(lengths: &[usize], sum: usize, most: usize, chosen: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    let rest = &lengths[chosen.len()..];
    let Some((length, others)) = rest.split_first() else {
        found.push(chosen.clone());
        return;
    };
    let beyond: usize = others.iter().map(|length| length.saturating_sub(1)).sum();
    for place in sum.saturating_sub(beyond)..(*length).min(sum + 1) {
        if found.len() == most {
            return;
        }
        chosen.push(place);
        summing(lengths, sum - place, most, chosen, found);
        chosen.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::combinations;
    use crate::families::default_families;

    #[test]
    fn combinations_come_by_their_sum_and_are_not_all_made() {
        let all = combinations(&[3, 1, 2], 100);
        let expected = [[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1], [2, 0, 0], [2, 0, 1]];
        assert_eq!(all, expected);
        assert_eq!(combinations(&[3, 1, 2], 4), expected[..4]);
        assert!(combinations(&[2, 0], 4).is_empty());
        // 5 to the power of 40 would not fit any memory.
        let many = combinations(&[5; 40], 60);
        assert_eq!((many.len(), many[41].iter().sum::<usize>()), (60, 2));
    }

    #[test]
    fn sums_are_found_and_columns_without_influence_left_out() {
        found("x*exp(-y) + z", &[(1.0, 3.0); 4], 600, |search, problem| {
            super::split(search, problem, &default_families());
            let best = search.archive.candidates()[0].model.expression();
            assert!(!best.depends_on("u"), "{best:?}");
        });
    }
}

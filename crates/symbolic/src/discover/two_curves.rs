//! Problems of one variable whose law is a product or a sum of two functions: one of a few kinds, with any constants
//! inside, and a wave or another such function. All factors come from least squares; what is inside is scanned coarsely,
//! and the best of each combination of kinds is fitted with all its constants.

use super::dictionary::{evaluated, locals};
use super::features::Feature;
use super::problem::{View, times};
use super::search::Search;
use crate::expression::{Expression, Function};
use crate::fit::least_squares::regress;
use crate::model::Model;
use crate::sample::range;

/// Rates of exponentials, for half the range.
const RATES: [f64; 8] = [0.2, 0.4, 0.7, 1.1, 1.7, 2.5, 4.0, 6.0];
/// Where a function begins, in halves of the range before its start, or behind its end.
const STARTS: [f64; 4] = [0.1, 0.3, 1.0, 3.0];
/// Slopes and centres of bends, in halves of the range.
const SLOPES: [f64; 2] = [1.3, 3.1];
const CENTRES: [f64; 3] = [-0.55, 0.05, 0.6];
/// Frequencies of a wave, in a quarter of a radian for half the range.
const FINE: usize = 80;
/// Halvings of that step around the best.
const HALVINGS: usize = 14;
/// Waves in company whose constants are fitted.
const WAVES: usize = 10;
/// Part of the variance that the start of a fit may leave.
const PROMISING: f64 = 0.3;

/// A function of a kind, its constants as they were scanned.
struct Curve {
    kind: usize,
    term: Feature,
}

/// Curves of all kinds over a range.
fn curves(view: &View<'_>) -> Vec<Curve> {
    let (names, variables) = locals(view.problem);
    let v = || variables[0].clone();
    let (low, high) = range(&view.problem.columns[0]);
    let (middle, half) = (0.5 * (low + high), 0.5 * (high - low));
    let real = Expression::real;
    let mut made: Vec<(usize, Expression)> = vec![(0, v()), (0, v().powi(2)), (0, v().powi(-1))];
    for rate in RATES.iter().flat_map(|rate| [*rate, -rate]) {
        let exponential = (real(rate / half) * v()).call(Function::Exp);
        made.push((2, v() * exponential.clone()));
        made.push((1, exponential));
    }
    for start in STARTS {
        for argument in [v() + real(start * half - low), real(high + start * half) - v()] {
            made.push((3, argument.clone().call(Function::Log)));
            made.push((4, argument.clone().sqrt()));
            made.push((5, argument.powi(-1)));
        }
    }
    for slope in SLOPES {
        for centre in CENTRES {
            let argument = real(slope / half) * v() - real(slope / half * (middle + centre * half));
            made.push((6, argument.clone().call(Function::Tanh)));
            made.push((7, argument.clone().call(Function::Atan)));
            made.push((8, (-argument.powi(2)).call(Function::Exp)));
        }
    }
    let (kinds, local): (Vec<usize>, Vec<Expression>) = made.into_iter().unzip();
    let numbers: Vec<Expression> = (0..kinds.len()).map(|at| Expression::integer(at as i64)).collect();
    // Those without a value at some row are left out: the numbers tell which have stayed.
    let (_, stayed) = evaluated(view.problem, &names, &local, &numbers);
    let (terms, _) = evaluated(view.problem, &names, &local, &local);
    let kind = |number: &Expression| number.number().map_or(0, |number| kinds[number.to_f64() as usize]);
    stayed.iter().map(kind).zip(terms).map(|(kind, term)| Curve { kind, term }).collect()
}

/// Searches for such a law of the transformed target.
pub(super) fn search(search: &mut Search<'_>, view: &View<'_>) {
    let curves = curves(view);
    waves(search, view, &curves);
    if !search.done() {
        pairs(search, view, &curves);
    }
}

fn offer(search: &mut Search<'_>, view: &View<'_>, law: &Expression) {
    let model = Model::of(law);
    let values: Vec<f64> = model.constants().iter().map(|constant| constant.value).collect();
    view.offer(search, model.skeleton().clone(), &values, 60);
}

/// The best product and the best sum of each two kinds.
fn pairs(search: &mut Search<'_>, view: &View<'_>, curves: &[Curve]) {
    let rows = view.target.len();
    let one = vec![1.0; rows];
    let Some(whole) = regress(&[&one], &view.target).map(|found| found.error) else { return };
    search.spend((curves.len() * curves.len() * 12 * rows) as f64);
    let mut best: Vec<((usize, usize, bool), f64, Expression)> = Vec::new();
    for (place, first) in curves.iter().enumerate() {
        for second in &curves[place + 1..] {
            for is_product in [true, false] {
                // Sums of two of one kind: of exponentials alone.
                let (a, b) = (&first.term, &second.term);
                if first.kind == second.kind && (is_product || first.kind != 1) {
                    continue;
                }
                let product = if is_product { times(&a.values, &b.values) } else { Vec::new() };
                let columns: Vec<&[f64]> =
                    if is_product { vec![&product, &one] } else { vec![&a.values, &b.values, &one] };
                let Some(found) = regress(&columns, &view.target) else { continue };
                let error = found.error / whole;
                let key = (first.kind.min(second.kind), first.kind.max(second.kind), is_product);
                let known = best.iter().position(|(other, ..)| *other == key);
                if error > PROMISING || known.is_some_and(|known| best[known].1 <= error) {
                    continue;
                }
                let c: Vec<Expression> = found.coefficients.iter().map(|c| Expression::real(*c)).collect();
                let (a, b) = (a.expression.clone(), b.expression.clone());
                let law = match c.as_slice() {
                    [factor, offset] => factor.clone() * a * b + offset.clone(),
                    [one, other, offset] => one.clone() * a + other.clone() * b + offset.clone(),
                    _ => continue,
                };
                match known {
                    Some(known) => best[known] = (key, error, law),
                    None => best.push((key, error, law)),
                }
            }
        }
    }
    best.sort_by(|a, b| a.1.total_cmp(&b.1));
    for (.., law) in best {
        if search.done() {
            return;
        }
        offer(search, view, &law);
    }
}

/// A wave under an envelope, or beside a curve: its phase and all factors come from least squares, so that only its
/// frequency is scanned.
fn waves(search: &mut Search<'_>, view: &View<'_>, curves: &[Curve]) {
    let problem = view.problem;
    let (low, high) = range(&problem.columns[0]);
    let half = 0.5 * (high - low);
    let rows = view.target.len();
    let one = vec![1.0; rows];
    search.spend((curves.len() * 2 * (FINE + 2 * HALVINGS) * 20 * rows) as f64);
    let mut found: Vec<(f64, Expression)> = Vec::new();
    for Curve { term: curve, .. } in curves {
        for is_envelope in [true, false] {
            let fitted = |frequency: f64| -> Option<(f64, f64, Vec<f64>)> {
                let wave = |of: fn(f64) -> f64| -> Vec<f64> {
                    let values = problem.columns[0].iter().map(|x| of(frequency * x));
                    if is_envelope {
                        values.zip(&curve.values).map(|(wave, curve)| wave * curve).collect()
                    } else {
                        values.collect()
                    }
                };
                let (sine, cosine) = (wave(f64::sin), wave(f64::cos));
                let mut columns: Vec<&[f64]> = vec![&sine, &cosine, &one];
                if !is_envelope {
                    columns.push(&curve.values);
                }
                let fit = regress(&columns, &view.target)?;
                Some((fit.error, frequency, fit.coefficients))
            };
            let least = |list: &mut dyn Iterator<Item = f64>| {
                list.filter_map(&fitted).min_by(|a, b| a.0.total_cmp(&b.0))
            };
            let mut step = 0.25 / half;
            let Some(mut best) = least(&mut (1..=FINE).map(|at| at as f64 * step)) else { continue };
            // Else a curve that makes up for a wrong frequency is ahead of the right one.
            for _ in 0..HALVINGS {
                step *= 0.5;
                let near = least(&mut [best.1 - step, best.1 + step].into_iter());
                best = near.filter(|near| near.0 < best.0).unwrap_or(best);
            }
            let (error, frequency, c) = best;
            let real = Expression::real;
            let argument = real(frequency) * problem.parts[0].clone() + real(c[1].atan2(c[0]));
            let wave = real(c[0].hypot(c[1])) * argument.call(Function::Sin);
            let law = if is_envelope {
                wave * curve.expression.clone() + real(c[2])
            } else {
                wave + real(c[2]) + real(c[3]) * curve.expression.clone()
            };
            found.push((error, law));
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, law) in found.into_iter().take(WAVES) {
        if search.done() {
            return;
        }
        offer(search, view, &law);
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::View;
    use super::super::testing::found;
    use super::super::transform::Transform;

    fn all_found(texts: &[&str]) {
        for text in texts {
            found(text, &[(0.0, 4.0)], 200, |search, problem| {
                super::search(search, &View::new(problem, Transform::Identity, false).unwrap());
            });
        }
    }

    #[test]
    fn waves_under_envelopes_and_beside_curves_are_found() {
        all_found(&[
            "2.44*exp(-0.28*x)*cos(2.23*x + 1.15)",
            "2.89*cos(1.94*x + 1.21) + 0.58*x",
            "1.63*log(x + 1.8)*sin(2.71*x + 1.18)",
            "0.7*x^2 + 1.3*sin(4.3*x - 0.4)",
            "1.83*sin(2.31*x + 0.77)*sqrt(x + 1.37)",
            "1.4*cos(2.6*x + 0.3)/(x + 1.83)",
            "1.2*atan(0.83*x - 1.1) + 0.7*sin(2.2*x + 0.4)",
            "1.31*x*exp(-0.35*x)*sin(2.2*x + 0.6)",
        ]);
    }

    #[test]
    fn products_and_sums_of_two_curves_are_found() {
        all_found(&[
            "1.63*log(x + 1.8)*exp(-0.71*x)",
            "0.9*exp(-0.8*(x - 1.7)^2) + 0.31*x + 0.6",
            "1.3*sqrt(x + 0.83) + 1.7*exp(-1.3*x)",
            "0.94*exp(-0.22*x) + 1.31*exp(-1.17*x) + 1.4",
        ]);
    }
}

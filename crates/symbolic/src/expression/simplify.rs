//! Shorter forms of an expression. Rules propose, numbers decide: a shorter form is taken only if it has the same value
//! at 64 points wherever the expression has one.

mod rules;

use super::{Expression, Scratch, Tape};
use std::collections::HashMap;
use std::sync::Arc;

/// Points at which forms are compared.
const POINTS: usize = 64;
/// Points at which the expression must have a value for a comparison to mean something.
const ENOUGH: usize = 8;
/// Relative difference that counts as none: rounding of other operations in another order.
const SAME: f64 = 1e-9;
/// Rounds of rules over the whole expression; each makes it shorter, so that this is no more than a guard.
const ROUNDS: usize = 50;
/// Parts of expressions that are looked at in all, so that long formulas take a moment and not minutes. What is not
/// simplified by then stays as it is.
const EFFORT: usize = 150_000;

impl Expression {
    /// A form that is no longer (by [`Expression::complexity`]) and has the same values. It may have a value where this
    /// has none: `√x·√x` becomes `x`.
    pub fn simplified(&self) -> Self {
        let mut best = self.clone();
        let mut effort = EFFORT;
        for _ in 0..ROUNDS {
            let next = round(&best, &mut effort);
            if next == best || next.complexity() >= best.complexity() || !agree(self, &next) {
                break;
            }
            best = next;
        }
        best
    }
}

/// One pass over all parts, from the inside out, as far as the effort lasts.
fn round(expression: &Expression, effort: &mut usize) -> Expression {
    let mut known: HashMap<Expression, Expression> = HashMap::new();
    expression.walk(|part| {
        let made = part.with_parts(|inner| known[inner].clone());
        let shorter = shorter(&made, effort);
        known.insert(part.clone(), shorter.unwrap_or(made));
    });
    known.remove(expression).unwrap_or_else(|| expression.clone())
}

/// The shortest of the forms that the rules propose, if it is shorter.
fn shorter(expression: &Expression, effort: &mut usize) -> Option<Expression> {
    let mut size = 0;
    expression.walk(|_| size += 1);
    let length = expression.complexity();
    let mut forms: Vec<(f64, Expression)> = Vec::new();
    for form in rules::proposals(expression) {
        // Making a form, and comparing it, takes a time in proportion to its size.
        *effort = effort.checked_sub(size)?;
        let complexity = form.complexity();
        if complexity < length {
            forms.push((complexity, form));
        }
    }
    forms.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    for (_, form) in forms {
        *effort = effort.checked_sub(4 * size)?;
        if agree(expression, &form) {
            return Some(form);
        }
    }
    None
}

/// Whether `form` has the value of `original` wherever that has one, as far as 64 points tell.
fn agree(original: &Expression, form: &Expression) -> bool {
    let variables: Vec<Arc<str>> = original.variables();
    let Ok(tape) = Tape::new(&[original.clone(), form.clone()], &variables) else { return false };
    let mut points = vec![0.0; POINTS * variables.len()];
    if !variables.is_empty() {
        points.chunks_exact_mut(variables.len()).enumerate().for_each(|(index, point)| place(index, point));
    }
    let mut values = vec![0.0; 2 * POINTS];
    tape.evaluate(&points, &mut values, &mut Scratch::default());
    let (expected, found) = values.split_at(POINTS);
    let known = || expected.iter().zip(found).filter(|(expected, _)| expected.is_finite());
    let largest = known().fold(0.0_f64, |largest, (expected, _)| largest.max(expected.abs()));
    // Where terms cancel, their rounding is left.
    let same =
        |(expected, found): (&f64, &f64)| (expected - found).abs() <= SAME * expected.abs() + 1e-12 * largest;
    known().count() >= ENOUGH && known().all(same)
}

/// A point of a fixed scatter: every other one in the positive quadrant near 1, the rest of both signs.
fn place(index: usize, point: &mut [f64]) {
    for (axis, x) in point.iter_mut().enumerate() {
        // The golden ratio and its powers spread points evenly on every axis.
        let step = 0.618_033_988_749_894_9_f64.powi(axis as i32 + 1);
        let at = ((index + 1) as f64 * step + 0.137 * axis as f64).fract();
        *x = if index.is_multiple_of(2) { 0.05 + 1.9 * at } else { 6.0 * at - 3.0 };
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{parsed, texts};

    #[test]
    fn forms_become_the_short_ones() {
        for (text, expected) in [
            ("sin(x)^2 + cos(x)^2", "1"),
            ("3*sin(x*y)^2 + 3*cos(x*y)^2 + z", "z + 3"),
            ("x*y + x*z", "x*(y + z)"),
            ("2*x + 2*y", "2*(x + y)"),
            ("(x + 1)^2 - x^2 - 2*x", "1"),
            ("exp(x)*exp(y)", "exp(x + y)"),
            ("exp(log(x))", "x"),
            ("log(exp(x))", "x"),
            ("sqrt(x)*sqrt(x)", "x"),
            ("sqrt(x^2)", "abs(x)"),
            ("sin(x)/cos(x)", "tan(x)"),
            ("sin(-x)", "-sin(x)"),
            ("cos(1 - x) - cos(x - 1)", "0"),
            ("exp(x)^3", "exp(3*x)"),
            ("x + (y - (x + y))", "0"),
            ("cosh(x)^2 - sinh(x)^2", "1"),
            ("sin(pi)", "0"),
            ("cos(pi/2) + x", "x"),
            ("(x*y + x*z)/(y + z)", "x"),
            ("sin(x + pi/2)", "cos(x)"),
            ("cos(x - pi/2) + sin(y + 3*pi)", "sin(x) - sin(y)"),
            ("exp(log(x) + 2*log(y))", "x*y^2"),
            ("exp(-log(2*x) - y^2)", "exp(-y^2)/(2*x)"),
        ] {
            let found = parsed(text).simplified();
            assert_eq!(found, parsed(expected), "{text}");
        }
    }

    #[test]
    fn nothing_is_simplified_to_something_else() {
        for text in ["log(x^2)", "sqrt(x^2 + 1)", "abs(x)", "x/(x + 1)", "exp(x) + x"] {
            assert_eq!(parsed(text).simplified(), parsed(text), "{text}");
        }
    }

    #[test]
    fn the_effort_on_a_long_formula_is_limited() {
        let term = |i: usize| format!("{i}.5*c{i}*c{}^2*sin(c{i})", (i * 7 + 3) % 300);
        let long = parsed(&(0..300).map(term).collect::<Vec<_>>().join(" + "));
        assert!(long.simplified().complexity() < long.complexity());
        let [mut enough, mut little] = [super::EFFORT, 1000];
        assert!(super::shorter(&long, &mut enough).is_some());
        assert_eq!(super::shorter(&long, &mut little), None);
        assert_eq!(little, 1000);
    }

    #[test]
    fn simplifying_twice_changes_nothing() {
        for text in texts() {
            let once = parsed(text).simplified();
            assert!(once.complexity() <= parsed(text).complexity());
            assert_eq!(once.simplified(), once, "{text}");
        }
    }
}

//! Families that are given as expressions of `x` and constants with names: `x*exp(-b*x)`.

use super::Family;
use crate::expression::{Expression, Node, Scratch, Tape};
use crate::fit::projection::{Shape, search};
use crate::fit::{Curve, with_linear_constants};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// Most constants that are searched.
const MOST: usize = 4;
/// Seeds with three constants and more.
const SEEDS: usize = 3000;

/// Why an expression is no family.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CustomError {
    /// There is no x in it.
    #[error("a family is a function of x, which is not in the expression")]
    Variable,
    /// Too many constants.
    #[error("a family has at most {MOST} constants inside, found {found}: {names}")]
    Constants {
        /// How many there are.
        found: usize,
        /// Their names.
        names: String,
    },
}

/// `c·f(x; constants) + d` of an expression f: every variable in it but `x` is a constant to be found.
pub struct Custom {
    name: String,
    bits: f64,
    expression: Expression,
    constants: Vec<Arc<str>>,
    /// Of the expression, and of it and its derivatives by the constants; variables are x and the constants.
    value: Tape,
    slopes: Tape,
}

impl Custom {
    /// A family by its text, described with three bits for each part beyond the variable.
    ///
    /// # Errors
    /// [`CustomError`].
    pub fn new(expression: &Expression) -> Result<Self, CustomError> {
        let bits = 3.0 * (expression.complexity() - 1.5).max(1.0);
        Self::named(&crate::formula::text_of(expression), bits, expression)
    }

    /// A family of a given name, described with `bits`.
    ///
    /// # Errors
    /// [`CustomError`].
    pub fn named(name: &str, bits: f64, expression: &Expression) -> Result<Self, CustomError> {
        let expression = &essential(expression);
        let mut variables = expression.variables();
        let place = variables.iter().position(|name| &**name == "x").ok_or(CustomError::Variable)?;
        let x = variables.remove(place);
        let constants = variables;
        if constants.len() > MOST {
            return Err(CustomError::Constants { found: constants.len(), names: constants.join(", ") });
        }
        let order: Vec<Arc<str>> = std::iter::once(x).chain(constants.iter().cloned()).collect();
        let mut outputs = vec![expression.clone()];
        outputs.extend(constants.iter().map(|constant| expression.derivative(constant)));
        let tape = |outputs: &[Expression]| Tape::new(outputs, &order).map_err(|_| CustomError::Variable);
        let (value, slopes) = (tape(&outputs[..1])?, tape(&outputs)?);
        Ok(Self { name: name.to_owned(), bits, expression: expression.clone(), constants, value, slopes })
    }

    /// Where constants may be, for a curve: of either sign, about 1, the middle, half the range and their inverses.
    fn seeds(&self, curve: &Curve) -> Vec<Vec<f64>> {
        let mut sizes: Vec<f64> = [curve.half(), 1.0 / curve.half(), 1.0]
            .into_iter()
            .flat_map(|unit| [0.1, 0.3, 0.6, 1.0, 1.7, 3.0, 6.0, 12.0].map(|part| part * unit))
            .chain([curve.middle().abs()])
            .filter(|size| size.is_finite() && *size > 0.0)
            .collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup_by(|a, b| *a < 1.05 * *b);
        let all: Vec<f64> = sizes.iter().flat_map(|size| [*size, -size]).collect();
        match self.constants.len() {
            0 => vec![Vec::new()],
            1 => all.iter().map(|a| vec![*a]).collect(),
            2 => all.iter().flat_map(|a| all.iter().map(|b| vec![*a, *b])).collect(),
            count => {
                // Weyl's sequence of the square roots of primes spreads seeds evenly, the same in every run.
                let roots = [2.0_f64, 3.0, 5.0, 7.0].map(f64::sqrt);
                let pick =
                    |at: usize, root: f64| all[((at as f64 * root).fract() * all.len() as f64) as usize];
                (1..=SEEDS).map(|at| (0..count).map(|axis| pick(at, roots[axis])).collect()).collect()
            }
        }
    }
}

/// The expression without the factors and terms that have no x in them, which c and d make up for.
fn essential(expression: &Expression) -> Expression {
    let kept =
        |parts: &[Expression]| parts.iter().filter(|part| part.depends_on("x")).cloned().collect::<Vec<_>>();
    let shorter = match expression.node() {
        Node::Sum(terms) => Expression::sum(kept(terms)),
        Node::Product(factors) => Expression::product(kept(factors)),
        _ => return expression.clone(),
    };
    if shorter == *expression || !shorter.depends_on("x") { expression.clone() } else { essential(&shorter) }
}

/// The expression on a curve's own nodes, with room for its evaluation.
struct Evaluation<'a> {
    family: &'a Custom,
    room: RefCell<(Vec<f64>, Vec<f64>, Scratch)>,
}

impl Shape for Evaluation<'_> {
    fn fill(&self, theta: &[f64], nodes: &[f64], values: &mut [f64], slopes: &mut [Vec<f64>]) {
        let (rows, out, scratch) = &mut *self.room.borrow_mut();
        rows.clear();
        for x in nodes {
            rows.push(*x);
            rows.extend_from_slice(theta);
        }
        if slopes.is_empty() {
            self.family.value.evaluate(rows, values, scratch);
            return;
        }
        out.resize((1 + slopes.len()) * nodes.len(), 0.0);
        self.family.slopes.evaluate(rows, out, scratch);
        values.copy_from_slice(&out[..nodes.len()]);
        for (slope, found) in slopes.iter_mut().zip(out[nodes.len()..].chunks_exact(nodes.len())) {
            slope.copy_from_slice(found);
        }
    }
}

impl Family for Custom {
    fn name(&self) -> &str {
        &self.name
    }

    fn bits(&self) -> f64 {
        self.bits
    }

    fn constants(&self) -> usize {
        2 + self.constants.len()
    }

    fn fit(&self, curve: &Curve) -> Option<Expression> {
        let shape = Evaluation { family: self, room: RefCell::default() };
        let theta = search(&shape, curve.x(), curve.centred(), self.seeds(curve))?;
        let names = self.constants.iter().map(|name| &**name);
        let found: HashMap<&str, Expression> =
            names.zip(theta.iter().map(|value| Expression::real(*value))).collect();
        with_linear_constants(curve, self.expression.substitute(&found))
    }
}

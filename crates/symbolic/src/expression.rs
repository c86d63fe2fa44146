//! Formulas as data: an immutable graph whose parts are shared, in a canonical form that equal formulas have in common.
//!
//! An [`Expression`] is made by arithmetic (`+`, `*`, [`Expression::power`], [`Expression::call`]), which is where the
//! canonical form is kept: sums and products are flat, sorted and without like terms, numbers are exact fractions where
//! they can be. What that form takes for granted changes no value except at single points: x/x is 1 at 0 too.

mod bessel;
mod build;
mod complexity;
mod derivative;
mod domain;
mod function;
mod gradient;
mod interval;
mod number;
mod order;
mod simplify;
mod substitute;
mod tape;

pub use domain::{Condition, Requirement};
pub use function::Function;
pub use gradient::Gradient;
pub use interval::{Enclosure, Interval};
pub use number::{Number, Rational};
pub use tape::{Scratch, Tape};

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// What an expression is, at its top.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A number.
    Number(Number),
    /// π.
    Pi,
    /// A variable, or a constant that has a name instead of a value.
    Variable(Arc<str>),
    /// The sum of at least two terms, at most one of them a number, which comes last.
    Sum(Vec<Expression>),
    /// The product of at least two factors, at most one of them a number, which comes first.
    Product(Vec<Expression>),
    /// A base and its exponent.
    Power(Expression, Expression),
    /// A function of one argument.
    Call(Function, Expression),
}

/// A formula. Cheap to clone; parts are shared. Comparing takes a moment even for large ones, because each part knows a
/// hash of itself.
#[derive(Clone)]
pub struct Expression(Arc<Held>);

struct Held {
    node: Node,
    hash: u64,
}

impl Expression {
    fn of(node: Node) -> Self {
        // The keys of this hasher are fixed, so that orders that come from hashes are the same in every run.
        let mut hasher = DefaultHasher::new();
        node.hash(&mut hasher);
        Self(Arc::new(Held { hash: hasher.finish(), node }))
    }

    /// What it is.
    pub fn node(&self) -> &Node {
        &self.0.node
    }

    /// The number it is, if it is one.
    pub fn number(&self) -> Option<Number> {
        match self.node() {
            Node::Number(number) => Some(*number),
            _ => None,
        }
    }

    fn is(&self, number: Number) -> bool {
        self.number() == Some(number)
    }

    /// Calls `visit` once for every different part, itself included, parts before what they are part of. Deep formulas
    /// are no danger to the stack.
    pub fn walk(&self, mut visit: impl FnMut(&Self)) {
        let mut seen = std::collections::HashSet::new();
        let mut waiting = vec![(self.clone(), false)];
        while let Some((next, ready)) = waiting.pop() {
            if ready {
                visit(&next);
            } else if seen.insert(next.clone()) {
                waiting.push((next.clone(), true));
                next.each_part(|part| waiting.push((part.clone(), false)));
            }
        }
    }

    pub(crate) fn each_part(&self, mut visit: impl FnMut(&Self)) {
        match self.node() {
            Node::Number(_) | Node::Pi | Node::Variable(_) => {}
            Node::Sum(parts) | Node::Product(parts) => parts.iter().rev().for_each(visit),
            Node::Call(_, part) => visit(part),
            Node::Power(base, exponent) => {
                visit(exponent);
                visit(base);
            }
        }
    }

    /// Names of the variables, in natural order: `x2` before `x10`.
    pub fn variables(&self) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        self.walk(|part| {
            if let Node::Variable(name) = part.node() {
                names.push(Arc::clone(name));
            }
        });
        names.sort_by(|a, b| order::natural(a, b));
        names
    }

    /// Whether a variable is in it.
    pub fn depends_on(&self, variable: &str) -> bool {
        let mut found = false;
        self.walk(|part| found |= matches!(part.node(), Node::Variable(name) if &**name == variable));
        found
    }

    /// Whether all numbers in it are finite: arithmetic such as 1/0 has not been done in making it.
    pub fn is_finite(&self) -> bool {
        let mut finite = true;
        self.walk(|part| finite &= part.number().is_none_or(|number| number.to_f64().is_finite()));
        finite
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.hash == other.0.hash && self.0.node == other.0.node)
    }
}

impl Eq for Expression {}

impl Hash for Expression {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash.hash(state);
    }
}

/// The formula as it is written.
impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::formula::text_of(self))
    }
}

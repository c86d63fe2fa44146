//! An expression with named constants: their values, how well data determine them, and the numbers they turned out to
//! be.

mod gauge;
mod nice;
mod refine;
mod snap;

pub use gauge::forms;
pub use refine::{LevenbergMarquardt, error_of, refine, root_mean_square};
pub use snap::{Snapping, snap};

use crate::expression::{Expression, Node, Number};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// A constant of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// Its name in the skeleton.
    pub name: Arc<str>,
    /// Its value.
    pub value: f64,
    /// Its standard error by the data that it was fitted to; none if it was not fitted, or they don't determine it.
    pub standard_error: Option<f64>,
    /// The exact number that it was found to be.
    pub snapped: Option<Expression>,
}

/// A formula whose inexact numbers have names.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    skeleton: Expression,
    constants: Vec<Constant>,
}

/// What names of constants begin with while a model is searched for: no column of a sample has such a name.
const MARK: char = '\u{1}';

/// The name of a constant by its number.
pub(crate) fn constant_name(number: usize) -> Arc<str> {
    Arc::from(format!("{MARK}{number}"))
}

impl Model {
    /// The expression with a name for every inexact number in it, in the order in which they are written; equal numbers
    /// have one name. Exact fractions and π stay as they are.
    pub fn of(expression: &Expression) -> Self {
        let mut constants: Vec<Constant> = Vec::new();
        expression.walk(|part| {
            if let Some(Number::Real(value)) = part.number() {
                constants.push(Constant {
                    name: constant_name(constants.len()),
                    value,
                    standard_error: None,
                    snapped: None,
                });
            }
        });
        let skeleton = expression.rebuild(|part| match part.number() {
            Some(Number::Real(value)) => {
                let same = |constant: &&Constant| constant.value.to_bits() == value.to_bits();
                constants.iter().find(same).map(|constant| Expression::variable(&constant.name))
            }
            _ => None,
        });
        Self { skeleton, constants }
    }

    /// How many numbers the formula has beside its exponents and signs: whatever they are, they may have been chosen for
    /// the data.
    pub(crate) fn numbers(&self) -> usize {
        let mut count = 0;
        let is_number = |part: &Expression| part.variables().is_empty();
        self.expression().walk(|part| {
            let has_one = match part.node() {
                Node::Sum(parts) => parts.iter().any(is_number),
                Node::Product(parts) => {
                    parts.iter().any(|part| is_number(part) && part.number() != Some(Number::integer(-1)))
                }
                Node::Power(base, _) => is_number(base) && !is_number(part),
                _ => false,
            };
            count += usize::from(has_one);
        });
        count
    }

    /// A skeleton that names its constants by [`constant_name`], and their values.
    pub(crate) fn with_values(skeleton: Expression, values: &[f64]) -> Self {
        let constant = |(number, value): (usize, &f64)| Constant {
            name: constant_name(number),
            value: *value,
            standard_error: None,
            snapped: None,
        };
        let mut constants: Vec<Constant> = values.iter().enumerate().map(constant).collect();
        // Algebra may have cancelled a constant.
        let used = RefCell::new(Vec::new());
        skeleton.walk(|part| {
            if let Node::Variable(name) = part.node() {
                used.borrow_mut().push(Arc::clone(name));
            }
        });
        constants.retain(|constant| used.borrow().contains(&constant.name));
        Self { skeleton, constants }
    }

    /// The expression of columns and constants by name.
    pub fn skeleton(&self) -> &Expression {
        &self.skeleton
    }

    /// The constants; those that were snapped keep their place.
    pub fn constants(&self) -> &[Constant] {
        &self.constants
    }

    /// How many constants are free: not snapped.
    pub fn free(&self) -> usize {
        self.constants.iter().filter(|constant| constant.snapped.is_none()).count()
    }

    /// How many constants are exact numbers that are written: a term that is 0 and a factor that is 1 are not.
    pub(crate) fn recognised(&self) -> usize {
        let is_written = |exact: &Expression| {
            exact.number().is_none_or(|number| ![0.0, 1.0].contains(&number.to_f64().abs()))
        };
        self.constants
            .iter()
            .filter_map(|constant| constant.snapped.as_ref())
            .filter(|exact| is_written(exact))
            .count()
    }

    /// The expression with the numbers in the places of the constants.
    pub fn expression(&self) -> Expression {
        self.replaced(|constant| {
            Some(constant.snapped.clone().unwrap_or_else(|| Expression::real(constant.value)))
        })
    }

    /// The length of the expression, with each constant as long as a number even if it is 2π.
    pub fn length(&self) -> f64 {
        let number = |constant: &Constant| match &constant.snapped {
            Some(exact) if exact.number().is_some() => Some(exact.clone()),
            _ => None,
        };
        // A name is half a unit longer than a number.
        let skeleton = self.replaced(number);
        let mut names = 0.0;
        let named = |name: &str| self.constants.iter().any(|constant| &*constant.name == name);
        skeleton.walk(|part| {
            if let Node::Variable(name) = part.node() {
                names += f64::from(u8::from(named(name)));
            }
        });
        skeleton.complexity() - 0.5 * names
    }

    /// The skeleton of the free constants alone.
    fn free_skeleton(&self) -> Expression {
        self.replaced(|constant| constant.snapped.clone())
    }

    /// A shorter form with the same values, if rules know one: constants that are exact fractions become part of the
    /// formula, and quarter turns where that makes it shorter.
    pub fn simplified(&self) -> Self {
        let is_fraction = |exact: &Expression| exact.number().is_some();
        let is_turn = |exact: &Expression| exact.quarter_turns().is_some();
        let plain = self.simplified_with(is_fraction);
        if !self.constants.iter().any(|constant| constant.snapped.as_ref().is_some_and(is_turn)) {
            return plain;
        }
        let turned = self.simplified_with(|exact| is_fraction(exact) || is_turn(exact));
        let length = |model: &Self| model.expression().complexity();
        if length(&turned) < length(&plain) { turned } else { plain }
    }

    /// [`Model::simplified`], with those exact constants part of the formula that `joins` wants there.
    fn simplified_with(&self, joins: impl Fn(&Expression) -> bool) -> Self {
        let joined = |constant: &Constant| constant.snapped.clone().filter(|exact| joins(exact));
        let skeleton = self.replaced(joined).simplified();
        let constants = self.constants.iter();
        let constants = constants.filter(|constant| skeleton.depends_on(&constant.name)).cloned().collect();
        Self { skeleton, constants }
    }

    /// The same with an exact zero in the place of a constant.
    pub(crate) fn with_zero(&self, constant: usize) -> Self {
        let mut model = self.clone();
        let zero = &mut model.constants[constant];
        (zero.value, zero.snapped, zero.standard_error) = (0.0, Some(Expression::integer(0)), None);
        model
    }

    fn replaced(&self, by: impl Fn(&Constant) -> Option<Expression>) -> Expression {
        let known = self.constants.iter().filter_map(|constant| Some((&*constant.name, by(constant)?)));
        self.skeleton.substitute(&known.collect::<HashMap<&str, Expression>>())
    }

    /// The same with other names: columns by a list, and constants `c1`, `c2`, … in the order in which they are kept, or
    /// `k1`, … where a column is called so.
    pub fn renamed(&self, columns: &[(Arc<str>, Arc<str>)]) -> Self {
        let taken = |letter: &str| {
            columns
                .iter()
                .any(|(_, name)| name.strip_prefix(letter).is_some_and(|rest| rest.parse::<u32>().is_ok()))
        };
        let letter = ["c", "k", "C", "K", "const", "constant_"].into_iter().find(|letter| !taken(letter));
        let letter = letter.unwrap_or("kanode_constant_");
        let name = |number: usize| Arc::<str>::from(format!("{letter}{}", number + 1));
        let columns = columns.iter().map(|(old, new)| (&**old, Expression::variable(new)));
        let old_names: Vec<Arc<str>> =
            self.constants.iter().map(|constant| Arc::clone(&constant.name)).collect();
        let names =
            old_names.iter().enumerate().map(|(number, old)| (&**old, Expression::variable(&name(number))));
        let skeleton = self.skeleton.substitute(&columns.chain(names).collect());
        let constants = self.constants.iter().enumerate();
        let constants =
            constants.map(|(number, old)| Constant { name: name(number), ..old.clone() }).collect();
        Self { skeleton, constants }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Function;
    use crate::testing::parsed;

    #[test]
    fn inexact_numbers_get_names_and_exact_ones_do_not() {
        let expression = parsed("0.37*x^2 + sin(1.6*x) + 1.6*y + pi/2");
        let model = Model::of(&expression);
        let values: Vec<f64> = model.constants().iter().map(|constant| constant.value).collect();
        assert_eq!(values, [0.37, 1.6]);
        assert_eq!(model.expression(), expression);
        assert_eq!(model.free(), 2);
    }

    #[test]
    fn numbers_are_counted_but_for_exponents_and_signs() {
        for (text, count) in [
            ("x^2", 0),
            ("x - y", 0),
            ("2*x + 1", 2),
            ("10*x/(6 - x) - 1", 3),
            ("0.37*sin(pi*x)", 2),
            ("2^x", 1),
        ] {
            assert_eq!(Model::of(&parsed(text)).numbers(), count, "{text}");
        }
    }

    #[test]
    fn names_are_those_of_nothing_else() {
        let model = Model::of(&parsed("0.37*x + 0.41"));
        let columns = |name: &str| [(Arc::from("x"), Arc::from(name))];
        assert_eq!(model.renamed(&columns("time")).constants()[0].name.as_ref(), "c1");
        let crowded = model.renamed(&columns("c1"));
        assert_eq!(crowded.constants()[0].name.as_ref(), "k1");
        assert_eq!(crowded.expression(), parsed("0.37*c1 + 0.41"));
    }

    #[test]
    fn quarter_turns_make_cosines_of_sines_and_stay_elsewhere() {
        let x = || Expression::variable("x");
        let snapped = |skeleton: Expression| {
            let mut model = Model::with_values(skeleton, &[std::f64::consts::FRAC_PI_2]);
            model.constants[0].snapped = Some(parsed("pi/2"));
            model.simplified()
        };
        let c = || Expression::variable(&constant_name(0));
        let turned = snapped((x() + c()).call(Function::Sin));
        assert_eq!((turned.expression(), turned.constants().len()), (parsed("cos(x)"), 0));
        let scaled = snapped((x() * c()).call(Function::Sin));
        assert_eq!((scaled.expression(), scaled.constants().len()), (parsed("sin(pi*x/2)"), 1));
    }

    #[test]
    fn constants_that_cancel_are_gone() {
        let c = |number| Expression::variable(&constant_name(number));
        let model = Model::with_values(c(0) * Expression::variable("x") + c(1) - c(1), &[2.5, 3.5]);
        assert_eq!(model.constants().len(), 1);
    }
}

//! A formula: an expression of variables in an order, which reads itself from text and writes itself for people and for
//! programs.

mod error;
mod parse;
mod print;

pub use error::{FormulaError, ParseError, Trouble};
pub use parse::function_names;
pub use print::FORMATS;

use crate::expression::{Condition, Enclosure, Expression, Interval, Scratch, Tape};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Length from which on a formula is not written any more: what is short as a graph can be very long as text.
const LONGEST: f64 = 1e6;

/// An expression of variables in an order, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Formula {
    expression: Expression,
    variables: Vec<Arc<str>>,
    tape: Tape,
}

impl Formula {
    /// A formula of the given variables; of those in the expression, in natural order, if none are given.
    ///
    /// # Errors
    /// [`FormulaError`] for a variable that is not given or given twice, and for numbers that are not finite.
    pub fn new(expression: Expression, variables: Option<Vec<Arc<str>>>) -> Result<Self, FormulaError> {
        let variables = variables.unwrap_or_else(|| expression.variables());
        if let Some(twice) =
            (1..variables.len()).find(|place| variables[..*place].contains(&variables[*place]))
        {
            return Err(FormulaError::Twice { name: variables[twice].to_string() });
        }
        if !expression.is_finite() {
            return Err(FormulaError::NotFinite);
        }
        let known = || variables.iter().map(ToString::to_string).collect();
        let tape = Tape::new(std::slice::from_ref(&expression), &variables)
            .map_err(|name| FormulaError::Variable { name: name.to_string(), known: known() })?;
        Ok(Self { expression, variables, tape })
    }

    /// Reads the notation that [`fmt::Display`] writes: `exp(sin(pi*x) + y^2)`. Names that are no identifiers stand
    /// between backticks. If variables are given, no others may occur; `e` is Euler's number unless it is one of them.
    ///
    /// # Errors
    /// [`FormulaError::Parse`], which names the column, and those of [`Formula::new`].
    pub fn parse(text: &str, variables: Option<&[Arc<str>]>) -> Result<Self, FormulaError> {
        let expression = parse::parse(text, variables)?;
        Self::new(expression, variables.map(<[_]>::to_vec))
    }

    /// Reads the format `json`.
    ///
    /// # Errors
    /// [`FormulaError::Json`], and those of [`Formula::new`].
    pub fn from_json(text: &str) -> Result<Self, FormulaError> {
        print::json::read(text)
    }

    /// Writes the formula in one of the [`FORMATS`].
    ///
    /// # Errors
    /// [`FormulaError::Format`], and [`FormulaError::TooLong`] for text of more than a million parts.
    pub fn print(&self, format: &str) -> Result<String, FormulaError> {
        print::print(self, format)
    }

    /// What it computes.
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// The variables, in the order of the columns that it is evaluated on.
    pub fn variables(&self) -> &[Arc<str>] {
        &self.variables
    }

    /// Another expression of the same variables.
    ///
    /// # Errors
    /// Those of [`Formula::new`].
    pub fn with(&self, expression: Expression) -> Result<Self, FormulaError> {
        Self::new(expression, Some(self.variables.clone()))
    }

    /// The derivative by a variable.
    ///
    /// # Errors
    /// [`FormulaError::Variable`] if there is no such variable.
    pub fn derivative(&self, variable: &str) -> Result<Self, FormulaError> {
        self.place(variable)?;
        self.with(self.expression.derivative(variable).simplified())
    }

    /// A form that is no longer and has the same values; see [`Expression::simplified`].
    ///
    /// # Errors
    /// None that is known of: those of [`Formula::new`].
    pub fn simplified(&self) -> Result<Self, FormulaError> {
        self.with(self.expression.simplified())
    }

    /// Conditions under which it has a value.
    pub fn conditions(&self) -> Vec<Condition> {
        self.expression.conditions()
    }

    /// Bounds of its values while variables stay in their intervals.
    ///
    /// # Errors
    /// [`FormulaError::Variable`] if there is no such variable.
    pub fn enclosure(&self, bounds: &HashMap<&str, Interval>) -> Result<Enclosure, FormulaError> {
        for name in bounds.keys() {
            self.place(name)?;
        }
        Ok(self.expression.enclosure(bounds))
    }

    /// Values for rows `x: [rows, variables]`; see [`Tape::evaluate`].
    ///
    /// # Panics
    /// If `x` is not as many rows as `out`.
    pub fn evaluate(&self, x: &[f64], out: &mut [f64]) {
        self.tape.evaluate(x, out, &mut Scratch::default());
    }

    /// The value at one point.
    ///
    /// # Panics
    /// If there is not a number for each variable.
    pub fn evaluate_point(&self, point: &[f64]) -> f64 {
        self.tape.evaluate_point(point)[0]
    }

    fn place(&self, variable: &str) -> Result<usize, FormulaError> {
        self.variables.iter().position(|name| &**name == variable).ok_or_else(|| FormulaError::Variable {
            name: variable.to_owned(),
            known: self.variables.iter().map(ToString::to_string).collect(),
        })
    }
}

/// The same expression of the same variables.
impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression && self.variables == other.variables
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text_of(&self.expression))
    }
}

/// An expression in the notation that [`Formula::parse`] reads.
pub(crate) fn text_of(expression: &Expression) -> String {
    print::text::write(expression)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_columns_in_the_order_given() {
        let names = ["b", "a"].map(Arc::from);
        let formula = Formula::parse("a - 2*b", Some(&names)).unwrap();
        assert_eq!(formula.evaluate_point(&[1.0, 5.0]), 3.0);
        assert_eq!(Formula::parse("x10 + x2", None).unwrap().variables().len(), 2);
        assert_eq!(&*Formula::parse("x10 + x2", None).unwrap().variables()[0], "x2");
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let formula = Formula::parse("x + y", None).unwrap();
        let known = vec!["x".to_owned(), "y".to_owned()];
        let unknown = FormulaError::Variable { name: "z".to_owned(), known };
        assert_eq!(formula.derivative("z"), Err(unknown.clone()));
        assert_eq!(formula.enclosure(&HashMap::from([("z", Interval::ALL)])).unwrap_err(), unknown);
        let twice = [Arc::from("x"), Arc::from("x")].to_vec();
        assert!(matches!(formula.with(Expression::real(f64::NAN)), Err(FormulaError::NotFinite)));
        assert_eq!(
            Formula::new(Expression::pi(), Some(twice)),
            Err(FormulaError::Twice { name: "x".to_owned() })
        );
        assert!(matches!(formula.print("tex"), Err(FormulaError::Format { .. })));
    }

    #[test]
    fn a_formula_that_is_short_only_as_a_graph_is_not_written() {
        let mut nested = Expression::variable("x");
        for _ in 0..40 {
            nested = nested.clone().call(crate::Function::Sin) * nested.call(crate::Function::Cos);
        }
        let formula = Formula::new(nested, None).unwrap();
        assert!(formula.evaluate_point(&[0.3]).is_finite());
        assert!(matches!(formula.print("text"), Err(FormulaError::TooLong)));
        assert!(formula.print("json").is_ok());
    }
}

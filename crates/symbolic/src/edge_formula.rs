//! A formula on an edge of a network, in the place of its spline: its inexact numbers are parameters of the network.
//!
//! The formula is in the units of the data where the edge touches them, as [`edge_curve`](crate::edge_curve) is; the
//! network's are converted on the way in and out. Constants are kept in units of their own, powers of two chosen so
//! that a change by 1 changes the edge by about 1: gradient steps know no other scale.

use crate::expression::{Expression, Scratch, Tape};
use crate::model::Model;
use crate::{Formula, FormulaError};
use kanode_engine::{EdgeFunction, Real};
use kanode_network::{EdgeId, Network, NetworkError};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

/// Orders of derivatives that passes may ask for.
const ORDERS: usize = 4;

/// A formula of `x` with constants.
#[derive(Debug)]
pub struct EdgeFormula {
    /// Of `x` and the names of the constants.
    skeleton: Expression,
    constants: Vec<Arc<str>>,
    units: Units,
    tapes: [OnceLock<Tape>; ORDERS],
}

/// What a formula's numbers are measured in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Units {
    /// Mean and scale of the input: `x = mean + scale·(what the edge receives)`.
    input: (f64, f64),
    /// What the edge gives is the formula's value in units of this.
    output: f64,
    /// Of the constants.
    constants: Vec<f64>,
}

/// A formula as it is written to a model file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    /// JSON of the formula of `x` and the constants.
    formula: String,
    #[serde(flatten)]
    units: Units,
}

thread_local! {
    static ROOM: RefCell<(Vec<f64>, Vec<f64>, Scratch)> = RefCell::default();
}

impl EdgeFormula {
    /// The formula for an edge of a network, and its constants in their units. Inexact numbers in the expression are the
    /// constants, unless it is `locked`; exact ones stay as they are. Nodes of the edge's grid tell the units.
    ///
    /// # Errors
    /// [`NetworkError::Edge`] if there is no such edge; [`NetworkError::Function`] if the expression has other variables
    /// than `x`, or a number that is not finite.
    pub fn on<T: Real>(
        network: &Network<T>,
        edge: EdgeId,
        expression: &Expression,
        locked: bool,
    ) -> Result<(Self, Vec<f64>), NetworkError> {
        let domain = network.domain_of(edge)?;
        let refused = |reason: &str| NetworkError::Function { edge, reason: reason.to_owned() };
        if expression.variables().iter().any(|name| &**name != "x") {
            return Err(refused("has other variables than x"));
        }
        if !expression.is_finite() {
            return Err(refused("has a number that is not finite"));
        }
        let (skeleton, constants, values) = if locked {
            (expression.clone(), Vec::new(), Vec::new())
        } else {
            let model = Model::of(expression).renamed(&[]);
            let names = model.constants().iter().map(|constant| Arc::clone(&constant.name)).collect();
            let values = model.constants().iter().map(|constant| constant.value).collect();
            (model.skeleton().clone(), names, values)
        };
        let (input, output) = units_of(network, edge);
        let units = Units { input, output, constants: vec![1.0; values.len()] };
        let mut formula = Self { skeleton, constants, units, tapes: Default::default() };
        if let Some(natural) = formula.natural_units(domain, &values) {
            formula.units.constants = natural;
        }
        let in_units =
            values.iter().zip(&formula.units.constants).map(|(value, unit)| value / unit).collect();
        Ok((formula, in_units))
    }

    /// The formula on an edge of a network, if there is one.
    pub fn of<T: Real>(network: &Network<T>, edge: EdgeId) -> Option<&Self> {
        network.function_of(edge)?.as_any().downcast_ref()
    }

    /// The expression of `x` on an edge of a network with the values of its constants, if there is one.
    pub fn expression_on<T: Real>(network: &Network<T>, edge: EdgeId) -> Option<Expression> {
        Some(Self::of(network, edge)?.expression(&network.constants_of(edge)))
    }

    /// The expression of `x` with these constants, which are in their units.
    pub fn expression(&self, constants: &[f64]) -> Expression {
        let values = constants.iter().zip(&self.units.constants).map(|(constant, unit)| constant * unit);
        let names = self.constants.iter().map(|name| &**name);
        self.skeleton.substitute(&names.zip(values.map(Expression::real)).collect())
    }

    /// Whether the constants are no parameters. A formula without constants is.
    pub fn is_locked(&self) -> bool {
        self.constants.is_empty()
    }

    /// JSON that [`EdgeFormula::read`] reads.
    ///
    /// # Errors
    /// [`FormulaError::TooLong`].
    pub fn write(&self) -> Result<String, FormulaError> {
        let formula = Formula::new(self.skeleton.clone(), Some(self.variables()))?.print("json")?;
        let written = Written { formula, units: self.units.clone() };
        Ok(serde_json::to_string(&written).unwrap_or_default())
    }

    /// Reads what [`EdgeFormula::write`] wrote.
    ///
    /// # Errors
    /// [`FormulaError::Json`] for anything else.
    pub fn read(text: &str) -> Result<Self, FormulaError> {
        let wrong = |what: String| FormulaError::Json { what };
        let Written { formula, units } =
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let formula = Formula::from_json(&formula)?;
        let [x, constants @ ..] = formula.variables() else {
            return Err(wrong("a formula of an edge is of x".to_owned()));
        };
        let sound = units.input.0.is_finite()
            && [units.input.1, units.output]
                .iter()
                .chain(&units.constants)
                .all(|size| size.is_finite() && *size != 0.0);
        if &**x != "x" || constants.len() != units.constants.len() || !sound {
            return Err(wrong("an edge's formula is of x and its constants, each with a unit".to_owned()));
        }
        let (skeleton, constants) = (formula.expression().clone(), constants.to_vec());
        Ok(Self { skeleton, constants, units, tapes: Default::default() })
    }

    fn variables(&self) -> Vec<Arc<str>> {
        std::iter::once(Arc::from("x")).chain(self.constants.iter().cloned()).collect()
    }

    /// Of each order below `orders`: the derivative by x, and the derivatives of that by the constants.
    fn tape(&self, orders: usize) -> &Tape {
        self.tapes[orders - 1].get_or_init(|| {
            let mut outputs = Vec::new();
            let mut derivative = self.skeleton.clone();
            for order in 0..orders {
                if order > 0 {
                    derivative = derivative.derivative("x");
                }
                outputs.push(derivative.clone());
                outputs.extend(self.constants.iter().map(|name| derivative.derivative(name)));
            }
            Tape::new(&outputs, &self.variables()).unwrap_or_else(|name| unreachable!("{name} is known"))
        })
    }

    /// Powers of two near the sizes of constants that change the edge by 1, in the mean over a domain; None if the formula
    /// has no value there.
    fn natural_units(&self, (a, b): (f64, f64), values: &[f64]) -> Option<Vec<f64>> {
        const NODES: usize = 64;
        let width = 1 + values.len();
        let (mut squares, mut count) = (vec![0.0; width], 0);
        let mut out = vec![0.0; width];
        for node in 0..NODES {
            self.evaluate(values, a + (b - a) * (node as f64 + 0.5) / NODES as f64, &mut out);
            if out.iter().all(|value| value.is_finite()) {
                squares.iter_mut().zip(&out).for_each(|(sum, value)| *sum += value * value);
                count += 1;
            }
        }
        let unit = |square: &f64| {
            let size = (square / f64::from(count)).sqrt();
            let power = -size.log2().round();
            if power.abs() < 900.0 { power.exp2() } else { 1.0 }
        };
        (count > 0).then(|| squares[1..].iter().map(unit).collect())
    }
}

/// Mean and scale of what an edge receives, and the unit of what it gives.
pub(crate) fn units_of<T: Real>(network: &Network<T>, edge: EdgeId) -> ((f64, f64), f64) {
    let Some(scaler) = network.scaler() else { return ((0.0, 1.0), 1.0) };
    let input = if edge.layer == 0 {
        (scaler.input_mean[edge.from], scaler.input_scale[edge.from])
    } else {
        (0.0, 1.0)
    };
    // A factor of a product has no unit of its own.
    let last = edge.layer + 1 == network.program().layers().len();
    let plain = last && network.specification().products(edge.layer).is_empty();
    (input, if plain { scaler.target_scale[edge.to] } else { 1.0 })
}

impl EdgeFunction for EdgeFormula {
    fn constants(&self) -> usize {
        self.constants.len()
    }

    fn evaluate(&self, constants: &[f64], x: f64, out: &mut [f64]) {
        let width = 1 + self.constants.len();
        let orders = out.len() / width;
        let ((mean, scale), output) = (self.units.input, self.units.output);
        ROOM.with_borrow_mut(|(point, found, scratch)| {
            point.clear();
            point.push(mean + scale * x);
            point.extend(constants.iter().zip(&self.units.constants).map(|(constant, unit)| constant * unit));
            found.resize(out.len(), 0.0);
            self.tape(orders).evaluate(point, found, scratch);
            let mut factor = 1.0 / output;
            for (out, found) in out.chunks_exact_mut(width).zip(found.chunks_exact(width)) {
                out[0] = factor * found[0];
                for ((out, found), unit) in out[1..].iter_mut().zip(&found[1..]).zip(&self.units.constants) {
                    *out = factor * unit * found;
                }
                factor *= scale;
            }
        });
    }

    fn plus(&self, number: f64) -> Arc<dyn EdgeFunction> {
        let skeleton = self.skeleton.clone() + Expression::real(number * self.units.output);
        let (constants, units) = (self.constants.clone(), self.units.clone());
        Arc::new(Self { skeleton, constants, units, tapes: Default::default() })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parsed;
    use kanode_network::{Scaler, Specification};

    const FIRST: EdgeId = EdgeId { layer: 0, from: 0, to: 0 };
    const LAST: EdgeId = EdgeId { layer: 1, from: 0, to: 0 };

    fn network() -> Network<f64> {
        let mut network = Network::new(Specification::of(&[1, 1, 1])).unwrap();
        let scaler = Scaler {
            input_mean: vec![10.0],
            input_scale: vec![4.0],
            target_mean: vec![-3.0],
            target_scale: vec![8.0],
        };
        network.set_scaler(Some(scaler)).unwrap();
        network
    }

    fn formula(edge: EdgeId, text: &str) -> (EdgeFormula, Vec<f64>) {
        EdgeFormula::on(&network(), edge, &parsed(text), false).unwrap()
    }

    #[test]
    fn a_formula_is_in_the_units_of_the_data() {
        let (first, constants) = formula(FIRST, "0.25*x^2");
        let mut out = [0.0; 2];
        first.evaluate(&constants, 0.5, &mut out);
        assert_eq!(out[0], 0.25 * 12.0 * 12.0);
        let (last, constants) = formula(LAST, "0.25*x^2");
        last.evaluate(&constants, 0.5, &mut out);
        assert_eq!(out[0], 0.25 * 0.25 / 8.0);
        assert_eq!(last.expression(&constants), parsed("0.25*x^2"));
    }

    #[test]
    fn all_orders_are_differences_of_those_before() {
        for (edge, text) in [(FIRST, "1.5*sin(0.3*x + 0.7) - 2.5"), (LAST, "0.5*(x + 3.5)^2.5*exp(-0.2*x)")] {
            let (formula, constants) = formula(edge, text);
            let width = 1 + constants.len();
            let at = |constants: &[f64], x: f64| {
                let mut out = vec![0.0; 4 * width];
                formula.evaluate(constants, x, &mut out);
                out
            };
            let (h, x) = (1e-5, 0.3);
            let exact = at(&constants, x);
            let (above, below) = (at(&constants, x + h), at(&constants, x - h));
            // The error of a central difference is h²/6 of a third derivative.
            let near = |found: f64, expected: f64| {
                assert!((found - expected).abs() < 1e-6 * (1.0 + found.abs()), "{found} {expected}")
            };
            for order in 1..4 {
                for at in 0..width {
                    near(
                        exact[order * width + at],
                        (above[(order - 1) * width + at] - below[(order - 1) * width + at]) / (2.0 * h),
                    );
                }
            }
            for constant in 0..constants.len() {
                let moved = |step: f64| {
                    let mut moved = constants.clone();
                    moved[constant] += step;
                    at(&moved, x)
                };
                let (above, below) = (moved(h), moved(-h));
                for order in 0..4 {
                    near(
                        exact[order * width + 1 + constant],
                        (above[order * width] - below[order * width]) / (2.0 * h),
                    );
                }
            }
        }
    }

    #[test]
    fn constants_have_units_in_which_they_matter_alike() {
        for text in ["1.5e-7*x + 2.5e9", "1.5*sin(12.5e3*x)"] {
            let (formula, constants) = formula(FIRST, text);
            let mut squares = vec![0.0; 1 + constants.len()];
            for node in 0..100 {
                let mut out = squares.clone();
                formula.evaluate(&constants, f64::from(node) / 50.0 - 1.0, &mut out);
                squares.iter_mut().zip(out).for_each(|(sum, slope)| *sum += slope * slope / 100.0);
            }
            assert!(squares[1..].iter().all(|square| (0.1..10.0).contains(square)), "{squares:?}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let (formula, constants) = formula(FIRST, "1.5*sin(0.3*x + 0.7) - pi/3");
        let again = EdgeFormula::read(&formula.write().unwrap()).unwrap();
        assert_eq!(
            (&again.skeleton, &again.constants, &again.units),
            (&formula.skeleton, &formula.constants, &formula.units)
        );
        assert_eq!(again.expression(&constants), parsed("1.5*sin(0.3*x + 0.7) - pi/3"));
        for wrong in ["", "{}", r#"{"formula":"","input":[0,1],"output":1,"constants":[]}"#] {
            assert!(EdgeFormula::read(wrong).is_err());
        }
        let without_units = formula.write().unwrap().replace("\"constants\":[", "\"constants\":[1.0,");
        assert!(EdgeFormula::read(&without_units).is_err());
    }

    #[test]
    fn locked_formulas_have_no_parameters_and_others_no_other_variables() {
        let (locked, constants) = EdgeFormula::on(&network(), FIRST, &parsed("0.5*x"), true).unwrap();
        assert!(locked.is_locked() && constants.is_empty());
        let refused =
            |text: &str| EdgeFormula::on(&network(), FIRST, &parsed(text), false).unwrap_err().to_string();
        assert!(refused("x + y").contains("other variables"));
        let infinite = Expression::real(f64::INFINITY);
        let refused = EdgeFormula::on(&network(), FIRST, &infinite, false).unwrap_err().to_string();
        assert!(refused.contains("not finite"));
    }
}

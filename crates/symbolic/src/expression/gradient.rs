//! Values of an expression together with its derivatives by named constants, for fits of those constants to data: the
//! operations run forwards with all their results kept, then backwards once for all derivatives.

use super::tape::{BLOCK, Op, compile, operands, run};
use super::{Expression, Node};
use std::collections::HashMap;
use std::sync::Arc;

/// An expression of columns and constants, ready for its derivatives by the constants.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// Operation k writes to register k. Variables are the columns, then the constants.
    ops: Vec<Op>,
    /// Whether an operation depends on a constant.
    active: Vec<bool>,
    output: usize,
    columns: usize,
    constants: usize,
}

impl Gradient {
    /// Compiles an expression of the given columns and constants.
    ///
    /// # Errors
    /// The name of a variable that is neither.
    pub fn new(
        expression: &Expression,
        columns: &[Arc<str>],
        constants: &[Arc<str>],
    ) -> Result<Self, Arc<str>> {
        let place_of = |name: &Arc<str>| columns.iter().chain(constants).position(|known| known == name);
        let mut places: HashMap<Expression, usize> = HashMap::new();
        let mut ops = Vec::new();
        let mut unknown = None;
        expression.walk(|part| {
            if let Node::Variable(name) = part.node()
                && place_of(name).is_none()
            {
                unknown.get_or_insert_with(|| Arc::clone(name));
            }
            let place = compile(part, &places, &mut ops, &|name| place_of(name).unwrap_or(0));
            places.insert(part.clone(), place);
        });
        if let Some(name) = unknown {
            return Err(name);
        }
        let mut active = vec![false; ops.len()];
        for (place, op) in ops.iter().enumerate() {
            active[place] = match op {
                Op::Variable(which) => *which >= columns.len(),
                _ => operands(*op).into_iter().flatten().any(|operand| active[operand]),
            };
        }
        let (columns, constants) = (columns.len(), constants.len());
        Ok(Self { output: places[expression], ops, active, columns, constants })
    }

    /// Writes the values for all rows.
    ///
    /// # Panics
    /// If columns or constants are not as many as there were names, or a column is shorter than `values`.
    pub fn values(&self, columns: &[Vec<f64>], constants: &[f64], values: &mut [f64]) {
        let mut registers = vec![0.0; self.ops.len() * BLOCK];
        for (block, values) in values.chunks_mut(BLOCK).enumerate() {
            self.forward(columns, constants, block * BLOCK, values.len(), &mut registers);
            values.copy_from_slice(&registers[self.output * BLOCK..][..values.len()]);
        }
    }

    /// Writes the values and the derivatives by each constant, `slopes[constant][row]`. A derivative that is not finite
    /// counts as 0.
    ///
    /// # Panics
    /// As [`Gradient::values`], and if a slope is shorter than `values`.
    pub fn slopes(
        &self,
        columns: &[Vec<f64>],
        constants: &[f64],
        values: &mut [f64],
        slopes: &mut [Vec<f64>],
    ) {
        let mut registers = vec![0.0; self.ops.len() * BLOCK];
        let mut adjoints = registers.clone();
        let rows = values.len();
        for start in (0..rows).step_by(BLOCK) {
            let length = BLOCK.min(rows - start);
            self.forward(columns, constants, start, length, &mut registers);
            values[start..start + length].copy_from_slice(&registers[self.output * BLOCK..][..length]);
            adjoints.fill(0.0);
            slopes.iter_mut().for_each(|slope| slope[start..start + length].fill(0.0));
            adjoints[self.output * BLOCK..][..length].fill(1.0);
            for (place, op) in self.ops.iter().enumerate().rev().filter(|(place, _)| self.active[*place]) {
                match op {
                    Op::Variable(which) => {
                        let slope = &mut slopes[which - self.columns][start..start + length];
                        for (slope, adjoint) in slope.iter_mut().zip(&adjoints[place * BLOCK..]) {
                            *slope += if adjoint.is_finite() { *adjoint } else { 0.0 };
                        }
                    }
                    _ => backward(*op, place, &registers, &mut adjoints, length),
                }
            }
        }
    }

    fn forward(
        &self,
        columns: &[Vec<f64>],
        constants: &[f64],
        start: usize,
        length: usize,
        registers: &mut [f64],
    ) {
        assert_eq!((columns.len(), constants.len()), (self.columns, self.constants), "other variables");
        for (place, op) in self.ops.iter().enumerate() {
            match op {
                Op::Variable(which) => {
                    let register = &mut registers[place * BLOCK..][..length];
                    match columns.get(*which) {
                        Some(column) => register.copy_from_slice(&column[start..start + length]),
                        None => register.fill(constants[which - self.columns]),
                    }
                }
                _ => run(*op, place, registers, &[], 0, length),
            }
        }
    }
}

/// Adds what an operation passes on of its adjoint to the adjoints of its operands.
fn backward(op: Op, place: usize, registers: &[f64], adjoints: &mut [f64], length: usize) {
    // Operands come before the operation: splitting there leaves both sides whole.
    let (before, own) = adjoints.split_at_mut(place * BLOCK);
    let (own, values) = (&own[..length], &registers[place * BLOCK..][..length]);
    let mut pass = |operand: usize, slope: &dyn Fn(usize) -> f64| {
        let target = &mut before[operand * BLOCK..][..length];
        for (row, (target, own)) in target.iter_mut().zip(own).enumerate() {
            *target += own * slope(row);
        }
    };
    let at = |register: usize, row: usize| registers[register * BLOCK + row];
    match op {
        Op::Constant(_) | Op::Variable(_) => {}
        Op::Add(a, b) => [a, b].into_iter().for_each(|part| pass(part, &|_| 1.0)),
        Op::Multiply(a, b) => {
            pass(a, &|row| at(b, row));
            pass(b, &|row| at(a, row));
        }
        Op::Shift(a, _) => pass(a, &|_| 1.0),
        Op::Scale(a, number) => pass(a, &|_| number),
        Op::Reciprocal(a) => pass(a, &|row| -values[row] * values[row]),
        Op::Root(a) => pass(a, &|row| 0.5 / values[row]),
        Op::WholePower(a, power) => pass(a, &|row| f64::from(power) * at(a, row).powi(power - 1)),
        Op::RealPower(a, power) => pass(a, &|row| power * at(a, row).powf(power - 1.0)),
        Op::Power(a, b) => {
            pass(a, &|row| at(b, row) * at(a, row).powf(at(b, row) - 1.0));
            pass(b, &|row| if at(a, row) > 0.0 { values[row] * at(a, row).ln() } else { 0.0 });
        }
        Op::Call(function, a) => pass(a, &|row| function.slope(at(a, row), values[row])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Function, Tape};
    use crate::testing::{parsed, texts};

    /// The derivative as an expression, evaluated.
    fn oracle(expression: &Expression, by: &str, names: &[Arc<str>], point: &[f64]) -> f64 {
        Tape::new(&[expression.derivative(by)], names).unwrap().evaluate_point(point)[0]
    }

    #[test]
    fn slopes_are_those_of_the_derivatives() {
        let calls = Function::ALL.map(|function| {
            let shift = if function == Function::Acosh { 1.5 } else { 0.0 };
            (Expression::variable("y") * Expression::variable("x") + Expression::real(shift)).call(function)
        });
        let names = ["x", "y", "z"].map(Arc::from);
        for expression in texts().iter().map(|text| parsed(text)).chain(calls) {
            let gradient = Gradient::new(&expression, &names[..1], &names[1..]).unwrap();
            let x: Vec<f64> = (0..BLOCK + 9).map(|row| 0.3 + 0.004 * row as f64).collect();
            let constants = [0.83, 0.71];
            let mut values = vec![0.0; x.len()];
            let mut slopes = vec![vec![f64::NAN; x.len()]; 2];
            gradient.slopes(std::slice::from_ref(&x), &constants, &mut values, &mut slopes);
            let mut again = values.clone();
            gradient.values(std::slice::from_ref(&x), &constants, &mut again);
            assert_eq!(format!("{values:?}"), format!("{again:?}"));
            for row in [0, 77, BLOCK + 8] {
                for (which, name) in ["y", "z"].into_iter().enumerate() {
                    let expected = oracle(&expression, name, &names, &[x[row], 0.83, 0.71]);
                    let found = slopes[which][row];
                    // The same formula in another order of operations.
                    assert!(
                        (found - expected).abs() <= 1e-10 * (1.0 + expected.abs()),
                        "{expression:?} by {name}: {found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_neither_column_nor_constant_is_named() {
        let names = [Arc::from("x")];
        assert_eq!(&*Gradient::new(&parsed("x*q"), &names, &[]).unwrap_err(), "q");
    }
}

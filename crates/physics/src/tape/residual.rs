//! A tape made ready to run over points: its value, and by a sweep backwards its derivatives by all that the network
//! gives.

use super::{Op, Shape, Tape};
use crate::error::TapeError;
use kanode_trace::Jet;

/// A residual as it is evaluated: what it takes from the network is numbered as in the rows of a
/// [`kanode_trace::Trace`].
#[derive(Clone, Debug)]
pub(crate) struct Residual {
    jet: Jet,
    steps: Vec<Step>,
}

/// An operation whose sources are resolved.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A number of the network's jets `[outputs, jet.len()]`.
    Jet(usize),
    Coordinate(usize),
    Data(usize),
    Constant(f64),
    Add(usize, usize),
    Subtract(usize, usize),
    Multiply(usize, usize),
    Divide(usize, usize),
    Negate(usize),
    Power(usize, f64),
    Sin(usize),
    Cos(usize),
    Exp(usize),
    Log(usize),
    Tanh(usize),
    Sqrt(usize),
}

/// Room for the results of all steps, and for the derivatives by them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    values: Vec<f64>,
    adjoints: Vec<f64>,
}

/// What a residual is evaluated at: all numbers of one point, in the user's units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point<'a> {
    /// `[outputs, jet.len()]`.
    pub(crate) jets: &'a [f64],
    /// `[inputs]`.
    pub(crate) x: &'a [f64],
    /// `[columns]`.
    pub(crate) data: &'a [f64],
}

impl Residual {
    /// The tape for a network of this shape.
    pub(crate) fn new(tape: &Tape, shape: &Shape) -> Result<Self, TapeError> {
        tape.check(shape)?;
        let jet = jet_of(tape);
        let steps = tape.ops().iter().map(|op| resolved(op, &jet)).collect();
        Ok(Self { jet, steps })
    }

    /// The derivatives by inputs that it takes.
    pub(crate) fn jet(&self) -> &Jet {
        &self.jet
    }

    /// Its value at a point.
    pub(crate) fn value(&self, point: &Point<'_>, work: &mut Work) -> f64 {
        work.values.clear();
        for step in &self.steps {
            let v = &work.values;
            let value = match *step {
                Step::Jet(slot) => point.jets[slot],
                Step::Coordinate(input) => point.x[input],
                Step::Data(column) => point.data[column],
                Step::Constant(value) => value,
                Step::Add(a, b) => v[a] + v[b],
                Step::Subtract(a, b) => v[a] - v[b],
                Step::Multiply(a, b) => v[a] * v[b],
                Step::Divide(a, b) => v[a] / v[b],
                Step::Negate(a) => -v[a],
                Step::Power(a, exponent) => power(v[a], exponent),
                Step::Sin(a) => v[a].sin(),
                Step::Cos(a) => v[a].cos(),
                Step::Exp(a) => v[a].exp(),
                Step::Log(a) => v[a].ln(),
                Step::Tanh(a) => v[a].tanh(),
                Step::Sqrt(a) => v[a].sqrt(),
            };
            work.values.push(value);
        }
        work.values.last().copied().unwrap_or(0.0)
    }

    /// Its value at a point; writes its derivatives by the jets to `seed: [outputs, jet.len()]`.
    pub(crate) fn differentiate(&self, point: &Point<'_>, work: &mut Work, seed: &mut [f64]) -> f64 {
        let value = self.value(point, work);
        let Work { values: v, adjoints } = work;
        adjoints.clear();
        adjoints.resize(v.len(), 0.0);
        if let Some(last) = adjoints.last_mut() {
            *last = 1.0;
        }
        seed.fill(0.0);
        for (place, step) in self.steps.iter().enumerate().rev() {
            let d = adjoints[place];
            // What has no influence must not turn an infinite slope into NaN.
            if d == 0.0 {
                continue;
            }
            match *step {
                Step::Jet(slot) => seed[slot] += d,
                Step::Coordinate(_) | Step::Data(_) | Step::Constant(_) => {}
                Step::Add(a, b) => {
                    adjoints[a] += d;
                    adjoints[b] += d;
                }
                Step::Subtract(a, b) => {
                    adjoints[a] += d;
                    adjoints[b] -= d;
                }
                Step::Multiply(a, b) => {
                    adjoints[a] += d * v[b];
                    adjoints[b] += d * v[a];
                }
                Step::Divide(a, b) => {
                    adjoints[a] += d / v[b];
                    adjoints[b] -= d * v[place] / v[b];
                }
                Step::Negate(a) => adjoints[a] -= d,
                Step::Power(a, exponent) if exponent != 0.0 => {
                    adjoints[a] += d * exponent * power(v[a], exponent - 1.0);
                }
                Step::Power(..) => {}
                Step::Sin(a) => adjoints[a] += d * v[a].cos(),
                Step::Cos(a) => adjoints[a] -= d * v[a].sin(),
                Step::Exp(a) => adjoints[a] += d * v[place],
                Step::Log(a) => adjoints[a] += d / v[a],
                Step::Tanh(a) => adjoints[a] += d * (1.0 - v[place] * v[place]),
                Step::Sqrt(a) => adjoints[a] += 0.5 * d / v[place],
            }
        }
        value
    }
}

/// `a` to the power of `exponent`, by multiplications where that is a whole number.
fn power(a: f64, exponent: f64) -> f64 {
    if exponent.fract() == 0.0 && exponent.abs() <= 64.0 { a.powi(exponent as i32) } else { a.powf(exponent) }
}

/// The smallest jet that has all derivatives of a tape.
fn jet_of(tape: &Tape) -> Jet {
    let derivatives = tape.ops().iter().filter_map(|op| match op {
        Op::Derivative { by, .. } => Some(by.as_slice()),
        _ => None,
    });
    let mut directions: Vec<usize> = derivatives.clone().flatten().copied().collect();
    directions.sort_unstable();
    directions.dedup();
    let mut pairs: Vec<_> = derivatives.filter_map(|by| pair_of(&directions, by)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    Jet { directions, pairs }
}

/// The places of two inputs in a list that has both, the smaller first.
fn pair_of(directions: &[usize], by: &[usize]) -> Option<(usize, usize)> {
    let &[i, j] = by else { return None };
    let place = |input: usize| directions.binary_search(&input).ok();
    let (i, j) = (place(i)?, place(j)?);
    Some((i.min(j), i.max(j)))
}

/// Where a derivative stands in a jet that has it.
fn component(jet: &Jet, by: &[usize]) -> usize {
    match pair_of(&jet.directions, by) {
        Some(pair) => 1 + jet.directions.len() + jet.pairs.binary_search(&pair).unwrap_or(0),
        None => 1 + jet.directions.binary_search(&by[0]).unwrap_or(0),
    }
}

fn resolved(op: &Op, jet: &Jet) -> Step {
    match *op {
        Op::Output { output } => Step::Jet(output * jet.len()),
        Op::Derivative { output, ref by } => Step::Jet(output * jet.len() + component(jet, by)),
        Op::Coordinate { input } => Step::Coordinate(input),
        Op::Data { column } => Step::Data(column),
        Op::Constant { value } => Step::Constant(value),
        Op::Add { a, b } => Step::Add(a, b),
        Op::Subtract { a, b } => Step::Subtract(a, b),
        Op::Multiply { a, b } => Step::Multiply(a, b),
        Op::Divide { a, b } => Step::Divide(a, b),
        Op::Negate { a } => Step::Negate(a),
        Op::Power { a, exponent } => Step::Power(a, exponent),
        Op::Sin { a } => Step::Sin(a),
        Op::Cos { a } => Step::Cos(a),
        Op::Exp { a } => Step::Exp(a),
        Op::Log { a } => Step::Log(a),
        Op::Tanh { a } => Step::Tanh(a),
        Op::Sqrt { a } => Step::Sqrt(a),
    }
}

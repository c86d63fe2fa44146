//! Fast evaluation: expressions compiled to a list of operations on blocks of rows.

use super::{Expression, Function, Node, Number};
use std::collections::HashMap;
use std::sync::Arc;

/// Rows that an operation works on at a time: registers of a typical formula fit the first-level cache.
pub(super) const BLOCK: usize = 128;

/// What an operation does; operands are registers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Op {
    Constant(f64),
    Variable(usize),
    Add(usize, usize),
    Multiply(usize, usize),
    Shift(usize, f64),
    Scale(usize, f64),
    Reciprocal(usize),
    Root(usize),
    WholePower(usize, i32),
    RealPower(usize, f64),
    Power(usize, usize),
    Call(Function, usize),
}

/// Expressions ready to be evaluated at many points. What they share is computed once.
#[derive(Clone, Debug)]
pub struct Tape {
    /// Operations and the registers that they write to.
    steps: Vec<(Op, usize)>,
    registers: usize,
    inputs: usize,
    outputs: Vec<usize>,
}

/// Registers for blocks of rows, kept between calls.
#[derive(Clone, Debug, Default)]
pub struct Scratch(Vec<f64>);

impl Tape {
    /// Compiles expressions of the given variables.
    ///
    /// # Errors
    /// The name of a variable that is not among them.
    pub fn new(expressions: &[Expression], variables: &[Arc<str>]) -> Result<Self, Arc<str>> {
        let mut places: HashMap<Expression, usize> = HashMap::new();
        let mut ops: Vec<Op> = Vec::new();
        let mut unknown = None;
        for expression in expressions {
            expression.walk(|part| {
                if !places.contains_key(part) {
                    let variable = |name: &Arc<str>| variables.iter().position(|known| known == name);
                    if let Node::Variable(name) = part.node()
                        && variable(name).is_none()
                    {
                        unknown.get_or_insert_with(|| Arc::clone(name));
                    }
                    let place = compile(part, &places, &mut ops, &|name| variable(name).unwrap_or(0));
                    places.insert(part.clone(), place);
                }
            });
        }
        match unknown {
            Some(name) => Err(name),
            None => {
                let outputs = expressions.iter().map(|expression| places[expression]).collect();
                Ok(allocate(&ops, outputs, variables.len()))
            }
        }
    }

    /// Evaluates rows `x: [rows, variables]` to `out: [expressions, rows]`. Allocates nothing once `scratch` has been
    /// used. What has no value is NaN or infinite.
    ///
    /// # Panics
    /// If `out` is no whole number of rows, or `x` is not as many.
    pub fn evaluate(&self, x: &[f64], out: &mut [f64], scratch: &mut Scratch) {
        let rows = out.len() / self.outputs.len();
        assert_eq!(out.len(), rows * self.outputs.len(), "no whole number of rows");
        assert_eq!(x.len(), rows * self.inputs, "rows of other variables");
        scratch.0.resize(self.registers * BLOCK, 0.0);
        let mut start = 0;
        while start < rows {
            let length = BLOCK.min(rows - start);
            let x = &x[start * self.inputs..(start + length) * self.inputs];
            for (op, target) in &self.steps {
                run(*op, *target, &mut scratch.0, x, self.inputs, length);
            }
            for (output, register) in self.outputs.iter().enumerate() {
                out[output * rows + start..][..length]
                    .copy_from_slice(&scratch.0[register * BLOCK..][..length]);
            }
            start += length;
        }
    }

    /// The values of the expressions at one point.
    ///
    /// # Panics
    /// If there is not a number for each variable.
    pub fn evaluate_point(&self, point: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.outputs.len()];
        if self.inputs == 0 {
            assert!(point.is_empty(), "rows of other variables");
        }
        self.evaluate(point, &mut out, &mut Scratch::default());
        out
    }
}

/// Appends the operations of a part whose parts have places already; returns its place.
pub(super) fn compile(
    part: &Expression,
    places: &HashMap<Expression, usize>,
    ops: &mut Vec<Op>,
    variable: &dyn Fn(&Arc<str>) -> usize,
) -> usize {
    let mut push = |op| {
        ops.push(op);
        ops.len() - 1
    };
    match part.node() {
        Node::Number(number) => push(Op::Constant(number.to_f64())),
        Node::Pi => push(Op::Constant(std::f64::consts::PI)),
        Node::Variable(name) => push(Op::Variable(variable(name))),
        Node::Sum(terms) => {
            let mut sum = places[&terms[0]];
            for term in &terms[1..] {
                sum = push(match term.number() {
                    Some(number) => Op::Shift(sum, number.to_f64()),
                    None => Op::Add(sum, places[term]),
                });
            }
            sum
        }
        Node::Product(factors) => {
            let number = factors[0].number();
            let rest = &factors[usize::from(number.is_some())..];
            let mut product = places[&rest[0]];
            for factor in &rest[1..] {
                product = push(Op::Multiply(product, places[factor]));
            }
            number.map_or(product, |number| push(Op::Scale(product, number.to_f64())))
        }
        Node::Power(base, exponent) => {
            let register = places[base];
            let Some(number) = exponent.number() else {
                return push(Op::Power(register, places[exponent]));
            };
            let small = number.whole().and_then(|whole| i32::try_from(whole).ok());
            match small {
                Some(-1) => push(Op::Reciprocal(register)),
                Some(whole) => push(Op::WholePower(register, whole)),
                None if number == Number::ratio(1, 2) => push(Op::Root(register)),
                None => push(Op::RealPower(register, number.to_f64())),
            }
        }
        Node::Call(function, argument) => push(Op::Call(*function, places[argument])),
    }
}

pub(super) fn operands(op: Op) -> [Option<usize>; 2] {
    match op {
        Op::Constant(_) | Op::Variable(_) => [None, None],
        Op::Add(a, b) | Op::Multiply(a, b) | Op::Power(a, b) => [Some(a), Some(b)],
        Op::Shift(a, _) | Op::Scale(a, _) | Op::WholePower(a, _) | Op::RealPower(a, _) => [Some(a), None],
        Op::Reciprocal(a) | Op::Root(a) | Op::Call(_, a) => [Some(a), None],
    }
}

/// Gives operations registers: one that nobody reads any more is used again.
fn allocate(ops: &[Op], outputs: Vec<usize>, inputs: usize) -> Tape {
    let mut needed = vec![false; ops.len()];
    let mut last_use: Vec<usize> = (0..ops.len()).collect();
    outputs.iter().for_each(|output| {
        needed[*output] = true;
        last_use[*output] = usize::MAX;
    });
    for (place, op) in ops.iter().enumerate().rev() {
        if needed[place] {
            for operand in operands(*op).into_iter().flatten() {
                needed[operand] = true;
                last_use[operand] = last_use[operand].max(place);
            }
        }
    }
    let mut register_of = vec![0; ops.len()];
    let (mut free, mut registers, mut steps) = (Vec::new(), 0, Vec::new());
    for (place, op) in ops.iter().enumerate().filter(|(place, _)| needed[*place]) {
        let target = free.pop().unwrap_or_else(|| {
            registers += 1;
            registers - 1
        });
        register_of[place] = target;
        steps.push((with_registers(*op, &register_of), target));
        // Freed after the target was chosen, so that no operation reads what it writes.
        let mut used: Vec<usize> = operands(*op).into_iter().flatten().collect();
        used.dedup();
        free.extend(
            used.into_iter()
                .filter(|operand| last_use[*operand] == place)
                .map(|operand| register_of[operand]),
        );
    }
    let outputs = outputs.into_iter().map(|output| register_of[output]).collect();
    Tape { steps, registers, inputs, outputs }
}

fn with_registers(op: Op, registers: &[usize]) -> Op {
    match op {
        Op::Constant(_) | Op::Variable(_) => op,
        Op::Add(a, b) => Op::Add(registers[a], registers[b]),
        Op::Multiply(a, b) => Op::Multiply(registers[a], registers[b]),
        Op::Power(a, b) => Op::Power(registers[a], registers[b]),
        Op::Shift(a, number) => Op::Shift(registers[a], number),
        Op::Scale(a, number) => Op::Scale(registers[a], number),
        Op::WholePower(a, number) => Op::WholePower(registers[a], number),
        Op::RealPower(a, number) => Op::RealPower(registers[a], number),
        Op::Reciprocal(a) => Op::Reciprocal(registers[a]),
        Op::Root(a) => Op::Root(registers[a]),
        Op::Call(function, a) => Op::Call(function, registers[a]),
    }
}

pub(super) fn run(op: Op, target: usize, registers: &mut [f64], x: &[f64], inputs: usize, length: usize) {
    // The target is never an operand: splitting there leaves both sides whole.
    let (before, rest) = registers.split_at_mut(target * BLOCK);
    let (out, after) = rest.split_at_mut(BLOCK);
    let out = &mut out[..length];
    let read = |register: usize| {
        if register < target {
            &before[register * BLOCK..][..length]
        } else {
            &after[(register - target - 1) * BLOCK..][..length]
        }
    };
    let mut unary = |register: usize, f: &dyn Fn(f64) -> f64| {
        out.iter_mut().zip(read(register)).for_each(|(out, x)| *out = f(*x));
    };
    match op {
        Op::Constant(number) => out.fill(number),
        Op::Variable(column) => {
            out.iter_mut().zip(x[column..].iter().step_by(inputs)).for_each(|(out, x)| *out = *x);
        }
        Op::Add(a, b) => combine(out, read(a), read(b), |a, b| a + b),
        Op::Multiply(a, b) => combine(out, read(a), read(b), |a, b| a * b),
        Op::Power(a, b) => combine(out, read(a), read(b), f64::powf),
        Op::Shift(a, number) => out.iter_mut().zip(read(a)).for_each(|(out, x)| *out = x + number),
        Op::Scale(a, number) => out.iter_mut().zip(read(a)).for_each(|(out, x)| *out = x * number),
        Op::WholePower(a, 2) => out.iter_mut().zip(read(a)).for_each(|(out, x)| *out = x * x),
        Op::Reciprocal(a) => out.iter_mut().zip(read(a)).for_each(|(out, x)| *out = 1.0 / x),
        Op::Root(a) => out.iter_mut().zip(read(a)).for_each(|(out, x)| *out = x.sqrt()),
        Op::WholePower(a, number) => unary(a, &|x| x.powi(number)),
        Op::RealPower(a, number) => unary(a, &|x| x.powf(number)),
        Op::Call(function, a) => unary(a, &|x| function.evaluate(x)),
    }
}

fn combine(out: &mut [f64], a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) {
    out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = f(*a, *b));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{parsed, texts};

    /// The slow and obvious way: a recursion over the parts.
    fn oracle(expression: &Expression, point: &HashMap<&str, f64>) -> f64 {
        let at = |part| oracle(part, point);
        match expression.node() {
            Node::Number(number) => number.to_f64(),
            Node::Pi => std::f64::consts::PI,
            Node::Variable(name) => point[&**name],
            Node::Sum(terms) => terms.iter().map(at).sum(),
            Node::Product(factors) => factors.iter().map(at).product(),
            Node::Power(base, exponent) => at(base).powf(at(exponent)),
            Node::Call(function, argument) => function.evaluate(at(argument)),
        }
    }

    #[test]
    fn blocks_of_any_length_have_the_values_of_the_recursion() {
        let expressions: Vec<Expression> = texts().iter().map(|text| parsed(text)).collect();
        let variables: Vec<Arc<str>> = ["x", "y", "z"].map(Arc::from).to_vec();
        let tape = Tape::new(&expressions, &variables).unwrap();
        let mut scratch = Scratch::default();
        for rows in [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 3] {
            let x: Vec<f64> = (0..3 * rows).map(|i| 0.2 + (i as f64 * 0.618).fract()).collect();
            let mut out = vec![0.0; expressions.len() * rows];
            tape.evaluate(&x, &mut out, &mut scratch);
            for (which, expression) in expressions.iter().enumerate() {
                for row in 0..rows {
                    let point =
                        HashMap::from([("x", x[3 * row]), ("y", x[3 * row + 1]), ("z", x[3 * row + 2])]);
                    let (found, expected) = (out[which * rows + row], oracle(expression, &point));
                    // Sums and powers are taken in another order: a few roundings of the terms.
                    let same = (found - expected).abs() <= 1e-13 * (1.0 + expected.abs());
                    assert!(
                        same || (found.is_nan() && expected.is_nan()),
                        "{expression:?} {found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn registers_are_used_again_and_shared_parts_computed_once() {
        let variables = [Arc::from("x")];
        let long = Expression::sum(
            (1..100).map(|n| (Expression::variable("x") * Expression::integer(n)).call(Function::Sin)),
        );
        let tape = Tape::new(&[long], &variables).unwrap();
        assert!(tape.registers < 110, "{}", tape.registers);
        let shared = parsed("sin(x)*exp(sin(x))");
        let tape = Tape::new(&[shared], &variables).unwrap();
        assert_eq!(tape.steps.iter().filter(|(op, _)| matches!(op, Op::Call(Function::Sin, _))).count(), 1);
    }

    #[test]
    fn an_unknown_variable_is_named() {
        assert_eq!(&*Tape::new(&[parsed("x + w")], &[Arc::from("x")]).unwrap_err(), "w");
    }

    #[test]
    fn a_constant_needs_no_variables() {
        assert_eq!(Tape::new(&[parsed("1/2 + pi - pi")], &[]).unwrap().evaluate_point(&[]), [0.5]);
    }
}

//! What a network amounts to at points: its outputs and their derivatives by its inputs.

use crate::error::PhysicsError;
use crate::tape::SECOND_DERIVATIVE_DEGREE;
use crate::term::check_rows;
use crate::units::Units;
use kanode_engine::{EngineError, Real};
use kanode_network::Network;
use kanode_trace::{Jet, Trace};
use std::sync::Arc;

/// Numbers that a pass may keep at once.
const BUDGET: usize = 1 << 17;

/// Up to which order derivatives are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// First derivatives.
    First,
    /// First and second derivatives.
    Second,
}

/// Outputs and their derivatives by the inputs, in the user's units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Derivatives {
    /// `[rows, outputs]`.
    pub value: Vec<f64>,
    /// `∂u/∂xᵢ`, `[rows, outputs, inputs]`.
    pub first: Vec<f64>,
    /// `∂²u/∂xᵢ∂xⱼ`, `[rows, outputs, inputs, inputs]`, symmetric; empty unless asked for.
    pub second: Vec<f64>,
}

/// The derivatives of all outputs by all inputs at `x: [rows, inputs]`. `cancelled` is asked before every block of rows
/// whether to give up.
///
/// # Errors
/// [`PhysicsError::Rows`] for a wrong length or a cell that is not finite; [`PhysicsError::Degree`] for second
/// derivatives of splines below degree 3; [`PhysicsError::Overflow`]; [`PhysicsError::Engine`] where there is no memory
/// for the results; [`PhysicsError::Cancelled`].
pub fn derivatives<T: Real>(
    network: &Network<T>,
    x: &[f64],
    rows: usize,
    order: Order,
    cancelled: &dyn Fn() -> bool,
) -> Result<Derivatives, PhysicsError> {
    let (inputs, outputs) = (network.inputs(), network.outputs());
    let degree = network.specification().degree;
    if order == Order::Second && degree < SECOND_DERIVATIVE_DEGREE {
        return Err(PhysicsError::Degree { degree });
    }
    check_rows("rows", x, rows, inputs).map_err(PhysicsError::Rows)?;
    let jet = all_derivatives(inputs, order);
    let seconds = if order == Order::Second { inputs } else { 0 };
    let values = rows.saturating_mul(outputs);
    let mut found = Derivatives {
        value: reserved(values)?,
        first: reserved(values.saturating_mul(inputs))?,
        second: reserved(values.saturating_mul(inputs).saturating_mul(seconds))?,
    };
    let packing = Arc::new(network.packing());
    let theta = packing.pack(network.parameters());
    let units = Units::new(network, &jet);
    let mut trace = Trace::new(Arc::clone(network.program()), packing, jet);
    let mut user = vec![0.0; units.width()];
    let block = block_rows(network, trace.jet());
    for (index, x) in Units::scale(network, x).chunks(block * inputs).enumerate() {
        if cancelled() {
            return Err(PhysicsError::Cancelled);
        }
        trace.forward(&theta, x);
        for (row, jets) in trace.outputs().chunks_exact(units.width()).enumerate() {
            units.to_user(jets, &mut user);
            if let Some(at) = user.iter().position(|number| !number.is_finite()) {
                let output = at / trace.jet().len();
                return Err(PhysicsError::Overflow { row: index * block + row, output });
            }
            user.chunks_exact(trace.jet().len()).for_each(|jet| found.push(jet, inputs));
        }
    }
    Ok(found)
}

impl Derivatives {
    /// Appends the jet of one output, with or without second derivatives.
    fn push(&mut self, jet: &[f64], inputs: usize) {
        self.value.push(jet[0]);
        self.first.extend_from_slice(&jet[1..1 + inputs]);
        let seconds = &jet[1 + inputs..];
        if seconds.is_empty() {
            return;
        }
        let start = self.second.len();
        self.second.resize(start + inputs * inputs, 0.0);
        let mut pairs = seconds.iter();
        for i in 0..inputs {
            for (j, second) in (i..inputs).zip(&mut pairs) {
                self.second[start + i * inputs + j] = *second;
                self.second[start + j * inputs + i] = *second;
            }
        }
    }
}

/// All derivatives by all inputs; pairs in the order of rows of the upper triangle.
fn all_derivatives(inputs: usize, order: Order) -> Jet {
    let pairs = match order {
        Order::First => Vec::new(),
        Order::Second => (0..inputs).flat_map(|i| (i..inputs).map(move |j| (i, j))).collect(),
    };
    Jet { directions: (0..inputs).collect(), pairs }
}

/// Rows whose passes keep about [`BUDGET`] numbers.
fn block_rows<T: Real>(network: &Network<T>, jet: &Jet) -> usize {
    let layers = network.program().layers();
    let nodes: usize = layers.iter().map(|layer| layer.inputs + layer.outputs).sum();
    let numbers = nodes.saturating_mul(jet.len() + 4 * (network.specification().degree + 2));
    (BUDGET / numbers.max(1)).max(1)
}

fn reserved(numbers: usize) -> Result<Vec<f64>, EngineError> {
    let mut block = Vec::new();
    let memory = |_| EngineError::Memory { what: "derivatives", numbers };
    block.try_reserve_exact(numbers).map_err(memory)?;
    Ok(block)
}

#[cfg(test)]
mod tests;

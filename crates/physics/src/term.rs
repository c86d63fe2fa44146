//! One part of a loss: a residual that should vanish at some points.

use crate::error::{TapeError, TermError};
use crate::tape::{Residual, Shape, Tape};
use crate::units::Units;
use kanode_engine::Real;
use kanode_network::Network;

/// A residual and the points where it should vanish. Its part of the loss is `weight` times the mean of the residual's
/// square, points counting by `weights`.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Coordinates, `[points, inputs]`.
    pub points: Vec<f64>,
    /// Number of points.
    pub count: usize,
    /// Numbers given for each point, `[points, columns]`; empty without data.
    pub data: Vec<f64>,
    /// How much the term counts, at least 0.
    pub weight: f64,
    /// How much each point counts, at least 0, `[points]`. None for all alike.
    pub weights: Option<Vec<f64>>,
    /// What should vanish.
    pub residual: Tape,
}

impl Term {
    /// Columns of data.
    fn columns(&self) -> usize {
        self.data.len().checked_div(self.count).unwrap_or(0)
    }

    fn check(&self, inputs: usize) -> Result<(), TermError> {
        if self.count == 0 {
            return Err(TermError::NoPoints);
        }
        check_rows("points", &self.points, self.count, inputs)?;
        check_rows("data", &self.data, self.count, self.columns())?;
        if !(self.weight.is_finite() && self.weight >= 0.0) {
            return Err(TermError::Weight { what: "weight", found: self.weight });
        }
        let Some(weights) = &self.weights else { return Ok(()) };
        check_rows("weights", weights, self.count, 1)?;
        match weights.iter().find(|weight| **weight < 0.0) {
            Some(found) => Err(TermError::Weight { what: "weights", found: *found }),
            None if weights.iter().all(|weight| *weight == 0.0) => Err(TermError::NoWeight),
            None => Ok(()),
        }
    }

    /// How much each point adds to the loss for a residual of 1.
    fn shares(&self) -> Vec<f64> {
        let Some(weights) = &self.weights else {
            return vec![self.weight / self.count as f64; self.count];
        };
        // Relative to the largest, so that the sum is a number.
        let largest = weights.iter().copied().fold(0.0, f64::max);
        let sum: f64 = weights.iter().map(|weight| weight / largest).sum();
        weights.iter().map(|weight| self.weight * (weight / largest / sum)).collect()
    }
}

/// Checks that a block is rows of finite numbers.
pub(crate) fn check_rows(
    what: &'static str,
    block: &[f64],
    rows: usize,
    columns: usize,
) -> Result<(), TermError> {
    let expected = rows.saturating_mul(columns);
    if block.len() != expected {
        return Err(TermError::Length { what, expected, found: block.len() });
    }
    match block.iter().position(|cell| !cell.is_finite()) {
        Some(at) => {
            Err(TermError::NotFinite { what, point: at / columns, column: at % columns, found: block[at] })
        }
        None => Ok(()),
    }
}

/// A term checked against a network, with everything about it that the network's parameters do not change.
#[derive(Clone, Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) term: &'a Term,
    pub(crate) columns: usize,
    pub(crate) residual: Residual,
    /// Coordinates in the network's units, `[points, inputs]`.
    pub(crate) scaled: Vec<f64>,
    /// `[points]`.
    pub(crate) shares: Vec<f64>,
    /// From the network's units to the user's.
    pub(crate) units: Units,
}

impl<'a> Prepared<'a> {
    /// Checks a term.
    pub(crate) fn check<T: Real>(term: &Term, network: &Network<T>) -> Result<(), TermError> {
        term.check(network.inputs())?;
        if !term.residual.is_about_network() {
            term.residual.check(&shape(term, network))?;
            return Err(TapeError::Unrelated.into());
        }
        Ok(term.residual.check(&shape(term, network))?)
    }

    /// Prepares a term that was checked, for a network that has its scaler.
    pub(crate) fn new<T: Real>(term: &'a Term, network: &Network<T>) -> Result<Self, TermError> {
        let residual = Residual::new(&term.residual, &shape(term, network))?;
        let units = Units::new(network, residual.jet());
        Ok(Self {
            term,
            columns: term.columns(),
            residual,
            scaled: Units::scale(network, &term.points),
            shares: term.shares(),
            units,
        })
    }
}

fn shape<T: Real>(term: &Term, network: &Network<T>) -> Shape {
    Shape {
        outputs: network.outputs(),
        inputs: network.inputs(),
        columns: term.columns(),
        degree: network.specification().degree,
    }
}

//! Other knots for a network that has learned: every edge is refitted to the function it was, by a projection that needs
//! no data (see [`kanode_spline::Projection`]).

use crate::domain;
use crate::error::{NetworkError, SpecificationError};
use crate::memory;
use crate::network::Network;
use crate::nodes::forward;
use crate::specification::Specification;
use crate::tables::layer_of;
use kanode_engine::{Layer, Program, Real};
use kanode_spline::{Adapt, CellTable, GRIDS, Knots, Projection, SplineError};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

/// How far functions moved when their knots changed, in the network's units, on the edge that moved furthest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refit {
    /// Root mean square of the difference over the new domain.
    pub rms: f64,
    /// Greatest difference found.
    pub maximum: f64,
}

/// How knots follow the values that arrive at them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GridUpdate {
    /// From 0, breaks at quantiles of the values, to 1, breaks at equal distances.
    pub uniform: f64,
    /// Room on each side, as a part of the range of the values.
    pub margin: f64,
    /// Whether the first layer's knots change too, which see the inputs themselves.
    pub inputs: bool,
}

impl<T: Real> Network<T> {
    /// Gives one layer other knots, one for each of its input nodes, of the specification's grid, degree and ends.
    ///
    /// # Errors
    /// [`NetworkError::Edge`] if there is no such layer, [`NetworkError::Length`], [`NetworkError::Knots`] or
    /// [`NetworkError::Spline`] for knots that do not fit, [`NetworkError::TooLarge`]; the network stays as it was.
    pub fn set_knots(&mut self, layer: usize, knots: Vec<Knots>) -> Result<Refit, NetworkError> {
        let count = self.knots().len();
        if layer >= count {
            return Err(NetworkError::Edge { what: "layer", count, found: layer });
        }
        let mut regrid = Regrid::new(self, self.specification().grid)?;
        let mut given = Some(knots);
        for (index, kept) in self.knots().iter().enumerate() {
            let given = if index == layer { given.take() } else { None };
            regrid.push(given.unwrap_or_else(|| kept.clone()))?;
        }
        let regridded = regrid.finish()?;
        Ok(self.adopt(regridded))
    }

    /// Gives every edge `grid` intervals on the domain that it has. Breaks that are closer together in some place stay
    /// so; all old breaks are kept if `grid` is a multiple of what it was, and then no function changes.
    ///
    /// # Errors
    /// [`NetworkError::Specification`] for a grid out of range, or too many intervals for a domain of the
    /// specification; [`NetworkError::Spline`] for too many on a domain that followed data;
    /// [`NetworkError::TooLarge`]; the network stays as it was.
    pub fn refine(&mut self, grid: usize) -> Result<Refit, NetworkError> {
        let mut regrid = Regrid::new(self, grid)?;
        for (layer, knots) in self.knots().iter().enumerate() {
            let refined = knots.iter().enumerate().map(|(input, knots)| {
                refined(knots, grid).map_err(|source| NetworkError::Spline { layer, input, source })
            });
            regrid.push(refined.collect::<Result<_, _>>()?)?;
        }
        let regridded = regrid.finish()?;
        Ok(self.adopt(regridded))
    }

    /// Gives every node the knots that suit what it receives when the inputs are `x: [rows, inputs]`, in the network's
    /// units; layer after layer, so that each sees what the refitted layers before it give.
    ///
    /// # Errors
    /// [`NetworkError::Length`] if `x` is no whole number of rows, at least 1; [`NetworkError::Spline`] for values that
    /// are not finite; [`NetworkError::TooLarge`]; the network stays as it was.
    pub fn update_grid(&mut self, x: &[f64], update: &GridUpdate) -> Result<Refit, NetworkError> {
        self.check_rows(x)?;
        let Specification { grid, degree, knots: ends, .. } = *self.specification();
        let adapt = Adapt { uniform: update.uniform, margin: update.margin };
        let mut regrid = Regrid::new(self, grid)?;
        let mut values = x.to_vec();
        for (layer, kept) in self.knots().iter().enumerate() {
            let adapted = |(input, kept): (usize, &Knots)| {
                if layer == 0 && !update.inputs {
                    return Ok(kept.clone());
                }
                let samples = values.iter().skip(input).step_by(self.knots()[layer].len());
                let samples: Vec<f64> = samples.copied().collect();
                Knots::from_samples(&samples, grid, degree, ends, adapt)
                    .and_then(|knots| resolvable::<T>(knots, &samples))
                    .map_err(|source| NetworkError::Spline { layer, input, source })
            };
            regrid.push(kept.iter().enumerate().map(adapted).collect::<Result<_, _>>()?)?;
            values = regrid.forward(&values);
        }
        let regridded = regrid.finish()?;
        Ok(self.adopt(regridded))
    }

    /// Checks that `x` is rows of inputs, at least one.
    pub(crate) fn check_rows(&self, x: &[f64]) -> Result<(), NetworkError> {
        let rows = (x.len() / self.inputs()).max(1);
        let expected = rows.saturating_mul(self.inputs());
        if x.len() == expected {
            Ok(())
        } else {
            Err(NetworkError::Length { what: "values of x", expected, found: x.len() })
        }
    }
}

/// The knots, or uniform ones about the samples if those are of rounding size apart in the type `T`.
fn resolvable<T: Real>(knots: Knots, samples: &[f64]) -> Result<Knots, SplineError> {
    let Err(error) = domain::check_breaks::<T>(&knots) else { return Ok(knots) };
    let least = samples.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (a, b) = domain::input_domain::<T>(least, greatest, knots.grid()).ok_or(error)?;
    Knots::uniform(a, b, knots.grid(), knots.degree(), knots.ends())
}

/// Knots of another number of intervals, spread as the old ones are.
fn refined(knots: &Knots, grid: usize) -> Result<Knots, SplineError> {
    let (breaks, old) = (knots.breaks(), knots.grid());
    let at = |j: usize| {
        let (interval, part) = (j * old / grid, (j * old % grid) as f64 / grid as f64);
        // Exact where an old break is.
        if part == 0.0 {
            breaks[interval]
        } else {
            breaks[interval] + part * (breaks[interval + 1] - breaks[interval])
        }
    };
    Knots::with_breaks((0..=grid).map(at).collect(), knots.degree(), knots.ends())
}

/// A network on its way to other knots, layer after layer.
struct Regrid<'a, T> {
    network: &'a Network<T>,
    specification: Specification,
    knots: Vec<Vec<Knots>>,
    layers: Vec<Layer>,
    parameters: Vec<T>,
    /// Where the parameters of the last layer begin.
    start: usize,
    refit: Refit,
}

/// What a network takes over when all layers are done.
pub(crate) struct Regridded<T> {
    pub(crate) specification: Specification,
    pub(crate) knots: Vec<Vec<Knots>>,
    pub(crate) program: Arc<Program>,
    pub(crate) parameters: Vec<T>,
    pub(crate) refit: Refit,
}

impl<'a, T: Real> Regrid<'a, T> {
    fn new(network: &'a Network<T>, grid: usize) -> Result<Self, NetworkError> {
        if !GRIDS.contains(&grid) {
            let (least, most) = GRIDS.into_inner();
            return Err(SpecificationError::Grid { least, most, found: grid }.into());
        }
        let specification = Specification { grid, ..network.specification().clone() };
        specification.validate_domains::<T>()?;
        specification.parameter_length::<T>()?;
        let tables = network.knots().iter().map(Vec::len).sum();
        memory::probe::<T>(&specification, tables)?;
        let (knots, layers, parameters) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { network, specification, knots, layers, parameters, start: 0, refit: Refit::default() })
    }

    /// Goes on with the next layer, which gets these knots.
    fn push(&mut self, knots: Vec<Knots>) -> Result<(), NetworkError> {
        let index = self.layers.len();
        let old = &self.network.program().layers()[index];
        if knots.len() != old.inputs {
            return Err(NetworkError::Length {
                what: "knots of a layer",
                expected: old.inputs,
                found: knots.len(),
            });
        }
        for (input, knots) in knots.iter().enumerate() {
            self.specification.check_knots::<T>(index, input, knots)?;
        }
        let functions = old.functions.clone();
        let new = Layer { functions, ..layer_of(&self.specification, index, &knots) };
        self.start = self.parameters.len();
        self.parameters.resize(self.start + new.parameter_count(), T::ZERO);
        self.refit_edges(index, old, &new);
        self.layers.push(new);
        self.knots.push(knots);
        Ok(())
    }

    fn refit_edges(&mut self, index: usize, old: &Layer, new: &Layer) {
        let range = self.network.program().ranges()[index].clone();
        let from = old.views(&self.network.parameters()[range]);
        let to = new.views_mut(&mut self.parameters[self.start..]);
        to.base_weight.copy_from_slice(from.base_weight);
        to.spline_weight.copy_from_slice(from.spline_weight);
        to.constants.copy_from_slice(from.constants);
        let mut projections: HashMap<(*const CellTable, *const CellTable), Projection> = HashMap::new();
        for input in 0..old.inputs {
            let (before, after) = (&old.splines[input], &new.splines[input]);
            let key = (Arc::as_ptr(before), Arc::as_ptr(after));
            let unchanged = before.knots() == after.knots();
            for edge in input * old.outputs..(input + 1) * old.outputs {
                let points = &from.control_points[edge * old.bases()..][..old.bases()];
                let result = &mut to.control_points[edge * new.bases()..][..new.bases()];
                if unchanged {
                    result.copy_from_slice(points);
                } else if self.network.is_spline(index, edge) {
                    let projection = projections.entry(key).or_insert_with(|| Projection::new(before, after));
                    let points: Vec<f64> = points.iter().map(|p| p.to_f64()).collect();
                    let projected = projection.apply(&points);
                    for (result, point) in result.iter_mut().zip(&projected.control_points) {
                        *result = T::from_f64(*point);
                    }
                    let weight = from.spline_weight[edge].to_f64().abs();
                    self.refit.rms = self.refit.rms.max(weight * projected.rms);
                    self.refit.maximum = self.refit.maximum.max(weight * projected.maximum);
                }
            }
        }
    }

    /// What the nodes behind the last layer receive if those before it have `x`.
    fn forward(&self, x: &[f64]) -> Vec<f64> {
        match self.layers.last() {
            Some(layer) => forward(layer, &layer.views(&self.parameters[self.start..]), x),
            None => x.to_vec(),
        }
    }

    fn finish(self) -> Result<Regridded<T>, NetworkError> {
        let Self { specification, knots, layers, parameters, refit, .. } = self;
        let program = Arc::new(Program::new(layers)?);
        Ok(Regridded { specification, knots, program, parameters, refit })
    }
}

#[cfg(test)]
mod tests;

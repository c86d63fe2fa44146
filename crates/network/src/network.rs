//! A network: specification, knots, parameters, scaler and names, kept consistent with each other and with the
//! program that describes them to backends.

use crate::domain;
use crate::error::NetworkError;
use crate::grid::{Refit, Regridded};
use crate::init;
use crate::memory;
use crate::names::Names;
use crate::parts::Parts;
use crate::regularization::Regularization;
use crate::scaler::Scaler;
use crate::specification::Specification;
use crate::tables::{initial_knots, program_of};
use kanode_engine::{LayerViewsMut, Loss, Program, Real};
use kanode_spline::Knots;
use kanode_trace::Packing;
use std::sync::Arc;

/// A Kolmogorov–Arnold network.
///
/// Parameters are one flat slab; layer after layer it holds control points `[inputs, outputs, G+k]`, base weights
/// `[inputs, outputs]` and spline weights `[inputs, outputs]`, row-major, a layer's outputs being its sums, and the
/// constants of edges that are functions. A layer's
/// input and a network's output are in the network's own (standardised) units; [`Network::scale_inputs`] and
/// [`Network::unscale_outputs`] convert.
///
/// An edge may be pruned: then it stays zero, and so do its parameters. Or it may be a function of its own: then those of
/// its spline stay zero.
#[derive(Clone, Debug)]
pub struct Network<T> {
    specification: Specification,
    knots: Vec<Vec<Knots>>,
    parameters: Vec<T>,
    program: Arc<Program>,
    scaler: Option<Scaler>,
    names: Names,
    loss: Option<Loss>,
    /// Whether each edge is pruned, `[layer][input·O + sum]`.
    pruned: Vec<Vec<bool>>,
    pruned_count: usize,
    input_ids: Vec<usize>,
    regularization: Option<Regularization>,
}

impl<T: Real> Network<T> {
    /// A new network, its parameters drawn as the specification says.
    ///
    /// # Errors
    /// [`NetworkError::Specification`] for options out of range, [`NetworkError::TooLarge`] for a network that the
    /// machine grants no memory for, [`NetworkError::Spline`] for domains that splines do not accept.
    pub fn new(specification: Specification) -> Result<Self, NetworkError> {
        specification.validate()?;
        specification.validate_domains::<T>()?;
        let length = specification.parameter_length::<T>()?;
        memory::probe::<T>(&specification, specification.layers.len())?;
        let mut parameters = memory::zeros(&specification, length)?;
        let knots = initial_knots(&specification)?;
        let program = program_of(&specification, &knots, &[])?;
        init::initialise(&specification, &program, &mut parameters);
        let pruned = program.layers().iter().map(|layer| vec![false; layer.edges()]).collect();
        let input_ids = (0..specification.inputs()).collect();
        Ok(Self::assemble(Parts::new(specification, knots, parameters), program, pruned, input_ids))
    }

    /// The network of parts that fit each other.
    pub(crate) fn assemble(
        parts: Parts<T>,
        program: Arc<Program>,
        pruned: Vec<Vec<bool>>,
        input_ids: Vec<usize>,
    ) -> Self {
        let Parts { specification, knots, parameters, scaler, names, loss, regularization, .. } = parts;
        Self {
            specification,
            knots,
            parameters,
            program,
            scaler,
            names,
            loss,
            pruned_count: pruned.iter().flatten().filter(|pruned| **pruned).count(),
            pruned,
            input_ids,
            regularization,
        }
    }

    /// The options the network was made with.
    pub fn specification(&self) -> &Specification {
        &self.specification
    }

    /// Number of inputs, `n_0`.
    pub fn inputs(&self) -> usize {
        self.program.inputs()
    }

    /// Number of outputs, `n_L`.
    pub fn outputs(&self) -> usize {
        self.program.outputs()
    }

    /// The knots of every input node: `knots[layer][input]`.
    pub fn knots(&self) -> &[Vec<Knots>] {
        &self.knots
    }

    /// The slab of all parameters.
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// The slab of all parameters, for writing.
    pub fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.parameters
    }

    /// Other first parameters, drawn as the specification says but with this seed. Edges that are zero, which are those
    /// of constant inputs and those that are pruned, stay as they are.
    pub fn drawn(&self, seed: u64) -> Vec<T> {
        let mut parameters = self.parameters.clone();
        let specification = Specification { seed, ..self.specification.clone() };
        init::initialise(&specification, &self.program, &mut parameters);
        for (layer, range) in self.program.layers().iter().zip(self.program.ranges()) {
            let (old, new) = (&self.parameters[range.clone()], layer.views_mut(&mut parameters[range]));
            let (old, bases) = (layer.views(old), layer.bases());
            for edge in 0..layer.edges() {
                let points = edge * bases..(edge + 1) * bases;
                if old.base_weight[edge] == T::ZERO
                    && old.control_points[points.clone()].iter().all(|p| *p == T::ZERO)
                {
                    new.control_points[points].fill(T::ZERO);
                    new.base_weight[edge] = T::ZERO;
                    new.spline_weight[edge] = old.spline_weight[edge];
                }
            }
        }
        parameters
    }

    /// Number of parameters, the sum of `I·O·(2 + G + k)` over the layers (tutorial slides, "Parameter Complexity").
    pub fn parameter_count(&self) -> usize {
        self.parameters.len()
    }

    /// Named views into the parameters of one layer, for writing, or None if there is no such layer.
    pub fn views_mut(&mut self, layer: usize) -> Option<LayerViewsMut<'_, T>> {
        let range = self.program.ranges().get(layer)?.clone();
        Some(self.program.layers()[layer].views_mut(&mut self.parameters[range]))
    }

    /// What backends compile. The same one until the knots change.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Names of inputs and outputs.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Sets the names of inputs and outputs.
    ///
    /// # Errors
    /// [`NetworkError::Length`] if some have a name and some do not; the names stay as they were.
    pub fn set_names(&mut self, names: Names) -> Result<(), NetworkError> {
        names.validate(self.inputs(), self.outputs())?;
        self.names = names;
        Ok(())
    }

    /// The scaler; None before the first fit, and then the network's units are the user's.
    pub fn scaler(&self) -> Option<&Scaler> {
        self.scaler.as_ref()
    }

    /// Sets or removes the scaler.
    ///
    /// # Errors
    /// As [`Scaler::validate`]; the scaler stays as it was.
    pub fn set_scaler(&mut self, scaler: Option<Scaler>) -> Result<(), NetworkError> {
        if let Some(scaler) = &scaler {
            scaler.validate(self.inputs(), self.outputs())?;
        }
        self.scaler = scaler;
        Ok(())
    }

    /// The loss that the network was last fitted with.
    pub fn loss(&self) -> Option<Loss> {
        self.loss
    }

    /// Notes the loss that the network has been fitted with; from then on it counts as fitted.
    pub fn set_loss(&mut self, loss: Option<Loss>) {
        self.loss = loss;
    }

    /// Which inputs of the first model the inputs are, increasing: pruning inputs keeps those of the others.
    pub fn input_ids(&self) -> &[usize] {
        &self.input_ids
    }

    /// Whether the edge number `input·O + sum` of a layer is pruned. One that does not exist is not.
    pub fn is_pruned(&self, layer: usize, edge: usize) -> bool {
        self.pruned.get(layer).and_then(|layer| layer.get(edge)).copied().unwrap_or(false)
    }

    /// For each layer the numbers `input·O + sum` of its pruned edges, increasing.
    pub fn pruned_edges(&self) -> Vec<Vec<usize>> {
        let of_layer = |layer: &Vec<bool>| (0..layer.len()).filter(|edge| layer[*edge]).collect();
        self.pruned.iter().map(of_layer).collect()
    }

    pub(crate) fn pruned_in_layer(&self, layer: usize) -> &[bool] {
        &self.pruned[layer]
    }

    /// Whether the edge number `input·O + sum` of a layer is a spline: neither pruned nor a function of its own.
    pub fn is_spline(&self, layer: usize, edge: usize) -> bool {
        !self.is_pruned(layer, edge) && self.function(layer, edge).is_none()
    }

    /// Number of edges that are not pruned.
    pub fn edge_count(&self) -> usize {
        self.pruned.iter().map(Vec::len).sum::<usize>() - self.pruned_count
    }

    /// Whether some edges are no splines.
    pub fn has_absent(&self) -> bool {
        self.pruned_count > 0 || self.program.has_functions()
    }

    /// Where the numbers of edges lie in the vector that Levenberg–Marquardt changes.
    pub fn packing(&self) -> Packing {
        Packing::new(&self.program, &|layer, edge| !self.is_spline(layer, edge))
    }

    /// Sets the numbers of splines that are not there in a slab to zero: those of a gradient, so that pruned edges stay
    /// zero and functions what they are.
    ///
    /// # Panics
    /// If there are any, and `slab` is not as long as the parameters.
    pub fn clear_absent(&self, slab: &mut [T]) {
        if !self.has_absent() {
            return;
        }
        for (index, (layer, range)) in self.program.layers().iter().zip(self.program.ranges()).enumerate() {
            let (views, bases) = (layer.views_mut(&mut slab[range]), layer.bases());
            for edge in (0..layer.edges()).filter(|edge| !self.is_spline(index, *edge)) {
                views.control_points[edge * bases..(edge + 1) * bases].fill(T::ZERO);
                (views.base_weight[edge], views.spline_weight[edge]) = (T::ZERO, T::ZERO);
            }
        }
    }

    /// The prior of the last fit, if it had one.
    pub fn regularization(&self) -> Option<&Regularization> {
        self.regularization.as_ref()
    }

    /// Notes the prior of a fit.
    pub fn set_regularization(&mut self, regularization: Option<Regularization>) {
        self.regularization = regularization;
    }

    /// Whether the network has been fitted: it then has a loss.
    pub fn is_fitted(&self) -> bool {
        self.loss.is_some()
    }

    /// Gives the first layer's splines new domains, one for each input, from the range `(least, greatest)` that the
    /// input takes in the data, in the units that the layer sees. Control points are kept: before the first fit they
    /// are random anyway. An input whose range has no width, or one of rounding size, gets its value ± 1 (more where
    /// the value is so large that 1 is of rounding size), and its edges become zero: what they do beyond that value is
    /// not for a fit to learn, and should not be random.
    ///
    /// Whether the specification's own `domain` should win is for the caller to say.
    ///
    /// # Errors
    /// [`NetworkError::AlreadyFitted`], [`NetworkError::Length`], [`NetworkError::InputDomain`] for a range which is
    /// none, or [`NetworkError::TooLarge`]; the network stays as it was.
    pub fn set_input_domain(&mut self, per_input: &[(f64, f64)]) -> Result<(), NetworkError> {
        if self.is_fitted() {
            return Err(NetworkError::AlreadyFitted);
        }
        let inputs = self.inputs();
        if per_input.len() != inputs {
            return Err(NetworkError::Length {
                what: "input domains",
                expected: inputs,
                found: per_input.len(),
            });
        }
        memory::probe::<T>(&self.specification, inputs.saturating_add(self.specification.layers.len()))?;
        let Specification { grid, degree, knots: ends, .. } = self.specification;
        let mut constant = vec![false; inputs];
        let first = per_input.iter().enumerate().map(|(input, &(a, b))| {
            let domain = domain::input_domain::<T>(a, b, grid);
            let domain = domain.ok_or(NetworkError::InputDomain { input, a, b })?;
            constant[input] = domain != (a, b);
            let (a, b) = domain;
            Knots::uniform(a, b, grid, degree, ends).map_err(|source| NetworkError::Spline {
                layer: 0,
                input,
                source,
            })
        });
        let mut knots = vec![first.collect::<Result<Vec<_>, _>>()?];
        knots.extend_from_slice(&self.knots[1..]);
        self.program = program_of(&self.specification, &knots, &self.functions())?;
        self.knots = knots;
        self.clear_inputs(&constant);
        Ok(())
    }

    /// Makes the edges of some inputs zero. They can still learn: spline weights stay.
    fn clear_inputs(&mut self, is_cleared: &[bool]) {
        let layer = &self.program.layers()[0];
        let (outputs, bases) = (layer.outputs, layer.bases());
        let views = layer.views_mut(&mut self.parameters[..layer.parameter_count()]);
        for input in (0..layer.inputs).filter(|input| is_cleared[*input]) {
            views.control_points[input * outputs * bases..(input + 1) * outputs * bases].fill(T::ZERO);
            views.base_weight[input * outputs..(input + 1) * outputs].fill(T::ZERO);
        }
    }

    /// Takes over another program of the same splines, and the parameters that belong to it.
    pub(crate) fn take(&mut self, program: Arc<Program>, parameters: Vec<T>) {
        (self.program, self.parameters) = (program, parameters);
    }

    /// Marks an edge as pruned or not; its parameters are for the caller to set.
    pub(crate) fn mark_pruned(&mut self, layer: usize, edge: usize, pruned: bool) {
        let before = std::mem::replace(&mut self.pruned[layer][edge], pruned);
        self.pruned_count = self.pruned_count + usize::from(pruned) - usize::from(before);
    }

    /// Takes over other knots, and parameters refitted to them.
    pub(crate) fn adopt(&mut self, regridded: Regridded<T>) -> Refit {
        let Regridded { specification, knots, program, parameters, refit } = regridded;
        (self.specification, self.knots) = (specification, knots);
        (self.program, self.parameters) = (program, parameters);
        refit
    }

    /// `x: [rows, inputs]` from the user's units to the network's. Values beyond the range of `T` become infinite.
    /// Numbers after the last of `rows` rows are left out.
    pub fn scale_inputs(&self, x: &[f64], rows: usize) -> Vec<T> {
        let x = &x[..x.len().min(rows.saturating_mul(self.inputs()))];
        match &self.scaler {
            Some(scaler) => scaler.scale_inputs(x),
            None => x.iter().map(|x| T::from_f64(*x)).collect(),
        }
    }

    /// `y: [rows, outputs]` from the user's units to the network's. Class labels, whose scaler changes nothing, may
    /// be a single column.
    pub fn scale_targets(&self, y: &[f64]) -> Vec<T> {
        match &self.scaler {
            Some(scaler) => scaler.scale_targets(y),
            None => y.iter().map(|y| T::from_f64(*y)).collect(),
        }
    }

    /// `y: [rows, outputs]` from the network's units to the user's.
    pub fn unscale_outputs(&self, y: &[T]) -> Vec<f64> {
        match &self.scaler {
            Some(scaler) => scaler.unscale_outputs(y),
            None => y.iter().map(|y| y.to_f64()).collect(),
        }
    }
}

#[cfg(test)]
mod tests;

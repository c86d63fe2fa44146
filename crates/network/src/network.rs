//! A network: specification, knots, parameters, scaler and names, kept consistent with each other and with the
//! program that describes them to backends.

use crate::domain;
use crate::error::NetworkError;
use crate::init;
use crate::memory;
use crate::names::Names;
use crate::scaler::Scaler;
use crate::specification::Specification;
use crate::tables::{initial_knots, program_of, table_count};
use kanode_engine::{LayerViewsMut, Loss, Program, Real};
use kanode_spline::Knots;
use std::sync::Arc;

/// A Kolmogorov–Arnold network.
///
/// Parameters are one flat slab; layer after layer it holds control points `[inputs, outputs, G+k]`, base weights
/// `[inputs, outputs]` and spline weights `[inputs, outputs]`, row-major. A layer's input and a network's output are
/// in the network's own (standardised) units; [`Network::scale_inputs`] and [`Network::unscale_outputs`] convert.
#[derive(Clone, Debug)]
pub struct Network<T> {
    specification: Specification,
    knots: Vec<Vec<Knots>>,
    parameters: Vec<T>,
    program: Arc<Program>,
    scaler: Option<Scaler>,
    names: Names,
    loss: Option<Loss>,
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
        let program = program_of(&specification, &knots)?;
        init::initialise(&specification, &program, &mut parameters);
        let (scaler, names, loss) = (None, Names::default(), None);
        Ok(Self { specification, knots, parameters, program, scaler, names, loss })
    }

    /// A network of parts that were kept. `knots[layer][input]` are as many as the layers have input nodes;
    /// `parameters` is the slab.
    ///
    /// # Errors
    /// Parts that do not fit the specification or each other, that hold numbers which are not finite, or breaks that
    /// are of rounding size apart in the type `T`, each by its own variant; [`NetworkError::TooLarge`] if the machine
    /// grants no memory for the knot tables.
    ///
    /// Beside the parts given, this allocates a table for each different set of knots of a layer: `G+2k+2` cells at
    /// most, of `8·(k+1)²` bytes and a few more, which may take twice their place. In the worst case, a layer of one
    /// output and knots that all differ, that is 50 times the parts.
    pub fn from_parts(
        specification: Specification,
        knots: Vec<Vec<Knots>>,
        parameters: Vec<T>,
        scaler: Option<Scaler>,
        names: Names,
        fitted_loss: Option<Loss>,
    ) -> Result<Self, NetworkError> {
        specification.validate()?;
        specification.validate_domains::<T>()?;
        let length = |what, expected, found| {
            if expected == found { Ok(()) } else { Err(NetworkError::Length { what, expected, found }) }
        };
        length("layers of knots", specification.layers.len() - 1, knots.len())?;
        for (layer, (knots, inputs)) in knots.iter().zip(&specification.layers).enumerate() {
            length("knots of a layer", *inputs, knots.len())?;
            let fits = |knots: &Knots| {
                (knots.grid(), knots.degree(), knots.ends())
                    == (specification.grid, specification.degree, specification.knots)
            };
            if let Some(input) = knots.iter().position(|knots| !fits(knots)) {
                return Err(NetworkError::Knots { layer, input });
            }
            for (input, knots) in knots.iter().enumerate() {
                domain::check_breaks::<T>(knots).map_err(|source| NetworkError::Spline {
                    layer,
                    input,
                    source,
                })?;
            }
        }
        length("parameters", specification.parameter_length::<T>()?, parameters.len())?;
        names.validate(specification.inputs(), specification.outputs())?;
        if let Some(scaler) = &scaler {
            scaler.validate(specification.inputs(), specification.outputs())?;
        }
        memory::probe_tables::<T>(&specification, table_count(&knots))?;
        let program = program_of(&specification, &knots)?;
        let network = Self { specification, knots, parameters, program, scaler, names, loss: fitted_loss };
        match network.locate_non_finite() {
            Some(edge) => Err(NetworkError::NotFinite { edge }),
            None => Ok(network),
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

    /// Whether the network has been fitted: it then has a loss.
    pub fn is_fitted(&self) -> bool {
        self.loss.is_some()
    }

    /// Gives the first layer's splines new domains, one for each input, from the range `(least, greatest)` that the
    /// input takes in the data, in the units that the layer sees. Control points are kept: before the first fit they
    /// are random anyway. An input whose range has no width, or one of rounding size, gets its value ± 1 (more where
    /// the value is so large that 1 is of rounding size).
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
        let first = per_input.iter().enumerate().map(|(input, &(a, b))| {
            let domain = domain::input_domain::<T>(a, b, grid);
            let (a, b) = domain.ok_or(NetworkError::InputDomain { input, a, b })?;
            Knots::uniform(a, b, grid, degree, ends).map_err(|source| NetworkError::Spline {
                layer: 0,
                input,
                source,
            })
        });
        let mut knots = vec![first.collect::<Result<Vec<_>, _>>()?];
        knots.extend_from_slice(&self.knots[1..]);
        self.program = program_of(&self.specification, &knots)?;
        self.knots = knots;
        Ok(())
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

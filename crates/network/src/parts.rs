//! What a network is made of, taken apart: for files, and for networks made from others.

use crate::edge::EdgeId;
use crate::error::NetworkError;
use crate::memory;
use crate::names::Names;
use crate::network::Network;
use crate::regularization::Regularization;
use crate::scaler::Scaler;
use crate::specification::Specification;
use crate::tables::{program_of, table_count};
use kanode_engine::{FunctionEdge, Loss, Real};
use kanode_spline::Knots;

/// The parts of a network.
#[derive(Clone, Debug)]
pub struct Parts<T> {
    /// The options it was made with.
    pub specification: Specification,
    /// The knots of every input node, `[layer][input]`.
    pub knots: Vec<Vec<Knots>>,
    /// The slab.
    pub parameters: Vec<T>,
    /// The scaler of a network that standardises.
    pub scaler: Option<Scaler>,
    /// Names of inputs and outputs.
    pub names: Names,
    /// The loss it was last fitted with.
    pub loss: Option<Loss>,
    /// For each layer the numbers `input·O + sum` of its pruned edges, increasing; no lists if none is pruned.
    pub pruned: Vec<Vec<usize>>,
    /// For each layer the edges that are functions, increasing; no lists if there are none.
    pub functions: Vec<Vec<FunctionEdge>>,
    /// Which inputs of the first model the inputs are, increasing; None for all, from 0.
    pub input_ids: Option<Vec<usize>>,
    /// The prior of the last fit.
    pub regularization: Option<Regularization>,
}

impl<T> Parts<T> {
    /// Parts of a network that was never fitted or pruned and has no names.
    pub fn new(specification: Specification, knots: Vec<Vec<Knots>>, parameters: Vec<T>) -> Self {
        Self {
            specification,
            knots,
            parameters,
            scaler: None,
            names: Names::default(),
            loss: None,
            pruned: Vec::new(),
            functions: Vec::new(),
            input_ids: None,
            regularization: None,
        }
    }
}

fn length(what: &'static str, expected: usize, found: usize) -> Result<(), NetworkError> {
    if expected == found { Ok(()) } else { Err(NetworkError::Length { what, expected, found }) }
}

impl<T: Real> Parts<T> {
    fn check_knots(&self) -> Result<(), NetworkError> {
        let layers = &self.specification.layers;
        length("layers of knots", layers.len() - 1, self.knots.len())?;
        for (layer, (knots, inputs)) in self.knots.iter().zip(layers).enumerate() {
            length("knots of a layer", *inputs, knots.len())?;
            for (input, knots) in knots.iter().enumerate() {
                self.specification.check_knots::<T>(layer, input, knots)?;
            }
        }
        Ok(())
    }

    /// The input ids, every one of them named.
    fn input_ids(&mut self) -> Result<Vec<usize>, NetworkError> {
        let inputs = self.specification.inputs();
        let Some(ids) = self.input_ids.take() else { return Ok((0..inputs).collect()) };
        length("input ids", inputs, ids.len())?;
        match ids.windows(2).position(|pair| pair[0] >= pair[1]) {
            Some(before) => Err(NetworkError::InputIds { index: before + 1, found: ids[before + 1] }),
            None => Ok(ids),
        }
    }

    /// Whether each edge is pruned, `[layer][input·O + sum]`. The parameters have the specification's length.
    fn pruned(&self) -> Result<Vec<Vec<bool>>, NetworkError> {
        let layers = self.specification.layers.len() - 1;
        if !self.pruned.is_empty() {
            length("lists of pruned edges", layers, self.pruned.len())?;
        }
        let masks = (0..layers).map(|layer| {
            let sums = self.specification.sums(layer);
            let edges = self.specification.layers[layer] * sums;
            let mut mask = vec![false; edges];
            let mut least = 0;
            for edge in self.pruned.get(layer).into_iter().flatten().copied() {
                if edge >= edges {
                    return Err(NetworkError::Edge { what: "pruned edge", count: edges, found: edge });
                }
                if edge < least {
                    let edge = EdgeId { layer, from: edge / sums, to: edge % sums };
                    return Err(NetworkError::Pruned { edge, reason: "is not in order" });
                }
                (mask[edge], least) = (true, edge + 1);
            }
            Ok(mask)
        });
        masks.collect()
    }
}

impl<T: Real> Network<T> {
    /// A network of parts that were kept.
    ///
    /// # Errors
    /// Parts that do not fit the specification or each other, that hold numbers which are not finite, or breaks that
    /// are of rounding size apart in the type `T`, each by its own variant; [`NetworkError::TooLarge`] if the machine
    /// grants no memory for the knot tables.
    ///
    /// Beside the parts given, this allocates a byte for each edge and a table for each different set of knots of a
    /// layer: `G+2k+2` cells at most, of `8·(k+1)²` bytes and a few more, which may take twice their place. In the worst
    /// case, a layer of one output and knots that all differ, that is 50 times the parts.
    pub fn from_parts(mut parts: Parts<T>) -> Result<Self, NetworkError> {
        parts.specification.validate()?;
        parts.specification.validate_domains::<T>()?;
        parts.check_knots()?;
        let constants: usize = parts.functions.iter().flatten().map(|edge| edge.function.constants()).sum();
        let expected = parts.specification.parameter_length::<T>()?.saturating_add(constants);
        length("parameters", expected, parts.parameters.len())?;
        let (inputs, outputs) = (parts.specification.inputs(), parts.specification.outputs());
        parts.names.validate(inputs, outputs)?;
        if let Some(scaler) = &parts.scaler {
            scaler.validate(inputs, outputs)?;
        }
        if let Some(regularization) = &parts.regularization {
            regularization.validate()?;
        }
        let (input_ids, pruned) = (parts.input_ids()?, parts.pruned()?);
        memory::probe_tables::<T>(&parts.specification, table_count(&parts.knots))?;
        if !parts.functions.is_empty() {
            length("lists of functions", parts.specification.layers.len() - 1, parts.functions.len())?;
        }
        let program = program_of(&parts.specification, &parts.knots, &parts.functions)?;
        let network = Self::assemble(parts, program, pruned, input_ids);
        if let Some(edge) = network.locate_non_finite() {
            return Err(NetworkError::NotFinite { edge });
        }
        network.check_pruned()?;
        Ok(network)
    }

    /// Checks that no edge is pruned and a function, and that all parameters of splines that are not there are 0:
    /// [`Network::parameters_mut`] can't see to that.
    ///
    /// # Errors
    /// [`NetworkError::Pruned`].
    pub fn check_pruned(&self) -> Result<(), NetworkError> {
        for (layer, shape) in self.program().layers().iter().enumerate() {
            if let Some(both) = shape.functions.iter().find(|function| self.is_pruned(layer, function.edge)) {
                let edge = EdgeId { layer, from: both.edge / shape.outputs, to: both.edge % shape.outputs };
                return Err(NetworkError::Pruned { edge, reason: "is a function" });
            }
        }
        match self.locate_absent_not_zero() {
            Some(edge) if self.function_of(edge).is_some() => Err(NetworkError::Function {
                edge,
                reason: "has a parameter of its spline that is not 0".to_owned(),
            }),
            Some(edge) => Err(NetworkError::Pruned { edge, reason: "has a parameter that is not 0" }),
            None => Ok(()),
        }
    }

    /// The same network with parameters in `f64`.
    ///
    /// # Errors
    /// [`NetworkError::TooLarge`] where there is no memory for it.
    pub fn widened(&self) -> Result<Network<f64>, NetworkError> {
        let Parts {
            specification,
            knots,
            parameters,
            scaler,
            names,
            loss,
            pruned,
            functions,
            input_ids,
            regularization,
        } = self.parts();
        let parameters = parameters.iter().map(|parameter| parameter.to_f64()).collect();
        Network::from_parts(Parts {
            specification,
            knots,
            parameters,
            scaler,
            names,
            loss,
            pruned,
            functions,
            input_ids,
            regularization,
        })
    }

    /// A copy of the parts.
    pub fn parts(&self) -> Parts<T> {
        Parts {
            specification: self.specification().clone(),
            knots: self.knots().to_vec(),
            parameters: self.parameters().to_vec(),
            scaler: self.scaler().cloned(),
            names: self.names().clone(),
            loss: self.loss(),
            pruned: self.pruned_edges(),
            functions: self.functions(),
            input_ids: Some(self.input_ids().to_vec()),
            regularization: self.regularization().copied(),
        }
    }

    fn locate_absent_not_zero(&self) -> Option<EdgeId> {
        let program = self.program();
        program.layers().iter().zip(program.ranges()).enumerate().find_map(|(layer, (shape, range))| {
            let views = shape.views(&self.parameters()[range]);
            let zero = |edge: usize| {
                let points = &views.control_points[edge * shape.bases()..][..shape.bases()];
                let mut numbers = points.iter().chain([&views.base_weight[edge], &views.spline_weight[edge]]);
                numbers.all(|number| *number == T::ZERO)
            };
            let edge = (0..shape.edges()).find(|edge| !self.is_spline(layer, *edge) && !zero(*edge))?;
            Some(EdgeId { layer, from: edge / shape.outputs, to: edge % shape.outputs })
        })
    }
}

//! Edges that are functions of their own instead of splines: put on an edge, asked for, and taken away again.

use crate::edge::EdgeId;
use crate::error::NetworkError;
use crate::network::Network;
use crate::tables::program_of;
use kanode_engine::{EdgeFunction, FunctionEdge, Real};
use kanode_spline::project;
use std::sync::Arc;

impl<T: Real> Network<T> {
    /// The functions of each layer; no lists if there are none.
    pub fn functions(&self) -> Vec<Vec<FunctionEdge>> {
        if !self.program().has_functions() {
            return Vec::new();
        }
        self.program().layers().iter().map(|layer| layer.functions.clone()).collect()
    }

    /// The function on the edge number `input·O + sum` of a layer, if it is one.
    pub fn function(&self, layer: usize, edge: usize) -> Option<&Arc<dyn EdgeFunction>> {
        let functions = &self.program().layers().get(layer)?.functions;
        let found = functions.binary_search_by_key(&edge, |function| function.edge);
        found.ok().map(|at| &functions[at].function)
    }

    /// As [`Network::function`], of an edge by its nodes.
    pub fn function_of(&self, edge: EdgeId) -> Option<&Arc<dyn EdgeFunction>> {
        let shape = self.program().layers().get(edge.layer)?;
        self.function(edge.layer, edge.from * shape.outputs + edge.to)
    }

    /// The constants of the function on an edge; none if it isn't one.
    pub fn constants_of(&self, edge: EdgeId) -> Vec<f64> {
        let Some(shape) = self.program().layers().get(edge.layer) else { return Vec::new() };
        let range = self.program().ranges()[edge.layer].clone();
        let views = shape.views(&self.parameters()[range]);
        let mut functions = shape.functions();
        let found = functions.find(|(function, _)| function.edge == edge.from * shape.outputs + edge.to);
        found.map_or_else(Vec::new, |(_, place)| views.constants[place].iter().map(|c| c.to_f64()).collect())
    }

    /// The network with a function with these constants in the place of what an edge was, a spline, a function or nothing.
    ///
    /// # Errors
    /// [`NetworkError::Edge`] if there is no such edge, [`NetworkError::Length`] for too few or too many constants,
    /// [`NetworkError::Function`] for constants that are not finite.
    pub fn with_function(
        &self,
        edge: EdgeId,
        function: Arc<dyn EdgeFunction>,
        constants: &[f64],
    ) -> Result<Self, NetworkError> {
        self.check_edge(edge)?;
        let expected = function.constants();
        if constants.len() != expected {
            return Err(NetworkError::Length { what: "constants", expected, found: constants.len() });
        }
        if constants.iter().any(|constant| !T::from_f64(*constant).is_finite()) {
            let reason = "has a constant that is not finite".to_owned();
            return Err(NetworkError::Function { edge, reason });
        }
        self.replaced(edge, Some((function, constants)), None)
    }

    /// The network with a spline in the place of the function on an edge: the nearest one on the grid of its input. An edge
    /// that is no function stays as it is.
    ///
    /// # Errors
    /// [`NetworkError::Edge`] if there is no such edge, [`NetworkError::Function`] if the function has no value somewhere
    /// on the grid.
    pub fn with_spline(&self, edge: EdgeId) -> Result<Self, NetworkError> {
        self.check_edge(edge)?;
        let Some(function) = self.function_of(edge) else { return Ok(self.clone()) };
        let constants = self.constants_of(edge);
        let mut out = vec![0.0; 1 + constants.len()];
        let points = project(&self.program().layers()[edge.layer].splines[edge.from], |x| {
            function.evaluate(&constants, x, &mut out);
            out[0]
        });
        if points.iter().any(|point| !T::from_f64(*point).is_finite()) {
            let reason =
                "has no value somewhere on the grid of its input, where a spline would need one".to_owned();
            return Err(NetworkError::Function { edge, reason });
        }
        self.replaced(edge, None, Some(&points))
    }

    /// The network with another function or spline on an edge.
    fn replaced(
        &self,
        id: EdgeId,
        function: Option<(Arc<dyn EdgeFunction>, &[f64])>,
        points: Option<&[f64]>,
    ) -> Result<Self, NetworkError> {
        let EdgeId { layer, from, to } = id;
        let mut functions: Vec<Vec<FunctionEdge>> =
            self.program().layers().iter().map(|layer| layer.functions.clone()).collect();
        let edge = from * self.program().layers()[layer].outputs + to;
        functions[layer].retain(|function| function.edge != edge);
        if let Some((function, _)) = &function {
            let at = functions[layer].partition_point(|other| other.edge < edge);
            functions[layer].insert(at, FunctionEdge { edge, function: Arc::clone(function) });
        }
        let program = program_of(self.specification(), self.knots(), &functions)?;
        let mut parameters = vec![T::ZERO; program.parameter_count()];
        let ranges = self.program().ranges().into_iter().zip(program.ranges()).enumerate();
        for (index, (old_range, new_range)) in ranges {
            let (old, new) = (&self.program().layers()[index], &program.layers()[index]);
            let before = old.views(&self.parameters()[old_range]);
            let after = new.views_mut(&mut parameters[new_range]);
            after.control_points.copy_from_slice(before.control_points);
            after.base_weight.copy_from_slice(before.base_weight);
            after.spline_weight.copy_from_slice(before.spline_weight);
            for (kept, place) in new.functions() {
                let is_new = index == layer && kept.edge == edge;
                let old = old.functions().find(|(other, _)| !is_new && other.edge == kept.edge);
                if let Some((_, from)) = old {
                    after.constants[place].copy_from_slice(&before.constants[from]);
                } else if let Some((_, constants)) = &function {
                    let to = after.constants[place].iter_mut();
                    to.zip(*constants).for_each(|(to, constant)| *to = T::from_f64(*constant));
                }
            }
            if index == layer {
                let span = edge * new.bases()..(edge + 1) * new.bases();
                let to = after.control_points[span].iter_mut().enumerate();
                to.for_each(|(at, to)| *to = points.map_or(T::ZERO, |points| T::from_f64(points[at])));
                after.base_weight[edge] = T::ZERO;
                after.spline_weight[edge] = if points.is_some() { T::ONE } else { T::ZERO };
            }
        }
        let mut network = self.clone();
        network.take(program, parameters);
        network.mark_pruned(layer, edge, false);
        Ok(network)
    }
}

#[cfg(test)]
mod tests;

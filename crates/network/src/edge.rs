//! Looking at single edges: their numbers, the curve they draw, and which of them a parameter belongs to.

use crate::error::NetworkError;
use crate::network::Network;
use kanode_engine::Real;
use serde::{Deserialize, Serialize};

/// The edge from input node `from` to the sum `to` of a layer, all counted from 0. Sums are the layer's sum nodes and
/// then the factors of its product nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeId {
    /// Index of the layer.
    pub layer: usize,
    /// Index of the input node.
    pub from: usize,
    /// Index of the sum.
    pub to: usize,
}

/// The numbers of one edge, `φ(x) = w_b·b(x) + w_s·Σ P_i N_i(x)` (tutorial slides, "B-Splines as KAN Edges").
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// All `G + 2k + 1` knots, `t_{-k} … t_{G+k}`.
    pub knots: Vec<f64>,
    /// `P_0 … P_{G+k-1}`.
    pub control_points: Vec<f64>,
    /// `w_b`.
    pub base_weight: f64,
    /// `w_s`.
    pub spline_weight: f64,
}

impl<T: Real> Network<T> {
    /// The numbers of an edge.
    ///
    /// # Errors
    /// [`NetworkError::Edge`].
    pub fn edge(&self, layer: usize, from: usize, to: usize) -> Result<Edge, NetworkError> {
        self.check_edge(EdgeId { layer, from, to })?;
        let shape = &self.program().layers()[layer];
        let views = shape.views(&self.parameters()[self.program().ranges()[layer].clone()]);
        let edge = from * shape.outputs + to;
        let points = &views.control_points[edge * shape.bases()..][..shape.bases()];
        Ok(Edge {
            knots: self.knots()[layer][from].vector(),
            control_points: points.iter().map(|p| p.to_f64()).collect(),
            base_weight: views.base_weight[edge].to_f64(),
            spline_weight: views.spline_weight[edge].to_f64(),
        })
    }

    /// The values of an edge's function at `x`, both in the network's own (standardised) units. NaN where `x` is.
    ///
    /// # Errors
    /// [`NetworkError::Edge`].
    pub fn edge_curve(
        &self,
        layer: usize,
        from: usize,
        to: usize,
        x: &[f64],
    ) -> Result<Vec<f64>, NetworkError> {
        let edge = self.edge(layer, from, to)?;
        if let Some(function) = self.function_of(EdgeId { layer, from, to }) {
            let constants = self.constants_of(EdgeId { layer, from, to });
            let mut out = vec![0.0; 1 + constants.len()];
            let value = |x: &f64| {
                function.evaluate(&constants, *x, &mut out);
                out[0]
            };
            return Ok(x.iter().map(value).collect());
        }
        let shape = &self.program().layers()[layer];
        let table = &shape.splines[from];
        let mut weights = vec![0.0; table.degree() + 1];
        let curve = x.iter().map(|x| {
            let row = table.weights(*x, &mut weights);
            let spline: f64 = weights.iter().zip(&edge.control_points[row..]).map(|(w, p)| w * p).sum();
            edge.base_weight * shape.base.evaluate(*x).0 + edge.spline_weight * spline
        });
        Ok(curve.collect())
    }

    /// The grid's ends of the node that an edge comes from, in the network's units.
    ///
    /// # Errors
    /// [`NetworkError::Edge`].
    pub fn domain_of(&self, edge: EdgeId) -> Result<(f64, f64), NetworkError> {
        self.check_edge(edge)?;
        Ok(self.knots()[edge.layer][edge.from].domain())
    }

    /// The edge that the parameter number `index` of a slab belongs to, or None beyond the slab.
    pub fn edge_of_parameter(&self, index: usize) -> Option<EdgeId> {
        let ranges = self.program().ranges();
        let layer = ranges.iter().position(|range| range.contains(&index))?;
        let shape = &self.program().layers()[layer];
        let offset = index - ranges[layer].start;
        let control_points = shape.edges() * shape.bases();
        let splines = control_points + 2 * shape.edges();
        let edge = match offset.checked_sub(control_points) {
            None => offset / shape.bases(),
            Some(_) if offset >= splines => {
                let (function, _) =
                    shape.functions().find(|(_, place)| place.contains(&(offset - splines)))?;
                function.edge
            }
            Some(weight) => weight % shape.edges(),
        };
        Some(EdgeId { layer, from: edge / shape.outputs, to: edge % shape.outputs })
    }

    /// The edge of the first parameter that is not finite.
    pub fn locate_non_finite(&self) -> Option<EdgeId> {
        let index = self.parameters().iter().position(|p| !p.is_finite())?;
        self.edge_of_parameter(index)
    }

    pub(crate) fn check_edge(&self, edge: EdgeId) -> Result<(), NetworkError> {
        let check = |what, count, found| {
            if found < count { Ok(()) } else { Err(NetworkError::Edge { what, count, found }) }
        };
        check("layer", self.program().layers().len(), edge.layer)?;
        check("from", self.program().layers()[edge.layer].inputs, edge.from)?;
        check("to", self.program().layers()[edge.layer].outputs, edge.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Specification;
    use kanode_spline::{KnotEnds, Outside, cox_de_boor};

    fn network() -> Network<f64> {
        Network::new(Specification::of(&[2, 3, 2])).unwrap()
    }

    #[test]
    fn the_spline_of_the_slides_is_an_edge() {
        // Slides, "B-Splines - Knot Vector": G = 4, k = 3 on [-2, 2], only the middle control point set.
        let specification =
            Specification { grid: 4, domain: Some([-2.0, 2.0]), ..Specification::of(&[1, 1]) };
        let mut network = Network::<f64>::new(specification).unwrap();
        let views = network.views_mut(0).unwrap();
        views.control_points.copy_from_slice(&[0.0, 0.0, 0.0, 6.0, 0.0, 0.0, 0.0]);
        views.base_weight[0] = 0.0;
        let edge = network.edge(0, 0, 0).unwrap();
        assert_eq!(edge.knots, [-2.0, -2.0, -2.0, -2.0, -1.0, 0.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
        assert_eq!((edge.base_weight, edge.spline_weight), (0.0, 1.0));
        let curve = network.edge_curve(0, 0, 0, &[-2.0, -1.0, 0.0, 1.0, 2.0]).unwrap();
        for (found, expected) in curve.iter().zip([0.0, 1.0, 4.0, 1.0, 0.0]) {
            assert!((found - expected).abs() < 1e-14, "{curve:?}");
        }
    }

    #[test]
    fn an_edge_has_the_numbers_of_the_views() {
        let mut network = network();
        network.parameters_mut().iter_mut().enumerate().for_each(|(i, p)| *p = i as f64);
        let edge = network.edge(1, 2, 1).unwrap();
        // The first layer has 6 edges of 10 parameters; this is edge 2·2 + 1 of the second layer's 6.
        let points: Vec<f64> = (0..8).map(|i| f64::from(60 + 5 * 8 + i)).collect();
        assert_eq!(edge.control_points, points);
        assert_eq!((edge.base_weight, edge.spline_weight), (60.0 + 48.0 + 5.0, 60.0 + 54.0 + 5.0));
    }

    #[test]
    fn a_curve_is_base_plus_spline_by_the_oracle_inside_and_outside() {
        for outside in [Outside::Linear, Outside::Constant, Outside::Zero] {
            for knots in [KnotEnds::Clamped, KnotEnds::Extended] {
                let specification = Specification { outside, knots, ..Specification::of(&[2, 2]) };
                let network = Network::<f32>::new(specification.clone()).unwrap();
                let edge = network.edge(0, 1, 0).unwrap();
                let x: Vec<f64> = (-30..=30).map(|i| f64::from(i) / 15.0).collect();
                let curve = network.edge_curve(0, 1, 0, &x).unwrap();
                for (x, found) in x.iter().zip(curve) {
                    let bases = cox_de_boor(&network.knots()[0][1], outside, *x);
                    let spline: f64 = bases.iter().zip(&edge.control_points).map(|(n, p)| n * p).sum();
                    let base = edge.base_weight * specification.base.evaluate(*x).0;
                    assert!((found - (base + edge.spline_weight * spline)).abs() < 1e-12, "{outside:?} {x}");
                }
            }
        }
        let curve = network().edge_curve(0, 0, 0, &[f64::NAN, 0.0]).unwrap();
        assert!(curve[0].is_nan() && curve[1].is_finite());
    }

    #[test]
    fn an_edge_that_does_not_exist_is_an_error_which_says_how_many_there_are() {
        let network = network();
        let error = |what, count, found| NetworkError::Edge { what, count, found };
        assert_eq!(network.edge(2, 0, 0), Err(error("layer", 2, 2)));
        assert_eq!(network.edge(0, 2, 0), Err(error("from", 2, 2)));
        assert_eq!(network.edge(0, 0, 3), Err(error("to", 3, 3)));
        assert_eq!(network.edge_curve(1, 0, usize::MAX, &[]), Err(error("to", 2, usize::MAX)));
        assert_eq!(error("from", 2, 2).to_string(), "from: expected 0 to 1, found 2");
    }

    #[test]
    fn every_parameter_belongs_to_the_edge_that_shows_it() {
        let mut network = network();
        for index in 0..network.parameter_count() {
            network.parameters_mut().fill(0.0);
            network.parameters_mut()[index] = 1.0;
            let EdgeId { layer, from, to } = network.edge_of_parameter(index).unwrap();
            let edge = network.edge(layer, from, to).unwrap();
            let sum = edge.control_points.iter().sum::<f64>() + edge.base_weight + edge.spline_weight;
            assert_eq!(sum, 1.0, "parameter {index}");
        }
        assert_eq!(network.edge_of_parameter(network.parameter_count()), None);
    }

    #[test]
    fn a_parameter_that_is_not_finite_is_located() {
        let mut network = network();
        assert_eq!(network.locate_non_finite(), None);
        network.views_mut(1).unwrap().base_weight[4] = f64::NAN;
        assert_eq!(network.locate_non_finite(), Some(EdgeId { layer: 1, from: 2, to: 0 }));
        network.views_mut(0).unwrap().spline_weight[1] = f64::NEG_INFINITY;
        assert_eq!(network.locate_non_finite(), Some(EdgeId { layer: 0, from: 0, to: 1 }));
    }
}

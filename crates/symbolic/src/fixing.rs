//! Edges that become formulas by hand, and splines again.

use crate::edge::{EdgeError, edge_curve};
use crate::edge_formula::{EdgeFormula, units_of};
use crate::expression::Expression;
use crate::families::Family;
use crate::fit::fit;
use kanode_engine::Real;
use kanode_network::{EdgeId, Network, NetworkError};
use std::sync::Arc;

/// Where a formula is tried on the grid of an edge.
const NODES: usize = 64;

/// Why an edge can't be what it is told to be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FixError {
    /// The network or the edge refuses.
    #[error(transparent)]
    Edge(#[from] EdgeError),
    /// The family has no function for the edge.
    #[error("no function of the family '{family}' has a value wherever the edge from node {} to node {} of layer {} needs one", edge.from, edge.to, edge.layer)]
    Family {
        /// The family.
        family: String,
        /// The edge.
        edge: EdgeId,
    },
    /// The edge is a spline, where a formula is needed.
    #[error("the edge from node {} to node {} of layer {} is a spline: fix it first", edge.from, edge.to, edge.layer)]
    Spline {
        /// The edge.
        edge: EdgeId,
    },
    /// A new network will be scaled by its first fit, which settles the units of its edges.
    #[error(
        "the model has not been trained: its first fit settles the units that the formulas of its edges are in"
    )]
    Untrained,
}

impl From<NetworkError> for FixError {
    fn from(error: NetworkError) -> Self {
        Self::Edge(error.into())
    }
}

fn check<T: Real>(network: &Network<T>) -> Result<(), FixError> {
    let settled = network.is_fitted() || !network.specification().standardize || network.scaler().is_some();
    if settled { Ok(()) } else { Err(FixError::Untrained) }
}

/// The network with an expression of `x` on an edge, in the units of the data where the edge touches them. Its inexact
/// numbers are parameters.
///
/// # Errors
/// [`FixError`].
pub fn fix<T: Real>(
    network: &Network<T>,
    edge: EdgeId,
    expression: &Expression,
) -> Result<Network<T>, FixError> {
    check(network)?;
    let (formula, constants) = EdgeFormula::on(network, edge, expression, false)?;
    let fixed = network.with_function(edge, Arc::new(formula), &constants)?;
    let (a, b) = network.domain_of(edge)?;
    let nodes: Vec<f64> = (0..NODES).map(|at| a + (b - a) * (at as f64 + 0.5) / NODES as f64).collect();
    let values = fixed.edge_curve(edge.layer, edge.from, edge.to, &nodes)?;
    // A grid reaches somewhat beyond what its node receives.
    let mut inner = NODES / 10..NODES - NODES / 10;
    let Some(node) = inner.find(|node| !values[*node].is_finite()) else { return Ok(fixed) };
    let ((mean, scale), _) = units_of(network, edge);
    let [at, a, b] = [nodes[node], a, b].map(|x| mean + scale * x);
    let conditions: Vec<String> = expression.conditions().iter().map(ToString::to_string).collect();
    let needs =
        if conditions.is_empty() { String::new() } else { format!("; it needs {}", conditions.join(", ")) };
    let reason = format!("has no value at x = {at:.4}, and its input goes from {a:.4} to {b:.4}{needs}");
    Err(NetworkError::Function { edge, reason }.into())
}

/// The network with the function of a family on an edge that is nearest to what the edge is; on the rows given, which are in
/// the network's units, or on the edge's grid.
///
/// # Errors
/// [`FixError`].
pub fn fix_family<T: Real>(
    network: &Network<T>,
    edge: EdgeId,
    family: &dyn Family,
    rows: Option<&[f64]>,
) -> Result<Network<T>, FixError> {
    check(network)?;
    let (curve, noise) = edge_curve(network, edge, rows, 0.0)?;
    let found = fit(&curve, family, noise);
    let found = found.ok_or_else(|| FixError::Family { family: family.name().to_owned(), edge })?;
    fix(network, edge, &found.expression)
}

/// The network with the constants of an edge's formula no longer parameters.
///
/// # Errors
/// [`FixError`].
pub fn lock<T: Real>(network: &Network<T>, edge: EdgeId) -> Result<Network<T>, FixError> {
    network.domain_of(edge)?;
    let expression = EdgeFormula::expression_on(network, edge).ok_or(FixError::Spline { edge })?;
    let (formula, constants) = EdgeFormula::on(network, edge, &expression, true)?;
    Ok(network.with_function(edge, Arc::new(formula), &constants)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parsed;
    use crate::{Custom, family};
    use kanode_engine::Compile;
    use kanode_engine::reference::Reference;
    use kanode_network::Specification;

    const EDGE: EdgeId = EdgeId { layer: 0, from: 1, to: 0 };

    fn network() -> Network<f64> {
        let specification =
            Specification { standardize: false, domain: Some([0.5, 2.5]), ..Specification::of(&[2, 1]) };
        Network::new(specification).unwrap()
    }

    #[test]
    fn a_formula_a_family_and_a_custom_one_are_put_on_an_edge() {
        let fixed = fix(&network(), EDGE, &parsed("0.5*exp(-1.5*x)")).unwrap();
        assert_eq!(EdgeFormula::expression_on(&fixed, EDGE), Some(parsed("0.5*exp(-1.5*x)")));
        for (one, other) in [("exp", "x^2"), ("x^2", "exp")] {
            let other = family(other).unwrap();
            let again = fix_family(&fixed, EDGE, other.as_ref(), None).unwrap();
            let back = fix_family(&again, EDGE, family(one).unwrap().as_ref(), None).unwrap();
            assert!(back.function_of(EDGE).is_some());
        }
        let custom = Custom::new(&parsed("exp(-a*x)")).unwrap();
        let again = fix_family(&fixed, EDGE, &custom, None).unwrap();
        let found = EdgeFormula::expression_on(&again, EDGE).unwrap();
        let at = |x: f64| crate::Formula::new(found.clone(), None).unwrap().evaluate_point(&[x]);
        assert!((at(1.0) - 0.5 * (-1.5_f64).exp()).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn locked_formulas_are_the_same_without_parameters() {
        let fixed = fix(&network(), EDGE, &parsed("0.5*exp(-1.5*x)")).unwrap();
        let locked = lock(&fixed, EDGE).unwrap();
        assert_eq!(locked.parameter_count() + 2, fixed.parameter_count());
        let y = |network: &Network<f64>| {
            let mut y = [0.0; 2];
            let mut executor = Compile::<f64>::compile(&Reference, network.program()).unwrap();
            executor.predict(network.parameters(), &[0.7, 1.3, 2.0, 0.6], &mut y).unwrap();
            y
        };
        assert_eq!(y(&fixed), y(&locked));
        assert_eq!(lock(&network(), EDGE).unwrap_err(), FixError::Spline { edge: EDGE });
    }

    #[test]
    fn what_can_not_be_fixed_is_refused() {
        let untrained = Network::<f64>::new(Specification::of(&[2, 1])).unwrap();
        assert_eq!(fix(&untrained, EDGE, &parsed("x")).unwrap_err(), FixError::Untrained);
        let wrong = EdgeId { layer: 0, from: 2, to: 0 };
        assert!(matches!(fix(&network(), wrong, &parsed("x")).unwrap_err(), FixError::Edge(_)));
        assert!(matches!(lock(&network(), wrong).unwrap_err(), FixError::Edge(_)));
        let nowhere = fix(&network(), EDGE, &parsed("sqrt(-1 - x^2)")).unwrap_err();
        assert!(nowhere.to_string().contains("has no value at x = "), "{nowhere}");
        let half = fix(&network(), EDGE, &parsed("log(2 - x)")).unwrap_err();
        assert!(half.to_string().contains("it needs -x + 2 > 0"), "{half}");
        assert!(matches!(fix(&network(), EDGE, &parsed("y")).unwrap_err(), FixError::Edge(_)));
    }
}

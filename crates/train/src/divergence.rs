//! Where a fit went wrong: the edge to name when a loss is no number any more.

use crate::memory::zeros;
use kanode_engine::{Batch, EngineError, Executor, Real};
use kanode_network::{EdgeId, Network};

/// The edge to blame for a loss that is not finite on `batch`, with these parameters: that of the first parameter
/// which is not finite, or else the edge with the largest parameter into the first node whose value is not finite (or,
/// if the loss overflowed with finite outputs, into the largest output).
pub(crate) fn locate<T: Real>(
    network: &Network<T>,
    executor: &mut dyn Executor<T>,
    parameters: &[T],
    batch: &Batch<'_, T>,
) -> Result<EdgeId, EngineError> {
    if let Some(edge) =
        parameters.iter().position(|p| !p.is_finite()).and_then(|p| network.edge_of_parameter(p))
    {
        return Ok(edge);
    }
    let layers = executor.statistics(parameters, batch.x)?;
    for (layer, statistics) in layers.iter().enumerate().skip(1) {
        let is_bad =
            |node: &kanode_engine::InputStatistics| !(node.minimum.is_finite() && node.maximum.is_finite());
        if let Some(to) = statistics.inputs.iter().position(is_bad) {
            return Ok(strongest_into(network, parameters, layer - 1, to));
        }
    }
    let mut outputs = zeros("outputs", batch.rows.saturating_mul(network.outputs()))?;
    executor.predict(parameters, batch.x, &mut outputs)?;
    let mut largest = (0, -1.0);
    for (index, value) in outputs.iter().enumerate() {
        let size = if value.is_finite() { value.to_f64().abs() } else { f64::INFINITY };
        if size > largest.1 {
            largest = (index % network.outputs(), size);
        }
    }
    Ok(strongest_into(network, parameters, layers.len().saturating_sub(1), largest.0))
}

/// The edge into node `to` of a layer that has the parameter of the largest absolute value.
fn strongest_into<T: Real>(network: &Network<T>, parameters: &[T], layer: usize, to: usize) -> EdgeId {
    let shape = &network.program().layers()[layer];
    let views = shape.views(&parameters[network.program().ranges()[layer].clone()]);
    let mut strongest = (0, -1.0);
    for from in 0..shape.inputs {
        let edge = from * shape.outputs + to;
        let points = &views.control_points[edge * shape.bases()..][..shape.bases()];
        let weights = [views.base_weight[edge], views.spline_weight[edge]];
        let size = points.iter().chain(&weights).map(|p| p.to_f64().abs()).fold(0.0, f64::max);
        if size > strongest.1 {
            strongest = (from, size);
        }
    }
    EdgeId { layer, from: strongest.0, to }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_engine::Compile;
    use kanode_engine::reference::Reference;
    use kanode_network::Specification;

    fn culprit(change: impl Fn(&mut Network<f64>)) -> EdgeId {
        let mut network = Network::new(Specification::of(&[2, 3, 2])).unwrap();
        change(&mut network);
        let mut executor = Reference.compile(network.program()).unwrap();
        let batch = Batch { x: &[0.1, 0.2, 0.3, -0.4], targets: &[0.0; 4], weights: None, rows: 2 };
        locate(&network, &mut *executor, network.parameters(), &batch).unwrap()
    }

    #[test]
    fn a_parameter_that_is_no_number_is_named() {
        let edge = culprit(|network| network.views_mut(1).unwrap().base_weight[3] = f64::NAN);
        assert_eq!(edge, EdgeId { layer: 1, from: 1, to: 1 });
    }

    #[test]
    fn the_edge_into_the_first_overflowing_node_is_named() {
        let edge = culprit(|network| {
            let layer = network.views_mut(0).unwrap();
            layer.base_weight[5] = 1e308;
            layer.spline_weight[5] = 1e308;
            layer.control_points.iter_mut().for_each(|p| *p = 1e10);
        });
        assert_eq!(edge, EdgeId { layer: 0, from: 1, to: 2 });
    }

    #[test]
    fn the_edge_into_the_largest_output_is_named_when_only_the_loss_overflows() {
        let edge = culprit(|network| {
            let layer = network.views_mut(1).unwrap();
            layer.base_weight[2 * 2 + 1] = 1e200;
        });
        assert_eq!(edge, EdgeId { layer: 1, from: 2, to: 1 });
    }
}

//! The curve of an edge of a network, in the units of the data where the edge touches them.

use crate::fit::{Curve, CurveError, Noise};
use kanode_engine::Real;
use kanode_network::{EdgeId, Network, NetworkError};
use kanode_trace::{Jet, Trace};
use std::sync::Arc;

/// Nodes of a curve.
const NODES: usize = 192;
/// Rows that are run through the network at a time.
const BLOCK: usize = 256;
/// The part at each end of a hidden node's grid that is left out where no rows are given: grids have a margin of a
/// tenth of the range there, in which no row has shaped the spline.
const MARGIN: f64 = 1.0 / 12.0;

/// Why an edge has no curve.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EdgeError {
    /// The network has no such edge, or refuses the rows.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// What the edge receives, or gives, is no curve.
    #[error("the edge can't be fitted: {0}")]
    Curve(#[from] CurveError),
}

/// The function of an edge at 192 nodes, and how many observations it stands for: the coefficients of its spline.
///
/// `rows`, if there are some, are `[rows, inputs]` in the network's units: nodes are the quantiles of what the edge
/// receives for them, so that one outlier is no node. Without rows nodes are even over the edge's grid.
///
/// In the first layer x is in the units of the data, and in the last layer the values are in those of the target, without
/// its mean.
///
/// # Errors
/// [`EdgeError`].
pub fn edge_curve<T: Real>(
    network: &Network<T>,
    edge: EdgeId,
    rows: Option<&[f64]>,
    noise: f64,
) -> Result<(Curve, Noise), EdgeError> {
    let EdgeId { layer, from, to } = edge;
    let held = network.edge(layer, from, to)?;
    let nodes = match rows {
        Some(rows) => quantiles(received(network, edge, rows)?),
        None => {
            let (low, high) = network.knots()[layer][from].domain();
            let margin = if layer > 0 { MARGIN * (high - low) } else { 0.0 };
            let (low, high) = (low + margin, high - margin);
            (0..NODES).map(|node| low + (high - low) * (node as f64 + 0.5) / NODES as f64).collect()
        }
    };
    let mut values = network.edge_curve(layer, from, to, &nodes)?;
    let mut x = nodes;
    if let Some(scaler) = network.scaler() {
        if layer == 0 {
            x.iter_mut().for_each(|x| *x = scaler.input_mean[from] + scaler.input_scale[from] * *x);
        }
        // A factor of a product has no unit of its own.
        let last = layer + 1 == network.program().layers().len();
        if last && network.specification().products(layer).is_empty() {
            values.iter_mut().for_each(|value| *value *= scaler.target_scale[to]);
        }
    }
    let observations = held.control_points.len().min(NODES) as f64;
    // No curve is known better than to its rounding.
    let floor = (noise * noise).max(1e-24);
    Ok((Curve::new(&x, &values)?, Noise { floor, observations }))
}

/// What an edge receives for rows of inputs.
pub(crate) fn received<T: Real>(
    network: &Network<T>,
    edge: EdgeId,
    rows: &[f64],
) -> Result<Vec<f64>, NetworkError> {
    let width = network.inputs();
    if rows.is_empty() || !rows.len().is_multiple_of(width) {
        let expected = (rows.len() / width).max(1) * width;
        return Err(NetworkError::Length { what: "values of x", expected, found: rows.len() });
    }
    if edge.layer == 0 {
        return Ok(rows.iter().skip(edge.from).step_by(width).copied().collect());
    }
    let packing = network.packing();
    let slab: Vec<f64> = network.parameters().iter().map(|parameter| parameter.to_f64()).collect();
    let theta = packing.pack(&slab);
    let mut trace = Trace::new(Arc::clone(network.program()), Arc::new(packing), Jet::value());
    let mut values = Vec::with_capacity(rows.len() / width);
    for block in rows.chunks(BLOCK * width) {
        trace.forward(&theta, block);
        values.extend(trace.node_values(edge.layer, edge.from));
    }
    Ok(values)
}

/// The quantiles of values in the middles of 192 equal parts.
fn quantiles(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let last = (values.len() - 1) as f64;
    let quantile = |node: usize| {
        let at = last * (node as f64 + 0.5) / NODES as f64;
        let (below, part) = (at.floor() as usize, at.fract());
        let above = (below + 1).min(values.len() - 1);
        values[below] + part * (values[above] - values[below])
    };
    (0..NODES).map(quantile).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{default_families, suggest};
    use kanode_network::{Scaler, Specification};

    fn parabola() -> Network<f64> {
        let specification =
            Specification { domain: Some([-2.0, 2.0]), grid: 6, ..Specification::of(&[2, 2, 1]) };
        let mut network = Network::new(specification).unwrap();
        // Marsden: (x − 0.5)² has the control points (t₁ − 0.5)(t₂ − 0.5) averaged over pairs of inner knots.
        let knots = network.edge(0, 1, 0).unwrap().knots;
        let points: Vec<f64> = (0..9)
            .map(|i| {
                let [a, b, c] = [knots[i + 1] - 0.5, knots[i + 2] - 0.5, knots[i + 3] - 0.5];
                (a * b + b * c + c * a) / 3.0
            })
            .collect();
        let views = network.views_mut(0).unwrap();
        // Edge from 1 to 0 of two outputs.
        views.control_points[2 * 9..3 * 9].copy_from_slice(&points);
        views.base_weight[2] = 0.0;
        views.spline_weight[2] = 1.0;
        network
    }

    const EDGE: EdgeId = EdgeId { layer: 0, from: 1, to: 0 };

    #[test]
    fn the_parabola_of_an_edge_is_found_in_the_units_of_the_data() {
        let mut network = parabola();
        let scaler =
            Scaler { input_mean: vec![0.0, 100.0], input_scale: vec![1.0, 10.0], ..Scaler::identity(2, 1) };
        network.set_scaler(Some(scaler)).unwrap();
        let rows: Vec<f64> = (0..600).map(|i| f64::from((i * 7) % 400) / 100.0 - 2.0).collect();
        for rows in [None, Some(rows.as_slice())] {
            let (curve, noise) = edge_curve(&network, EDGE, rows, 1e-8).unwrap();
            assert_eq!(noise.observations, 9.0);
            let best = &suggest(&curve, &default_families(), noise)[0];
            assert_eq!(best.family, "x^2");
            // ((x − 100)/10 − 0.5)² = 0.01·(x − 105)².
            let at = crate::Formula::new(best.expression.clone(), None).unwrap();
            for (x, expected) in [(105.0, 0.0), (115.0, 1.0), (85.0, 4.0)] {
                assert!((at.evaluate_point(&[x]) - expected).abs() < 1e-9, "{at}");
            }
        }
    }

    #[test]
    fn nodes_of_a_hidden_edge_are_what_it_receives() {
        let network = parabola();
        let rows: Vec<f64> = (0..2000).map(|i| (f64::from(i) * 0.618).fract() * 4.0 - 2.0).collect();
        let hidden = EdgeId { layer: 1, from: 0, to: 0 };
        let (curve, _) = edge_curve(&network, hidden, Some(&rows), 1e-4).unwrap();
        // The oracle: the sum of the two edges into the node.
        let mut sums: Vec<f64> = rows
            .chunks(2)
            .map(|row| (0..2).map(|from| network.edge_curve(0, from, 0, &row[from..=from]).unwrap()[0]).sum())
            .collect();
        sums.sort_by(f64::total_cmp);
        let (least, greatest) = (curve.x()[0], curve.x()[NODES - 1]);
        assert!(sums[0] <= least && least <= sums[6] && sums[993] <= greatest && greatest <= sums[999]);
        let middle = curve.x()[NODES / 2];
        assert!((middle - sums[502]).abs() < 0.05 * (greatest - least));
    }

    #[test]
    fn one_outlier_is_no_node() {
        let network = parabola();
        let mut rows: Vec<f64> = (0..2000).map(|i| (f64::from(i) * 0.618).fract() * 4.0 - 2.0).collect();
        rows[1] = 1e9;
        let (curve, _) = edge_curve(&network, EDGE, Some(&rows), 1e-4).unwrap();
        assert!(curve.x().iter().all(|x| x.abs() < 2.0));
    }

    #[test]
    fn edges_and_rows_that_do_not_exist_are_refused() {
        let network = parabola();
        let wrong = EdgeId { layer: 0, from: 2, to: 0 };
        assert!(matches!(edge_curve(&network, wrong, None, 1e-4), Err(EdgeError::Network(_))));
        assert!(matches!(edge_curve(&network, EDGE, Some(&[1.0]), 1e-4), Err(EdgeError::Network(_))));
        let same = [0.5; 20];
        assert!(matches!(edge_curve(&network, EDGE, Some(&same), 1e-4), Err(EdgeError::Curve(_))));
    }
}

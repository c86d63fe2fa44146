use super::*;
use crate::{EdgeId, Init, Parts, Specification};
use kanode_engine::Base;

/// A network of straight edges: `slopes[layer][input·O + sum]`.
fn lines(layers: &[usize], products: &[&[usize]], slopes: &[&[f64]]) -> Network<f64> {
    let products = products.iter().map(|arities| arities.to_vec()).collect();
    let specification = Specification { base: Base::Identity, products, ..Specification::of(layers) };
    let mut network = Network::new(specification).unwrap();
    for (layer, slopes) in slopes.iter().enumerate() {
        let views = network.views_mut(layer).unwrap();
        views.control_points.fill(0.25);
        views.base_weight.copy_from_slice(slopes);
    }
    network
}

/// Rows whose columns have the same spread.
fn rows(inputs: usize) -> Vec<f64> {
    let mut x = vec![0.0; inputs * 2 * inputs];
    for input in 0..inputs {
        x[2 * input * inputs + input] = 1.0;
        x[(2 * input + 1) * inputs + input] = -1.0;
    }
    x
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-12), "{found:?} {expected:?}");
}

#[test]
fn edges_share_by_their_deviations() {
    let scores = lines(&[3, 1], &[], &[&[3.0, -1.0, 0.0]]).scores(&rows(3)).unwrap();
    close(&scores.edges[0], &[0.75, 0.25, 0.0]);
    close(&scores.nodes[0], &[0.75, 0.25, 0.0]);
    close(&scores.nodes[1], &[1.0]);
}

#[test]
fn shares_are_passed_back_through_hidden_nodes() {
    // The first hidden node is x₁, the second x₂; the output 3·first + second.
    let network = lines(&[2, 2, 1], &[], &[&[1.0, 0.0, 0.0, 1.0], &[3.0, 1.0]]);
    let scores = network.scores(&rows(2)).unwrap();
    close(&scores.nodes[1], &[0.75, 0.25]);
    close(&scores.edges[0], &[0.75, 0.0, 0.0, 0.25]);
    close(&scores.nodes[0], &[0.75, 0.25]);
}

#[test]
fn scores_do_not_depend_on_the_number_of_outputs() {
    for outputs in [1, 2, 10] {
        let slopes: Vec<f64> = [3.0, 1.0].iter().flat_map(|slope| vec![*slope; outputs]).collect();
        let network = lines(&[2, 2, outputs], &[], &[&[1.0, 0.0, 0.0, 1.0], &slopes]);
        let scores = network.scores(&rows(2)).unwrap();
        close(&scores.nodes[2], &vec![1.0; outputs]);
        close(&scores.nodes[1], &[0.75, 0.25]);
        close(&scores.nodes[0], &[0.75, 0.25]);
        close(&scores.edges[1][..outputs], &vec![0.75; outputs]);
    }
}

#[test]
fn every_factor_has_the_score_of_its_product() {
    // One sum node of x₁, a product of x₁ and x₂; both lead to the output.
    let network = lines(&[2, 2, 1], &[&[2], &[]], &[&[1.0, 1.0, 0.0, 0.0, 0.0, 1.0], &[1.0, 1.0]]);
    let scores = network.scores(&rows(2)).unwrap();
    let [sum, product] = scores.nodes[1][..] else { panic!("{scores:?}") };
    assert!((sum + product - 1.0).abs() < 1e-12);
    close(&scores.edges[0], &[sum, product, 0.0, 0.0, 0.0, product]);
    close(&scores.nodes[0], &[sum + product, product]);
}

#[test]
fn what_is_constant_scores_nothing() {
    let network = lines(&[2, 1, 1], &[], &[&[0.0, 0.0], &[1.0]]);
    let scores = network.scores(&rows(2)).unwrap();
    close(&scores.nodes[0], &[0.0, 0.0]);
    close(&scores.nodes[1], &[0.0]);
    let network = lines(&[2, 1], &[], &[&[1.0, 1.0]]);
    close(&network.scores(&[0.5, 3.0, 0.7, 3.0]).unwrap().nodes[0], &[1.0, 0.0]);
    assert!(matches!(network.scores(&[0.5]), Err(NetworkError::Length { .. })));
    assert!(matches!(network.scores(&[]), Err(NetworkError::Length { .. })));
}

#[test]
fn means_are_those_of_the_curves_and_pruning_by_them_keeps_the_mean_of_the_output() {
    let network =
        Network::<f64>::new(Specification { init: Init::Power, ..Specification::of(&[2, 1]) }).unwrap();
    let x: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 101) / 50.0 - 1.0).collect();
    let means = network.edge_means(&x).unwrap();
    let column = |input: usize| x.iter().skip(input).step_by(2).copied().collect::<Vec<f64>>();
    for (input, mean) in means[0].iter().enumerate() {
        let curve = network.edge_curve(0, input, 0, &column(input)).unwrap();
        assert!((mean - curve.iter().sum::<f64>() / 50.0).abs() < 1e-13);
    }
    let removal = Removal { edges: vec![EdgeId { layer: 0, from: 1, to: 0 }], ..Removal::default() };
    let smaller = network.prune(&x, &removal).unwrap();
    let after = smaller.edge_means(&x).unwrap();
    assert!((after[0][0] - means[0][0] - means[0][1]).abs() < 1e-13);
    assert_eq!(after[0][1], 0.0);
}

#[test]
fn pruned_edges_have_scores_and_means_of_zero() {
    let mut parts: Parts<f64> = lines(&[2, 1], &[], &[&[1.0, 1.0]]).parts();
    parts.pruned = vec![vec![1]];
    parts.parameters[8..16].fill(0.0);
    (parts.parameters[17], parts.parameters[19]) = (0.0, 0.0);
    let network = Network::from_parts(parts).unwrap();
    close(&network.scores(&rows(2)).unwrap().edges[0], &[1.0, 0.0]);
    assert_eq!(network.edge_means(&rows(2)).unwrap()[0][1], 0.0);
}

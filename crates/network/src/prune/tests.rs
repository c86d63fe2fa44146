use super::*;
use crate::{Init, Regularization};
use kanode_engine::reference::Reference;
use kanode_engine::{Base, Compile, Loss};
use kanode_spline::{KnotEnds, Outside};
use proptest::prelude::*;

/// A network whose edges all matter.
fn network(layers: &[usize], products: &[&[usize]]) -> Network<f64> {
    let products = products.iter().map(|arities| arities.to_vec()).collect();
    Network::new(Specification { products, init: Init::Power, seed: 3, ..Specification::of(layers) }).unwrap()
}

fn edge(layer: usize, from: usize, to: usize) -> EdgeId {
    EdgeId { layer, from, to }
}

fn edges(edges: &[EdgeId]) -> Removal {
    Removal { edges: edges.to_vec(), ..Removal::default() }
}

fn node(layer: usize, node: usize) -> Removal {
    Removal { nodes: vec![NodeId { layer, node }], ..Removal::default() }
}

/// Some number for each edge.
fn means(network: &Network<f64>) -> Vec<Vec<f64>> {
    let mean = |i: usize| (i * 37 % 23) as f64 / 10.0 - 1.1;
    network.program().layers().iter().map(|layer| (0..layer.edges()).map(mean).collect()).collect()
}

fn predict(network: &Network<f64>, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; network.outputs()];
    let mut executor = Compile::<f64>::compile(&Reference, network.program()).unwrap();
    executor.predict(network.parameters(), x, &mut y).unwrap();
    y
}

/// The outputs edge by edge, with what is to be removed replaced by means.
fn replaced(network: &Network<f64>, removal: &Removal, means: &[Vec<f64>], x: &[f64]) -> Vec<f64> {
    let mut values = x.to_vec();
    for (index, layer) in network.program().layers().iter().enumerate() {
        let of_edge = |from: usize, to: usize| {
            let goes = removal.edges.contains(&edge(index, from, to))
                || removal.nodes.contains(&NodeId { layer: index, node: from })
                || (index == 0 && removal.inputs.contains(&from));
            if goes && !network.is_pruned(index, from * layer.outputs + to) {
                means[index][from * layer.outputs + to]
            } else {
                network.edge_curve(index, from, to, &[values[from]]).unwrap()[0]
            }
        };
        let mut sums = (0..layer.outputs).map(|to| (0..layer.inputs).map(|from| of_edge(from, to)).sum());
        let mut next: Vec<f64> = sums.by_ref().take(layer.sum_nodes()).collect();
        next.extend(layer.products.iter().map(|arity| sums.by_ref().take(*arity).product::<f64>()));
        values = next;
    }
    values
}

/// Checks the smaller network against the larger one.
fn check(network: &Network<f64>, removal: &Removal) -> Network<f64> {
    let means = means(network);
    let smaller = network.without(removal, &means).unwrap();
    for seed in 0..5 {
        let x: Vec<f64> =
            (0..network.inputs()).map(|i| ((i * 7 + seed * 5) % 11) as f64 / 5.0 - 1.0).collect();
        let ids = smaller.input_ids().iter();
        let kept: Vec<f64> =
            ids.map(|id| x[network.input_ids().iter().position(|old| old == id).unwrap()]).collect();
        let expected = replaced(network, removal, &means, &x);
        for (found, expected) in predict(&smaller, &kept).iter().zip(&expected) {
            // Sums of a few dozen numbers of size 1 to 10, through splines of slopes about 1.
            assert!(
                (found - expected).abs() < 1e-12 * (1.0 + expected.abs()),
                "{found} {expected} {removal:?}"
            );
        }
    }
    smaller
}

#[test]
fn a_pruned_edge_is_zero_and_its_mean_is_kept() {
    let network = network(&[2, 3, 1], &[]);
    let smaller = check(&network, &edges(&[edge(0, 1, 2), edge(1, 0, 0)]));
    assert_eq!(smaller.specification().layers, [2, 2, 1]);
    assert_eq!(smaller.pruned_edges(), [vec![3], vec![]]);
    let pruned = smaller.edge(0, 1, 1).unwrap();
    assert!(pruned.control_points.iter().all(|p| *p == 0.0));
    assert_eq!((pruned.base_weight, pruned.spline_weight), (0.0, 0.0));
    // Pruning once more keeps what was pruned.
    let again = check(&smaller, &edges(&[edge(0, 1, 1), edge(0, 0, 0)]));
    assert_eq!(again.pruned_edges(), [vec![0, 3], vec![]]);
}

#[test]
fn a_removed_node_takes_its_edges_with_it() {
    let smaller = check(&network(&[2, 3, 2, 1], &[]), &node(1, 1));
    assert_eq!(smaller.specification().layers, [2, 2, 2, 1]);
    assert_eq!(smaller.pruned_edges(), [vec![], vec![], vec![]] as [Vec<usize>; 3]);
}

#[test]
fn nodes_that_lead_nowhere_vanish_and_so_do_those_that_led_to_them_alone() {
    let network = network(&[2, 2, 2, 1], &[]);
    // The second node of the last hidden layer goes, and the first is fed by the first node before it alone.
    let smaller = check(&network, &edges(&[edge(2, 1, 0), edge(1, 1, 0)]));
    assert_eq!(smaller.specification().layers, [2, 1, 1, 1]);
}

#[test]
fn a_node_that_nothing_leads_to_becomes_part_of_what_it_led_to() {
    let network = network(&[2, 2, 2, 1], &[]);
    let smaller = check(&network, &edges(&[edge(0, 0, 1), edge(0, 1, 1)]));
    assert_eq!(smaller.specification().layers, [2, 1, 2, 1]);
}

#[test]
fn inputs_go_with_their_names_ids_and_scales() {
    let mut network = network(&[4, 2, 1], &[]);
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    network.set_names(Names { inputs: names(&["a", "b", "c", "d"]), outputs: names(&["y"]) }).unwrap();
    let scaler = Scaler {
        input_mean: vec![0.0, 1.0, 2.0, 3.0],
        input_scale: vec![1.0, 2.0, 3.0, 4.0],
        target_mean: vec![5.0],
        target_scale: vec![6.0],
    };
    network.set_scaler(Some(scaler)).unwrap();
    network.set_input_domain(&[(0.0, 1.0), (0.0, 2.0), (0.0, 3.0), (0.0, 4.0)]).unwrap();
    network.set_loss(Some(Loss::Mae));
    let prior = Regularization { order: 2, lambda: 0.5, ridge: 0.1, noise: None };
    network.set_regularization(Some(prior));
    let before = network.parts();
    let smaller = check(&network, &Removal { inputs: vec![0, 2], ..Removal::default() });
    assert_eq!(smaller.input_ids(), [1, 3]);
    assert_eq!(smaller.names(), &Names { inputs: names(&["b", "d"]), outputs: names(&["y"]) });
    let scaler = smaller.scaler().unwrap();
    assert_eq!((&scaler.input_mean[..], &scaler.input_scale[..]), (&[1.0, 3.0][..], &[2.0, 4.0][..]));
    assert_eq!((&scaler.target_mean[..], &scaler.target_scale[..]), (&[5.0][..], &[6.0][..]));
    let domains: Vec<_> = smaller.knots()[0].iter().map(Knots::domain).collect();
    assert_eq!(domains, [(0.0, 2.0), (0.0, 4.0)]);
    assert_eq!((smaller.loss(), smaller.regularization()), (Some(Loss::Mae), Some(&prior)));
    let last = check(&smaller, &Removal { inputs: vec![0], ..Removal::default() });
    assert_eq!((last.input_ids(), last.names().inputs.as_deref()), (&[3][..], names(&["d"]).as_deref()));
    // The network itself is as it was.
    assert_eq!((network.parameters(), network.input_ids()), (&before.parameters[..], &[0, 1, 2, 3][..]));
}

#[test]
fn inputs_without_edges_stay_until_they_are_removed() {
    let network = network(&[2, 1], &[]);
    let smaller = check(&network, &edges(&[edge(0, 1, 0)]));
    assert_eq!(smaller.inputs(), 2);
    let smaller = check(&smaller, &Removal { inputs: vec![1], ..Removal::default() });
    assert_eq!(smaller.input_ids(), [0]);
}

#[test]
fn a_product_goes_as_a_whole_and_keeps_factors_that_became_constant() {
    let network = network(&[2, 3, 1], &[&[2, 3], &[]]);
    assert_eq!(network.program().layers()[0].outputs, 6);
    let smaller = check(&network, &node(1, 1));
    assert_eq!(
        (&smaller.specification().layers[..], smaller.specification().products(0)),
        (&[2, 2, 1][..], &[3][..])
    );
    // Sums 1 and 2 are the factors of node 1: one of them becomes constant, then both.
    let smaller = check(&network, &edges(&[edge(0, 0, 1), edge(0, 1, 1)]));
    assert_eq!(smaller.specification().products(0), [2, 3]);
    assert_eq!(smaller.pruned_edges()[0], [7]);
    let both = [edge(0, 0, 1), edge(0, 1, 1), edge(0, 0, 2), edge(0, 1, 2)];
    assert_eq!(check(&network, &edges(&both)).specification().products(0), [3]);
    let none = Removal { nodes: [1, 2].map(|node| NodeId { layer: 1, node }).to_vec(), ..Removal::default() };
    assert!(check(&network, &none).specification().products.is_empty());
}

#[test]
fn small_spline_weights_take_constants_too() {
    for weight in [0.0, 1e-200, -1e-9] {
        let mut network = network(&[2, 1], &[]);
        network.views_mut(0).unwrap().spline_weight[1] = weight;
        check(&network, &edges(&[edge(0, 0, 0)]));
    }
}

#[test]
fn an_output_that_would_become_constant_is_refused() {
    let network = network(&[2, 2, 2], &[]);
    let removal = edges(&[edge(1, 0, 1), edge(1, 1, 1)]);
    assert_eq!(
        network.without(&removal, &means(&network)).unwrap_err(),
        NetworkError::OutputLost { output: 1 }
    );
    let removal =
        Removal { nodes: [0, 1].map(|node| NodeId { layer: 1, node }).to_vec(), ..Removal::default() };
    assert_eq!(
        network.without(&removal, &means(&network)).unwrap_err(),
        NetworkError::OutputLost { output: 0 }
    );
}

#[test]
fn what_is_not_there_is_named() {
    let network = network(&[2, 3, 1], &[]);
    let refused = |removal: Removal| network.without(&removal, &means(&network)).unwrap_err();
    let to = NetworkError::Edge { what: "to", count: 1, found: 1 };
    assert_eq!(refused(edges(&[edge(1, 0, 1)])), to);
    for (layer, index) in [(0, 0), (1, 3), (2, 0), (usize::MAX, 0)] {
        assert_eq!(refused(node(layer, index)), NetworkError::Node { layer, node: index });
    }
    let inputs = |inputs: &[usize]| Removal { inputs: inputs.to_vec(), ..Removal::default() };
    assert_eq!(refused(inputs(&[2])), NetworkError::Input { count: 2, input: 2 });
    assert_eq!(refused(inputs(&[1, 0])), NetworkError::Input { count: 2, input: 1 });
    let mut short = means(&network);
    short[1].pop();
    let error = network.without(&Removal::default(), &short).unwrap_err();
    assert_eq!(error, NetworkError::Length { what: "means of a layer", expected: 3, found: 2 });
    let mut endless = means(&network);
    endless[0][0] = f64::INFINITY;
    let error = network.without(&edges(&[edge(0, 0, 0)]), &endless).unwrap_err();
    assert!(matches!(error, NetworkError::NotFinite { .. }), "{error:?}");
}

proptest! {
    #[test]
    fn outputs_are_those_with_means_for_edges(
        layers in prop::collection::vec(1usize..5, 2..5),
        arities in prop::collection::vec(prop::collection::vec(2usize..4, 0..3), 3),
        goes in prop::collection::vec(0u8..100, 200),
        share in 0u8..70,
        outside in prop_oneof![Just(Outside::Linear), Just(Outside::Constant)],
        knots in prop_oneof![Just(KnotEnds::Clamped), Just(KnotEnds::Extended)],
        base in prop_oneof![Just(Base::Silu), Just(Base::Zero)],
        seed in 0u64..1000,
    ) {
        let products = layers[1..].iter().zip(arities);
        let products = products.map(|(nodes, arities)| arities.into_iter().take(*nodes).collect()).collect();
        let specification = Specification {
            products, outside, knots, base, seed, grid: 3, init: Init::Power, ..Specification::of(&layers)
        };
        let network = Network::<f64>::new(specification).unwrap();
        let mut draws = goes.iter().cycle().map(|draw| *draw < share);
        let mut draw = || draws.next().unwrap();
        let mut removal = Removal::default();
        for (index, layer) in network.program().layers().iter().enumerate() {
            let all = (0..layer.edges()).map(|e| edge(index, e / layer.outputs, e % layer.outputs));
            removal.edges.extend(all.filter(|_| draw()));
        }
        for (layer, nodes) in layers.iter().enumerate().take(layers.len() - 1).skip(1) {
            removal.nodes.extend((0..*nodes).filter(|_| draw() && draw()).map(|node| NodeId { layer, node }));
        }
        removal.inputs.extend((0..layers[0]).filter(|_| draw() && draw()));
        match network.without(&removal, &means(&network)) {
            Ok(_) => drop(check(&network, &removal)),
            Err(error) => prop_assert!(
                matches!(error, NetworkError::OutputLost { .. } | NetworkError::Input { .. }), "{error:?}"
            ),
        }
    }
}

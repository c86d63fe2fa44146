use crate::{EdgeId, GridUpdate, Network, NetworkError, Parts, Removal, Specification};
use kanode_engine::reference::Reference;
use kanode_engine::{Compile, EdgeFunction};
use std::any::Any;
use std::sync::Arc;

/// `a·x² + b·x + number`.
#[derive(Debug)]
struct Parabola(f64);

impl EdgeFunction for Parabola {
    fn constants(&self) -> usize {
        2
    }

    fn evaluate(&self, constants: &[f64], x: f64, out: &mut [f64]) {
        let (a, b) = (constants[0], constants[1]);
        let all = [[a * x * x + b * x + self.0, x * x, x], [2.0 * a * x + b, 2.0 * x, 1.0]];
        out.iter_mut().zip(all.as_flattened()).for_each(|(out, value)| *out = *value);
    }

    fn plus(&self, number: f64) -> Arc<dyn EdgeFunction> {
        Arc::new(Self(self.0 + number))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

const FIRST: EdgeId = EdgeId { layer: 0, from: 1, to: 2 };
const LAST: EdgeId = EdgeId { layer: 1, from: 0, to: 0 };

fn network() -> Network<f64> {
    let specification = Specification { domain: Some([-2.0, 2.0]), ..Specification::of(&[2, 3, 1]) };
    let network = Network::new(specification).unwrap();
    let network = network.with_function(LAST, Arc::new(Parabola(0.5)), &[0.25, -0.5]).unwrap();
    network.with_function(FIRST, Arc::new(Parabola(0.0)), &[0.125, 1.0]).unwrap()
}

fn rows() -> Vec<f64> {
    (0..60).map(|at| (f64::from(at) * 0.618).fract() * 4.0 - 2.0).collect()
}

fn predictions(network: &Network<f64>, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; x.len() / network.inputs()];
    let mut executor = Compile::<f64>::compile(&Reference, network.program()).unwrap();
    executor.predict(network.parameters(), x, &mut y).unwrap();
    y
}

fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance, "{found} {expected}");
    }
}

#[test]
fn a_function_is_what_its_edge_computes_and_the_others_stay() {
    let network = network();
    assert_eq!(network.edge_curve(0, 1, 2, &[2.0]).unwrap(), [2.5]);
    assert_eq!(network.edge_curve(1, 0, 0, &[2.0]).unwrap(), [0.5]);
    assert_eq!(
        (network.constants_of(FIRST), network.constants_of(LAST)),
        (vec![0.125, 1.0], vec![0.25, -0.5])
    );
    assert_eq!(network.parameter_count(), 9 * 10 + 4);
    let plain = Network::<f64>::new(network.specification().clone()).unwrap();
    assert_eq!(network.edge(0, 0, 1), plain.edge(0, 0, 1));
    assert_eq!(network.edge_of_parameter(60), Some(FIRST));
    assert_eq!(network.edge_of_parameter(network.parameter_count() - 1), Some(LAST));
    assert_eq!((network.edge_count(), network.packing().edges().len()), (9, 7));
}

#[test]
fn other_grids_leave_functions_alone() {
    let network = network();
    let expected = predictions(&network, &rows());
    let mut refined = network.clone();
    refined.refine(10).unwrap();
    near(&predictions(&refined, &rows()), &expected, 1e-9);
    let mut updated = network.clone();
    updated.update_grid(&rows(), &GridUpdate { uniform: 1.0, margin: 0.1, inputs: false }).unwrap();
    assert_eq!(updated.constants_of(LAST), network.constants_of(LAST));
    // Splines were drawn at random on other hidden grids: they change a little where they bend.
    near(&predictions(&updated, &rows()), &expected, 0.1);
}

#[test]
fn a_freed_function_is_the_nearest_spline() {
    let network = network();
    let freed = network.with_spline(FIRST).unwrap().with_spline(LAST).unwrap();
    assert!(!freed.program().has_functions() && freed.is_spline(0, 5));
    assert_eq!(freed.parameter_count(), 90);
    // A parabola is a cubic spline.
    near(&predictions(&freed, &rows()), &predictions(&network, &rows()), 1e-9);
}

#[test]
fn a_pruned_edge_can_become_a_function_and_a_function_can_be_pruned() {
    let removal = Removal { edges: vec![FIRST], ..Removal::default() };
    let pruned = network().prune(&rows(), &removal).unwrap();
    assert!(pruned.is_pruned(0, 5) && pruned.function_of(FIRST).is_none());
    let edges = pruned.edge_count();
    assert_eq!(pruned.constants_of(LAST), [0.25, -0.5]);
    let again = pruned.with_function(FIRST, Arc::new(Parabola(0.0)), &[1.0, 0.0]).unwrap();
    assert!(!again.is_pruned(0, 5) && again.edge_curve(0, 1, 2, &[3.0]).unwrap() == [9.0]);
    assert!(again.edge_count() == edges + 1 && again.has_absent());
    Network::from_parts(again.parts()).unwrap();
}

#[test]
fn means_of_pruned_edges_go_to_functions_where_no_spline_is_left() {
    let network = network();
    let nodes = (1..3).map(|node| crate::NodeId { layer: 1, node }).collect();
    let smaller = network.prune(&rows(), &Removal { nodes, ..Removal::default() }).unwrap();
    let means = network.edge_means(&rows()).unwrap();
    let inner: Vec<f64> = rows()
        .chunks(2)
        .map(|row| (0..2).map(|from| network.edge_curve(0, from, 0, &row[from..=from]).unwrap()[0]).sum())
        .collect();
    let outer = network.edge_curve(1, 0, 0, &inner).unwrap();
    let expected: Vec<f64> = outer.iter().map(|value| value + means[1][1] + means[1][2]).collect();
    near(&predictions(&smaller, &rows()), &expected, 1e-12);
}

#[test]
fn parts_make_the_same_network_again_or_say_what_is_wrong() {
    let network = network();
    let again = Network::from_parts(network.parts()).unwrap();
    assert_eq!(predictions(&again, &rows()), predictions(&network, &rows()));
    let broken = |change: &dyn Fn(&mut Parts<f64>)| {
        let mut parts = network.parts();
        change(&mut parts);
        Network::from_parts(parts).map(drop).unwrap_err()
    };
    let both = broken(&|parts| parts.pruned = vec![vec![5], vec![]]);
    assert_eq!(both, NetworkError::Pruned { edge: FIRST, reason: "is a function" });
    assert!(matches!(
        broken(&|parts| parts.parameters[5 * 8] = 1.0),
        NetworkError::Function { edge: FIRST, .. }
    ));
    assert!(matches!(broken(&|parts| drop(parts.functions.pop())), NetworkError::Length { .. }));
    assert!(matches!(broken(&|parts| parts.functions[1].clear()), NetworkError::Length { .. }));
    assert!(matches!(broken(&|parts| parts.functions[0][0].edge = 6), NetworkError::Engine(_)));
}

#[test]
fn functions_that_can_not_be_are_refused() {
    let network = network();
    let refused = |edge, constants: &[f64]| {
        network.with_function(edge, Arc::new(Parabola(0.0)), constants).unwrap_err()
    };
    assert!(matches!(refused(EdgeId { layer: 0, from: 2, to: 0 }, &[0.0; 2]), NetworkError::Edge { .. }));
    assert!(matches!(
        refused(FIRST, &[0.0]),
        NetworkError::Length { what: "constants", expected: 2, found: 1 }
    ));
    assert!(matches!(refused(FIRST, &[0.0, f64::NAN]), NetworkError::Function { .. }));
}

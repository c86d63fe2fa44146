use super::*;
use crate::EdgeId;
use crate::SpecificationError;
use kanode_engine::Compile;
use kanode_engine::reference::Reference;
use kanode_spline::{KnotEnds, SplineError};
use proptest::prelude::*;

fn network(layers: &[usize]) -> Network<f64> {
    Network::new(Specification::of(layers)).unwrap()
}

#[test]
fn a_network_of_the_slides_has_their_number_of_parameters() {
    assert_eq!(network(&[2, 5, 1]).parameter_count(), 150);
    assert_eq!(network(&[2, 3, 3, 1]).parameter_count(), 180);
    assert_eq!(network(&[784, 64, 10]).parameter_count(), (784 * 64 + 64 * 10) * 10);
}

#[test]
fn the_output_is_the_sum_of_edges_over_the_layers() {
    let network = network(&[2, 5, 1]);
    let x = [0.3, -1.7];
    let layer = |layer: usize, x: &[f64], outputs: usize| -> Vec<f64> {
        let edges = |to| x.iter().enumerate().map(move |(from, x)| (from, to, *x));
        (0..outputs)
            .map(|to| {
                edges(to).map(|(from, to, x)| network.edge_curve(layer, from, to, &[x]).unwrap()[0]).sum()
            })
            .collect()
    };
    let by_hand = layer(1, &layer(0, &x, 5), 1);
    let mut y = [0.0];
    let mut executor = Compile::<f64>::compile(&Reference, network.program()).unwrap();
    executor.predict(network.parameters(), &x, &mut y).unwrap();
    assert!((y[0] - by_hand[0]).abs() < 1e-13);
}

#[test]
fn views_lie_where_the_program_says() {
    let mut network = network(&[2, 3, 1]);
    network.views_mut(1).unwrap().spline_weight[2] = 42.0;
    assert_eq!(network.parameters()[network.parameter_count() - 1], 42.0);
    assert_eq!(network.views_mut(1).unwrap().control_points.len(), 3 * 8);
    assert!(network.views_mut(2).is_none());
}

#[test]
fn the_program_changes_with_the_knots_only() {
    let mut network = network(&[2, 3, 1]);
    let program = Arc::clone(network.program());
    network.parameters_mut()[0] = 1.0;
    network.set_loss(None);
    assert!(Arc::ptr_eq(&program, network.program()));
    network.set_input_domain(&[(0.0, 1.0), (0.0, 2.0)]).unwrap();
    assert!(!Arc::ptr_eq(&program, network.program()));
    let domains: Vec<_> = network.program().layers()[0].splines.iter().map(|s| s.domain()).collect();
    assert_eq!(domains, [(0.0, 1.0), (0.0, 2.0)]);
}

#[test]
fn equal_knots_share_a_table() {
    let mut network = network(&[3, 1]);
    let shared = |network: &Network<f64>| {
        let splines = &network.program().layers()[0].splines;
        (Arc::ptr_eq(&splines[0], &splines[1]), Arc::ptr_eq(&splines[1], &splines[2]))
    };
    assert_eq!(shared(&network), (true, true));
    network.set_input_domain(&[(0.0, 1.0), (0.0, 1.0), (0.0, 2.0)]).unwrap();
    assert_eq!(shared(&network), (true, false));
}

#[test]
fn equal_knots_share_a_table_wherever_they_are_in_a_layer() {
    let mut network = network(&[4, 1]);
    network.set_input_domain(&[(0.0, 1.0), (0.0, 2.0), (0.0, 1.0), (0.0, 2.0)]).unwrap();
    let splines = &network.program().layers()[0].splines;
    assert!(Arc::ptr_eq(&splines[0], &splines[2]) && Arc::ptr_eq(&splines[1], &splines[3]));
    assert!(!Arc::ptr_eq(&splines[0], &splines[1]));
    assert_eq!(splines.iter().map(|spline| spline.domain().1).collect::<Vec<_>>(), [1.0, 2.0, 1.0, 2.0]);
    // A table of 7 cells of 16 coefficients and 4 numbers is counted once for two inputs.
    let table = 7 * (16 + 4) * 8;
    let other = self::network(&[4, 1]).cost(0).total.bytes;
    assert_eq!(network.cost(0).total.bytes - other, table);
}

#[test]
fn domains_are_those_of_the_specification() {
    let domains = |network: &Network<f64>| -> Vec<(f64, f64)> {
        network.knots().iter().map(|layer| layer[layer.len() - 1].domain()).collect()
    };
    assert_eq!(domains(&network(&[2, 3, 3, 1])), [(-1.0, 1.0), (-3.0, 3.0), (-3.0, 3.0)]);
    let specification = Specification {
        domain: Some([0.0, 10.0]),
        hidden_domain: [-2.0, 2.0],
        ..Specification::of(&[2, 3, 1])
    };
    assert_eq!(domains(&Network::new(specification).unwrap()), [(0.0, 10.0), (-2.0, 2.0)]);
}

#[test]
fn the_domain_of_inputs_follows_the_data_before_the_first_fit() {
    let mut network = network(&[3, 2, 1]);
    let parameters = network.parameters().to_vec();
    network.set_input_domain(&[(-0.5, 2.0), (4.0, 4.0), (0.3, 0.1 + 0.2)]).unwrap();
    let domains: Vec<_> = network.knots()[0].iter().map(Knots::domain).collect();
    assert_eq!(domains[..2], [(-0.5, 2.0), (3.0, 5.0)]);
    assert!(domains[2].0 < -0.69 && domains[2].1 > 1.29);
    assert_eq!(network.knots()[1][0].domain(), (-3.0, 3.0));
    // The first input varies: its two edges keep their control points, and those of the other inputs are zero.
    assert_eq!(network.parameters()[..2 * 8], parameters[..2 * 8]);
    assert_eq!(network.parameters()[6 * 10..], parameters[6 * 10..]);
    for (input, sum) in [(1, 0), (1, 1), (2, 0), (2, 1)] {
        let edge = network.edge(0, input, sum).unwrap();
        assert!(edge.control_points.iter().all(|p| *p == 0.0));
        assert_eq!((edge.base_weight, edge.spline_weight), (0.0, 1.0));
    }
    // Other draws leave them so.
    let drawn = network.drawn(7);
    let zeros = |parameters: &[f64]| parameters.iter().map(|p| *p == 0.0).collect::<Vec<_>>();
    assert_eq!(zeros(&drawn), zeros(network.parameters()));
    assert!(drawn[..16].iter().zip(&parameters).all(|(a, b)| a != b));
}

#[test]
fn pruned_edges_are_told_drawn_and_cleared_as_such() {
    let mut parts = network(&[2, 3, 1]).parts();
    parts.pruned = vec![vec![1, 4], vec![]];
    for edge in [1, 4] {
        parts.parameters[edge * 8..(edge + 1) * 8].fill(0.0);
        (parts.parameters[48 + edge], parts.parameters[54 + edge]) = (0.0, 0.0);
    }
    let network = Network::from_parts(parts).unwrap();
    assert_eq!(network.pruned_edges(), [vec![1, 4], vec![]]);
    assert!(network.is_pruned(0, 4) && !network.is_pruned(0, 0) && !network.is_pruned(0, 6));
    let mut slab = vec![1.0; network.parameter_count()];
    network.clear_absent(&mut slab);
    let zeros = |slab: &[f64]| (0..slab.len()).filter(|i| slab[*i] == 0.0).collect::<Vec<_>>();
    let expected: Vec<usize> = (8..16).chain(32..40).chain([49, 52, 55, 58]).collect();
    assert_eq!(zeros(&slab), expected);
    assert_eq!(zeros(&network.drawn(9)), expected);
    assert_eq!(zeros(network.parts().parameters.as_slice()), expected);
}

#[test]
fn product_nodes_multiply_the_last_sums() {
    let specification = Specification { products: vec![vec![2]], ..Specification::of(&[2, 2]) };
    let network = Network::<f64>::new(specification).unwrap();
    let x = [0.3, -0.7];
    let sum =
        |to| (0..2).map(|from| network.edge_curve(0, from, to, &x[from..=from]).unwrap()[0]).sum::<f64>();
    let mut y = [0.0; 2];
    let mut executor = Compile::<f64>::compile(&Reference, network.program()).unwrap();
    executor.predict(network.parameters(), &x, &mut y).unwrap();
    assert!((y[0] - sum(0)).abs() < 1e-14 && (y[1] - sum(1) * sum(2)).abs() < 1e-14, "{y:?}");
    assert!(network.edge(0, 0, 3).is_err());
    assert_eq!(network.cost(0).layers[0].figures.parameters, 2 * 3 * 10);
}

#[test]
fn a_refused_domain_leaves_the_network_as_it_was() {
    let mut network = network(&[2, 1]);
    let program = Arc::clone(network.program());
    let error = network.set_input_domain(&[(0.0, 1.0)]).unwrap_err();
    assert_eq!(error, NetworkError::Length { what: "input domains", expected: 2, found: 1 });
    let error = network.set_input_domain(&[(0.0, 1.0), (0.0, f64::INFINITY)]).unwrap_err();
    assert_eq!(error, NetworkError::InputDomain { input: 1, a: 0.0, b: f64::INFINITY });
    network.set_loss(Some(Loss::Mse));
    assert_eq!(network.set_input_domain(&[(0.0, 1.0); 2]), Err(NetworkError::AlreadyFitted));
    assert!(Arc::ptr_eq(&program, network.program()));
}

#[test]
fn a_network_counts_as_fitted_once_it_has_a_loss() {
    let mut network = network(&[1, 1]);
    assert!(!network.is_fitted());
    network.set_loss(Some(Loss::Huber { delta: 2.0 }));
    assert!(network.is_fitted());
    assert_eq!(network.loss(), Some(Loss::Huber { delta: 2.0 }));
}

#[test]
fn units_are_the_users_without_a_scaler_and_converted_with_one() {
    let mut network = Network::<f32>::new(Specification::of(&[2, 1])).unwrap();
    assert_eq!(network.scale_inputs(&[1.0, 2.0, 3.0, 4.0], 2), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(network.unscale_outputs(&[0.5]), [0.5]);
    let scaler = Scaler {
        input_mean: vec![1.0, 0.0],
        input_scale: vec![2.0, 1.0],
        target_mean: vec![10.0],
        target_scale: vec![4.0],
    };
    network.set_scaler(Some(scaler)).unwrap();
    assert_eq!(network.scale_inputs(&[1.0, 2.0, 3.0, 4.0], 2), [0.0, 2.0, 1.0, 4.0]);
    assert_eq!(network.scale_inputs(&[1.0, 2.0, 3.0, 4.0], 1), [0.0, 2.0]);
    assert_eq!(network.scale_targets(&[18.0, 6.0]), [2.0, -1.0]);
    assert_eq!(network.unscale_outputs(&[2.0, -1.0]), [18.0, 6.0]);
    let error = network.set_scaler(Some(Scaler::identity(1, 1))).unwrap_err();
    assert_eq!(error, NetworkError::Length { what: "inputMean", expected: 2, found: 1 });
    assert!(network.scaler().is_some());
}

#[test]
fn names_must_be_complete() {
    let mut network = network(&[2, 1]);
    let names = Names { inputs: Some(vec!["a".into(), "b".into()]), outputs: None };
    network.set_names(names.clone()).unwrap();
    let error = network.set_names(Names { inputs: Some(vec!["a".into()]), outputs: None }).unwrap_err();
    assert_eq!(error, NetworkError::Length { what: "input names", expected: 2, found: 1 });
    assert_eq!(network.names(), &names);
}

#[test]
fn a_network_too_large_for_memory_is_an_error() {
    let error = Network::<f32>::new(Specification::of(&[1 << 40, 1 << 40, 1])).unwrap_err();
    let parameters = ((1u128 << 80) + (1 << 40)) * 10;
    assert!(matches!(error, NetworkError::TooLarge { parameters: found, .. } if found == parameters));
    let error = Network::<f64>::new(Specification::of(&[1 << 44, 1])).unwrap_err();
    assert!(matches!(error, NetworkError::TooLarge { .. }));
}

#[test]
fn a_bad_option_is_an_error() {
    let error = Network::<f64>::new(Specification { degree: 9, ..Specification::of(&[1, 1]) }).unwrap_err();
    let expected = SpecificationError::Degree { least: 1, most: 5, found: 9 };
    assert_eq!(error, NetworkError::Specification(expected));
}

#[test]
fn a_domain_that_single_precision_cannot_divide_is_an_error_there_only() {
    let specification = Specification { domain: Some([1e6, 1e6 + 0.5]), ..Specification::of(&[1, 1]) };
    assert!(Network::<f64>::new(specification.clone()).is_ok());
    let error = Network::<f32>::new(specification).unwrap_err();
    assert!(matches!(
        error,
        NetworkError::Specification(SpecificationError::Domain { option: "domain", .. })
    ));
}

#[test]
fn kept_parts_that_single_precision_cannot_tell_apart_are_an_error_there_only() {
    fn assemble<T: Real>(specification: &Specification, breaks: &[f64]) -> Result<(), NetworkError> {
        let Specification { degree, knots: ends, .. } = *specification;
        let knots = Knots::with_breaks(breaks.to_vec(), degree, ends).unwrap();
        let parameters = vec![T::ONE; usize::try_from(specification.parameter_count()).unwrap()];
        Network::from_parts(Parts::new(specification.clone(), vec![vec![knots]], parameters)).map(drop)
    }
    let good = Specification { grid: 3, ..Specification::of(&[1, 1]) };
    let narrow = Specification { domain: Some([1e6, 1e6 + 0.5]), ..good.clone() };
    assert_eq!(assemble::<f64>(&narrow, &[-1.0, 0.0, 0.5, 1.0]), Ok(()));
    let error = assemble::<f32>(&narrow, &[-1.0, 0.0, 0.5, 1.0]).unwrap_err();
    assert!(matches!(
        error,
        NetworkError::Specification(SpecificationError::Domain { option: "domain", .. })
    ));
    for (breaks, index) in [
        ([-1.0, 0.5, 0.5 + 1e-7, 1.0], 2),
        ([1e6, 1e6 + 1.0, 1e6 + 2.0, 1e6 + 2.1], 3),
        ([-1e50, 0.0, 5e49, 1e50], 1),
        ([0.0, 1e-50, 1e-49, 1e-48], 1),
    ] {
        assert_eq!(assemble::<f64>(&good, &breaks), Ok(()));
        let source = SplineError::Breaks { index, before: breaks[index - 1], after: breaks[index] };
        assert_eq!(assemble::<f32>(&good, &breaks), Err(NetworkError::Spline { layer: 0, input: 0, source }));
    }
    assert_eq!(assemble::<f32>(&good, &[-1.0, 0.5, 0.5 + 1e-5, 1.0]), Ok(()));
}

#[test]
fn kept_parts_make_the_same_network() {
    let mut network = network(&[2, 3, 1]);
    network.set_input_domain(&[(0.0, 1.0), (5.0, 9.0)]).unwrap();
    network.set_scaler(Some(Scaler::identity(2, 1))).unwrap();
    network.set_loss(Some(Loss::Mae));
    let again = Network::from_parts(network.parts()).unwrap();
    assert_eq!(again.parameters(), network.parameters());
    assert_eq!(again.knots(), network.knots());
    assert_eq!(again.scaler(), network.scaler());
    assert_eq!(again.loss(), Some(Loss::Mae));
    assert_eq!(again.edge(0, 1, 2), network.edge(0, 1, 2));
}

#[test]
fn parts_that_do_not_fit_are_named() {
    let good = network(&[2, 3, 1]).parts();
    let length = |what, expected, found| NetworkError::Length { what, expected, found };
    let refused = |spoil: &dyn Fn(&mut Parts<f64>)| {
        let mut parts = good.clone();
        spoil(&mut parts);
        Network::from_parts(parts).unwrap_err()
    };
    let foreign = Knots::uniform(-3.0, 3.0, 5, 3, KnotEnds::Extended).unwrap();
    assert_eq!(refused(&|p| p.specification.grid = 0).to_string(), "grid: expected 1 to 4096, found 0");
    assert_eq!(refused(&|p| p.knots.truncate(1)), length("layers of knots", 2, 1));
    assert_eq!(refused(&|p| p.knots[1].truncate(2)), length("knots of a layer", 3, 2));
    assert_eq!(refused(&|p| p.knots[1][2] = foreign.clone()), NetworkError::Knots { layer: 1, input: 2 });
    assert_eq!(refused(&|p| p.specification.grid = 6), NetworkError::Knots { layer: 0, input: 0 });
    assert_eq!(refused(&|p| p.parameters.truncate(89)), length("parameters", 90, 89));
    let edge = EdgeId { layer: 1, from: 1, to: 0 };
    assert_eq!(refused(&|p| p.parameters[60 + 8] = f64::NAN), NetworkError::NotFinite { edge });
    assert_eq!(refused(&|p| p.scaler = Some(Scaler::identity(2, 2))), length("targetMean", 1, 2));
    assert_eq!(refused(&|p| p.names.outputs = Some(Vec::new())), length("output names", 1, 0));
    assert_eq!(refused(&|p| p.specification.products = vec![vec![2], vec![]]), length("parameters", 110, 90));
    assert_eq!(refused(&|p| p.input_ids = Some(vec![3])), length("input ids", 2, 1));
    let error = NetworkError::InputIds { index: 1, found: 3 };
    assert_eq!(refused(&|p| p.input_ids = Some(vec![3, 3])), error);
    let error = NetworkError::Regularization { what: "order", found: 0.0 };
    let prior = Regularization { order: 0, lambda: 0.0, ridge: 0.0, noise: None };
    assert_eq!(refused(&|p| p.regularization = Some(prior)), error);
    assert_eq!(refused(&|p| p.pruned = vec![vec![]]), length("lists of pruned edges", 2, 1));
    let error = NetworkError::Edge { what: "pruned edge", count: 3, found: 3 };
    assert_eq!(refused(&|p| p.pruned = vec![vec![], vec![3]]), error);
    let pruned = |from, reason| NetworkError::Pruned { edge: EdgeId { layer: 1, from, to: 0 }, reason };
    assert_eq!(refused(&|p| p.pruned = vec![vec![], vec![1, 0]]), pruned(0, "is not in order"));
    assert_eq!(refused(&|p| p.pruned = vec![vec![], vec![2, 2]]), pruned(2, "is not in order"));
    let not_zero = "has a parameter that is not 0";
    assert_eq!(refused(&|p| p.pruned = vec![vec![], vec![1]]), pruned(1, not_zero));
    // Sizes that claim more than there is are refused before anything of that size is made.
    let huge = vec![2, usize::MAX, 1];
    assert_eq!(
        refused(&|p| p.specification.layers = huge.clone()),
        length("knots of a layer", usize::MAX, 3)
    );
}

proptest! {
    #[test]
    fn parameters_are_as_many_as_the_formula_says(
        layers in prop::collection::vec(1usize..7, 2..5),
        grid in 1usize..12,
        degree in 1usize..=5,
    ) {
        let specification = Specification { grid, degree, ..Specification::of(&layers) };
        let network = Network::<f32>::new(specification.clone()).unwrap();
        let expected: usize = layers.windows(2).map(|pair| pair[0] * pair[1] * (2 + grid + degree)).sum();
        prop_assert_eq!(network.parameter_count(), expected);
        prop_assert_eq!(network.program().parameter_count(), expected);
        prop_assert_eq!(specification.parameter_count(), expected as u128);
        prop_assert_eq!(network.cost(3).total.parameters, expected as u64);
        prop_assert!(network.locate_non_finite().is_none());
    }
}

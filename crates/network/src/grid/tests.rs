use super::*;
use crate::{Init, Parts};
use kanode_spline::{KnotEnds, Outside};

fn specification(layers: &[usize]) -> Specification {
    Specification { init: Init::Power, ..Specification::of(layers) }
}

fn network(layers: &[usize]) -> Network<f64> {
    Network::new(specification(layers)).unwrap()
}

/// Rows of inputs over [-1, 1].
fn rows(inputs: usize, rows: usize) -> Vec<f64> {
    (0..rows * inputs).map(|i| (i * 7919 % 1009) as f64 / 504.0 - 1.0).collect()
}

/// The greatest difference between the edges of two networks, over their domains and a part of these on each side.
fn difference<T: Real>(a: &Network<T>, b: &Network<T>, beyond: f64) -> f64 {
    let mut greatest = 0.0f64;
    for (layer, shape) in a.program().layers().iter().enumerate() {
        for (from, knots) in a.knots()[layer].iter().enumerate() {
            let (low, high) = knots.domain();
            let at = |i: i32| low + (high - low) * ((1.0 + 2.0 * beyond) * f64::from(i) / 200.0 - beyond);
            let x: Vec<f64> = (0..=200).map(at).collect();
            for to in 0..shape.outputs {
                let curves = [a, b].map(|network| network.edge_curve(layer, from, to, &x).unwrap());
                greatest =
                    curves[0].iter().zip(&curves[1]).fold(greatest, |most, (a, b)| most.max((a - b).abs()));
            }
        }
    }
    greatest
}

#[test]
fn a_multiple_of_the_grid_changes_no_function() {
    for (knots, outside) in [
        (KnotEnds::Clamped, Outside::Linear),
        (KnotEnds::Extended, Outside::Linear),
        (KnotEnds::Clamped, Outside::Constant),
    ] {
        let specification = Specification { knots, outside, grid: 3, ..specification(&[2, 3, 1]) };
        let old = Network::<f64>::new(specification).unwrap();
        let mut new = old.clone();
        for grid in [6, 30, 90] {
            let refit = new.refine(grid).unwrap();
            assert_eq!(new.specification().grid, grid);
            assert!(new.knots().iter().flatten().all(|knots| knots.grid() == grid));
            assert_eq!(new.program().parameter_count(), new.parameter_count());
            // Control points of size 1; solving for those of nested knots costs a few digits.
            assert!(
                refit.maximum < 1e-11 && difference(&old, &new, 0.1) < 1e-11,
                "{knots:?} {outside:?} {grid} {refit:?}"
            );
        }
    }
}

#[test]
fn a_refit_says_how_far_functions_moved() {
    let old = Network::<f64>::new(Specification { grid: 20, ..specification(&[2, 3, 1]) }).unwrap();
    let mut new = old.clone();
    let refit = new.refine(7).unwrap();
    assert!(refit.rms > 0.01 && refit.maximum > refit.rms, "{refit:?}");
    let found = difference(&old, &new, 0.0);
    // The refit looks at other places.
    assert!(found > 0.5 * refit.maximum && found < 2.0 * refit.maximum, "{found} {refit:?}");
}

#[test]
fn spline_weights_scale_what_is_said() {
    let mut small = Network::<f64>::new(Specification { grid: 20, ..specification(&[1, 1]) }).unwrap();
    let mut large = small.clone();
    large.views_mut(0).unwrap().spline_weight[0] = -10.0;
    let (small, large) = (small.refine(7).unwrap(), large.refine(7).unwrap());
    assert!(
        (large.rms / small.rms - 10.0).abs() < 1e-12 && (large.maximum / small.maximum - 10.0).abs() < 1e-12
    );
}

#[test]
fn uneven_breaks_stay_uneven() {
    let knots = Knots::with_breaks(vec![-1.0, -0.9, 0.0, 1.0], 3, KnotEnds::Clamped).unwrap();
    let close = |found: Vec<f64>, expected: &[f64]| {
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-15), "{found:?}");
        assert_eq!(found.len(), expected.len());
    };
    close(refined(&knots, 6).unwrap().breaks().to_vec(), &[-1.0, -0.95, -0.9, -0.45, 0.0, 0.5, 1.0]);
    close(refined(&knots, 2).unwrap().breaks().to_vec(), &[-1.0, -0.45, 1.0]);
}

#[test]
fn grids_out_of_range_are_refused_and_nothing_changes() {
    let mut network = network(&[2, 3, 1]);
    let before = format!("{:?}", network.parts());
    for grid in [0, 4097, usize::MAX] {
        let error = SpecificationError::Grid { least: 1, most: 4096, found: grid };
        assert_eq!(network.refine(grid).unwrap_err(), NetworkError::Specification(error));
    }
    let knots = || Knots::uniform(0.0, 1.0, 5, 3, KnotEnds::Clamped).unwrap();
    let refused = |network: &mut Network<f64>, layer, knots| network.set_knots(layer, knots).unwrap_err();
    assert_eq!(refused(&mut network, 2, vec![]), NetworkError::Edge { what: "layer", count: 2, found: 2 });
    let error = NetworkError::Length { what: "knots of a layer", expected: 3, found: 1 };
    assert_eq!(refused(&mut network, 1, vec![knots()]), error);
    let other = Knots::uniform(0.0, 1.0, 6, 3, KnotEnds::Clamped).unwrap();
    assert_eq!(refused(&mut network, 0, vec![knots(), other]), NetworkError::Knots { layer: 0, input: 1 });
    let update = GridUpdate { uniform: 1.0, margin: 0.1, inputs: true };
    for x in [&[][..], &[1.0], &[1.0, 2.0, 3.0]] {
        assert!(matches!(network.update_grid(x, &update), Err(NetworkError::Length { .. })));
    }
    let error = network.update_grid(&[0.0, 1.0, f64::NAN, 2.0], &update).unwrap_err();
    assert!(matches!(error, NetworkError::Spline { layer: 0, input: 0, .. }), "{error:?}");
    assert_eq!(format!("{:?}", network.parts()), before);
}

#[test]
fn single_precision_refuses_intervals_that_it_cannot_tell_apart() {
    let mut network = Network::<f32>::new(specification(&[1, 1])).unwrap();
    network.set_input_domain(&[(1000.0, 1001.0)]).unwrap();
    assert!(network.refine(100).is_ok());
    assert!(matches!(network.refine(4096), Err(NetworkError::Spline { layer: 0, input: 0, .. })));
    assert_eq!(network.specification().grid, 100);
}

#[test]
fn knots_of_one_layer_can_be_set() {
    let old = network(&[2, 3, 1]);
    let mut new = old.clone();
    let wide = |at| Knots::uniform(-1.0, at, 5, 3, KnotEnds::Clamped).unwrap();
    let refit = new.set_knots(0, vec![wide(1.0), wide(1.2)]).unwrap();
    assert!(refit.maximum > 0.0);
    assert_eq!(new.knots()[0], [wide(1.0), wide(1.2)]);
    assert_eq!(new.knots()[1], old.knots()[1]);
    // The first input and the second layer have the knots that they had, and their numbers too.
    assert_eq!(new.parameters()[..3 * 8], old.parameters()[..3 * 8]);
    assert_eq!(new.parameters()[6 * 10..], old.parameters()[6 * 10..]);
    assert_eq!(new.set_knots(0, old.knots()[0].clone()).map(|refit| refit.rms > 0.0), Ok(true));
}

#[test]
fn grids_follow_what_arrives_at_hidden_nodes() {
    let old = network(&[2, 3, 2, 1]);
    let x = rows(2, 200);
    let mut new = old.clone();
    new.update_grid(&x, &GridUpdate { uniform: 1.0, margin: 0.1, inputs: false }).unwrap();
    assert_eq!(new.knots()[0], old.knots()[0]);
    let mut values = x.clone();
    for (layer, shape) in new.program().layers().iter().enumerate() {
        for (input, knots) in new.knots()[layer].iter().enumerate().filter(|_| layer > 0) {
            let received = values.iter().skip(input).step_by(shape.inputs);
            let least = received.clone().copied().fold(f64::INFINITY, f64::min);
            let greatest = received.copied().fold(f64::NEG_INFINITY, f64::max);
            let (a, b) = knots.domain();
            let margin = 0.1 * (greatest - least);
            assert!((a - (least - margin)).abs() < 1e-12 && (b - (greatest + margin)).abs() < 1e-12);
        }
        let range = new.program().ranges()[layer].clone();
        values = forward(shape, &shape.views(&new.parameters()[range]), &values);
    }
    let mut inputs = old.clone();
    inputs.update_grid(&x, &GridUpdate { uniform: 0.5, margin: 0.0, inputs: true }).unwrap();
    let (a, b) = inputs.knots()[0][0].domain();
    assert!((-1.0..-0.9).contains(&a) && b > 0.9 && b <= 1.0);
    assert_ne!(inputs.knots()[0][0], inputs.knots()[0][1]);
}

#[test]
fn values_that_do_not_vary_make_grids_of_both_types() {
    fn update<T: Real>(value: f64) {
        let mut network = Network::<T>::new(specification(&[1, 2, 1])).unwrap();
        for update in [0.0, 1.0] {
            let update = GridUpdate { uniform: update, margin: 0.1, inputs: true };
            network.update_grid(&[value; 9], &update).unwrap();
            assert!(network.locate_non_finite().is_none());
        }
    }
    for value in [0.0, 3.0, -1e9] {
        update::<f32>(value);
        update::<f64>(value);
    }
}

#[test]
fn pruned_edges_stay_zero() {
    let mut parts: Parts<f64> = network(&[2, 2, 1]).parts();
    parts.pruned = vec![vec![1], vec![]];
    parts.parameters[8..16].fill(0.0);
    (parts.parameters[33], parts.parameters[37]) = (0.0, 0.0);
    let mut network = Network::from_parts(parts).unwrap();
    network.refine(11).unwrap();
    network.update_grid(&rows(2, 50), &GridUpdate { uniform: 0.3, margin: 0.1, inputs: true }).unwrap();
    assert_eq!(network.check_pruned(), Ok(()));
    assert_eq!(network.pruned_edges(), [vec![1], vec![]]);
}

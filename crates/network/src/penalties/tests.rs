use super::*;
use crate::{Init, Parts, Specification};

/// A network with spline weights other than 1, a pruned edge and a product.
fn network(base: Base) -> Network<f64> {
    let specification = Specification {
        products: vec![vec![2], vec![]],
        base,
        grid: 4,
        init: Init::Power,
        ..Specification::of(&[2, 2, 1])
    };
    let mut parts: Parts<f64> = Network::new(specification).unwrap().parts();
    // Six edges of seven control points.
    for edge in 0..6 {
        parts.parameters[48 + edge] = [1.0, -0.7, 0.5, 2.0, 1.3, 0.9][edge];
    }
    parts.pruned = vec![vec![2], vec![]];
    parts.parameters[14..21].fill(0.0);
    (parts.parameters[44], parts.parameters[50]) = (0.0, 0.0);
    Network::from_parts(parts).unwrap()
}

fn rows() -> Vec<f64> {
    (0..24).map(|i| f64::from(i * 29 % 41) / 20.0 - 1.0).collect()
}

/// Compares a gradient with central differences. Steps of 1e-6 have errors of 1e-10, and as much again by rounding.
fn check_gradient(network: &Network<f64>, value: &dyn Fn(&[f64], &mut [f64]) -> f64) {
    let slab = network.parameters();
    // The gradient is added to what is there.
    let mut gradient = vec![1.0; slab.len()];
    value(slab, &mut gradient);
    let mut ignored = vec![0.0; slab.len()];
    for index in 0..slab.len() {
        let edge = network.edge_of_parameter(index).unwrap();
        let sums = network.program().layers()[edge.layer].outputs;
        let mut at = |step: f64| {
            let mut slab = slab.to_vec();
            slab[index] += step;
            value(&slab, &mut ignored)
        };
        let expected = (at(1e-6) - at(-1e-6)) / 2e-6;
        let found = gradient[index] - 1.0;
        if network.is_pruned(edge.layer, edge.from * sums + edge.to) {
            assert_eq!(found, 0.0);
        } else {
            assert!((found - expected).abs() < 1e-7 * (1.0 + expected.abs()), "{index}: {found} {expected}");
        }
    }
}

#[test]
fn gradients_of_all_penalties_are_those_of_differences() {
    let each = [
        Penalties { l1: 0.7, ..Penalties::default() },
        Penalties { entropy: 0.3, ..Penalties::default() },
        Penalties { coefficient: 0.2, ..Penalties::default() },
        Penalties { smoothness: 0.5, ..Penalties::default() },
        Penalties { curvature: 1e-3, ..Penalties::default() },
        Penalties { l1: 0.1, entropy: 0.2, coefficient: 0.3, smoothness: 0.4, curvature: 1e-4 },
    ];
    for base in [Base::Silu, Base::Zero] {
        let network = network(base);
        for penalties in each {
            check_gradient(&network, &|slab, gradient| {
                penalties.evaluate(&network, slab, &rows(), None, gradient)
            });
        }
    }
}

#[test]
fn gradients_of_priors_are_those_of_differences() {
    for base in [Base::Silu, Base::Zero] {
        let network = network(base);
        for order in [1, 2, 3, 4, 6] {
            // Of moderate size whatever the order.
            let lambda = 10f64.powi(-2 * i32::try_from(order.min(4)).unwrap());
            let prior = Smoothness { order, lambda, ridge: 0.1 };
            check_gradient(&network, &|slab, gradient| prior.evaluate(&network, slab, gradient));
        }
    }
}

#[test]
fn penalties_are_sums_over_effective_control_points() {
    let network = network(Base::Silu);
    let mut ignored = vec![0.0; network.parameter_count()];
    let mut of = |penalties: Penalties| {
        penalties.evaluate(&network, network.parameters(), &rows(), None, &mut ignored)
    };
    let (mut absolute, mut steps, mut curvature) = (0.0, 0.0, 0.0);
    for (layer, shape) in network.program().layers().iter().enumerate() {
        for edge in 0..shape.edges() {
            let (from, to) = (edge / shape.outputs, edge % shape.outputs);
            let edge = network.edge(layer, from, to).unwrap();
            let c: Vec<f64> = edge.control_points.iter().map(|p| p * edge.spline_weight).collect();
            absolute += c.iter().map(|c| c.abs()).sum::<f64>();
            steps += c.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum::<f64>();
            // A plain midpoint sum over the unit domain.
            let (table, mut weights) = (&shape.splines[from], vec![0.0; 4]);
            let (a, b) = table.domain();
            let panels = 4000;
            for panel in 0..panels {
                let x = a + (b - a) * (f64::from(panel) + 0.5) / f64::from(panels);
                let row = table.derivative_weights(2, x, &mut weights);
                let second: f64 = weights.iter().zip(&c[row..]).map(|(w, c)| w * c).sum();
                curvature += (second * (b - a).powi(2)).powi(2) / f64::from(panels);
            }
        }
    }
    let default = Penalties::default();
    assert_eq!(of(default), 0.0);
    let close = |found: f64, expected: f64, tolerance: f64| {
        assert!((found / expected - 1.0).abs() < tolerance, "{found} {expected}");
    };
    close(of(Penalties { coefficient: 2.0, ..default }), 2.0 * absolute, 1e-12);
    close(of(Penalties { smoothness: 2.0, ..default }), 2.0 * steps, 1e-12);
    // The midpoint rule is exact to the square of a panel over an interval, 1e-6.
    close(of(Penalties { curvature: 2.0, ..default }), 2.0 * curvature, 1e-4);
}

#[test]
fn activity_is_measured_on_the_rows_and_their_weights() {
    let specification = Specification { init: Init::Power, ..Specification::of(&[2, 2]) };
    let network = Network::<f64>::new(specification).unwrap();
    let mut ignored = vec![0.0; network.parameter_count()];
    let weights: Vec<f64> = (0..12).map(|i| f64::from(i % 3)).collect();
    let mut mean_absolute = Vec::new();
    for edge in 0..4 {
        let x: Vec<f64> = rows().iter().skip(edge / 2).step_by(2).copied().collect();
        let curve = network.edge_curve(0, edge / 2, edge % 2, &x).unwrap();
        let sum: f64 = curve.iter().zip(&weights).map(|(phi, weight)| weight * phi.abs()).sum();
        mean_absolute.push(sum / weights.iter().sum::<f64>());
    }
    let total: f64 = mean_absolute.iter().sum();
    let entropy: f64 = mean_absolute.iter().map(|mean| -mean / total * (mean / total).ln()).sum();
    for (penalties, expected) in [
        (Penalties { l1: 2.0, ..Penalties::default() }, 2.0 * total),
        (Penalties { entropy: 3.0, ..Penalties::default() }, 3.0 * entropy),
    ] {
        let found = penalties.evaluate(&network, network.parameters(), &rows(), Some(&weights), &mut ignored);
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    }
}

#[test]
fn strengths_out_of_range_are_named() {
    assert_eq!(Penalties::default().validate(), Ok(()));
    assert_eq!(Penalties { entropy: -1.0, ..Penalties::default() }.validate(), Err(("entropy", -1.0)));
    let endless = Penalties { curvature: f64::INFINITY, ..Penalties::default() };
    assert_eq!(endless.validate(), Err(("curvature", f64::INFINITY)));
    assert!(Penalties { l1: f64::NAN, ..Penalties::default() }.validate().is_err());
}

#[test]
fn a_prior_and_its_value_on_a_slab_agree_about_the_curvature() {
    let network = network(Base::Zero);
    let mut ignored = vec![0.0; network.parameter_count()];
    let slab = network.parameters();
    let prior = Smoothness { order: 2, lambda: 0.5, ridge: 0.0 }.evaluate(&network, slab, &mut ignored);
    let penalties = Penalties { curvature: 0.5, ..Penalties::default() };
    assert_eq!(prior, penalties.evaluate(&network, slab, &rows(), None, &mut ignored));
}

#[test]
fn a_prior_on_packed_parameters_has_the_value_that_it_has_on_the_slab() {
    for base in [Base::Silu, Base::Zero] {
        let network = network(base);
        let packing = network.packing();
        let smoothness = Smoothness { order: 3, lambda: 1e-3, ridge: 0.25 };
        let prior = smoothness.prior(network.program(), &packing);
        let blocks_an_edge = if base == Base::Zero { 1 } else { 2 };
        assert_eq!(prior.blocks.len(), blocks_an_edge * packing.edges().len());
        let mut gradient = vec![0.0; network.parameter_count()];
        let value = smoothness.evaluate(&network, network.parameters(), &mut gradient);
        let theta = packing.pack(network.parameters());
        assert!((prior.value(&theta) / value - 1.0).abs() < 1e-12);
        // Twice the product is the gradient, which the chain rule carries to the slab.
        let mut half = vec![0.0; packing.len()];
        prior.multiply_add(&theta, &mut half);
        half.iter_mut().for_each(|half| *half *= 2.0);
        let mut carried = vec![0.0; network.parameter_count()];
        packing.gradient_to_slab(network.parameters(), &half, &mut carried);
        for (carried, gradient) in carried.iter().zip(&gradient) {
            assert!((carried - gradient).abs() < 1e-12 * (1.0 + gradient.abs()), "{carried} {gradient}");
        }
    }
}

#[test]
fn a_base_function_is_as_rough_as_a_spline_of_its_shape() {
    for (base, order, curved) in
        [(Base::Silu, 2, true), (Base::Silu, 4, true), (Base::Identity, 1, true), (Base::Identity, 2, false)]
    {
        let specification =
            Specification { grid: 40, base, domain: Some([-3.0, 3.0]), ..Specification::of(&[1, 1]) };
        let mut network = Network::<f64>::new(specification).unwrap();
        let packing = network.packing();
        let mut theta = vec![0.0; packing.len()];
        theta[packing.edges()[0].base_weight().unwrap()] = 2.0;
        packing.unpack(&theta, network.parameters_mut());
        let prior = Smoothness { order, lambda: 1.0, ridge: 0.0 };
        let found = prior.evaluate(&network, network.parameters(), &mut vec![0.0; network.parameter_count()]);
        // The derivative from differences, over the domain of width 6.
        let (h, panels) = (1e-2, 6000);
        let difference = |x: f64| match order {
            1 => (base.evaluate(x + h).0 - base.evaluate(x - h).0) / (2.0 * h),
            2 => (base.evaluate(x + h).0 - 2.0 * base.evaluate(x).0 + base.evaluate(x - h).0) / (h * h),
            _ => {
                let at = |steps: f64| base.evaluate(x + steps * h).0;
                (at(2.0) - 4.0 * at(1.0) + 6.0 * at(0.0) - 4.0 * at(-1.0) + at(-2.0)) / h.powi(4)
            }
        };
        let middle = |panel: i32| -3.0 + 6.0 * (f64::from(panel) + 0.5) / f64::from(panels);
        let squares: f64 = (0..panels).map(|panel| (2.0 * difference(middle(panel))).powi(2)).sum();
        let expected = squares / f64::from(panels) * 6f64.powi(2 * order as i32);
        if curved {
            // A Schoenberg spline is exact to the square of its intervals, and at the ends of clamped knots less so.
            assert!((found / expected - 1.0).abs() < 0.2, "{base:?} {order}: {found} {expected}");
        } else {
            assert_eq!(found, 0.0);
        }
    }
}

#[test]
fn names_are_in_camel_case_and_zero_by_default() {
    let penalties: Penalties = serde_json::from_str(r#"{"l1":1,"curvature":2}"#).unwrap();
    assert_eq!(penalties, Penalties { l1: 1.0, curvature: 2.0, ..Penalties::default() });
    assert!(serde_json::from_str::<Penalties>(r#"{"l2":1}"#).is_err());
}

#[test]
fn what_backends_are_given_is_the_same_function() {
    let prior = Smoothness { order: 2, lambda: 1e-3, ridge: 0.02 };
    let all = Penalties { l1: 0.1, entropy: 0.2, coefficient: 0.3, smoothness: 0.4, curvature: 1e-4 };
    let rough = Smoothness { order: 6, ..prior };
    for base in [Base::Silu, Base::Identity, Base::Zero] {
        let network = network(base);
        let n = network.parameter_count();
        assert!(Penalties::default().to_plain(&network, None).is_none());
        for (penalties, prior) in
            [(all, None), (Penalties::default(), Some(prior)), (all, Some(prior)), (all, Some(rough))]
        {
            let mut expected = vec![0.0; n];
            let mut value = penalties.evaluate(&network, network.parameters(), &rows(), None, &mut expected);
            if let Some(prior) = &prior {
                value += prior.evaluate(&network, network.parameters(), &mut expected);
            }
            let plain = penalties.to_plain(&network, prior.as_ref()).unwrap();
            let program = network.program();
            let (found, mut gradient) =
                kanode_engine::reference::penalty(program, &plain, network.parameters(), &rows(), None);
            network.clear_absent(&mut gradient);
            assert!((found / value - 1.0).abs() < 1e-11, "{found} {value}");
            let largest = expected.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
            for (index, (found, expected)) in gradient.iter().zip(&expected).enumerate() {
                assert!((found - expected).abs() < 1e-11 * largest, "{base:?} {index}: {found} {expected}");
            }
        }
    }
}

//! How parameters start. Everything is drawn from one generator, seeded by the specification, in the order of the
//! slab, so that a seed gives the same network on every machine and in both number types.

use crate::expectation::MeanSquares;
use crate::specification::Specification;
use kanode_engine::{Base, Program, Real};
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

/// The distribution of a layer's first control points `P` and base weights `w_b`; spline weights `w_s` start at 1.
///
/// All are normal with mean 0. `I` and `O` are the layer's inputs and outputs, and `Z = I·(G+k+1)`. With
/// `base: 'zero'` the base weights have no influence and start at 0.
///
/// | init | standard deviation of `P` | of `w_b` |
/// |---|---|---|
/// | noise | 0.1 | `Z^-1.75` |
/// | power | `Z^-0.25` | `Z^-1.75` |
/// | paper | 0.1 | `√(2/(I+O))` (Xavier) |
/// | lecun | `√(1/(I·D·E[N²]))` | `√(1/(I·D·E[b²]))` |
/// | glorot | `√(2/(D·(I·E[N²] + O·E[N'²])))` | `√(2/(D·(I·E[b²] + O·E[b'²])))` |
///
/// Lecun and glorot follow Rigas et al. 2025, "Initialization schemes for Kolmogorov–Arnold networks" (arXiv
/// 2509.03417): the variance of an output is shared evenly by the `D` terms of each edge, `D = G+k+1`, or `G+k`
/// without a base function. Lecun gives outputs the second moment 1; glorot takes the harmonic mean of that variance
/// and the one which keeps the variance of the derivatives on the way back. `E[N²]` is the mean square of a basis
/// function, over all of them and over an input uniform on the layer's first domain; `E[b²]` that of the base
/// function, `N'` and `b'` their derivatives; all integrated numerically. (The paper's code multiplies by the
/// standard deviation of its inputs, so that variances are kept rather than set to 1; here inputs and targets are
/// standardised and hidden domains made for values about 1.)
///
/// Power is the family of the same paper, `Z^-α` and `Z^-β` with α = 0.25 and β = 1.75, as kanode's trials used it:
/// the large values for the splines and the small ones for the base weights. The paper's own experiments give the
/// large ones to the base weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Init {
    /// A small start well inside a wide hidden grid, which can grow without leaving it.
    #[default]
    Noise,
    /// Splines that fade slowly, base weights that fade fast as layers grow.
    Power,
    /// Variance-preserving, forwards and backwards.
    Glorot,
    /// Variance-preserving, forwards.
    Lecun,
    /// As in the KAN paper (arXiv 2404.19756, section 2.2).
    Paper,
}

/// Standard deviations of one layer's first parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Deviations {
    /// Of the control points.
    pub(crate) control_points: f64,
    /// Of the base weights; 0 if they have no influence.
    pub(crate) base_weight: f64,
}

impl Init {
    /// The standard deviations for a layer of a program.
    pub(crate) fn deviations(self, layer: &kanode_engine::Layer) -> Deviations {
        let (inputs, outputs) = (layer.inputs as f64, layer.outputs as f64);
        let z = inputs * (layer.bases() + 1) as f64;
        // Roots instead of powers: they are rounded the same everywhere.
        let root = z.sqrt().sqrt();
        let (slow, fast) = (1.0 / root, root / (z * z));
        let terms = (layer.bases() + usize::from(layer.base != Base::Zero)) as f64;
        let bases = || MeanSquares::of_bases(&layer.splines[0]);
        let base = || MeanSquares::of_base(layer.base, layer.splines[0].domain());
        let lecun = |squares: MeanSquares| portable((1.0 / (inputs * terms * squares.value)).sqrt());
        let glorot = |squares: MeanSquares| {
            portable((2.0 / (terms * (inputs * squares.value + outputs * squares.slope))).sqrt())
        };
        let (control_points, base_weight) = match self {
            Self::Noise => (0.1, fast),
            Self::Power => (slow, fast),
            Self::Paper => (0.1, (2.0 / (inputs + outputs)).sqrt()),
            Self::Lecun => (lecun(bases()), lecun(base())),
            Self::Glorot => (glorot(bases()), glorot(base())),
        };
        let base_weight = if layer.base == Base::Zero { 0.0 } else { base_weight };
        Deviations { control_points, base_weight }
    }
}

/// Rounds to the digits of `f32`. Exponentials and logarithms may differ in their last bit from platform to platform;
/// rounded, what was computed from them is the same everywhere.
fn portable(value: f64) -> f64 {
    f64::from(value as f32)
}

/// Draws all parameters of a program that was made from `specification`. `parameters` has the program's length.
pub(crate) fn initialise<T: Real>(specification: &Specification, program: &Program, parameters: &mut [T]) {
    let mut random = Pcg64::seed_from_u64(specification.seed);
    for (layer, range) in program.layers().iter().zip(program.ranges()) {
        let deviations = specification.init.deviations(layer);
        let views = layer.views_mut(&mut parameters[range]);
        fill(&mut random, deviations.control_points, views.control_points);
        fill(&mut random, deviations.base_weight, views.base_weight);
        views.spline_weight.fill(T::ONE);
    }
}

/// Draws from N(0, deviation²); draws nothing if that is 0.
fn fill<T: Real>(random: &mut Pcg64, deviation: f64, to: &mut [T]) {
    if deviation == 0.0 {
        return to.fill(T::ZERO);
    }
    for value in to {
        let draw: f64 = random.sample(StandardNormal);
        *value = T::from_f64(deviation * portable(draw));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Network, Specification};

    const ALL: [Init; 5] = [Init::Noise, Init::Power, Init::Glorot, Init::Lecun, Init::Paper];

    fn specification(init: Init, layers: &[usize]) -> Specification {
        Specification { init, ..Specification::of(layers) }
    }

    fn network(specification: Specification) -> Network<f64> {
        Network::new(specification).unwrap()
    }

    /// Mean and standard deviation.
    fn statistics(values: &[f64]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
    }

    fn deviations(init: Init, layers: &[usize], base: Base) -> Deviations {
        let network = network(Specification { base, ..specification(init, layers) });
        init.deviations(&network.program().layers()[0])
    }

    #[test]
    fn draws_have_the_deviations_of_the_table() {
        for init in ALL {
            let network = network(specification(init, &[60, 50]));
            let layer = &network.program().layers()[0];
            let expected = init.deviations(layer);
            let views = layer.views(network.parameters());
            // 24,000 control points and 3,000 base weights: four standard errors of the deviation.
            let (mean, deviation) = statistics(views.control_points);
            assert!(mean.abs() < 4.0 * expected.control_points / 24_000f64.sqrt(), "{init:?}");
            assert!((deviation / expected.control_points - 1.0).abs() < 4.0 / 48_000f64.sqrt(), "{init:?}");
            let (mean, deviation) = statistics(views.base_weight);
            assert!(mean.abs() < 4.0 * expected.base_weight / 3_000f64.sqrt(), "{init:?}");
            assert!((deviation / expected.base_weight - 1.0).abs() < 4.0 / 6_000f64.sqrt(), "{init:?}");
            assert!(views.spline_weight.iter().all(|w| *w == 1.0));
        }
    }

    #[test]
    fn closed_formulas_hold() {
        let close =
            |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
        let z = 7.0 * 9.0f64;
        let noise = deviations(Init::Noise, &[7, 4], Base::Silu);
        close(noise.control_points, 0.1);
        close(noise.base_weight, z.powf(-1.75));
        let power = deviations(Init::Power, &[7, 4], Base::Silu);
        close(power.control_points, z.powf(-0.25));
        close(power.base_weight, z.powf(-1.75));
        let paper = deviations(Init::Paper, &[7, 4], Base::Silu);
        close(paper.control_points, 0.1);
        close(paper.base_weight, (2.0f64 / 11.0).sqrt());
        // On [-1, 1] the mean square of the identity is 1/3 and of its slope 1.
        let lecun = deviations(Init::Lecun, &[7, 4], Base::Identity);
        close(lecun.base_weight, (3.0f64 / (7.0 * 9.0)).sqrt());
        let glorot = deviations(Init::Glorot, &[7, 4], Base::Identity);
        close(glorot.base_weight, (2.0f64 / (9.0 * (7.0 / 3.0 + 4.0))).sqrt());
    }

    #[test]
    fn lecun_gives_outputs_the_second_moment_one() {
        for base in [Base::Silu, Base::Identity, Base::Zero] {
            let network = network(Specification { base, ..specification(Init::Lecun, &[40, 400]) });
            let mut random = Pcg64::seed_from_u64(5);
            let mut outputs = vec![0.0; 400];
            for from in 0..40 {
                let x = random.random_range(-1.0..1.0);
                for (to, output) in outputs.iter_mut().enumerate() {
                    *output += network.edge_curve(0, from, to, &[x]).unwrap()[0];
                }
            }
            let second_moment = outputs.iter().map(|y| y * y).sum::<f64>() / 400.0;
            // 400 outputs: a standard error of 7 %, and the 40 inputs of one row add some.
            assert!((second_moment - 1.0).abs() < 0.25, "{base:?}: {second_moment}");
        }
    }

    #[test]
    fn glorot_lies_between_forward_and_backward_preservation() {
        let layers = [12, 30];
        let program = network(specification(Init::Glorot, &layers));
        let layer = &program.program().layers()[0];
        let squares = MeanSquares::of_bases(&layer.splines[0]);
        let forward = 1.0 / (9.0 * 12.0 * squares.value);
        let backward = 1.0 / (9.0 * 30.0 * squares.slope);
        let glorot = Init::Glorot.deviations(layer).control_points.powi(2);
        assert!((glorot / (2.0 / (1.0 / forward + 1.0 / backward)) - 1.0).abs() < 1e-6);
        assert!(glorot > forward.min(backward) && glorot < forward.max(backward));
    }

    #[test]
    fn a_base_function_of_zero_leaves_base_weights_at_zero() {
        for init in ALL {
            let network = network(Specification { base: Base::Zero, ..specification(init, &[3, 4, 2]) });
            let program = network.program();
            for (layer, range) in program.layers().iter().zip(program.ranges()) {
                let views = layer.views(&network.parameters()[range]);
                assert!(views.base_weight.iter().all(|w| *w == 0.0), "{init:?}");
                assert!(views.control_points.iter().all(|p| *p != 0.0 && p.is_finite()), "{init:?}");
            }
        }
    }

    #[test]
    fn a_seed_gives_these_numbers_on_every_platform() {
        // Control point 0 and base weights 0 and 1 of the first layer.
        let pinned = [
            (Init::Noise, 0, [-0.13866174221038818, -0.0032165750525881363, 0.0041284041755402495]),
            (Init::Power, 7, [0.3651496137688951, 0.0028610217997148937, 0.005724697210965575]),
            (Init::Glorot, 7, [0.13060486459090015, 0.15881763226520462, 0.31778256865130317]),
            (Init::Lecun, 7, [0.7328140292944632, 0.34507307459271885, 0.690466206128562]),
            (Init::Paper, 7, [0.07521231770515442, 0.240554800843251, 0.4813327174259802]),
        ];
        let found = pinned.map(|(init, seed, _)| {
            let network = network(Specification { seed, ..specification(init, &[2, 5, 1]) });
            (init, seed, [0, 80, 81].map(|index| network.parameters()[index]))
        });
        assert_eq!(found, pinned);
    }

    #[test]
    fn another_seed_gives_another_network() {
        let first = network(specification(Init::Noise, &[2, 5, 1]));
        let second = network(Specification { seed: 1, ..specification(Init::Noise, &[2, 5, 1]) });
        assert!(first.parameters()[..80].iter().zip(second.parameters()).all(|(a, b)| a != b));
    }

    #[test]
    fn single_precision_starts_at_the_rounded_numbers() {
        for init in ALL {
            let double = network(specification(init, &[3, 4, 2]));
            let single = Network::<f32>::new(specification(init, &[3, 4, 2])).unwrap();
            let rounded: Vec<f32> = double.parameters().iter().map(|p| *p as f32).collect();
            assert_eq!(single.parameters(), rounded);
        }
    }
}

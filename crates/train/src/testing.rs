//! Data and networks that several tests share.

use crate::dataset::Dataset;
use crate::report::FitReport;
use crate::{FitOptions, Metrics, Unobserved, evaluate, fit};
use kanode_engine::Base;
use kanode_engine::reference::Reference;
use kanode_network::{Network, Specification};
use kanode_optim::Optimizer;

/// Uniform and normal numbers: Knuth's linear congruential generator, its upper bits.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        let mut noise = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        noise.uniform();
        noise
    }

    /// From 0 to 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Of variance 1: a sum of twelve uniform numbers.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Rows of uniform inputs in `[-1, 1]` with one target.
pub(crate) fn sampled(rows: usize, inputs: usize, seed: u64, y: impl Fn(&[f64]) -> f64) -> Dataset {
    let mut noise = Noise::new(seed);
    let x: Vec<f64> = (0..rows * inputs).map(|_| 2.0 * noise.uniform() - 1.0).collect();
    let y = x.chunks_exact(inputs).map(y).collect();
    Dataset::new(rows, inputs, 1, x, y, None).unwrap()
}

/// Rows of `exp(sin πx + y²)`, the example of the KAN paper.
pub(crate) fn surface(rows: usize, seed: u64) -> Dataset {
    sampled(rows, 2, seed, |x| ((std::f64::consts::PI * x[0]).sin() + x[1] * x[1]).exp())
}

/// A sine of one input with normal noise of this deviation.
pub(crate) fn noisy_sine(rows: usize, deviation: f64, seed: u64) -> Dataset {
    let mut noise = Noise::new(seed.wrapping_add(1000));
    let clean = sampled(rows, 1, seed, |x| (3.0 * x[0]).sin());
    let y = clean.y().iter().map(|y| y + deviation * noise.normal()).collect();
    Dataset::new(rows, 1, 1, clean.x().to_vec(), y, None).unwrap()
}

/// A network without base functions.
pub(crate) fn baseless(layers: &[usize], seed: u64) -> Network<f64> {
    Network::new(Specification { seed, base: Base::Zero, ..Specification::of(layers) }).unwrap()
}

pub(crate) fn lm(steps: u64) -> FitOptions {
    FitOptions { optimizer: Some(Optimizer::lm()), steps: Some(steps), ..FitOptions::default() }
}

/// A fit that must succeed.
pub(crate) fn train(network: &mut Network<f64>, data: &Dataset, options: &FitOptions) -> FitReport<f64> {
    fit(network, data, None, options, None, &Reference, &mut Unobserved).unwrap()
}

/// Root mean squared error in the units of the data.
pub(crate) fn rmse(network: &Network<f64>, data: &Dataset) -> f64 {
    match evaluate(network, data, &Reference, &|| false).unwrap() {
        Metrics::Regression(metrics) => metrics.rmse,
        Metrics::Classification(_) => panic!("a regression"),
    }
}

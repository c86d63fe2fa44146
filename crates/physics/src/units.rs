//! The chain rule of the scaler: values and derivatives from the network's units to the user's. With `x' = (x − m)/σ`
//! and `u = M + S·y` it is `∂u/∂xᵢ = S/σᵢ·∂y/∂xᵢ'`, and `S/(σᵢ·σⱼ)` for second derivatives.

use kanode_engine::Real;
use kanode_network::Network;
use kanode_trace::Jet;

/// Factors and offsets that bring the jets of a network's outputs to the user's units.
#[derive(Clone, Debug)]
pub(crate) struct Units {
    /// `[outputs, jet.len()]`.
    factors: Vec<f64>,
    /// Of the values, `[outputs]`.
    offsets: Vec<f64>,
}

impl Units {
    pub(crate) fn new<T: Real>(network: &Network<T>, jet: &Jet) -> Self {
        let outputs = network.outputs();
        let Some(scaler) = network.scaler() else {
            return Self { factors: vec![1.0; outputs * jet.len()], offsets: vec![0.0; outputs] };
        };
        let sigma = |direction: usize| scaler.input_scale[jet.directions[direction]];
        let mut by_input = vec![1.0];
        by_input.extend((0..jet.directions.len()).map(|i| 1.0 / sigma(i)));
        by_input.extend(jet.pairs.iter().map(|(i, j)| 1.0 / sigma(*i) / sigma(*j)));
        let scales = scaler.target_scale.iter();
        Self {
            factors: scales.flat_map(|scale| by_input.iter().map(move |factor| scale * factor)).collect(),
            offsets: scaler.target_mean.clone(),
        }
    }

    /// Rows `[rows, inputs]` in the network's units, in `f64` whatever the network's number type.
    pub(crate) fn scale<T: Real>(network: &Network<T>, x: &[f64]) -> Vec<f64> {
        network.scaler().map_or_else(|| x.to_vec(), |scaler| scaler.scale_inputs(x))
    }

    /// One row's jets `[outputs, jet.len()]`, written to `user`.
    pub(crate) fn to_user(&self, jets: &[f64], user: &mut [f64]) {
        for (user, (jet, factor)) in user.iter_mut().zip(jets.iter().zip(&self.factors)) {
            *user = jet * factor;
        }
        let length = self.factors.len() / self.offsets.len();
        for (value, offset) in user.iter_mut().step_by(length).zip(&self.offsets) {
            *value += offset;
        }
    }

    /// Derivatives by jets in the user's units become those by the network's.
    pub(crate) fn seed(&self, seed: &mut [f64]) {
        seed.iter_mut().zip(&self.factors).for_each(|(seed, factor)| *seed *= factor);
    }

    /// Numbers in a row's jets, `outputs·jet.len()`.
    pub(crate) fn width(&self) -> usize {
        self.factors.len()
    }
}

//! Models to write and damage, and a way to take a file apart and put it together wrongly.

#![allow(dead_code, reason = "each test file uses its own part")]

use kanode_engine::{Base, Loss};
use kanode_format::{AnyModel, FormatError, Number, decode};
use kanode_network::{Names, Network, Parts as NetworkParts, Regularization, Scaler, Specification};
use kanode_optim::State;
use kanode_spline::{KnotEnds, Knots, Outside};
use kanode_train::{BestPoint, Position, TrainState};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The text kept beside a model in these tests; the format does not look into it.
pub(crate) const METADATA: &str = r#"{"columns":["größe","\"x\"\n"],"version":99}"#;

pub(crate) fn specification() -> Specification {
    Specification {
        grid: 3,
        degree: 2,
        knots: KnotEnds::Extended,
        outside: Outside::Zero,
        base: Base::Identity,
        domain: Some([-1.0, 2.0]),
        hidden_domain: [-2.5, 2.5],
        seed: u64::MAX,
        ..Specification::of(&[2, 3, 1])
    }
}

/// A model with everything in it, made of numbers that need all their bits and depend on no generator.
pub(crate) fn full<T: Number>() -> Network<T> {
    let specification = specification();
    let breaks = |shift: f64| vec![-1.0 + shift, 0.1, 0.7, 2.0 / 3.0 + 1.0 + shift];
    let knots = |shift| Knots::with_breaks(breaks(shift), 2, KnotEnds::Extended).unwrap();
    let knots = vec![vec![knots(0.0), knots(0.05)], vec![knots(0.01), knots(0.02), knots(0.03)]];
    let count = u32::try_from(specification.parameter_count()).unwrap();
    let parameter = |i: u32| T::from_f64((f64::from(i * 7919 % 1009) - 504.0) / 333.0);
    let scaler = Scaler {
        input_mean: vec![0.1, -1e9],
        input_scale: vec![1.0 / 3.0, 1e-7],
        target_mean: vec![-0.0],
        target_scale: vec![5e-324],
    };
    let names = Names {
        inputs: Some(vec!["größe".into(), "a \"quoted\"\nname".into()]),
        outputs: Some(vec![String::new()]),
    };
    let parameters = (0..count).map(parameter).collect();
    let loss = Some(Loss::Huber { delta: 0.1 });
    let parts = NetworkParts::new(specification, knots, parameters);
    Network::from_parts(NetworkParts { scaler: Some(scaler), names, loss, ..parts }).unwrap()
}

/// A model with what version 2 brought: product nodes, pruned edges, input ids and a prior.
pub(crate) fn pruned<T: Number>() -> Network<T> {
    let specification = Specification {
        products: vec![vec![2, 3], vec![]],
        grid: 2,
        degree: 1,
        hidden_domain: [-2.5, 2.5],
        ..Specification::of(&[2, 3, 1])
    };
    let knots = |at: f64| Knots::with_breaks(vec![-1.0, at, 2.0], 1, KnotEnds::Clamped).unwrap();
    let knots = vec![vec![knots(0.1), knots(0.2)], vec![knots(0.3), knots(0.4), knots(0.5)]];
    let count = u32::try_from(specification.parameter_count()).unwrap();
    let parameter = |i: u32| T::from_f64((f64::from(i * 7919 % 1009) - 504.0) / 333.0);
    let mut parameters: Vec<T> = (0..count).map(parameter).collect();
    // Twelve edges from the inputs to a sum and five factors, three numbers and two weights each; then three edges.
    for (start, bases, edges, edge) in [(0, 3, 12, 1), (0, 3, 12, 9), (60, 3, 3, 2)] {
        parameters[start + edge * bases..][..bases].fill(T::ZERO);
        parameters[start + edges * bases + edge] = T::ZERO;
        parameters[start + edges * (bases + 1) + edge] = T::ZERO;
    }
    let prior = Regularization { order: 2, lambda: 1e-4 / 3.0, ridge: 1e-6, noise: Some(0.1 + 0.2) };
    let parts = NetworkParts::new(specification, knots, parameters);
    Network::from_parts(NetworkParts {
        pruned: vec![vec![1, 9], vec![2]],
        input_ids: Some(vec![3, 17]),
        regularization: Some(prior),
        loss: Some(Loss::Mse),
        ..parts
    })
    .unwrap()
}

/// A training state of [`full`], in the same manner: Adam after a few epochs, the best parameters kept.
pub(crate) fn state<T: Number>() -> TrainState<T> {
    let count = u32::try_from(specification().parameter_count()).unwrap();
    let vector = |factor: u32| -> Vec<T> {
        (0..count).map(|i| T::from_f64(f64::from(i * factor % 997) / 12_345.0)).collect()
    };
    TrainState {
        position: Position {
            steps: 77,
            epochs: 9,
            batch: 5,
            evaluations: 1 << 60,
            pass_loss: 0.1 + 0.2,
            pass_weight: 1e-300,
            best: Some(BestPoint { step: 70, epoch: 8, loss: 1.0 / 3.0 }),
            threshold: Some(-0.0),
            stale: 3,
            idle: 2,
            stalled: true,
            objective: u64::MAX,
            validation: 0,
            plan: 0x0123_4567_89AB_CDEF,
            ..Position::default()
        },
        optimizer: State {
            optimizer: "adam".into(),
            counters: BTreeMap::from([("steps".into(), 77)]),
            scalars: BTreeMap::from([("made up".into(), 0.1)]),
            vectors: BTreeMap::from([
                ("firstMoment".into(), vector(31)),
                ("secondMoment".into(), vector(37)),
            ]),
        },
        parameters: vector(41),
        best_parameters: Some(vector(43)),
    }
}

/// A file taken apart.
pub(crate) struct Parts {
    /// The safetensors header, without the document.
    pub(crate) header: Map<String, Value>,
    /// The document under the key `kanode`.
    pub(crate) document: Value,
    /// The bytes of the tensors.
    pub(crate) data: Vec<u8>,
}

impl Parts {
    pub(crate) fn of(file: &[u8]) -> Self {
        let (length, rest) = file.split_first_chunk().unwrap();
        let (header, data) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap());
        let mut header: Map<String, Value> = serde_json::from_slice(header).unwrap();
        let metadata = header.remove("__metadata__").unwrap();
        let document = serde_json::from_str(metadata["kanode"].as_str().unwrap()).unwrap();
        Self { header, document, data: data.to_vec() }
    }

    /// The file of these parts, with the checksum that they should have.
    pub(crate) fn file(&self) -> Vec<u8> {
        self.sealed(&self.document.to_string())
    }

    /// The file with this text as its document, and the checksum that it should have.
    pub(crate) fn sealed(&self, document: &str) -> Vec<u8> {
        let begin = r#"{"checksum":"#;
        let Some(covered) = document.strip_prefix(begin) else { return self.file_of(document) };
        let covered = covered.trim_start_matches(|c: char| c.is_ascii_digit());
        self.file_of(&format!("{begin}{}{covered}", self.checksum(covered)))
    }

    /// The file with this text as its document.
    pub(crate) fn file_of(&self, document: &str) -> Vec<u8> {
        let mut header = self.header.clone();
        header.insert("__metadata__".into(), serde_json::json!({ "kanode": document }));
        file(Value::from(header).to_string().as_bytes(), &self.data)
    }

    /// CRC-32 of the text and of all tensors that lie within the data, by name, one bit at a time.
    fn checksum(&self, covered: &str) -> u32 {
        let mut bytes = covered.as_bytes().to_vec();
        // The map is sorted by name.
        for name in self.header.keys() {
            bytes.extend(name.as_bytes());
            bytes.extend(self.data.get(self.range(name)).unwrap_or_default());
        }
        let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(
                sum ^ u32::from(*byte),
                |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 },
            )
        });
        !sum
    }

    /// Where a tensor's bytes lie in `data`.
    pub(crate) fn range(&self, name: &str) -> std::ops::Range<usize> {
        let offset =
            |i: usize| usize::try_from(self.header[name]["data_offsets"][i].as_u64().unwrap()).unwrap();
        offset(0)..offset(1)
    }
}

/// The file of a header and its data, whatever they are.
pub(crate) fn file(header: &[u8], data: &[u8]) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(data);
    file
}

pub(crate) fn error(file: &[u8]) -> FormatError {
    match decode(file) {
        Err(error) => error,
        Ok(_) => panic!("a damaged file was read"),
    }
}

/// A model of either type as text that tells all its bits apart: doubles hold both types, and Rust writes the
/// shortest digits that give a double back.
pub(crate) fn text<T: Number>(network: &Network<T>, state: Option<&TrainState<T>>, metadata: &str) -> String {
    let (parts, loss) = ((network.specification(), network.knots(), network.names()), network.loss());
    let (parameters, scaler) = (network.parameters(), network.scaler());
    let program: Vec<_> =
        network.program().layers().iter().map(|layer| (layer.inputs, layer.outputs, layer.base)).collect();
    let pruning = (network.pruned_edges(), network.input_ids(), network.regularization());
    format!("{parts:?} {loss:?} {parameters:?} {scaler:?} {program:?} {pruning:?} {state:?} {metadata:?}")
}

/// As [`text`], for a model that was read.
pub(crate) fn text_of(model: &AnyModel) -> String {
    match model {
        AnyModel::F32(model) => text(&model.network, model.state.as_ref(), &model.metadata),
        AnyModel::F64(model) => text(&model.network, model.state.as_ref(), &model.metadata),
    }
}

/// A network of one output whose parameters are at least this many.
pub(crate) fn full_sized(parameters: usize) -> Network<f64> {
    Network::new(Specification::of(&[parameters.div_ceil(10), 1])).unwrap()
}

/// A training state of a network with this many parameters, with a memory of `vectors` more of them.
pub(crate) fn lbfgs_state(count: usize, vectors: usize) -> TrainState<f64> {
    let vectors = (0..vectors).map(|i| (format!("history.{i}"), vec![0.25; count])).collect();
    let optimizer =
        State { optimizer: "lbfgs".into(), counters: BTreeMap::new(), scalars: BTreeMap::new(), vectors };
    let position = Position::default();
    TrainState { position, optimizer, parameters: vec![0.5; count], best_parameters: None }
}

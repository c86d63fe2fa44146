//! Between networks and the tensors of a file.

use crate::container::{self, Header, Tensor, Tensors};
use crate::document::{Document, Function, version};
use crate::error::{Corruption, FormatError};
use crate::number::{Number, NumberType, Numbers};
use kanode_engine::{FunctionEdge, LayerViews};
use kanode_network::{Network, Parts, Scaler};
use kanode_spline::Knots;
use kanode_symbolic::EdgeFormula;
use kanode_train::{StateData, StateError, StateHeader, TrainState};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A model as it lay in a file.
#[derive(Clone, Debug)]
pub struct Model<T> {
    /// The network, with its names, scaler and loss.
    pub network: Network<T>,
    /// What continues its training, if it was kept.
    pub state: Option<TrainState<T>>,
    /// The text that was given to [`encode`].
    pub metadata: String,
}

/// A model of the number type that the file says.
#[derive(Clone, Debug)]
pub enum AnyModel {
    /// Parameters are `f32`.
    F32(Model<f32>),
    /// Parameters are `f64`.
    F64(Model<f64>),
}

/// The bytes of a model file. Equal models give equal bytes. With `state`, a fit of the model that is read can go on
/// with the same bits. `metadata` is any text; it comes back with the model.
///
/// # Errors
/// [`FormatError::Unwritable`] for a number that is not finite, a pruned edge that is not zero, a state that is not of this network, or a header
/// (names, metadata) beyond 100 MB.
pub fn encode<T: Number>(
    network: &Network<T>,
    state: Option<&TrainState<T>>,
    metadata: &str,
) -> Result<Vec<u8>, FormatError> {
    network.check_pruned().map_err(|error| FormatError::Unwritable { what: error.into() })?;
    let mut tensors = layer_tensors(network);
    if let Some(scaler) = network.scaler() {
        tensors.extend(scaler_tensors(scaler));
    }
    let mut state_header = None;
    if let Some(state) = state {
        let header = state_header_of(state);
        let vectors = state_vectors(state);
        check_state(&header, &vectors, network.parameter_count())
            .map_err(|error| FormatError::Unwritable { what: error.into() })?;
        tensors.extend(vectors.into_iter().map(|(name, vector)| state_tensor(&name, vector)));
        state_header = Some(header);
    }
    let functions = functions(network)?;
    let document = Document {
        checksum: 0,
        version: version(&functions),
        kanode: env!("CARGO_PKG_VERSION").to_owned(),
        dtype: T::TYPE,
        specification: network.specification().clone(),
        names: network.names().clone(),
        scaler: network.scaler().is_some(),
        loss: network.loss(),
        pruned: pruned_edges(network),
        functions,
        input_ids: input_ids(network),
        regularization: network.regularization().copied(),
        state: state_header,
        metadata: metadata.to_owned(),
    };
    document.check().map_err(|what| FormatError::Unwritable { what })?;
    let text = document.to_json(|sum| container::add_to(sum, &tensors))?;
    container::write(text, &tensors)
}

/// The lists of pruned edges, if there are such edges.
fn pruned_edges<T: Number>(network: &Network<T>) -> Vec<Vec<usize>> {
    let lists = network.pruned_edges();
    if lists.iter().all(Vec::is_empty) { Vec::new() } else { lists }
}

/// The formulas on edges, if there are any.
fn functions<T: Number>(network: &Network<T>) -> Result<Vec<Vec<Function>>, FormatError> {
    let of_edge = |function: &FunctionEdge| {
        let formula = function.function.as_any().downcast_ref::<EdgeFormula>();
        let written = formula.map(EdgeFormula::write).transpose().ok().flatten();
        let formula =
            written.ok_or(FormatError::Unwritable { what: Corruption::Formula { edge: function.edge } })?;
        Ok(Function { edge: function.edge, formula })
    };
    network.functions().iter().map(|layer| layer.iter().map(of_edge).collect()).collect()
}

/// What [`functions`] has written.
fn read_functions(written: &[Vec<Function>]) -> Result<Vec<Vec<FunctionEdge>>, Corruption> {
    let of_edge = |function: &Function| {
        let formula = EdgeFormula::read(&function.formula);
        let formula = formula.map_err(|_| Corruption::Formula { edge: function.edge })?;
        Ok(FunctionEdge { edge: function.edge, function: Arc::new(formula) })
    };
    written.iter().map(|layer| layer.iter().map(of_edge).collect()).collect()
}

/// The input ids, if some have gone.
fn input_ids<T: Number>(network: &Network<T>) -> Option<Vec<usize>> {
    let ids = network.input_ids();
    ids.iter().copied().ne(0..ids.len()).then(|| ids.to_vec())
}

/// Reads a model file. The bytes may be anything: whatever is wrong with them becomes an error. The memory asked for is
/// in proportion to their number: a few times as much for ordinary models, and at most 130 times as much. That is the
/// case of a layer of one output and many inputs, all with different knots of degree 5 on 3 intervals, each of which
/// needs a table for evaluation; see [`Network::from_parts`].
///
/// # Errors
/// Any [`FormatError`] but [`FormatError::Unwritable`] and [`FormatError::Io`].
pub fn decode(bytes: &[u8]) -> Result<AnyModel, FormatError> {
    let header = Header::read(bytes)?;
    let document = Document::from_json(&header.document)?;
    let (text, tensors) = header.tensors()?;
    document.verify(&text, |sum| tensors.add_to(sum))?;
    Ok(match document.dtype {
        NumberType::F32 => AnyModel::F32(model(document, tensors)?),
        NumberType::F64 => AnyModel::F64(model(document, tensors)?),
    })
}

fn model<T: Number>(document: Document, mut tensors: Tensors<'_>) -> Result<Model<T>, Corruption> {
    let Document { specification, names, scaler, loss, pruned, functions, input_ids, regularization, .. } =
        document;
    let functions = read_functions(&functions)?;
    let (state, metadata) = (document.state, document.metadata);
    let (mut parameters, mut knots) = (Vec::new(), Vec::new());
    for layer in 0..specification.layers.len() - 1 {
        let (inputs, outputs) = (specification.layers[layer] as u64, specification.sums(layer) as u64);
        let part = |part: &str| layer_part(layer, part);
        let bases = specification.bases() as u64;
        parameters.extend(tensors.take::<T>(&part(CONTROL_POINTS), &[inputs, outputs, bases])?);
        parameters.extend(tensors.take::<T>(&part(BASE_WEIGHT), &[inputs, outputs])?);
        parameters.extend(tensors.take::<T>(&part(SPLINE_WEIGHT), &[inputs, outputs])?);
        let constants: usize =
            functions.get(layer).into_iter().flatten().map(|edge| edge.function.constants()).sum();
        if constants > 0 {
            parameters.extend(tensors.take::<T>(&part(CONSTANTS), &[constants as u64])?);
        }
        let count = specification.grid + 1;
        let breaks = tensors.take::<f64>(&part(BREAKS), &[inputs, count as u64])?;
        let of_input = |(input, breaks): (usize, &[f64])| {
            Knots::with_breaks(breaks.to_vec(), specification.degree, specification.knots)
                .map_err(|source| Corruption::Knots { layer, input, source })
        };
        knots.push(breaks.chunks(count).enumerate().map(of_input).collect::<Result<Vec<_>, _>>()?);
    }
    let scaler = scaler
        .then(|| read_scaler(&mut tensors, specification.inputs(), specification.outputs()))
        .transpose()?;
    let state = state.map(|header| read_state(header, &mut tensors, parameters.len())).transpose()?;
    tensors.finish()?;
    let parts = Parts {
        specification,
        knots,
        parameters,
        scaler,
        names,
        loss,
        pruned,
        functions,
        input_ids,
        regularization,
    };
    let network = Network::from_parts(parts)?;
    Ok(Model { network, state, metadata })
}

const CONTROL_POINTS: &str = "control_points";
const BASE_WEIGHT: &str = "base_weight";
const SPLINE_WEIGHT: &str = "spline_weight";
const CONSTANTS: &str = "constants";
const BREAKS: &str = "breaks";
const INPUT_MEAN: &str = "scaler.input_mean";
const INPUT_SCALE: &str = "scaler.input_scale";
const TARGET_MEAN: &str = "scaler.target_mean";
const TARGET_SCALE: &str = "scaler.target_scale";
const STATE_PREFIX: &str = "state.";
const PARAMETERS: &str = "parameters";
const BEST_PARAMETERS: &str = "bestParameters";
const OPTIMIZER_PREFIX: &str = "optimizer.";

/// Name of a layer's tensor.
fn layer_part(layer: usize, part: &str) -> String {
    format!("layers.{layer}.{part}")
}

fn layer_tensors<T: Number>(network: &Network<T>) -> Vec<Tensor<'_>> {
    let program = network.program();
    let mut tensors = Vec::new();
    for (index, (layer, range)) in program.layers().iter().zip(program.ranges()).enumerate() {
        let LayerViews { control_points, base_weight, spline_weight, constants } =
            layer.views(&network.parameters()[range]);
        let edges = vec![layer.inputs, layer.outputs];
        let all = vec![layer.inputs, layer.outputs, layer.bases()];
        let parts = [
            (CONTROL_POINTS, all, control_points),
            (BASE_WEIGHT, edges.clone(), base_weight),
            (SPLINE_WEIGHT, edges, spline_weight),
        ];
        tensors.extend(parts.into_iter().map(|(part, shape, numbers)| Tensor {
            name: layer_part(index, part),
            shape,
            numbers: T::numbers(numbers.into()),
        }));
        if !constants.is_empty() {
            tensors.push(Tensor {
                name: layer_part(index, CONSTANTS),
                shape: vec![constants.len()],
                numbers: T::numbers(constants.into()),
            });
        }
        let breaks: Vec<f64> = network.knots()[index].iter().flat_map(Knots::breaks).copied().collect();
        tensors.push(Tensor {
            name: layer_part(index, BREAKS),
            shape: vec![layer.inputs, network.specification().grid + 1],
            numbers: Numbers::F64(breaks.into()),
        });
    }
    tensors
}

fn scaler_tensors(scaler: &Scaler) -> impl Iterator<Item = Tensor<'_>> {
    let parts = [
        (INPUT_MEAN, &scaler.input_mean),
        (INPUT_SCALE, &scaler.input_scale),
        (TARGET_MEAN, &scaler.target_mean),
        (TARGET_SCALE, &scaler.target_scale),
    ];
    parts.into_iter().map(|(name, numbers)| Tensor {
        name: name.to_owned(),
        shape: vec![numbers.len()],
        numbers: Numbers::F64(numbers.into()),
    })
}

fn read_scaler(tensors: &mut Tensors<'_>, inputs: usize, outputs: usize) -> Result<Scaler, Corruption> {
    let (inputs, outputs) = ([inputs as u64], [outputs as u64]);
    Ok(Scaler {
        input_mean: tensors.take(INPUT_MEAN, &inputs)?,
        input_scale: tensors.take(INPUT_SCALE, &inputs)?,
        target_mean: tensors.take(TARGET_MEAN, &outputs)?,
        target_scale: tensors.take(TARGET_SCALE, &outputs)?,
    })
}

/// The scalars of a state.
fn state_header_of<T>(state: &TrainState<T>) -> StateHeader {
    StateHeader {
        position: state.position.clone(),
        optimizer: state.optimizer.optimizer.clone(),
        counters: state.optimizer.counters.clone(),
        scalars: state.optimizer.scalars.clone(),
    }
}

/// The vectors of a state by their names in [`StateData`]. [`TrainState::export`] gives the same, copied: an L-BFGS
/// state is many times the model.
fn state_vectors<T>(state: &TrainState<T>) -> Vec<(String, &[T])> {
    let own = [(PARAMETERS, Some(&state.parameters)), (BEST_PARAMETERS, state.best_parameters.as_ref())];
    let own = own.into_iter().filter_map(|(name, vector)| Some((name.to_owned(), vector?.as_slice())));
    let optimizer = state.optimizer.vectors.iter();
    own.chain(optimizer.map(|(name, vector)| (format!("{OPTIMIZER_PREFIX}{name}"), vector.as_slice())))
        .collect()
}

/// Checks a state as it will be when it is read, but for numbers in vectors that are not finite.
fn check_state<T: Number>(
    header: &StateHeader,
    vectors: &[(String, &[T])],
    parameter_count: usize,
) -> Result<(), StateError> {
    if let Some((name, vector)) = vectors.iter().find(|(_, vector)| vector.len() != parameter_count) {
        return Err(StateError::Length {
            name: name.clone(),
            expected: parameter_count,
            found: vector.len(),
        });
    }
    // The import checks names and scalars; vectors of no numbers stand for those of the state.
    let vectors = vectors.iter().map(|(name, _)| (name.clone(), Vec::<T>::new())).collect();
    TrainState::import(StateData { header: header.clone(), vectors }, 0).map(drop)
}

fn state_tensor<'a, T: Number>(name: &str, vector: &'a [T]) -> Tensor<'a> {
    Tensor {
        name: format!("{STATE_PREFIX}{name}"),
        shape: vec![vector.len()],
        numbers: T::numbers(vector.into()),
    }
}

fn read_state<T: Number>(
    header: StateHeader,
    tensors: &mut Tensors<'_>,
    parameter_count: usize,
) -> Result<TrainState<T>, Corruption> {
    let mut vectors = BTreeMap::new();
    for name in tensors.names(STATE_PREFIX) {
        let vector = tensors.take(&name, &[parameter_count as u64])?;
        vectors.insert(name[STATE_PREFIX.len()..].to_owned(), vector);
    }
    Ok(TrainState::import(StateData { header, vectors }, parameter_count)?)
}

//! Smaller networks that say as good as the same: parts are taken out, the least important first, and nothing is
//! trained. [`crate::simplify()`] trains between.

use crate::batches::Block;
use crate::dataset::Dataset;
use crate::error::{OptionError, TrainError};
use crate::options::FitOptions;
use crate::prepare::prepare;
use kanode_engine::{Compile, Real};
use kanode_network::{EdgeId, Network, NodeId, Removal, Scores};
use serde::{Deserialize, Serialize};

/// When to stop taking out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PruneUntil {
    /// Edges and hidden nodes whose score, as a part of the largest of their layer, is below this go; 0 to 1.
    Threshold(f64),
    /// So many edges remain, at least 1, or a few more: an edge that is the last of its node takes others along.
    Keep(usize),
    /// As long as the loss does not exceed this multiple of what it was, at least 1. Each part in turn, the lowest score
    /// first, is replaced by its mean, and goes if the loss bears it (interventional score).
    MaxRise(f64),
}

/// What [`PruneUntil::MaxRise`] takes out at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PruneParts {
    /// One edge.
    #[default]
    Edges,
    /// All edges of one input.
    Inputs,
}

/// What to prune by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PruneOptions {
    /// When to stop.
    pub until: PruneUntil,
    /// What is taken out at a time, where the loss is the judge.
    #[serde(default)]
    pub parts: PruneParts,
    /// Whether inputs without edges go as well, so that the new network has fewer.
    #[serde(default)]
    pub inputs: bool,
}

impl PruneOptions {
    /// Checks the number.
    ///
    /// # Errors
    /// If it is out of its range.
    pub fn validate(&self) -> Result<(), OptionError> {
        match self.until {
            PruneUntil::Threshold(t) if !(0.0..=1.0).contains(&t) => {
                Err(OptionError::new("threshold", "a number from 0 to 1", t))
            }
            PruneUntil::Keep(0) => Err(OptionError::new("keep", "at least 1", 0)),
            PruneUntil::MaxRise(r) if !(r.is_finite() && r >= 1.0) => {
                Err(OptionError::new("maxRise", "a finite number, at least 1", r))
            }
            PruneUntil::Threshold(_) | PruneUntil::Keep(_) if self.parts == PruneParts::Inputs => {
                Err(OptionError::new("parts", "edges, unless the loss is the judge (maxRise)", "inputs"))
            }
            _ => Ok(()),
        }
    }
}

/// What was pruned.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneReport {
    /// The loss on the data before.
    pub loss_before: f64,
    /// The loss on the data after.
    pub loss_after: f64,
    /// Edges of the network before.
    pub edges_before: usize,
    /// Edges of the network after.
    pub edges_after: usize,
    /// Sizes of the layers after.
    pub layers: Vec<usize>,
    /// Which columns of the first model's data the inputs are.
    pub inputs: Vec<usize>,
}

/// A smaller network, scored and judged on `data`.
///
/// # Errors
/// Options out of range, data that do not fit, or nothing left of an output.
pub fn prune<T: Real>(
    network: &Network<T>,
    data: &Dataset,
    options: &PruneOptions,
    backend: &dyn Compile<T>,
    cancelled: &dyn Fn() -> bool,
) -> Result<(Network<T>, PruneReport), TrainError> {
    options.validate()?;
    let judge = Judge::new(network, data, backend)?;
    let before = judge.loss(network)?;
    let mut pruned = match options.until {
        PruneUntil::Threshold(threshold) => below(network, &judge.x, threshold)?,
        PruneUntil::Keep(count) => keep(network, &judge.x, count, cancelled)?,
        PruneUntil::MaxRise(rise) => {
            judge.while_borne(network.clone(), options.parts, before * rise, cancelled)?
        }
    };
    if options.inputs {
        pruned = without_idle_inputs(&pruned, &judge.x)?;
    }
    let judged = Judge::of(&judge.block, &pruned, network, backend);
    let report = PruneReport {
        loss_before: before,
        loss_after: judged.loss(&pruned)?,
        edges_before: edges_of(network),
        edges_after: edges_of(&pruned),
        layers: pruned.specification().layers.clone(),
        inputs: pruned.input_ids().to_vec(),
    };
    Ok((pruned, report))
}

/// Edges that are not pruned.
pub(crate) fn edges_of<T: Real>(network: &Network<T>) -> usize {
    network.edge_count()
}

/// Rows to judge networks by.
pub(crate) struct Judge<'a, T: Real> {
    block: Block<T>,
    loss: kanode_engine::Loss,
    /// `[rows, inputs]`, in `f64`.
    pub(crate) x: Vec<f64>,
    backend: &'a dyn Compile<T>,
}

impl<'a, T: Real> Judge<'a, T> {
    /// Rows of `data`, scaled as `network` has learned to.
    pub(crate) fn new(
        network: &Network<T>,
        data: &Dataset,
        backend: &'a dyn Compile<T>,
    ) -> Result<Self, TrainError> {
        let Some(loss) = network.loss() else {
            return Err(OptionError::new("model", "a model that was trained", "a new one").into());
        };
        let mut working = network.clone();
        let prepared = prepare(&mut working, data, None, &FitOptions { loss, ..FitOptions::default() })?;
        let x = prepared.training.x.iter().map(|x| x.to_f64()).collect();
        Ok(Self { block: prepared.training, loss, x, backend })
    }

    /// The same rows for a network that may have fewer inputs than `whole`.
    fn of(block: &Block<T>, network: &Network<T>, whole: &Network<T>, backend: &'a dyn Compile<T>) -> Self {
        let places: Vec<usize> = network
            .input_ids()
            .iter()
            .filter_map(|id| whole.input_ids().iter().position(|other| other == id))
            .collect();
        let rows = block.x.chunks_exact(block.inputs.max(1));
        let x: Vec<T> = rows.flat_map(|row| places.iter().map(|place| row[*place])).collect();
        let wide = x.iter().map(|x| x.to_f64()).collect();
        let block = Block { inputs: places.len(), x, ..block.clone() };
        Self { block, loss: network.loss().unwrap_or_default(), x: wide, backend }
    }

    /// The loss of a network with as many inputs.
    pub(crate) fn loss(&self, network: &Network<T>) -> Result<f64, TrainError> {
        let mut executor = self.backend.compile(network.program())?;
        Ok(executor.loss(self.loss, network.parameters(), &self.block.all())?)
    }

    /// The network without the parts that it can lose, one after the other, until the loss would exceed `most`.
    fn while_borne(
        &self,
        mut network: Network<T>,
        parts: PruneParts,
        most: f64,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Network<T>, TrainError> {
        loop {
            let mut taken = false;
            let scores = network.scores(&self.x)?;
            let candidates = match parts {
                PruneParts::Edges => {
                    ascending(&network, &scores).into_iter().map(|edge| vec![edge]).collect()
                }
                PruneParts::Inputs => edges_by_input(&network, &scores),
            };
            for edges in candidates {
                if cancelled() {
                    return Err(TrainError::Cancelled);
                }
                let removal = Removal { edges, ..Removal::default() };
                let Ok(candidate) = network.prune(&self.x, &removal) else { continue };
                if self.loss(&candidate)? <= most {
                    // What is left has other numbers, perhaps: nodes without edges are gone.
                    network = candidate;
                    taken = true;
                    break;
                }
            }
            if !taken {
                return Ok(network);
            }
        }
    }
}

/// All edges that are not pruned, those of the lowest scores first.
fn ascending<T: Real>(network: &Network<T>, scores: &Scores) -> Vec<EdgeId> {
    let mut edges: Vec<(f64, EdgeId)> = Vec::new();
    for (layer, scores) in scores.edges.iter().enumerate() {
        let outputs = network.program().layers()[layer].outputs;
        for (edge, score) in scores.iter().enumerate().filter(|(edge, _)| !network.is_pruned(layer, *edge)) {
            edges.push((*score, EdgeId { layer, from: edge / outputs, to: edge % outputs }));
        }
    }
    edges.sort_by(|a, b| a.0.total_cmp(&b.0));
    edges.into_iter().map(|(_, edge)| edge).collect()
}

/// The edges of each input that has any, those of inputs of the lowest scores first.
fn edges_by_input<T: Real>(network: &Network<T>, scores: &Scores) -> Vec<Vec<EdgeId>> {
    let sums = network.program().layers()[0].outputs;
    let mut inputs: Vec<usize> = (0..network.inputs()).collect();
    inputs.sort_by(|a, b| scores.nodes[0][*a].total_cmp(&scores.nodes[0][*b]));
    let edges_of = |from: usize| {
        let there = (0..sums).filter(|to| !network.is_pruned(0, from * sums + to));
        there.map(|to| EdgeId { layer: 0, from, to }).collect::<Vec<_>>()
    };
    inputs.into_iter().map(edges_of).filter(|edges| !edges.is_empty()).collect()
}

/// Hidden nodes whose scores are below a part of the largest of their layer.
pub(crate) fn idle_nodes(scores: &Scores, threshold: f64) -> Vec<NodeId> {
    let hidden = 1..scores.nodes.len() - 1;
    let of_layer = |layer: usize| {
        let of_nodes = &scores.nodes[layer];
        let least = threshold * largest(of_nodes);
        let idle = (0..of_nodes.len()).filter(move |node| of_nodes[*node] < least);
        idle.map(move |node| NodeId { layer, node })
    };
    hidden.flat_map(of_layer).collect()
}

fn largest(scores: &[f64]) -> f64 {
    scores.iter().copied().fold(0.0, f64::max)
}

/// The network without edges and hidden nodes whose scores are below a part of the largest of their layer.
pub(crate) fn below<T: Real>(
    network: &Network<T>,
    x: &[f64],
    threshold: f64,
) -> Result<Network<T>, TrainError> {
    let scores = network.scores(x)?;
    let mut removal = Removal { nodes: idle_nodes(&scores, threshold), ..Removal::default() };
    for (layer, of_edges) in scores.edges.iter().enumerate() {
        let outputs = network.program().layers()[layer].outputs;
        let least = threshold * largest(of_edges);
        let idle = (0..of_edges.len()).filter(|edge| of_edges[*edge] < least);
        removal.edges.extend(idle.map(|edge| EdgeId { layer, from: edge / outputs, to: edge % outputs }));
    }
    Ok(network.prune(x, &removal)?)
}

/// The network with so many edges, those of the highest scores; scores are taken anew after each that goes.
fn keep<T: Real>(
    network: &Network<T>,
    x: &[f64],
    count: usize,
    cancelled: &dyn Fn() -> bool,
) -> Result<Network<T>, TrainError> {
    let mut network = network.clone();
    while edges_of(&network) > count {
        if cancelled() {
            return Err(TrainError::Cancelled);
        }
        let order = ascending(&network, &network.scores(x)?);
        let smaller = order.into_iter().find_map(|edge| {
            let candidate = network.prune(x, &Removal { edges: vec![edge], ..Removal::default() }).ok()?;
            (edges_of(&candidate) >= count).then_some(candidate)
        });
        match smaller {
            Some(smaller) => network = smaller,
            None => break,
        }
    }
    Ok(network)
}

/// The network without inputs that no edge comes from; all of them stay if none has edges.
pub(crate) fn without_idle_inputs<T: Real>(
    network: &Network<T>,
    x: &[f64],
) -> Result<Network<T>, TrainError> {
    let outputs = network.program().layers()[0].outputs;
    let is_idle = |input: usize| (0..outputs).all(|sum| network.is_pruned(0, input * outputs + sum));
    let inputs: Vec<usize> = (0..network.inputs()).filter(|input| is_idle(*input)).collect();
    if inputs.is_empty() || inputs.len() == network.inputs() {
        return Ok(network.clone());
    }
    Ok(network.prune(x, &Removal { inputs, ..Removal::default() })?)
}

#[cfg(test)]
mod tests;

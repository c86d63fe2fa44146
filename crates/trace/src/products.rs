//! Product nodes: jets of products of sums, and what passes back through them.

use crate::jet::Jet;
use crate::stage::Stage;

/// Makes the nodes of a layer that has product nodes from its sums, within the jets of a row.
pub(crate) fn forward(stage: &Stage, jet: &Jet, jets: &mut [f64]) {
    let (sums, nodes) = jets.split_at_mut(stage.nodes_at);
    let (sums, length) = (&sums[stage.sum_jets()], jet.len());
    let (sum_nodes, products) = nodes.split_at_mut(stage.sum_nodes * length);
    sum_nodes.copy_from_slice(&sums[..sum_nodes.len()]);
    for (factors, product) in stage.factors.iter().zip(products.chunks_mut(length)) {
        let mut factors = factors.clone().map(|factor| &sums[factor * length..][..length]);
        factors.next().into_iter().for_each(|first| product.copy_from_slice(first));
        factors.for_each(|factor| jet.multiply(product, factor));
    }
}

/// Numbers of work space that [`adjoint`] needs.
pub(crate) fn scratch(stage: &Stage) -> usize {
    stage.factors.iter().map(|factors| (factors.len() + 1) * stage.jet).max().unwrap_or(0)
}

/// Passes the derivatives by the nodes of a layer on to its sums, in `adjoints`, which has the places of `jets`. The
/// product of the other factors is that of those before times that of those after: no division, so zeros are welcome.
pub(crate) fn adjoint(stage: &Stage, jet: &Jet, jets: &[f64], adjoints: &mut [f64], scratch: &mut [f64]) {
    let length = jet.len();
    let (by_sums, by_nodes) = adjoints.split_at_mut(stage.nodes_at);
    let (by_sums, sums) = (&mut by_sums[stage.sum_jets()], &jets[stage.sum_jets()]);
    let (by_sum_nodes, by_products) = by_nodes.split_at(stage.sum_nodes * length);
    by_sums[..by_sum_nodes.len()].copy_from_slice(by_sum_nodes);
    let (after, before) = scratch.split_at_mut(length);
    for (factors, by_product) in stage.factors.iter().zip(by_products.chunks(length)) {
        let factor = |index: usize| &sums[(factors.start + index) * length..][..length];
        set_one(&mut before[..length]);
        for index in 1..factors.len() {
            before.copy_within((index - 1) * length..index * length, index * length);
            jet.multiply(&mut before[index * length..][..length], factor(index - 1));
        }
        set_one(after);
        for index in (0..factors.len()).rev() {
            let others = &mut before[index * length..][..length];
            jet.multiply(others, after);
            let by_factor = &mut by_sums[(factors.start + index) * length..][..length];
            jet.multiply_adjoint(by_product, others, by_factor);
            jet.multiply(after, factor(index));
        }
    }
}

fn set_one(jet: &mut [f64]) {
    jet.fill(0.0);
    jet[0] = 1.0;
}

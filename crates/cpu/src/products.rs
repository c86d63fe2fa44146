//! Product nodes: from a block of sums to a block of nodes, and back with the product rule. A division by a factor
//! would lose it where the factor is zero, so partial products from both ends are multiplied.
//!
//! Plain loops: beside the splines of its factors a product costs next to nothing.

use crate::float::Float;
use crate::partition::{Partition, STRIP};
use crate::plan::Plan;

/// The nodes of a block, `[node][row]`, from its sums `[sum][row]`. Rows beyond the samples stay what they are.
pub(crate) fn multiply<T: Float>(
    plan: &Plan<T>,
    sums: &[T],
    (block, samples): (usize, usize),
    nodes: &mut [T],
) {
    let (alone, products) = nodes.split_at_mut(plan.sum_nodes() * block);
    alone.copy_from_slice(&sums[..alone.len()]);
    for (factors, product) in plan.products.iter().zip(products.chunks_exact_mut(block)) {
        let product = &mut product[..samples];
        let factor = |index: usize| &sums[index * block..][..samples];
        product.copy_from_slice(factor(factors.start));
        for index in factors.start + 1..factors.end {
            scale(product, factor(index));
        }
    }
}

/// Derivatives by the sums of a block, `[sum][row]`, from those by its nodes, which are laid out as `layout`.
pub(crate) fn multiply_slopes<T: Float>(
    plan: &Plan<T>,
    sums: &[T],
    (by_nodes, layout): (&[T], Partition),
    block: usize,
    by_sums: &mut [T],
) {
    let rows = layout.rows.block;
    let samples = layout.rows.of_block(block).len();
    for (node, to) in by_sums.chunks_exact_mut(rows).take(plan.sum_nodes()).enumerate() {
        to[..samples].copy_from_slice(&by_nodes[layout.position(block, node)..][..samples]);
    }
    for (index, factors) in plan.products.iter().enumerate() {
        let dy = &by_nodes[layout.position(block, plan.sum_nodes() + index)..][..rows];
        // Whole strips: a block is one of them or more, and what is beyond the samples is for nobody.
        for start in (0..samples).step_by(STRIP) {
            let strip = |factor: usize| factor * rows + start..factor * rows + start + STRIP;
            let mut before = [T::ZERO; STRIP];
            before.copy_from_slice(&dy[start..start + STRIP]);
            for factor in factors.clone() {
                by_sums[strip(factor)].copy_from_slice(&before);
                scale(&mut before, &sums[strip(factor)]);
            }
            let mut after = [T::ONE; STRIP];
            for factor in factors.clone().rev() {
                scale(&mut by_sums[strip(factor)], &after);
                scale(&mut after, &sums[strip(factor)]);
            }
        }
    }
}

fn scale<T: Float>(to: &mut [T], factors: &[T]) {
    for (to, factor) in to.iter_mut().zip(factors) {
        *to *= *factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::partition::Rows;
    use crate::plan::block_length;
    use kanode_engine::{Base, Layer};
    use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
    use std::collections::HashMap;
    use std::sync::Arc;

    fn plan(outputs: usize, products: &[usize]) -> Plan<f64> {
        let knots = Knots::uniform(-1.0, 1.0, 5, 3, KnotEnds::Clamped).unwrap();
        let splines = vec![Arc::new(CellTable::new(&knots, Outside::Linear))];
        let layer = Layer {
            inputs: 1,
            outputs,
            base: Base::Silu,
            splines,
            products: products.to_vec(),
            functions: Vec::new(),
        };
        let level = Isa::best().level().unwrap();
        Plan::new(&layer, level, block_length(&layer), &mut HashMap::new()).unwrap()
    }

    /// Small whole numbers, zeros among them, so that every product is exact in whatever order it is formed.
    fn numbers(count: usize, step: usize) -> Vec<f64> {
        (0..count).map(|i| (i * step % 7) as f64 - 3.0).collect()
    }

    #[test]
    fn products_and_their_slopes_are_those_of_the_definition_even_at_zero() {
        for (outputs, products, samples) in
            [(2, &[2][..], 1), (3, &[3], 16), (10, &[2, 3, 4], 37), (9, &[9], 48)]
        {
            let plan = plan(outputs, products);
            let rows = Rows::new(samples, 128);
            let (layout, block) = (Partition::by_rows(rows, plan.nodes()), rows.block);
            let (sums, dy) = (numbers(outputs * block, 5), numbers(plan.nodes() * block, 3));
            let (mut nodes, mut by_sums) = (vec![0.0; dy.len()], vec![0.0; sums.len()]);
            multiply(&plan, &sums, (block, samples), &mut nodes);
            multiply_slopes(&plan, &sums, (&dy, layout), 0, &mut by_sums);
            for row in 0..samples {
                for node in 0..plan.sum_nodes() {
                    assert_eq!(nodes[node * block + row], sums[node * block + row]);
                    assert_eq!(by_sums[node * block + row], dy[node * block + row]);
                }
                for (index, factors) in plan.products.iter().enumerate() {
                    let node = (plan.sum_nodes() + index) * block + row;
                    let product = |without: Option<usize>| -> f64 {
                        let kept = factors.clone().filter(|factor| Some(*factor) != without);
                        kept.map(|factor| sums[factor * block + row]).product()
                    };
                    assert_eq!(nodes[node], product(None));
                    for factor in factors.clone() {
                        assert_eq!(by_sums[factor * block + row], dy[node] * product(Some(factor)));
                    }
                }
            }
        }
    }
}

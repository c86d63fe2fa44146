//! Mini-batches: which rows come when, and copying them together. The order of a pass follows from a seed and the
//! number of the pass alone, so that a resumed fit needs no generator state.

use kanode_engine::{Batch, Real};
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

/// Rows as the backend wants them: in the network's units and number type, all of positive weight.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block<T> {
    pub(crate) rows: usize,
    pub(crate) inputs: usize,
    pub(crate) targets: usize,
    /// `[rows, inputs]`.
    pub(crate) x: Vec<T>,
    /// `[rows, targets]`.
    pub(crate) y: Vec<T>,
    /// `[rows]`, none if all are equal to 1.
    pub(crate) weights: Option<Vec<T>>,
}

impl<T: Real> Block<T> {
    /// Rows `from..to`.
    pub(crate) fn batch(&self, from: usize, to: usize) -> Batch<'_, T> {
        Batch {
            x: &self.x[from * self.inputs..to * self.inputs],
            targets: &self.y[from * self.targets..to * self.targets],
            weights: self.weights.as_ref().map(|weights| &weights[from..to]),
            rows: to - from,
        }
    }

    /// All rows.
    pub(crate) fn all(&self) -> Batch<'_, T> {
        self.batch(0, self.rows)
    }

    /// A number that all of the block goes into, to tell it from other data.
    pub(crate) fn fingerprint(&self) -> u64 {
        let shape = [self.rows as u64, self.inputs as u64, self.targets as u64];
        let weights = self.weights.as_deref().unwrap_or_default();
        let numbers = self.x.iter().chain(&self.y).chain(weights).map(|v| v.to_f64().to_bits());
        shape.into_iter().chain(numbers).fold(0, |hash, number| mix(hash ^ number))
    }
}

/// How the rows of a block are divided into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Rows of a batch, at least 1 and at most all.
    pub(crate) size: usize,
    pub(crate) shuffle: bool,
    pub(crate) seed: u64,
}

impl Plan {
    /// Batches in one pass over `rows`.
    pub(crate) fn batches(&self, rows: usize) -> u64 {
        rows.div_ceil(self.size) as u64
    }

    /// A number to tell this plan from others that visit the rows differently.
    pub(crate) fn fingerprint(&self, rows: usize) -> u64 {
        if self.size >= rows {
            return 0;
        }
        mix(mix(mix(self.size as u64) ^ u64::from(self.shuffle)) ^ if self.shuffle { self.seed } else { 0 })
    }
}

/// Deals out the batches of a block.
#[derive(Debug)]
pub(crate) struct Batches<'a, T> {
    block: &'a Block<T>,
    plan: Plan,
    /// The pass that `order` belongs to.
    pass: Option<u64>,
    order: Vec<usize>,
    buffer: Block<T>,
}

impl<'a, T: Real> Batches<'a, T> {
    pub(crate) fn new(block: &'a Block<T>, plan: Plan) -> Self {
        let weights = block.weights.as_ref().map(|_| Vec::new());
        let buffer = Block {
            rows: 0,
            inputs: block.inputs,
            targets: block.targets,
            x: Vec::new(),
            y: Vec::new(),
            weights,
        };
        Self { block, plan, pass: None, order: Vec::new(), buffer }
    }

    /// Batches in one pass.
    pub(crate) fn count(&self) -> u64 {
        self.plan.batches(self.block.rows)
    }

    /// Batch number `index` of pass number `pass`, both from 0; `index < self.count()`.
    pub(crate) fn get(&mut self, pass: u64, index: u64) -> Batch<'_, T> {
        let from = (index as usize).saturating_mul(self.plan.size).min(self.block.rows);
        let to = from.saturating_add(self.plan.size).min(self.block.rows);
        if !self.plan.shuffle || self.plan.size >= self.block.rows {
            return self.block.batch(from, to);
        }
        if self.pass != Some(pass) {
            self.pass = Some(pass);
            shuffle(stream(self.plan.seed, pass), self.block.rows, &mut self.order);
        }
        let Block { inputs, targets, .. } = *self.block;
        self.buffer.rows = to - from;
        gather(&self.block.x, inputs, &self.order[from..to], &mut self.buffer.x);
        gather(&self.block.y, targets, &self.order[from..to], &mut self.buffer.y);
        if let (Some(weights), Some(buffer)) = (&self.block.weights, &mut self.buffer.weights) {
            gather(weights, 1, &self.order[from..to], buffer);
        }
        self.buffer.all()
    }
}

/// Copies rows of `width` numbers.
fn gather<T: Copy>(from: &[T], width: usize, rows: &[usize], to: &mut Vec<T>) {
    to.clear();
    for row in rows {
        to.extend_from_slice(&from[row * width..(row + 1) * width]);
    }
}

/// A generator seed for one purpose: a pass, or the choice of validation rows.
fn stream(seed: u64, purpose: u64) -> u64 {
    mix(mix(seed) ^ purpose)
}

/// The rows held out for validation, ascending: `count` of `rows`, by the seed.
pub(crate) fn held_out(seed: u64, rows: usize, count: usize) -> Vec<usize> {
    let mut order = Vec::new();
    shuffle(stream(seed, u64::MAX), rows, &mut order);
    order.truncate(count);
    order.sort_unstable();
    order
}

/// A random order of `0..rows` (Fisher–Yates), the same on every platform.
fn shuffle(seed: u64, rows: usize, order: &mut Vec<usize>) {
    let mut random = Pcg64::seed_from_u64(seed);
    order.clear();
    order.extend(0..rows);
    for last in (1..rows).rev() {
        // The high half of the product is uniform on 0..=last but for a bias below 2^-32 for any table that fits in
        // memory; rejection, which would remove it, is not worth a dependence on another crate's method.
        let choice = (u128::from(random.next_u64()) * (last as u128 + 1)) >> 64;
        order.swap(last, choice as usize);
    }
}

/// The output function of SplitMix64 (Steele, Lea & Flood 2014): a bijection that spreads every bit over all bits.
fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(rows: usize) -> Block<f64> {
        Block {
            rows,
            inputs: 2,
            targets: 1,
            x: (0..2 * rows).map(|i| i as f64).collect(),
            y: (0..rows).map(|i| 10.0 * i as f64).collect(),
            weights: Some((0..rows).map(|i| 1.0 + i as f64).collect()),
        }
    }

    fn order(seed: u64, pass: u64, rows: usize) -> Vec<usize> {
        let mut order = Vec::new();
        shuffle(stream(seed, pass), rows, &mut order);
        order
    }

    #[test]
    fn an_order_depends_on_seed_and_pass_alone() {
        assert_eq!(order(3, 5, 100), order(3, 5, 100));
        assert_ne!(order(3, 5, 100), order(3, 6, 100));
        assert_ne!(order(3, 5, 100), order(4, 5, 100));
        // Seed and pass do not merely add up.
        assert_ne!(order(3, 5, 100), order(5, 3, 100));
    }

    #[test]
    fn an_order_is_the_same_on_every_platform() {
        assert_eq!(order(0, 0, 8), [0, 5, 2, 4, 3, 1, 6, 7]);
    }

    #[test]
    fn an_order_visits_every_row_once() {
        for rows in [0, 1, 2, 97] {
            let mut found = order(1, 2, rows);
            found.sort_unstable();
            assert_eq!(found, (0..rows).collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_row_is_as_likely_in_every_place() {
        let mut counts = [[0.0; 4]; 4];
        for pass in 0..4000 {
            for (place, row) in order(9, pass, 4).into_iter().enumerate() {
                counts[place][row] += 1.0;
            }
        }
        // Five standard deviations of a binomial count of mean 1000.
        assert!(counts.iter().flatten().all(|count: &f64| (count - 1000.0).abs() < 137.0), "{counts:?}");
    }

    #[test]
    fn batches_of_a_pass_hold_every_row_once_with_its_own_numbers() {
        let block = block(10);
        let mut batches = Batches::new(&block, Plan { size: 4, shuffle: true, seed: 1 });
        assert_eq!(batches.count(), 3);
        let mut seen = Vec::new();
        for index in 0..3 {
            let batch = batches.get(7, index);
            assert_eq!(batch.rows, if index == 2 { 2 } else { 4 });
            let weights = batch.weights.unwrap();
            for (row, weight) in weights.iter().enumerate() {
                let id = batch.targets[row] / 10.0;
                assert_eq!(batch.x[2 * row..2 * row + 2], [2.0 * id, 2.0 * id + 1.0]);
                assert_eq!(*weight, 1.0 + id);
                seen.push(id as usize);
            }
        }
        assert_ne!(seen, (0..10).collect::<Vec<_>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_of_all_rows_and_unshuffled_batches_are_not_copied() {
        let block = block(10);
        let mut batches = Batches::new(&block, Plan { size: 10, shuffle: true, seed: 1 });
        assert!(std::ptr::eq(batches.get(0, 0).x, block.x.as_slice()));
        let mut batches = Batches::new(&block, Plan { size: 4, shuffle: false, seed: 1 });
        assert!(std::ptr::eq(batches.get(3, 2).x, &block.x[16..20]));
    }

    #[test]
    fn fingerprints_tell_data_and_plans_apart() {
        let one = block(10);
        let mut other = one.clone();
        assert_eq!(one.fingerprint(), other.fingerprint());
        other.x[3] = -other.x[3];
        assert_ne!(one.fingerprint(), other.fingerprint());
        let plan = Plan { size: 4, shuffle: true, seed: 1 };
        assert_ne!(plan.fingerprint(10), Plan { seed: 2, ..plan }.fingerprint(10));
        assert_ne!(plan.fingerprint(10), Plan { size: 5, ..plan }.fingerprint(10));
        // A batch of all rows is the same, whatever the seed.
        assert_eq!(plan.fingerprint(4), Plan { seed: 2, ..plan }.fingerprint(4));
    }

    #[test]
    fn held_out_rows_are_chosen_by_the_seed() {
        let rows = held_out(5, 100, 20);
        assert_eq!(rows.len(), 20);
        assert!(rows.windows(2).all(|pair| pair[0] < pair[1]) && rows[19] < 100);
        assert_eq!(rows, held_out(5, 100, 20));
        assert_ne!(rows, held_out(6, 100, 20));
    }
}

//! What the host tells shaders, word for word as `common.wgsl` has it.

use crate::geometry::Geometry;
use crate::tables::least_at;
use kanode_engine::{AdamRule, Keep, Loss, Penalty};

/// The shape of a layer at a number of rows, or of an element-wise pass.
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(crate) struct Shape {
    pub(crate) rows: u32,
    pub(crate) inputs: u32,
    pub(crate) sums: u32,
    pub(crate) bases: u32,
    pub(crate) cells: u32,
    pub(crate) nodes: u32,
    pub(crate) sum_nodes: u32,
    pub(crate) offset: u32,
    pub(crate) forward_chunk: u32,
    pub(crate) splits: u32,
    pub(crate) chunk: u32,
    pub(crate) count: u32,
}

impl Geometry {
    /// The words of this layer for a tile of `rows`.
    pub(crate) fn shape(&self, rows: usize) -> Shape {
        let (splits, chunk) = self.gradient_parts(rows.max(1));
        let words =
            [rows, self.inputs, self.sums, self.bases, self.cells, self.nodes, self.sum_nodes, self.offset];
        let [rows, inputs, sums, bases, cells, nodes, sum_nodes, offset] = words.map(|word| word as u32);
        let [forward_chunk, splits, chunk] = [self.forward_chunk, splits, chunk].map(|word| word as u32);
        Shape {
            rows,
            inputs,
            sums,
            bases,
            cells,
            nodes,
            sum_nodes,
            offset,
            forward_chunk,
            splits,
            chunk,
            count: 0,
        }
    }
}

/// What a submission is told beside shapes.
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(crate) struct Control {
    pub(crate) row_scale: f32,
    pub(crate) delta: f32,
    pub(crate) loss: u32,
    pub(crate) weighted: u32,
    pub(crate) first: u32,
    pub(crate) labels: u32,
    pub(crate) partials: u32,
    pub(crate) squares: u32,
    pub(crate) keep: u32,
    pub(crate) slot: u32,
    pub(crate) first_decay: f32,
    pub(crate) first_gain: f32,
    pub(crate) second_decay: f32,
    pub(crate) second_gain: f32,
    pub(crate) epsilon: f32,
    pub(crate) decay: f32,
    pub(crate) rate: f32,
    pub(crate) scale: f32,
    pub(crate) row_share: f32,
    pub(crate) penalties: u32,
}

impl Control {
    /// The words for a loss; weights of rows add up to `total`.
    pub(crate) fn of_loss(loss: Loss, outputs: usize, width: usize, total: f64, weighted: bool) -> Self {
        let count = if loss == Loss::CrossEntropy { total } else { total * outputs as f64 };
        Self {
            row_scale: (1.0 / count) as f32,
            row_share: (1.0 / total) as f32,
            delta: if let Loss::Huber { delta } = loss { delta as f32 } else { 0.0 },
            loss: match loss {
                Loss::Mse => 0,
                Loss::Mae => 1,
                Loss::Huber { .. } => 2,
                Loss::BinaryCrossEntropy => 3,
                Loss::Rmse => 4,
                Loss::CrossEntropy => 5,
            },
            weighted: weighted.into(),
            labels: (width == 1 && outputs != 1).into(),
            ..Self::default()
        }
    }

    /// These words with those of a step of Adam.
    pub(crate) fn with_step(self, rule: &AdamRule<f32>, keep: Keep, slot: usize, squares: usize) -> Self {
        Self {
            squares: squares as u32,
            keep: match keep {
                Keep::Never => 0,
                Keep::Always => 1,
                Keep::IfLowest => 2,
            },
            slot: slot as u32,
            first_decay: rule.first[0],
            first_gain: rule.first[1],
            second_decay: rule.second[0],
            second_gain: rule.second[1],
            epsilon: rule.epsilon,
            decay: rule.keep,
            rate: rule.rate,
            scale: rule.scale,
            ..self
        }
    }
}

/// A penalty on a layer.
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(crate) struct Terms {
    pub(crate) l1: f32,
    pub(crate) entropy: f32,
    pub(crate) coefficient: f32,
    pub(crate) diagonals: u32,
    pub(crate) of_forms: u32,
    pub(crate) of_activity: u32,
    pub(crate) unused: [u32; 2],
}

impl Terms {
    /// Those of a layer whose partial sums begin at `of_forms` and at `of_activity`.
    pub(crate) fn of(penalty: &Penalty, geometry: &Geometry, of_forms: usize, of_activity: usize) -> Self {
        let [l1, entropy, coefficient] =
            [penalty.l1, penalty.entropy, penalty.coefficient].map(|strength| strength as f32);
        let [diagonals, of_forms, of_activity] =
            [geometry.diagonals(), of_forms, of_activity].map(|word| word as u32);
        Self { l1, entropy, coefficient, diagonals, of_forms, of_activity, unused: [0; 2] }
    }
}

/// What the device remembers between submissions.
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(crate) struct Status {
    pub(crate) loss: f32,
    /// What the gradient lacks beside the slopes of the loss.
    pub(crate) factor: f32,
    pub(crate) faults: u32,
    pub(crate) frozen: u32,
    pub(crate) lowest: f32,
    pub(crate) keep: u32,
    pub(crate) penalty: f32,
    pub(crate) unused: u32,
}

impl Status {
    /// That of a new beginning.
    pub(crate) fn fresh(lowest: Option<f64>) -> Self {
        // A loss is lower than this exactly if it is lower than that of the host.
        let lowest = lowest.map_or(f32::MAX, least_at);
        Self { loss: 0.0, factor: 1.0, faults: 0, frozen: 0, lowest, keep: 0, penalty: 0.0, unused: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    /// Names and offsets of the words of a structure of `common.wgsl`, and its size.
    fn told(name: &str) -> (Vec<(String, usize)>, usize) {
        let module = naga::front::wgsl::parse_str(include_str!("shaders/common.wgsl")).unwrap();
        let (_, found) = module.types.iter().find(|(_, t)| t.name.as_deref() == Some(name)).unwrap();
        let naga::TypeInner::Struct { members, span } = &found.inner else { panic!("{name} is a structure") };
        let words = members.iter().map(|m| (m.name.clone().unwrap(), m.offset as usize));
        (words.collect(), *span as usize)
    }

    #[test]
    fn a_loss_is_lowest_on_the_device_if_it_is_on_the_host() {
        for lowest in [0.1, f64::from(0.1f32), 0.7, 1e-30, 3.0] {
            let told = Status::fresh(Some(lowest)).lowest;
            for loss in [told.next_down().next_down(), told.next_down(), told, told.next_up()] {
                assert_eq!(loss < told, f64::from(loss) < lowest, "{loss} {lowest}");
            }
        }
    }

    macro_rules! words {
        ($of:ident, $($word:ident),*) => {{
            let (found, size) = told(stringify!($of));
            let expected = vec![$((stringify!($word).to_owned(), offset_of!($of, $word))),*];
            assert_eq!(found[..expected.len()], expected);
            assert_eq!(size, size_of::<$of>());
            found.len() - expected.len()
        }};
    }

    #[test]
    fn host_and_shaders_have_the_same_words_in_the_same_places() {
        let beyond = words!(
            Shape,
            rows,
            inputs,
            sums,
            bases,
            cells,
            nodes,
            sum_nodes,
            offset,
            forward_chunk,
            splits,
            chunk,
            count
        );
        assert_eq!(beyond, 0);
        let beyond = words!(
            Control,
            row_scale,
            delta,
            loss,
            weighted,
            first,
            labels,
            partials,
            squares,
            keep,
            slot,
            first_decay,
            first_gain,
            second_decay,
            second_gain,
            epsilon,
            decay,
            rate,
            scale,
            row_share,
            penalties
        );
        assert_eq!(beyond, 0);
        // Two words of padding.
        let beyond = words!(Terms, l1, entropy, coefficient, diagonals, of_forms, of_activity);
        assert_eq!(beyond, 2);
        let places = [
            offset_of!(Status, loss),
            offset_of!(Status, factor),
            offset_of!(Status, faults),
            offset_of!(Status, frozen),
            offset_of!(Status, lowest),
            offset_of!(Status, keep),
            offset_of!(Status, penalty),
        ];
        for (index, word) in
            ["LOSS", "FACTOR", "FAULTS", "FROZEN", "LOWEST", "KEEP", "PENALTY"].iter().enumerate()
        {
            assert_eq!(places[index], 4 * index);
            assert!(include_str!("shaders/common.wgsl").contains(&format!("const {word}: u32 = {index}u;")));
        }
    }
}

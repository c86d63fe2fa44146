//! Penalties on a device: what is minimised beside the loss, with buffers for each layer and the dispatches whose number
//! of threads does not depend on rows.

use crate::buffers::{Layer, filled, whole};
use crate::device::{Dispatch, Gpu};
use crate::error::GpuError;
use crate::geometry::element_groups;
use crate::shader::{Kernel, THREADS};
use crate::words::Terms;
use kanode_engine::EdgeForm;
use std::collections::HashMap;
use std::sync::Arc;
use wgpu::Buffer;

/// A penalty on a device.
#[derive(Debug)]
pub(crate) struct Penalty {
    /// Mean absolute values of the edges of each layer, and derivatives by them; none where they don't count.
    pub(crate) activities: Vec<Activity>,
    /// What makes those derivatives of those means.
    pub(crate) balance: Vec<Dispatch>,
    /// What adds to the gradient of all coefficients, and then adds the values up.
    pub(crate) forms: Vec<Dispatch>,
    /// Partial sums of its value.
    pub(crate) partials: u32,
}

/// The edges of a layer.
#[derive(Debug)]
pub(crate) struct Activity {
    pub(crate) means: Buffer,
    pub(crate) slopes: Buffer,
}

impl Penalty {
    pub(crate) fn new(
        gpu: &Gpu,
        layers: &[Layer],
        control: &Buffer,
        status: &Buffer,
        penalty: &kanode_engine::Penalty,
    ) -> Result<Self, GpuError> {
        // Partial sums: those of the forms of all layers, a word for each workgroup, then one of the activities of each.
        let sizes: Vec<_> =
            layers.iter().map(|layer| layer.geometry.coefficients().div_ceil(THREADS as usize)).collect();
        let of_forms: usize = sizes.iter().sum();
        let count = of_forms + if penalty.is_active() { layers.len() } else { 0 };
        let partials = gpu.buffer("partial sums", 4 * count as u64)?;
        let mut this =
            Self { activities: Vec::new(), balance: Vec::new(), forms: Vec::new(), partials: count as u32 };
        for (index, (layer, forms)) in layers.iter().zip(&penalty.forms).enumerate() {
            let g = &layer.geometry;
            let terms = Terms::of(penalty, g, sizes[..index].iter().sum(), of_forms + index);
            let [terms, shape] = [gpu.uniform("terms", &terms), gpu.uniform("shape", &g.shape(0))];
            let (terms, shape) = (terms?, shape?);
            let (numbers, form_of) = records(forms, g.diagonals());
            let numbers = filled(gpu, "forms", bytemuck::cast_slice(&numbers))?;
            let form_of = filled(gpu, "forms", &form_of)?;
            let bindings = [
                whole(&shape),
                whole(&terms),
                whole(&layer.coefficients),
                whole(&numbers),
                whole(&form_of),
                whole(status),
                whole(&layer.slopes),
                whole(&partials),
            ];
            this.forms.push(gpu.dispatch(Kernel::Forms, &bindings, element_groups(g.coefficients()))?);
            if penalty.is_active() {
                let room = |what| gpu.buffer(what, 4 * g.edges() as u64);
                let (means, slopes) = (room("activities")?, room("slopes of activities")?);
                let bindings = [&shape, &terms, &means, status, &slopes, &partials].map(whole);
                this.balance.push(gpu.dispatch(Kernel::Balance, &bindings, [1, 1, 1])?);
                this.activities.push(Activity { means, slopes });
            }
        }
        let bindings = [control, &partials, status].map(whole);
        this.forms.push(gpu.dispatch(Kernel::Collect, &bindings, [1, 1, 1])?);
        Ok(this)
    }
}

/// The forms of a layer's inputs, one after the other without repetition, and where that of each input begins. A form
/// has so many diagonals of each row of its matrix, and last the strength of the squared base weight. It takes fewer
/// numbers than the knot table of its input.
fn records(forms: &[EdgeForm], diagonals: usize) -> (Vec<f32>, Vec<u32>) {
    let (mut numbers, mut known) = (Vec::new(), HashMap::new());
    let form_of = forms.iter().map(|form| {
        *known.entry((Arc::as_ptr(&form.matrix), form.base.to_bits())).or_insert_with(|| {
            let (begin, n, reach) = (numbers.len() as u32, form.matrix.n(), diagonals / 2);
            for row in 0..n {
                numbers.extend((0..diagonals).map(|diagonal| {
                    let column = (row + diagonal).checked_sub(reach).filter(|column| *column < n);
                    column.map_or(0.0, |column| form.matrix.get(row, column) as f32)
                }));
            }
            numbers.push(form.base as f32);
            begin
        })
    });
    let form_of = form_of.collect();
    (numbers, form_of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_spline::Banded;

    #[test]
    fn shared_forms_are_written_once_row_by_row() {
        let mut matrix = Banded::zeros(3, 1);
        matrix.add_diagonal(2.0);
        matrix.add(1, 0, -1.0);
        matrix.add(2, 1, 5.0);
        let form = EdgeForm { matrix: Arc::new(matrix), base: 7.0 };
        let (numbers, form_of) = records(&[form.clone(), EdgeForm { base: 8.0, ..form.clone() }, form], 3);
        assert_eq!(form_of, [0, 10, 0]);
        assert_eq!(numbers[..10], [0.0, 2.0, -1.0, -1.0, 2.0, 5.0, 5.0, 2.0, 0.0, 7.0]);
        assert_eq!((numbers.len(), numbers[19]), (20, 8.0));
    }
}

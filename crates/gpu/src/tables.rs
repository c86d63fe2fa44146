//! Knot tables as the shaders read them.

use crate::geometry::Geometry;
use kanode_engine::Layer;
use kanode_spline::CellTable;
use std::collections::HashMap;
use std::sync::Arc;

/// The tables of a layer, one after the other without repetition, and where that of each input begins. A table has a
/// record for each cell: where it starts, `origin`, `inverse_width` and `shift` of its coordinate
/// `u = (x − origin)·inverse_width + shift`, its first basis function, and the coefficients `[power][slot]`.
///
/// The coordinate of a cell with two ends is 0 in its middle: powers of at most a half lose fewer digits than powers of
/// up to 1, 2ᵏ-fold near the far end. The shift is what rounding took from the origin. Tables with fewer cells than others
/// are filled up with cells that nothing is in.
pub(crate) fn of(layer: &Layer, geometry: &Geometry) -> (Vec<f32>, Vec<u32>) {
    let mut tables = Vec::new();
    let mut known = HashMap::new();
    let table_of = layer.splines.iter().map(|table| {
        *known.entry(Arc::as_ptr(table)).or_insert_with(|| {
            let begin = tables.len();
            push(table, &mut tables);
            let records = (begin + geometry.table_length() - tables.len()) / geometry.record_length();
            for _ in 0..records {
                tables.push(f32::MAX);
                tables.resize(tables.len() + geometry.record_length() - 1, 0.0);
            }
            begin as u32
        })
    });
    let table_of = table_of.collect();
    (tables, table_of)
}

fn push(table: &CellTable, to: &mut Vec<f32>) {
    let count = table.cell_count();
    for c in 0..count {
        let cell = table.cell(c);
        // The first and the last have no end, and so no middle.
        let middle = if c > 0 && c + 1 < count { 0.5 } else { 0.0 };
        let exact = cell.origin + middle / cell.inverse_width;
        let origin = exact as f32;
        let shift = (f64::from(origin) - exact) * cell.inverse_width;
        to.extend([least_at(cell.start), origin, cell.inverse_width as f32, shift as f32, cell.row as f32]);
        to.extend(around(middle, table.coefficients(c), table.degree() + 1).iter().map(|c| *c as f32));
    }
}

/// The coefficients `[power][slot]` of polynomials in `u − middle` that are given by their coefficients in `u`: a
/// synthetic division by `u − middle` for each power.
fn around(middle: f64, coefficients: &[f64], slots: usize) -> Vec<f64> {
    let mut shifted = coefficients.to_vec();
    for lowest in 0..slots {
        for power in (lowest..slots - 1).rev() {
            for slot in 0..slots {
                shifted[power * slots + slot] += middle * shifted[(power + 1) * slots + slot];
            }
        }
    }
    shifted
}

/// The least number of `f32` that is not below `value`; so cells begin at the same numbers as in `f64`.
pub(crate) fn least_at(value: f64) -> f32 {
    let nearest = value as f32;
    if f64::from(nearest) < value { nearest.next_up() } else { nearest.max(f32::MIN) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::TILE_BYTES;
    use kanode_engine::{Base, Program};
    use kanode_spline::{KnotEnds, Knots, Outside};

    #[test]
    fn a_start_is_rounded_up_so_that_no_number_changes_its_cell() {
        for value in [0.1, -0.1, 1.0, 1.0f64.next_up(), -2.0, 1e-3, f64::NEG_INFINITY] {
            let found = least_at(value);
            assert!(f64::from(found) >= value && (f64::from(found.next_down()) < value || found == f32::MIN));
        }
    }

    #[test]
    fn shared_tables_are_written_once_and_records_hold_the_cells() {
        let knots = Knots::uniform(-1.0, 1.0, 5, 3, KnotEnds::Clamped).unwrap();
        let [a, b] = [(); 2].map(|()| Arc::new(CellTable::new(&knots, Outside::Linear)));
        let splines = vec![Arc::clone(&a), b, a];
        let layer = Layer {
            inputs: 3,
            outputs: 1,
            base: Base::Silu,
            splines,
            products: Vec::new(),
            functions: Vec::new(),
        };
        let geometry = Geometry::of(&Program::new(vec![layer.clone()]).unwrap(), TILE_BYTES).unwrap()[0];
        let (tables, table_of) = of(&layer, &geometry);
        assert_eq!(table_of, [0, geometry.table_length() as u32, 0]);
        assert_eq!((tables.len(), geometry.record_length()), (2 * 7 * 21, 21));
        let cell = layer.splines[0].cell(2);
        assert_eq!(tables[2 * 21 + 4] as usize, cell.row);
        let record = &tables[2 * 21..3 * 21];
        let (start, width) = (cell.origin, cell.inverse_width.recip());
        for x in [start, start + 0.3 * width, start + width] {
            let u = (x - f64::from(record[1])) * f64::from(record[2]) + f64::from(record[3]);
            let value =
                |slot: usize| (0..4).rev().fold(0.0, |sum, p| sum * u + f64::from(record[5 + 4 * p + slot]));
            let expected = kanode_spline::cox_de_boor(&knots, Outside::Linear, x);
            for slot in 0..4 {
                assert!((value(slot) - expected[cell.row + slot]).abs() < 1e-7, "{x} {slot}");
            }
        }
    }
}

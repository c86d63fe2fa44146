//! The tests that every backend runs: agreement with the reference backend, and of gradients with central
//! differences, over degrees, knots, outside modes, bases, shapes and losses. Functions panic where a backend is
//! wrong, so they belong in `#[test]`s.

use crate::backend::{Batch, Compile, Executor};
use crate::loss::Loss;
use crate::program::{Base, Layer, Program};
use crate::real::Real;
use crate::reference::Reference;
use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use std::sync::Arc;

/// All losses, with targets of the right kind made by [`Case::targets`].
pub const LOSSES: [Loss; 6] = [
    Loss::Mse,
    Loss::Rmse,
    Loss::Mae,
    Loss::Huber { delta: 0.7 },
    Loss::CrossEntropy,
    Loss::BinaryCrossEntropy,
];

/// How the knots of a case are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Uniform, clamped ends.
    Clamped,
    /// Uniform, continued beyond the ends.
    Extended,
    /// Uneven, clamped ends, another placement for every input.
    Adaptive,
    /// Uneven, continued beyond the ends.
    AdaptiveExtended,
}

/// One network shape with its knots, and the data drawn for it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Layer sizes.
    pub sizes: Vec<usize>,
    /// Grid intervals.
    pub grid: usize,
    /// Degree.
    pub degree: usize,
    /// Knots.
    pub placement: Placement,
    /// Behaviour outside the grid.
    pub outside: Outside,
    /// Function scaled by the base weight.
    pub base: Base,
    /// Rows of the batch.
    pub rows: usize,
}

/// One network shape with every degree, every placement, and every outside mode (each with another base).
fn spline_cases(sizes: &[usize], rows: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    let placements =
        [Placement::Clamped, Placement::Extended, Placement::Adaptive, Placement::AdaptiveExtended];
    for degree in 1..=5 {
        for placement in placements {
            for (outside, base) in [
                (Outside::Linear, Base::Silu),
                (Outside::Constant, Base::Identity),
                (Outside::Zero, Base::Zero),
            ] {
                cases.push(Case { sizes: sizes.to_vec(), grid: 4, degree, placement, outside, base, rows });
            }
        }
    }
    cases
}

/// The cases of the ordinary run: every degree with every placement and outside mode on small networks, and
/// shapes on both sides of the borders at which fast backends change their ways.
pub fn cases() -> Vec<Case> {
    let mut cases = spline_cases(&[2, 9, 3], 37);
    let plain = |sizes: &[usize], grid, degree, rows| Case {
        sizes: sizes.to_vec(),
        grid,
        degree,
        placement: Placement::Clamped,
        outside: Outside::Linear,
        base: Base::Silu,
        rows,
    };
    cases.extend([
        plain(&[1, 1], 1, 1, 1),
        plain(&[1, 1], 5, 3, 2),
        plain(&[2, 5, 1], 5, 3, 200),
        plain(&[2, 3, 3, 1], 5, 3, 65),
        plain(&[40, 17, 2], 5, 3, 33),
        plain(&[3, 80, 7], 7, 2, 129),
        plain(&[33, 65], 3, 3, 64),
        plain(&[5, 8, 8, 9], 50, 3, 48),
        plain(&[2, 4], 200, 3, 300),
        plain(&[1, 16, 1], 9, 4, 16),
    ]);
    cases
}

impl Case {
    /// The program, with domain [-1, 1] in the first layer and [-2, 2] behind it.
    ///
    /// # Panics
    /// If the case itself is not valid.
    pub fn program(&self) -> Arc<Program> {
        let mut random = Pcg64::seed_from_u64(11);
        let layers = self.sizes.windows(2).enumerate().map(|(index, pair)| {
            let radius = if index == 0 { 1.0 } else { 2.0 };
            let splines = (0..pair[0]).map(|_| Arc::new(self.table(radius, &mut random))).collect();
            Layer { inputs: pair[0], outputs: pair[1], base: self.base, splines }
        });
        Arc::new(Program::new(layers.collect()).expect("the case is a valid program"))
    }

    fn table(&self, radius: f64, random: &mut Pcg64) -> CellTable {
        let ends = match self.placement {
            Placement::Clamped | Placement::Adaptive => KnotEnds::Clamped,
            Placement::Extended | Placement::AdaptiveExtended => KnotEnds::Extended,
        };
        let uneven = matches!(self.placement, Placement::Adaptive | Placement::AdaptiveExtended);
        let step = 2.0 * radius / self.grid as f64;
        let breaks = (0..=self.grid).map(|j| {
            let shift = if uneven && j > 0 && j < self.grid { random.random_range(-0.4..0.4) } else { 0.0 };
            if j == self.grid { radius } else { (j as f64 + shift) * step - radius }
        });
        let knots = Knots::with_breaks(breaks.collect(), self.degree, ends).expect("breaks increase");
        CellTable::new(&knots, self.outside)
    }

    /// Parameters of moderate size: hidden values spread over their grid and a little beyond. On fine grids they are
    /// smaller, so that slopes stay moderate and the network itself does not magnify rounding.
    pub fn parameters<T: Real>(&self, program: &Program) -> Vec<T> {
        let mut random = Pcg64::seed_from_u64(12);
        let size = (8.0 / self.grid as f64).min(1.0);
        (0..program.parameter_count()).map(|_| T::from_f64(random.random_range(-size..size))).collect()
    }

    /// Inputs, one in five outside the domain, and some on its ends exactly.
    pub fn inputs<T: Real>(&self) -> Vec<T> {
        let mut random = Pcg64::seed_from_u64(13);
        let mut draw = |index: usize| match index % 20 {
            7 => 1.0,
            13 => -1.0,
            _ => random.random_range(-1.25..1.25),
        };
        (0..self.rows * self.sizes[0]).map(|index| T::from_f64(draw(index))).collect()
    }

    /// Targets of the kind that the loss asks for.
    pub fn targets<T: Real>(&self, loss: Loss) -> Vec<T> {
        let mut random = Pcg64::seed_from_u64(14);
        let outputs = self.sizes[self.sizes.len() - 1];
        let count = if loss == Loss::CrossEntropy { self.rows } else { self.rows * outputs };
        let mut draw = || match loss {
            Loss::CrossEntropy => random.random_range(0..outputs) as f64,
            Loss::BinaryCrossEntropy => random.random_range(0.0..1.0),
            _ => random.random_range(-2.0..2.0),
        };
        (0..count).map(|_| T::from_f64(draw())).collect()
    }

    /// Weights in [0, 2), every eleventh 0.
    pub fn weights<T: Real>(&self) -> Vec<T> {
        let mut random = Pcg64::seed_from_u64(15);
        let mut draw = |row: usize| if row % 11 == 10 { 0.0 } else { random.random_range(0.1..2.0) };
        (0..self.rows).map(|row| T::from_f64(draw(row))).collect()
    }
}

/// Compares a backend with the reference on all [`cases`]. `tolerance` is relative to the largest element of each
/// result: 1e-12 for `f64` and 1e-5 for `f32`.
///
/// # Panics
/// Where they differ by more, naming the case and the result.
pub fn check<T: Real>(backend: &dyn Compile<T>, tolerance: f64) {
    for case in cases() {
        check_case(backend, &case, tolerance);
    }
}

/// Compares a backend with the reference on one case; see [`check`].
///
/// # Panics
/// Where they differ.
pub fn check_case<T: Real>(backend: &dyn Compile<T>, case: &Case, tolerance: f64) {
    let program = case.program();
    let mut subject = backend.compile(&program).expect("the backend compiles the case");
    let mut oracle: Box<dyn Executor<T>> = Reference.compile(&program).expect("the reference compiles all");
    let parameters = case.parameters::<T>(&program);
    let x = case.inputs::<T>();
    let count = case.rows * program.outputs();
    let same = |what: &str, found: &[T], expected: &[T]| close(case, what, found, expected, tolerance);

    let (mut found, mut expected) = (vec![T::ONE; count], vec![T::ZERO; count]);
    subject.predict(&parameters, &x, &mut found).expect("predict");
    oracle.predict(&parameters, &x, &mut expected).expect("predict");
    same("outputs", &found, &expected);

    let dy = case.targets::<T>(Loss::Mse);
    let (mut g, mut dx) = (vec![T::ONE; parameters.len()], vec![T::ONE; x.len()]);
    let (mut oracle_g, mut oracle_dx) = (g.clone(), dx.clone());
    subject.backward(&parameters, &x, &dy, &mut g, &mut dx).expect("backward");
    oracle.backward(&parameters, &x, &dy, &mut oracle_g, &mut oracle_dx).expect("backward");
    for (range, layer) in program.ranges().into_iter().zip(program.layers()) {
        let (found, expected) = (layer.views(&g[range.clone()]), layer.views(&oracle_g[range]));
        same("gradient of control points", found.control_points, expected.control_points);
        same("gradient of base weights", found.base_weight, expected.base_weight);
        same("gradient of spline weights", found.spline_weight, expected.spline_weight);
    }
    same("gradient of inputs", &dx, &oracle_dx);

    let weights = case.weights::<T>();
    for loss in LOSSES {
        for weights in [None, Some(weights.as_slice())] {
            let targets = case.targets::<T>(loss);
            let batch = Batch { x: &x, targets: &targets, weights, rows: case.rows };
            let expected = oracle.loss_and_gradient(loss, &parameters, &batch, &mut oracle_g).expect("loss");
            let found = subject.loss_and_gradient(loss, &parameters, &batch, &mut g).expect("loss");
            let name = format!("{} {}", loss.name(), if weights.is_some() { "weighted" } else { "" });
            same(&format!("gradient of {name}"), &g, &oracle_g);
            close(case, &name, &[found], &[expected], tolerance);
            let alone = subject.loss(loss, &parameters, &batch).expect("loss");
            assert_eq!(alone.to_bits(), found.to_bits(), "{case:?}: loss with and without gradient, {name}");
        }
    }

    let statistics = subject.statistics(&parameters, &x).expect("statistics");
    let expected = oracle.statistics(&parameters, &x).expect("statistics");
    assert_eq!(statistics[0], expected[0], "{case:?}: statistics of the inputs");
    for (found, expected) in statistics.iter().zip(&expected) {
        let range = |s: &crate::backend::LayerStatistics| -> Vec<f64> {
            s.inputs.iter().flat_map(|i| [i.minimum, i.maximum]).collect()
        };
        close(case, "ranges", &range(found), &range(expected), tolerance);
    }
}

/// Compares the gradients of a backend in `f64` with central differences: every loss, parameter kind and input,
/// every degree, placement and outside mode. Largest difference allowed: 1e-7 of the largest
/// element of the same kind in the same layer.
///
/// # Panics
/// Where they differ by more, naming the case.
pub fn check_differences(backend: &dyn Compile<f64>) {
    for case in spline_cases(&[2, 3, 2], 12) {
        let program = case.program();
        let mut subject = backend.compile(&program).expect("the backend compiles the case");
        let parameters = case.parameters::<f64>(&program);
        // On the ends of the domain itself 'zero' and 'constant' have no derivative.
        let x: Vec<f64> =
            case.inputs::<f64>().iter().map(|x| if x.abs() == 1.0 { x * 0.97 } else { *x }).collect();
        assert!(x.iter().any(|x| x.abs() > 1.0) && x.iter().any(|x| x.abs() < 1.0));
        let weights = case.weights::<f64>();
        for loss in LOSSES {
            let targets = case.targets::<f64>(loss);
            let batch = Batch { x: &x, targets: &targets, weights: Some(&weights), rows: case.rows };
            let mut found = vec![0.0; parameters.len()];
            subject.loss_and_gradient(loss, &parameters, &batch, &mut found).expect("loss");
            let expected = differences(&parameters, |p| subject.loss(loss, p, &batch).expect("loss"));
            for (range, layer) in program.ranges().into_iter().zip(program.layers()) {
                let (found, expected) = (layer.views(&found[range.clone()]), layer.views(&expected[range]));
                let same = |what, found: &[f64], expected: &[f64]| {
                    close(&case, &format!("{} by {what}", loss.name()), found, expected, 1e-7);
                };
                same("control points", found.control_points, expected.control_points);
                same("base weights", found.base_weight, expected.base_weight);
                same("spline weights", found.spline_weight, expected.spline_weight);
            }
        }
        let dy = case.targets::<f64>(Loss::Mse);
        let (mut g, mut dx) = (vec![0.0; parameters.len()], vec![0.0; x.len()]);
        subject.backward(&parameters, &x, &dy, &mut g, &mut dx).expect("backward");
        let mut y = vec![0.0; dy.len()];
        let expected = differences(&x, |x| {
            subject.predict(&parameters, x, &mut y).expect("predict");
            y.iter().zip(&dy).map(|(y, dy)| y * dy).sum()
        });
        close(&case, "differences of inputs", &dx, &expected, 1e-7);
    }
}

/// Central differences. The step is small, so that few of them straddle a knot, where low degrees have kinks;
/// rounding then costs about 1e-10.
fn differences(at: &[f64], mut f: impl FnMut(&[f64]) -> f64) -> Vec<f64> {
    let mut point = at.to_vec();
    let h = 3e-6;
    let mut value = |i: usize, shift: f64| {
        point[i] = at[i] + shift;
        let value = f(&point);
        point[i] = at[i];
        value
    };
    (0..at.len()).map(|i| (value(i, h) - value(i, -h)) / (2.0 * h)).collect()
}

fn close<T: Real>(case: &Case, what: &str, found: &[T], expected: &[T], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().map(|e| e.to_f64().abs()).fold(1e-300, f64::max);
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found.to_f64() - expected.to_f64()).abs() / scale;
        assert!(
            difference <= tolerance,
            "{case:?}: {what}[{index}] is {found}, expected {expected}; difference {difference:e} of the largest"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_gradients_agree_with_central_differences() {
        check_differences(&Reference);
    }
}

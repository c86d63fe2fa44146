//! What backends are judged on: network shapes with their knots, and the data drawn for them.

use crate::loss::Loss;
use crate::program::{Base, Layer, Program};
use crate::real::Real;
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
    /// Layer sizes in nodes, product nodes included.
    pub sizes: Vec<usize>,
    /// Arities of each layer's product nodes; a layer that is missing here only sums.
    pub products: Vec<Vec<usize>>,
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
pub(super) fn spline_cases(sizes: &[usize], rows: usize) -> Vec<Case> {
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
                let (sizes, products) = (sizes.to_vec(), Vec::new());
                cases.push(Case { sizes, products, grid: 4, degree, placement, outside, base, rows });
            }
        }
    }
    cases
}

/// Layer sizes, arities of each layer's product nodes, rows.
type Shape = (&'static [usize], &'static [&'static [usize]], usize);

/// Product nodes of two and three factors behind the first, a middle and the last layer, beside sums and alone. Every
/// case runs with every loss, so degrees, placements and outside modes are dealt out to the shapes, not multiplied.
fn product_cases() -> Vec<Case> {
    let shapes: [Shape; 7] = [
        (&[2, 4, 3], &[&[2, 3], &[3]], 37),
        (&[3, 1, 2], &[&[3], &[2, 2]], 50),
        (&[4, 9, 2], &[&[2, 2, 3], &[]], 200),
        (&[2, 3, 3, 1], &[&[2], &[3, 2], &[2]], 65),
        (&[3, 6, 10], &[&[], &[3, 2]], 129),
        (&[40, 20, 9], &[&[2; 12], &[3; 4]], 33),
        (&[2, 1], &[&[2]], 1),
    ];
    let placements =
        [Placement::Clamped, Placement::Extended, Placement::Adaptive, Placement::AdaptiveExtended];
    let modes =
        [(Outside::Linear, Base::Silu), (Outside::Constant, Base::Identity), (Outside::Zero, Base::Zero)];
    let cases = shapes.iter().enumerate().map(|(index, (sizes, products, rows))| Case {
        sizes: sizes.to_vec(),
        products: products.iter().map(|arities| arities.to_vec()).collect(),
        grid: 4,
        degree: 1 + index % 5,
        placement: placements[index % placements.len()],
        outside: modes[index % modes.len()].0,
        base: modes[index % modes.len()].1,
        rows: *rows,
    });
    cases.collect()
}

/// The cases whose gradients are compared with differences: small ones.
pub(super) fn difference_cases() -> Vec<Case> {
    let mut cases = spline_cases(&[2, 3, 2], 12);
    let small = |case: &Case| case.sizes[0] < 40;
    cases.extend(product_cases().into_iter().filter(small).map(|case| Case { rows: 12, ..case }));
    cases
}

/// The cases of the ordinary run: every degree with every placement and outside mode on small networks, and
/// shapes on both sides of the borders at which fast backends change their ways, without product nodes and with them.
pub fn cases() -> Vec<Case> {
    let mut cases = spline_cases(&[2, 9, 3], 37);
    let plain = |sizes: &[usize], grid, degree, rows| Case {
        sizes: sizes.to_vec(),
        products: Vec::new(),
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
    cases.extend(product_cases());
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
            let products = self.products.get(index).cloned().unwrap_or_default();
            let outputs = pair[1] - products.len() + products.iter().sum::<usize>();
            Layer { inputs: pair[0], outputs, base: self.base, splines, products, functions: Vec::new() }
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

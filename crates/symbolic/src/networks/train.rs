//! Small networks for rows of data: several shapes, trained side by side and judged on rows that none of them has seen;
//! the best without the nodes and edges that it can do without.

use crate::sample::Sample;
use kanode_engine::reference::Reference;
use kanode_network::{Network, Specification};
use kanode_optim::Optimizer;
use kanode_train::{Dataset, FitOptions, Observer, SimplifyOptions, fit, simplify};
use rayon::prelude::*;

/// One in so many rows is held out.
const HELD_OUT: usize = 5;
/// Most parameters of a network: steps of Levenberg–Marquardt cost their third power.
const PARAMETERS: usize = 320;
/// Grids of a fit, steps on each, and first parameters to try.
const GRIDS: [usize; 2] = [5, 10];
const STEPS: u64 = 50;
const STARTS: usize = 3;
/// Steps from each of them; there are two rounds where data prove noisy.
const START_STEPS: usize = 40;
/// How much worse than the best a smaller network may be on rows that it has not seen, as a ratio of variances.
const AS_GOOD: f64 = 2.0;
/// Networks that are read.
const MOST: usize = 2;

/// A network with what it leaves unexplained of the rows that it has not seen, as a part of their variance.
pub(super) struct Trained {
    pub(super) network: Network<f64>,
    pub(super) error: f64,
}

/// Rows to train on, and others to judge by.
pub(super) struct Rows {
    pub(super) seen: Sample,
    pub(super) unseen: Sample,
}

impl Rows {
    pub(super) fn of(sample: &Sample) -> Self {
        let (unseen, seen): (Vec<usize>, Vec<usize>) =
            (0..sample.rows()).partition(|row| row % HELD_OUT == HELD_OUT - 1);
        Self { seen: sample.picked(&seen), unseen: sample.picked(&unseen) }
    }
}

/// Ends a fit when there is no more time.
struct Until<'a>(&'a (dyn Fn() -> bool + Sync));

impl Observer<f64> for Until<'_> {
    fn cancelled(&self) -> bool {
        (self.0)()
    }
}

/// The layers of networks that may do, few parameters first: sums of curves, a curve of one, a product of two, and sums
/// of two and of four of these.
fn shapes(inputs: usize) -> Vec<Specification> {
    let product = Specification { products: vec![vec![2], Vec::new()], ..Specification::of(&[inputs, 1, 1]) };
    let sums = [&[inputs, 1][..], &[inputs, 1, 1], &[inputs, 2, 1], &[inputs, 4, 1]];
    let all = sums.into_iter().map(Specification::of).chain([product]);
    let mut sized: Vec<(usize, Specification)> = all
        .filter_map(|one| Some((Network::<f64>::new(one.clone()).ok()?.parameter_count(), one)))
        .filter(|(parameters, _)| *parameters <= PARAMETERS)
        .collect();
    sized.sort_by_key(|(parameters, _)| *parameters);
    sized.into_iter().map(|(_, one)| one).collect()
}

/// Multiplications that training all shapes takes, as far as shapes tell.
pub(super) fn work(inputs: usize, rows: usize) -> f64 {
    let of_shape = |shape: &Specification| {
        let edges: usize = shape.layers.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let slopes = (edges * (shape.degree + 2)) as f64;
        let step = |grid: usize| {
            rows as f64 * slopes * slopes + ((edges * (grid + shape.degree)) as f64).powi(3) / 3.0
        };
        let starts = (2 * START_STEPS * STARTS) as f64 * step(GRIDS[0]);
        starts + GRIDS.map(step).iter().sum::<f64>() * STEPS as f64
    };
    shapes(inputs).iter().map(of_shape).sum()
}

/// Networks that do about as well as the best of all shapes, the smallest first; the best of them is made smaller where
/// it can be. None where nothing could be trained.
pub(super) fn trained(rows: &Rows, late: &(dyn Fn() -> bool + Sync)) -> Vec<Trained> {
    let (Some(seen), Some(unseen)) = (dataset(&rows.seen), dataset(&rows.unseen)) else { return Vec::new() };
    let judged = |network: Network<f64>| {
        let error = crate::distil::unexplained(&network, &rows.unseen, 0);
        error.is_finite().then_some(Trained { network, error })
    };
    let options = FitOptions {
        optimizer: Some(Optimizer::lm()),
        steps: Some(STEPS),
        grid: GRIDS.to_vec(),
        starts: Some(STARTS),
        ..FitOptions::default()
    };
    let made = |shape: Specification| {
        let mut network = Network::new(shape).ok()?;
        fit(&mut network, &seen, Some(&unseen), &options, None, &Reference, &mut Until(late)).ok()?;
        judged(network)
    };
    let all: Vec<Trained> = shapes(seen.features()).into_par_iter().filter_map(made).collect();
    let least = all.iter().map(|one| one.error).fold(f64::INFINITY, f64::min);
    let mut good: Vec<Trained> = all.into_iter().filter(|one| one.error <= AS_GOOD * least).collect();
    good.truncate(MOST);
    let smaller = |one: &Trained| {
        let small = SimplifyOptions::default();
        let (network, _) =
            simplify(&one.network, &seen, Some(&unseen), &small, &Reference, &mut Until(late)).ok()?;
        judged(network).filter(|small| small.error <= AS_GOOD * one.error)
    };
    let small: Vec<Option<Trained>> = good.par_iter().map(smaller).collect();
    good.into_iter().zip(small).map(|(one, small)| small.unwrap_or(one)).collect()
}

fn dataset(sample: &Sample) -> Option<Dataset> {
    let rows = sample.rows();
    let x = (0..rows).flat_map(|row| sample.columns().iter().map(move |column| column[row])).collect();
    let weights = (0..rows).map(|row| sample.weight(row)).collect();
    Dataset::new(rows, sample.columns().len(), 1, x, sample.y().to_vec(), Some(weights)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::testing::sample;

    #[test]
    fn the_smallest_network_that_does_is_chosen() {
        let data = sample("exp(sin(3*x) + y^2)", &[(-1.0, 1.0); 2], 400, 0.0);
        let found = trained(&Rows::of(&data), &|| false);
        assert_eq!(found[0].network.specification().layers, [2, 1, 1]);
        assert!(found[0].error < 1e-6, "{}", found[0].error);
    }

    #[test]
    fn sums_of_curves_need_no_hidden_node() {
        let data = sample("abs(x) + y^2*sin(2*y) + z/2", &[(-1.0, 1.0); 3], 400, 0.05);
        let found = trained(&Rows::of(&data), &|| false);
        assert_eq!(found[0].network.specification().layers, [3, 1]);
        assert!(found[0].error < 4e-3, "{}", found[0].error);
    }

    #[test]
    fn nobody_waits_for_networks_when_it_is_late() {
        let data = sample("x*y", &[(-1.0, 1.0); 2], 400, 0.0);
        assert!(trained(&Rows::of(&data), &|| true).iter().all(|one| !one.network.is_fitted()));
    }
}

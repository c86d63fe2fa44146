use super::*;
use crate::{Expression, Formula};
use kanode_engine::reference::Reference;
use kanode_network::{Removal, Specification};
use kanode_train::{Dataset, FitOptions, Length, SimplifyOptions, Unobserved, fit};
use std::sync::Arc;

/// Rows of inputs in boxes, the same for the same seed.
fn inputs(rows: usize, boxes: &[(f64, f64)], seed: usize) -> Vec<Vec<f64>> {
    let roots = [2.0_f64, 3.0, 5.0, 7.0].map(f64::sqrt);
    boxes
        .iter()
        .zip(roots)
        .map(|((low, high), root)| {
            (0..rows)
                .map(|row| low + (high - low) * ((row + 1000 * seed + 1) as f64 * root).fract())
                .collect()
        })
        .collect()
}

/// A sample of a law, named by the formula's variables, and the same rows for training.
fn law(text: &str, boxes: &[(f64, f64)], rows: usize, seed: usize) -> (Sample, Dataset) {
    let formula = Formula::parse(text, None).unwrap();
    let columns = inputs(rows, boxes, seed);
    let x: Vec<f64> = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    let mut y = vec![0.0; rows];
    formula.evaluate(&x, &mut y);
    let data = Dataset::new(rows, boxes.len(), 1, x, y.clone(), None).unwrap();
    (Sample::new(formula.variables().to_vec(), columns, y, None).unwrap(), data)
}

fn trained(specification: Specification, data: &Dataset) -> Network<f64> {
    let mut network = Network::new(specification).unwrap();
    let options = FitOptions { optimizer: Some(kanode_optim::Optimizer::lm()), ..FitOptions::default() };
    fit(&mut network, data, None, &options, None, &Reference, &mut Unobserved).unwrap();
    network
}

fn searched(network: &Network<f64>, sample: &Sample, threads: usize) -> Distilled {
    let mut progress = |_| {};
    let mut watch = Watch { cancelled: &|| false, progress: &mut progress };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| distil(network, sample, &DistilOptions::default(), &mut watch)).unwrap()
}

fn best(found: &Distilled) -> Expression {
    found.front.candidates()[found.front.best()].model.expression()
}

#[test]
fn hello_is_found_exactly_from_ten_seeds() {
    for seed in 0..10 {
        let (sample, data) = law("exp(sin(pi*x) + y^2)", &[(-1.0, 1.0), (-1.0, 1.0)], 1000, seed);
        let network = trained(Specification { seed: seed as u64, ..Specification::of(&[2, 1, 1]) }, &data);
        let started = std::time::Instant::now();
        let found = searched(&network, &sample, 2);
        println!(
            "{seed}: {:?} {} {:?} {:?}",
            best(&found),
            found.evaluations,
            started.elapsed(),
            found.ended
        );
    }
}

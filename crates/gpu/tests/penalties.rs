//! Penalties on the device, in steps that begin and end there: against the oracle, step by step and over a fit.

mod common;

use common::{gpu, network, rule};
use kanode_engine::conformance::{Case, Placement, cases};
use kanode_engine::reference::{Reference, penalty};
use kanode_engine::{
    AdamRule, AdamSlabs, Base, Batch, Compile, EdgeForm, Executor, Keep, Loss, Penalty, Program, Resident,
};
use kanode_gpu::{Gpu, GpuBackend};
use kanode_spline::{Banded, Outside};
use std::sync::Arc;

/// Largest difference from the oracle in `f64`, relative to the largest value: in one layer, and where layers follow
/// each other (as in the conformance tests).
const TOLERANCE: f64 = 2e-6;
const DEEP_TOLERANCE: f64 = 5e-6;

/// Matrices as wide as any penalty has them, another for every second input, and squares of base weights.
fn forms(program: &Program) -> Vec<Vec<EdgeForm>> {
    let layers = program.layers().iter().map(|layer| {
        let form = |seed: f64| {
            let reach = layer.degree() + 1;
            let mut matrix = Banded::zeros(layer.bases(), reach);
            for i in 0..layer.bases() {
                for distance in 0..=reach.min(i) {
                    matrix.add(i, i - distance, ((i * 7 + distance * 3) as f64 + seed).sin());
                }
            }
            EdgeForm { matrix: Arc::new(matrix), base: if layer.base == Base::Zero { 0.0 } else { seed } }
        };
        let kinds = [form(0.3), form(0.7)];
        (0..layer.inputs).map(|input| kinds[input % 2].clone()).collect()
    });
    layers.collect()
}

fn no_forms(program: &Program) -> Vec<Vec<EdgeForm>> {
    let layers = program.layers().iter().map(|layer| {
        let matrix = Arc::new(Banded::zeros(layer.bases(), layer.degree() + 1));
        vec![EdgeForm { matrix, base: 0.0 }; layer.inputs]
    });
    layers.collect()
}

/// Each kind of penalty alone, and all of them.
fn penalties(program: &Program) -> [Penalty; 5] {
    let none = || Penalty { forms: no_forms(program), ..Penalty::default() };
    [
        Penalty { l1: 0.7, ..none() },
        Penalty { entropy: 0.3, ..none() },
        Penalty { coefficient: 0.2, ..none() },
        Penalty { forms: forms(program), ..Penalty::default() },
        Penalty { l1: 0.1, entropy: 0.2, coefficient: 0.01, forms: forms(program) },
    ]
}

fn resident(
    backend: &GpuBackend,
    program: &Arc<Program>,
    parameters: &[f32],
    penalty: &Penalty,
) -> Box<dyn Resident<f32>> {
    common::resident(backend, program, parameters, &[], Some(penalty)).unwrap()
}

/// The loss of a step and its gradient, which a step without memory leaves in the first moment.
fn step(trainer: &mut dyn Resident<f32>, loss: Loss, batch: &Batch<'_, f32>, n: usize) -> (f64, Vec<f32>) {
    let bare =
        AdamRule { first: [0.0, 1.0], second: [0.0, 0.0], epsilon: 1.0, keep: 1.0, rate: 0.0, scale: 1.0 };
    trainer.step(loss, batch, &bare, Keep::Never).unwrap();
    let outcome = trainer.outcomes().unwrap()[0];
    assert!(outcome.done, "{outcome:?}");
    let [mut parameters, mut first, mut second] = [(); 3].map(|()| vec![0.0; n]);
    trainer.read(&mut parameters, &mut first, &mut second).unwrap();
    (outcome.loss, first)
}

fn widen(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|number| f64::from(*number)).collect()
}

/// Compares a step on a batch with the oracle, for every penalty and with weights and without.
fn check(backend: &GpuBackend, case: &Case, losses: &[Loss]) {
    let program = case.program();
    let (x, slab) = (case.inputs::<f32>(), case.parameters::<f32>(&program));
    let weights = case.weights::<f32>();
    let tolerance = if case.sizes.len() == 2 { TOLERANCE } else { DEEP_TOLERANCE };
    let mut oracle: Box<dyn Executor<f64>> = Reference.compile(&program).unwrap();
    for terms in penalties(&program) {
        let mut trainer = resident(backend, &program, &slab, &terms);
        for (loss, weights) in losses.iter().zip([None, Some(weights.as_slice())].into_iter().cycle()) {
            let targets = case.targets::<f32>(*loss);
            let batch = Batch { x: &x, targets: &targets, weights, rows: case.rows };
            let (value, found) = step(&mut *trainer, *loss, &batch, slab.len());
            let (x, targets, slab) = (widen(&x), widen(&targets), widen(&slab));
            let weights = weights.map(widen);
            let batch = Batch { x: &x, targets: &targets, weights: weights.as_deref(), rows: case.rows };
            let mut expected = vec![0.0; slab.len()];
            let of_loss = oracle.loss_and_gradient(*loss, &slab, &batch, &mut expected).unwrap();
            let (of_terms, slopes) = penalty(&program, &terms, &slab, &x, weights.as_deref());
            expected.iter_mut().zip(&slopes).for_each(|(sum, slope)| *sum += slope);
            let total = of_loss + of_terms;
            let apart = (value - total).abs() / (of_loss.abs() + of_terms.abs());
            assert!(apart < tolerance, "{case:?} {loss:?}: {value}, expected {total}");
            for (layer, range) in program.ranges().into_iter().enumerate() {
                let largest = expected[range.clone()].iter().fold(0.0, |most: f64, g| most.max(g.abs()));
                for index in range {
                    let apart = (f64::from(found[index]) - expected[index]).abs() / largest;
                    assert!(
                        apart < tolerance,
                        "{case:?} {loss:?} layer {layer}[{index}]: {}, expected {}; {apart:e} of the largest",
                        found[index],
                        expected[index],
                    );
                }
            }
        }
    }
}

#[test]
fn steps_with_penalties_agree_with_the_reference() {
    let Some(gpu) = gpu() else { return };
    let backend = GpuBackend::new(gpu);
    let losses = [Loss::Mse, Loss::Rmse, Loss::CrossEntropy, Loss::Mse, Loss::Huber { delta: 0.7 }];
    for case in cases().into_iter().filter(|case| case.sizes.len() > 2 || case.rows > 2).step_by(3) {
        check(&backend, &case, &losses[..3]);
    }
    for (inputs, outputs, grid, rows) in
        [(65, 63, 5, 64), (2, 65, 13, 32), (1, 1, 61, 1025), (2, 3, 300, 200)]
    {
        let case = Case {
            sizes: vec![inputs, outputs],
            products: Vec::new(),
            placement: Placement::Adaptive,
            outside: Outside::Linear,
            base: Base::Silu,
            degree: 3,
            grid,
            rows,
        };
        check(&backend, &case, &losses[3..]);
    }
}

#[test]
fn tiles_add_up_to_the_penalty_of_the_batch() {
    let Some(gpu) = gpu() else { return };
    for rows in [1, 99, 100, 101, 200] {
        let case = Case { products: vec![vec![2, 2], vec![]], rows, ..network(rows) };
        check(&GpuBackend::new(Arc::clone(&gpu)).with_rows_at_once(100), &case, &[Loss::Rmse, Loss::Mse]);
    }
}

/// So many steps of a network with all penalties: losses, and the parameters after them.
fn train(gpu: &Arc<Gpu>, case: &Case, steps: i32) -> (Vec<f64>, Vec<f32>) {
    let program = case.program();
    let slab = case.parameters::<f32>(&program);
    let (x, targets) = (case.inputs::<f32>(), case.targets::<f32>(Loss::Mse));
    let batch = Batch { x: &x, targets: &targets, weights: None, rows: case.rows };
    let mut trainer = resident(&GpuBackend::new(Arc::clone(gpu)), &program, &slab, &gentle(&program));
    let mut losses = Vec::new();
    for number in 1..=steps {
        trainer.step(Loss::Mse, &batch, &rule(number), Keep::Never).unwrap();
        if number % 50 == 0 || number == steps {
            losses.extend(trainer.outcomes().unwrap().iter().map(|step| step.loss));
        }
    }
    let [mut parameters, mut first, mut second] = [(); 3].map(|()| vec![0.0; slab.len()]);
    trainer.read(&mut parameters, &mut first, &mut second).unwrap();
    (losses, parameters)
}

/// Penalties that leave something to learn, with matrices that are positive definite.
fn gentle(program: &Program) -> Penalty {
    let mut forms = no_forms(program);
    for form in forms.iter_mut().flatten() {
        let mut matrix = (*form.matrix).clone();
        matrix.add_diagonal(2e-4);
        (1..matrix.n()).for_each(|i| matrix.add(i, i - 1, -1e-4));
        *form = EdgeForm { matrix: Arc::new(matrix), base: 1e-3 };
    }
    Penalty { l1: 1e-3, entropy: 1e-2, coefficient: 1e-4, forms }
}

#[test]
fn the_loss_curve_with_penalties_is_that_of_the_reference_within_a_percent_after_200_steps() {
    let Some(gpu) = gpu() else { return };
    let case = network(120);
    let (found, _) = train(&gpu, &case, 200);
    let program = case.program();
    let terms = gentle(&program);
    let (x, targets) = (case.inputs::<f64>(), case.targets::<f64>(Loss::Mse));
    let batch = Batch { x: &x, targets: &targets, weights: None, rows: case.rows };
    let mut oracle: Box<dyn Executor<f64>> = Reference.compile(&program).unwrap();
    let mut slab = case.parameters::<f64>(&program);
    let [mut first, mut second, mut gradient] = [(); 3].map(|()| vec![0.0; slab.len()]);
    for (index, found) in found.iter().enumerate() {
        let mut expected = oracle.loss_and_gradient(Loss::Mse, &slab, &batch, &mut gradient).unwrap();
        let (value, slopes) = penalty(&program, &terms, &slab, &x, None);
        expected += value;
        gradient.iter_mut().zip(&slopes).for_each(|(sum, slope)| *sum += slope);
        assert!((found - expected).abs() <= 0.01 * expected, "step {index}: {found} {expected}");
        let AdamRule { first: [b1, c1], second: [b2, c2], epsilon, keep, rate, scale } =
            rule(index as i32 + 1);
        let wide = AdamRule {
            first: [b1, c1].map(f64::from),
            second: [b2, c2].map(f64::from),
            epsilon: epsilon.into(),
            keep: keep.into(),
            rate: rate.into(),
            scale: scale.into(),
        };
        wide.apply(AdamSlabs {
            parameters: &mut slab,
            gradient: &gradient,
            first: &mut first,
            second: &mut second,
        });
    }
    assert!(found[199] < 0.9 * found[0], "nothing was learned: {} {}", found[0], found[199]);
}

#[test]
fn training_with_penalties_has_the_same_bits_from_run_to_run() {
    let Some(gpu) = gpu() else { return };
    let case = network(300);
    let first = train(&gpu, &case, 12);
    assert!(train(&gpu, &case, 12) == first);
    let Some(another) = common::gpu() else { return };
    assert!(train(&another, &case, 12) == first);
}

#[test]
fn a_step_with_penalties_is_one_submission_that_reads_nothing_back() {
    let Some(gpu) = gpu() else { return };
    let case = network(200);
    let program = case.program();
    let (x, targets) = (case.inputs::<f32>(), case.targets::<f32>(Loss::Mse));
    let batch = Batch { x: &x, targets: &targets, weights: None, rows: case.rows };
    let slab = case.parameters::<f32>(&program);
    let mut trainer = resident(&GpuBackend::new(Arc::clone(&gpu)), &program, &slab, &gentle(&program));
    trainer.step(Loss::Mse, &batch, &rule(1), Keep::IfLowest).unwrap();
    let before = gpu.traffic();
    for number in 2..=11 {
        trainer.step(Loss::Mse, &batch, &rule(number), Keep::IfLowest).unwrap();
    }
    let after = gpu.traffic();
    assert_eq!(after.submissions - before.submissions, 10);
    assert_eq!((after.readbacks, after.downloaded), (before.readbacks, before.downloaded));
    let (moved, ideal) = (after.uploaded - before.uploaded, 10 * 4 * (x.len() + targets.len()) as u64);
    assert!(moved >= ideal && moved * 10 <= ideal * 13, "{moved} bytes, {ideal} would be enough");
}

/// A network of zeros: no edge does anything, and nothing is divided by that.
#[test]
fn edges_that_do_nothing_cost_nothing() {
    let Some(gpu) = gpu() else { return };
    let case = network(20);
    let program = case.program();
    let slab = vec![0.0; program.parameter_count()];
    let (x, targets) = (case.inputs::<f32>(), vec![0.0; case.rows * program.outputs()]);
    for loss in [Loss::Mse, Loss::Rmse] {
        let batch = Batch { x: &x, targets: &targets, weights: None, rows: case.rows };
        let terms = Penalty { l1: 1.0, entropy: 1.0, coefficient: 1.0, forms: forms(&program) };
        let mut trainer = resident(&GpuBackend::new(Arc::clone(&gpu)), &program, &slab, &terms);
        let (value, gradient) = step(&mut *trainer, loss, &batch, slab.len());
        assert_eq!(value, 0.0);
        assert!(gradient.iter().all(|g| *g == 0.0));
    }
}

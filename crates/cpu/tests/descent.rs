//! Steps that move a layer while its gradients are made.

use kanode_cpu::{CpuBackend, CpuOptions, Isa};
use kanode_engine::conformance::{Case, Placement};
use kanode_engine::{AdamRule, AdamSlabs, Base, Batch, Compile, Descent, Executor, Loss, Real};
use kanode_spline::Outside;

/// What a step has.
#[derive(Clone, Debug, PartialEq)]
struct Slabs<T> {
    parameters: Vec<T>,
    gradient: Vec<T>,
    first: Vec<T>,
    second: Vec<T>,
}

/// What is done to inputs and parameters.
type Change = fn(&mut [f32], &mut [f32]);

fn case(sizes: &[usize], grid: usize, degree: usize, rows: usize) -> Case {
    let (placement, outside, base) = (Placement::Clamped, Outside::Linear, Base::Silu);
    Case { sizes: sizes.to_vec(), products: Vec::new(), grid, degree, placement, outside, base, rows }
}

fn slabs<T: Real>(case: &Case) -> Slabs<T> {
    let parameters = case.parameters::<T>(&case.program());
    let zeros = vec![T::ZERO; parameters.len()];
    Slabs { parameters, gradient: zeros.clone(), first: zeros.clone(), second: zeros }
}

fn rule<T: Real>() -> AdamRule<T> {
    AdamRule {
        first: [0.9, 0.1].map(T::from_f64),
        second: [0.999, 0.001].map(T::from_f64),
        epsilon: T::from_f64(1e-8),
        keep: T::from_f64(0.999),
        rate: T::from_f64(0.01),
        scale: T::from_f64(3.0),
    }
}

fn descend<T: Real>(
    executor: &mut dyn Executor<T>,
    loss: Loss,
    batch: &Batch<'_, T>,
    slabs: &mut Slabs<T>,
) -> (f64, Option<f64>) {
    let Slabs { parameters, gradient, first, second } = slabs;
    let descent = Descent { rule: &rule(), largest: 10.0, parameters, gradient, first, second };
    executor.descend(loss, batch, descent).unwrap()
}

fn descends_as_in_two_steps<T: Real>(case: &Case)
where
    CpuBackend: Compile<T>,
{
    let (x, targets) = (case.inputs::<T>(), case.targets::<T>(Loss::Mse));
    let weights: Vec<T> = (0..case.rows).map(|row| T::from_f64((row % 3) as f64)).collect();
    let batch = Batch { x: &x, targets: &targets, weights: Some(&weights), rows: case.rows };
    for (isa, threads) in Isa::available().into_iter().map(|isa| (isa, 1)).chain([(Isa::best(), 3)]) {
        let backend = CpuBackend::new(CpuOptions { threads: Some(threads), isa: Some(isa) }).unwrap();
        let mut executor: Box<dyn Executor<T>> = backend.compile(&case.program()).unwrap();
        let (mut found, mut expected) = (slabs::<T>(case), slabs::<T>(case));
        for _ in 0..3 {
            let (loss, squares) = descend(&mut *executor, Loss::Mse, &batch, &mut found);
            let Slabs { parameters, gradient, first, second } = &mut expected;
            let known = executor.loss_and_gradient(Loss::Mse, parameters, &batch, gradient).unwrap();
            let survey = executor.survey(parameters, gradient);
            executor.adam(&rule(), AdamSlabs { parameters, gradient, first, second });
            let squares = squares.expect("the layer is beyond the cache");
            assert_eq!(loss, known, "{case:?} {isa:?}");
            assert!((squares - survey.squares).abs() <= 1e-12 * squares, "{squares} {survey:?}");
            found.gradient.clone_from(&expected.gradient);
            assert!(found == expected, "{case:?} {isa:?} {threads}");
        }
    }
}

#[test]
fn parameters_and_moments_have_the_bits_of_a_gradient_and_a_step() {
    let wide = case(&[130, 1000, 1], 5, 3, 20);
    let decaying = Case { placement: Placement::AdaptiveExtended, outside: Outside::Zero, ..wide.clone() };
    let constant = Case { outside: Outside::Constant, base: Base::Identity, ..wide.clone() };
    let products = Case { products: vec![vec![2, 3]], ..case(&[130, 1000, 1], 5, 3, 20) };
    let narrow = case(&[17_000, 7, 9], 5, 3, 3);
    for case in [wide.clone(), decaying, constant, products, case(&[80, 1000], 12, 2, 128), narrow.clone()] {
        descends_as_in_two_steps::<f32>(&case);
    }
    descends_as_in_two_steps::<f32>(&case(&[1050, 130, 1050], 5, 3, 10));
    descends_as_in_two_steps::<f64>(&wide);
    descends_as_in_two_steps::<f64>(&narrow);
}

#[test]
fn what_might_leave_the_range_moves_nothing_and_has_its_gradient() {
    // A layer alone, and one before another, whose gradients would tell.
    for case in [case(&[130, 1000], 5, 3, 20), case(&[130, 1000, 1], 5, 3, 20)] {
        refuses_what_might_leave_the_range(&case);
    }
}

fn refuses_what_might_leave_the_range(case: &Case) {
    let backend = CpuBackend::new(CpuOptions { threads: Some(2), isa: None }).unwrap();
    let mut executor: Box<dyn Executor<f32>> = backend.compile(&case.program()).unwrap();
    let targets = case.targets::<f32>(Loss::Mse);
    // An input far away, one that is no number, a parameter that is large, one that is none, one without limit. Derivatives
    // of the absolute error stay small, so that it is the inputs and parameters that are looked at.
    let changes: [(Loss, Change); 5] = [
        (Loss::Mae, |x, _| x[0] = 1e30),
        (Loss::Mse, |x, _| x[0] = f32::NAN),
        (Loss::Mae, |_, parameters| parameters[0] = 1e37),
        (Loss::Mse, |_, parameters| parameters[7] = f32::NAN),
        (Loss::Mse, |_, parameters| *parameters.last_mut().unwrap() = f32::INFINITY),
    ];
    for (index, (loss, change)) in changes.into_iter().enumerate() {
        let (mut x, mut found) = (case.inputs::<f32>(), slabs::<f32>(case));
        let batch = Batch { x: &x, targets: &targets, weights: None, rows: case.rows };
        let (_, squares) = descend(&mut *executor, loss, &batch, &mut found.clone());
        assert!(squares.is_some(), "{index}: what came before has no influence");
        change(&mut x, &mut found.parameters);
        let batch = Batch { x: &x, targets: &targets, weights: None, rows: case.rows };
        let before = found.clone();
        let (_, squares) = descend(&mut *executor, loss, &batch, &mut found);
        assert_eq!(squares, None, "{index}");
        let mut gradient = vec![0.0; before.gradient.len()];
        executor.loss_and_gradient(loss, &before.parameters, &batch, &mut gradient).unwrap();
        let bits = |slab: &[f32]| slab.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        assert!(bits(&found.gradient) == bits(&gradient), "{index}");
        assert!(bits(&found.parameters) == bits(&before.parameters), "{index}");
        assert!(found.first == before.first && found.second == before.second, "{index}");
    }
}

#[test]
fn a_gradient_whose_squares_tell_nothing_is_left_to_who_asked() {
    let case = case(&[3, 9, 1], 5, 3, 20);
    let backend = CpuBackend::new(CpuOptions { threads: Some(2), isa: None }).unwrap();
    let mut executor: Box<dyn Executor<f64>> = backend.compile(&case.program()).unwrap();
    let (x, mut found) = (case.inputs::<f64>(), slabs::<f64>(&case));
    let mut targets = vec![0.0; case.rows];
    executor.predict(&found.parameters, &x, &mut targets).unwrap();
    let before = found.clone();
    let batch = Batch { x: &x, targets: &targets, weights: None, rows: case.rows };
    assert_eq!(descend(&mut *executor, Loss::Mse, &batch, &mut found), (0.0, None));
    assert!(found == before);
    targets[0] += 1.0;
    let batch = Batch { x: &x, targets: &targets, weights: None, rows: case.rows };
    assert!(descend(&mut *executor, Loss::Mse, &batch, &mut found).1.is_some());
}

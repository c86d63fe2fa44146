//! Same bits whatever the number of threads and whatever was run before; and the edges of what can be asked.

use kanode_cpu::{CpuBackend, CpuOptions, Isa};
use kanode_engine::conformance::{Case, Placement};
use kanode_engine::{Base, Batch, Compile, EngineError, Executor, Loss, Program, Real};
use kanode_spline::Outside;
use std::sync::Arc;

fn backend(isa: Isa, threads: usize) -> CpuBackend {
    CpuBackend::new(CpuOptions { threads: Some(threads), isa: Some(isa) }).expect("the machine has it")
}

fn case(sizes: &[usize], rows: usize, grid: usize, degree: usize) -> Case {
    Case {
        sizes: sizes.to_vec(),
        products: Vec::new(),
        grid,
        degree,
        placement: Placement::Clamped,
        outside: Outside::Linear,
        base: Base::Silu,
        rows,
    }
}

fn with_products(sizes: &[usize], products: &[&[usize]], rows: usize) -> Case {
    let products = products.iter().map(|arities| arities.to_vec()).collect();
    Case { products, ..case(sizes, rows, 5, 3) }
}

/// Few and many inputs and outputs, whole and broken blocks; the larger ones are divided among tasks by rows, by
/// inputs and by both. Then the same with product nodes.
fn cases() -> Vec<Case> {
    vec![
        case(&[2, 5, 1], 1000, 5, 3),
        case(&[3, 5, 2], 20_001, 5, 2),
        case(&[31, 64, 3], 1027, 4, 3),
        case(&[32, 9], 5000, 5, 1),
        case(&[70, 40, 10], 300, 5, 3),
        case(&[200, 150, 1], 65, 6, 5),
        case(&[500, 7], 900, 5, 4),
        case(&[300, 8], 64, 60, 3),
        case(&[9, 33], 4500, 300, 2),
        with_products(&[2, 5, 1], &[&[2, 3], &[2]], 1000),
        with_products(&[3, 5, 2], &[&[2; 5], &[]], 20_001),
        with_products(&[70, 60, 10], &[&[2; 20], &[3, 4]], 1027),
        with_products(&[500, 4], &[&[3, 2]], 900),
    ]
}

/// Everything an executor returns for a case.
#[derive(Debug, PartialEq)]
struct Results<T> {
    outputs: Vec<T>,
    loss: u64,
    gradient: Vec<T>,
    by_inputs: Vec<T>,
}

fn results<T: Real>(executor: &mut dyn Executor<T>, case: &Case, program: &Program) -> Results<T> {
    // Of moderate size for many inputs as well.
    let scale = T::from_f64(0.3 / (case.sizes[0] as f64).sqrt());
    let parameters: Vec<T> = case.parameters::<T>(program).into_iter().map(|p| p * scale).collect();
    let (x, targets) = (case.inputs::<T>(), case.targets::<T>(Loss::Mse));
    let weights = case.weights::<T>();
    let batch = Batch { x: &x, targets: &targets, weights: Some(&weights), rows: case.rows };
    let mut outputs = vec![T::ONE; targets.len()];
    executor.predict(&parameters, &x, &mut outputs).unwrap();
    let mut gradient = vec![T::ONE; parameters.len()];
    let loss = executor.loss_and_gradient(Loss::Mse, &parameters, &batch, &mut gradient).unwrap();
    let (mut all, mut by_inputs) = (gradient.clone(), vec![T::ONE; x.len()]);
    executor.backward(&parameters, &x, &targets, &mut all, &mut by_inputs).unwrap();
    gradient.extend(all);
    Results { outputs, loss: loss.to_bits(), gradient, by_inputs }
}

fn threads_do_not_matter<T: Real>()
where
    CpuBackend: Compile<T>,
{
    for isa in Isa::available() {
        let backends = [1, 2, 3].map(|threads| backend(isa, threads));
        for case in cases() {
            let program = case.program();
            let [one, two, three] = backends.each_ref().map(|backend| {
                let mut executor: Box<dyn Executor<T>> = backend.compile(&program).unwrap();
                results(executor.as_mut(), &case, &program)
            });
            assert!(one.gradient.iter().all(|g| g.is_finite()), "{case:?}");
            assert!(one == two && one == three, "{isa}: {case:?}");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits_in_single_precision() {
    threads_do_not_matter::<f32>();
}

#[test]
fn any_number_of_threads_gives_the_same_bits_in_double_precision() {
    threads_do_not_matter::<f64>();
}

#[test]
fn large_shapes_agree_with_each_other_at_every_instruction_set() {
    for case in cases() {
        let program = case.program();
        let all = Isa::available().into_iter().map(|isa| {
            let mut executor: Box<dyn Executor<f64>> = backend(isa, 2).compile(&program).unwrap();
            results(executor.as_mut(), &case, &program)
        });
        let all: Vec<_> = all.collect();
        for other in &all[1..] {
            for (a, b) in [
                (&all[0].outputs, &other.outputs),
                (&all[0].gradient, &other.gradient),
                (&all[0].by_inputs, &other.by_inputs),
            ] {
                let scale = a.iter().fold(0.0, |m: f64, a| m.max(a.abs()));
                let worst = a.iter().zip(b).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
                assert!(worst <= 1e-12 * scale, "{case:?}: {worst:e} of {scale:e}");
            }
        }
    }
}

#[test]
fn earlier_calls_leave_no_trace() {
    let shapes: [(&[usize], &[&[usize]]); 4] =
        [(&[2, 5, 1], &[]), (&[5, 12, 3], &[]), (&[40, 30], &[]), (&[5, 12, 3], &[&[2, 3], &[2, 2]])];
    for (sizes, products) in shapes {
        let program = with_products(sizes, products, 1).program();
        let backend = backend(Isa::best(), 2);
        let mut used: Box<dyn Executor<f32>> = backend.compile(&program).unwrap();
        for rows in [300, 1, 77, 5000, 16, 130] {
            let case = with_products(sizes, products, rows);
            let mut fresh: Box<dyn Executor<f32>> = backend.compile(&program).unwrap();
            assert_eq!(results(used.as_mut(), &case, &program), results(fresh.as_mut(), &case, &program));
        }
    }
}

#[test]
fn nan_in_a_row_is_nan_in_its_outputs_and_in_no_others() {
    for outside in [Outside::Linear, Outside::Constant, Outside::Zero] {
        for base in [Base::Silu, Base::Identity, Base::Zero] {
            for sizes in [&[3, 2][..], &[3, 20], &[3, 9, 2]] {
                let case = Case { outside, base, ..case(sizes, 50, 5, 1) };
                let program = case.program();
                let mut x = case.inputs::<f64>();
                x[17 * 3 + 1] = f64::NAN;
                for isa in Isa::available() {
                    let mut executor: Box<dyn Executor<f64>> = backend(isa, 1).compile(&program).unwrap();
                    let mut y = vec![0.0; 50 * program.outputs()];
                    executor.predict(&case.parameters(&program), &x, &mut y).unwrap();
                    for (row, y) in y.chunks(program.outputs()).enumerate() {
                        assert!(
                            y.iter().all(|y| y.is_nan() == (row == 17)),
                            "{isa}: {case:?}, row {row}: {y:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn no_rows_give_no_outputs_and_no_gradient() {
    let case = case(&[2, 9, 1], 0, 5, 3);
    let program = case.program();
    let mut executor: Box<dyn Executor<f64>> = backend(Isa::best(), 2).compile(&program).unwrap();
    let parameters = case.parameters(&program);
    let mut gradient = vec![1.0; parameters.len()];
    executor.predict(&parameters, &[], &mut []).unwrap();
    executor.backward(&parameters, &[], &[], &mut gradient, &mut []).unwrap();
    assert!(gradient.iter().all(|g| *g == 0.0));
    let statistics = executor.statistics(&parameters, &[]).unwrap();
    assert_eq!((statistics.len(), statistics[1].inputs[8].minimum), (2, f64::INFINITY));
    let batch = Batch { x: &[], targets: &[], weights: None, rows: 0 };
    let error = executor.loss(Loss::Mse, &parameters, &batch).unwrap_err();
    assert_eq!(error, EngineError::Weights { sum: 0.0 });
}

#[test]
fn wrong_lengths_are_refused_by_name() {
    let program = case(&[2, 1], 1, 5, 3).program();
    let mut executor: Box<dyn Executor<f32>> = backend(Isa::best(), 1).compile(&program).unwrap();
    let parameters = vec![0.0; program.parameter_count()];
    let length = |what, expected, found| Err(EngineError::Length { what, expected, found });
    assert_eq!(executor.predict(&parameters[1..], &[0.0; 2], &mut [0.0]), length("parameters", 20, 19));
    assert_eq!(executor.predict(&parameters, &[0.0; 3], &mut [0.0]), length("x", 2, 3));
    assert_eq!(executor.predict(&parameters, &[0.0; 2], &mut []), length("outputs", 1, 0));
    let mut gradient = parameters.clone();
    let backward = executor.backward(&parameters, &[0.0; 2], &[0.0], &mut gradient, &mut [0.0]);
    assert_eq!(backward, length("dx", 2, 1));
}

#[test]
fn knots_beyond_single_precision_are_refused_there_only() {
    use kanode_engine::Layer;
    use kanode_spline::{CellTable, KnotEnds, Knots};
    let knots = Knots::uniform(-1e60, 1e60, 5, 3, KnotEnds::Clamped).unwrap();
    let splines = vec![Arc::new(CellTable::new(&knots, Outside::Linear))];
    let layer = Layer {
        inputs: 1,
        outputs: 1,
        base: Base::Silu,
        splines,
        products: Vec::new(),
        functions: Vec::new(),
    };
    let program = Arc::new(Program::new(vec![layer]).unwrap());
    let backend = backend(Isa::best(), 1);
    assert!(Compile::<f64>::compile(&backend, &program).is_ok());
    let refused = Compile::<f32>::compile(&backend, &program).err();
    assert!(matches!(refused, Some(EngineError::Unsupported { backend: "cpu", .. })));
}

#[test]
fn executors_outlive_their_backend() {
    let case = case(&[40, 30], 500, 5, 3);
    let program = case.program();
    let mut executor: Box<dyn Executor<f32>> = backend(Isa::best(), 2).compile(&program).unwrap();
    assert!(results(executor.as_mut(), &case, &program).outputs.iter().all(|y| y.is_finite()));
}

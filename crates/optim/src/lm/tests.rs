use super::*;
use crate::prior::PriorBlock;
use kanode_spline::Banded;
use std::convert::Infallible;
use std::sync::Arc;

/// Residuals and their dense Jacobian as functions.
struct Dense<R, J> {
    residuals: R,
    jacobian: J,
    evaluations: usize,
}

impl<R: Fn(&[f64]) -> Vec<f64>, J: Fn(&[f64]) -> Vec<Vec<f64>>> LeastSquares for Dense<R, J> {
    type Stop = Infallible;

    fn value(&mut self, x: &[f64]) -> Result<f64, Infallible> {
        self.evaluations += 1;
        Ok((self.residuals)(x).iter().map(|r| r * r).sum())
    }

    fn linearise(&mut self, x: &[f64], rows: &mut Rows, residuals: &mut Vec<f64>) -> Result<(), Infallible> {
        rows.clear();
        *residuals = (self.residuals)(x);
        for row in (self.jacobian)(x) {
            rows.segment(0, row.len()).copy_from_slice(&row);
            rows.finish_row();
        }
        Ok(())
    }
}

fn run(
    x: &mut [f64],
    prior: &Prior,
    problem: &mut impl LeastSquares<Stop = Infallible>,
    steps: usize,
) -> Vec<LmStep> {
    let optimizer = Optimizer::Lm { tolerance: 1e-12, initial_damping: 1e-3, least_damping: 1e-15 };
    let mut state = LmState::new(&optimizer);
    let mut taken = Vec::new();
    for _ in 0..steps {
        let step = state.step(x, prior, problem).unwrap();
        taken.push(step);
        if step.outcome != StepOutcome::Accepted {
            break;
        }
    }
    taken
}

#[test]
fn nothing_to_fit_is_a_minimum() {
    let mut problem = Dense {
        residuals: |_: &[f64]| vec![0.5, -0.25],
        jacobian: |_: &[f64]| vec![Vec::new(); 2],
        evaluations: 0,
    };
    let steps = run(&mut [], &Prior::default(), &mut problem, 3);
    assert_eq!((steps.len(), steps[0].outcome, steps[0].objective), (1, StepOutcome::Converged, 0.3125));
}

#[test]
fn rosenbrock_is_solved_to_rounding() {
    let mut problem = Dense {
        residuals: |x: &[f64]| vec![10.0 * (x[1] - x[0] * x[0]), 1.0 - x[0]],
        jacobian: |x: &[f64]| vec![vec![-20.0 * x[0], 10.0], vec![-1.0, 0.0]],
        evaluations: 0,
    };
    let mut x = [-1.2, 1.0];
    let steps = run(&mut x, &Prior::default(), &mut problem, 100);
    assert!((x[0] - 1.0).abs() < 1e-8 && (x[1] - 1.0).abs() < 1e-8, "{x:?} {steps:?}");
    assert_eq!(steps.iter().map(|step| step.evaluations).sum::<usize>(), problem.evaluations);
    assert!(steps.windows(2).all(|pair| pair[1].objective <= pair[0].objective));
}

#[test]
fn a_singular_minimum_is_reached() {
    // Powell's singular function.
    let mut problem = Dense {
        residuals: |x: &[f64]| {
            vec![
                x[0] + 10.0 * x[1],
                5f64.sqrt() * (x[2] - x[3]),
                (x[1] - 2.0 * x[2]).powi(2),
                10f64.sqrt() * (x[0] - x[3]).powi(2),
            ]
        },
        jacobian: |x: &[f64]| {
            let (a, b) = (2.0 * (x[1] - 2.0 * x[2]), 2.0 * 10f64.sqrt() * (x[0] - x[3]));
            vec![
                vec![1.0, 10.0, 0.0, 0.0],
                vec![0.0, 0.0, 5f64.sqrt(), -(5f64.sqrt())],
                vec![0.0, a, -2.0 * a, 0.0],
                vec![b, 0.0, 0.0, -b],
            ]
        },
        evaluations: 0,
    };
    let mut x = [3.0, -1.0, 0.0, 1.0];
    run(&mut x, &Prior::default(), &mut problem, 200);
    assert!(x.iter().all(|x| x.abs() < 1e-3), "{x:?}");
}

/// `n` rows of a linear problem in `p` unknowns.
fn linear(n: usize, p: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let a: Vec<Vec<f64>> = (0..n).map(|i| (0..p).map(|j| ((i * p + j) as f64).sin()).collect()).collect();
    let b = (0..n).map(|i| (i as f64).cos()).collect();
    (a, b)
}

fn ridge(p: usize) -> Prior {
    let mut matrix = Banded::zeros(p, 1);
    for i in 0..p {
        matrix.add(i, i, 2.0);
        if i > 0 {
            matrix.add(i, i - 1, -1.0);
        }
    }
    let block = PriorBlock { start: 0, matrix: Arc::new(matrix), lambda: 0.1, rank: p };
    Prior { blocks: vec![block], ridge: 1e-3 }
}

#[test]
fn linear_problems_with_a_prior_have_zero_gradient_at_the_end() {
    // Fewer unknowns than rows, as many, and so many that the system of the rows is solved.
    for (n, p) in [(20, 5), (10, 10), (5, 40)] {
        let (a, b) = linear(n, p);
        let prior = ridge(p);
        let mut problem = Dense {
            residuals: |x: &[f64]| {
                a.iter()
                    .zip(&b)
                    .map(|(row, b)| row.iter().zip(x).map(|(a, x)| a * x).sum::<f64>() - b)
                    .collect()
            },
            jacobian: |_: &[f64]| a.clone(),
            evaluations: 0,
        };
        let mut x = vec![1.0; p];
        let steps = run(&mut x, &prior, &mut problem, 60);
        let residuals = (problem.residuals)(&x);
        let mut gradient = vec![0.0; p];
        prior.multiply_add(&x, &mut gradient);
        for (row, r) in a.iter().zip(&residuals) {
            gradient.iter_mut().zip(row).for_each(|(g, a)| *g += a * r);
        }
        let norm = gradient.iter().map(|g| g.abs()).fold(0.0, f64::max);
        assert!(norm < 1e-7, "{n} {p}: {norm} {steps:?}");
    }
}

#[test]
fn both_systems_give_the_same_step() {
    let (a, b) = linear(6, 30);
    let prior = ridge(30);
    let mut rows = Rows::new();
    for row in &a {
        rows.segment(0, 30).copy_from_slice(row);
        rows.finish_row();
    }
    let x = vec![0.3; 30];
    let residuals: Vec<f64> =
        a.iter().zip(&b).map(|(row, b)| row.iter().map(|a| a * 0.3).sum::<f64>() - b).collect();
    let system = System::new(&x, &prior, rows.clone(), residuals);
    for damping in [1e-6, 1e-2, 10.0] {
        let dual = system.solve(&prior, damping).unwrap();
        let mut normal = normal::normal_matrix(30, &rows, &prior);
        normal.diag_mut().iter_mut().for_each(|d| *d += damping);
        let mut primal: Vec<f64> = system.gradient_for_tests().iter().map(|g| -g).collect();
        crate::dense::Cholesky::new(normal).unwrap().solve(&mut primal);
        for (d, p) in dual.iter().zip(&primal) {
            assert!((d - p).abs() < 1e-10, "{damping}: {d} {p}");
        }
    }
}

#[test]
fn parameters_without_data_do_not_move_a_bit() {
    let mut problem = Dense {
        residuals: |x: &[f64]| vec![x[0] * x[0] - 2.0, x[2] - 1.0],
        jacobian: |x: &[f64]| vec![vec![2.0 * x[0], 0.0, 0.0], vec![0.0, 0.0, 1.0]],
        evaluations: 0,
    };
    let mut x = [1.0, 0.1 + 0.2, -0.5];
    run(&mut x, &Prior::default(), &mut problem, 50);
    assert_eq!(x[1].to_bits(), (0.1f64 + 0.2).to_bits());
    assert!((x[0] - 2f64.sqrt()).abs() < 1e-9);
}

#[test]
fn points_where_the_objective_is_no_number_are_rejected() {
    // The full step leads to a negative number under the root.
    let mut problem = Dense {
        residuals: |x: &[f64]| vec![x[0].sqrt() - 0.1, 0.0],
        jacobian: |x: &[f64]| vec![vec![0.5 / x[0].sqrt()], vec![0.0]],
        evaluations: 0,
    };
    let mut x = [4.0];
    let steps = run(&mut x, &Prior::default(), &mut problem, 50);
    assert!((x[0] - 0.01).abs() < 1e-9, "{x:?}");
    assert!(steps.iter().any(|step| step.evaluations > 1));
    let mut nowhere = [-1.0];
    let steps = run(&mut nowhere, &Prior::default(), &mut problem, 5);
    assert_eq!(steps[0].outcome, StepOutcome::Failed { reason: Failure::Loss });
    assert_eq!(nowhere, [-1.0]);
}

#[test]
fn a_run_goes_on_with_the_same_bits() {
    let problem = || Dense {
        residuals: |x: &[f64]| vec![10.0 * (x[1] - x[0] * x[0]), 1.0 - x[0]],
        jacobian: |x: &[f64]| vec![vec![-20.0 * x[0], 10.0], vec![-1.0, 0.0]],
        evaluations: 0,
    };
    let optimizer = Optimizer::lm();
    let prior = Prior::default();
    let (mut x, mut whole) = ([-1.2, 1.0], LmState::new(&optimizer));
    let mut middle = None;
    for step in 0..8 {
        if step == 4 {
            middle = Some((x, whole.export::<f64>()));
        }
        whole.step(&mut x, &prior, &mut problem()).unwrap();
    }
    let (mut again, mut state) = middle.unwrap();
    let mut rest = LmState::import(&optimizer, &mut state).unwrap();
    for _ in 4..8 {
        rest.step(&mut again, &prior, &mut problem()).unwrap();
    }
    assert_eq!(again, x);
    assert!(state.counters.is_empty() && state.scalars.is_empty());
    let mut other = State::<f64>::named("adam");
    assert!(LmState::import(&optimizer, &mut other).is_err());
}

/// Rosenbrock's function, stopped at one of its linearisations.
struct Interrupted {
    stops_at: Option<usize>,
    linearisations: usize,
}

impl LeastSquares for Interrupted {
    type Stop = ();

    fn value(&mut self, x: &[f64]) -> Result<f64, ()> {
        Ok(100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2))
    }

    fn linearise(&mut self, x: &[f64], rows: &mut Rows, residuals: &mut Vec<f64>) -> Result<(), ()> {
        self.linearisations += 1;
        if self.stops_at == Some(self.linearisations) {
            return Err(());
        }
        rows.clear();
        for row in [[-20.0 * x[0], 10.0], [-1.0, 0.0]] {
            rows.segment(0, 2).copy_from_slice(&row);
            rows.finish_row();
        }
        *residuals = vec![10.0 * (x[1] - x[0] * x[0]), 1.0 - x[0]];
        Ok(())
    }
}

#[test]
fn a_stopped_step_leaves_the_point_and_can_be_repeated_with_the_same_bits() {
    let run = |stops_at| {
        let mut problem = Interrupted { stops_at, linearisations: 0 };
        let (mut x, mut state, mut steps) = ([-1.2, 1.0], LmState::new(&Optimizer::lm()), 0);
        while steps < 6 {
            let before = x;
            match state.step(&mut x, &Prior::default(), &mut problem) {
                Ok(_) => steps += 1,
                Err(()) => assert_eq!(x, before),
            }
        }
        (x, state.export::<f64>())
    };
    let whole = run(None);
    for stops_at in 1..6 {
        assert_eq!(run(Some(stops_at)), whole, "stopped at {stops_at}");
    }
}

#[test]
fn a_point_without_slope_costs_one_evaluation_and_one_model() {
    let mut problem = Interrupted { stops_at: None, linearisations: 0 };
    let (mut x, mut state) = ([1.0, 1.0], LmState::new(&Optimizer::lm()));
    for evaluations in [1, 0, 0] {
        let step = state.step(&mut x, &Prior::default(), &mut problem).unwrap();
        assert_eq!((step.evaluations, step.outcome), (evaluations, StepOutcome::Converged));
    }
    assert_eq!((problem.linearisations, x), (1, [1.0, 1.0]));
}

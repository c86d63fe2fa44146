//! L-BFGS over several batches: one with nothing to give does not end the fit, a whole pass of them does.

use super::*;

fn absolute(rows: usize, length: u64) -> (Dataset, FitOptions) {
    (sine(rows, 0.0), FitOptions { loss: Loss::Mae, ..epochs(Optimizer::lbfgs(), length, 1) })
}

#[test]
fn a_batch_without_a_step_does_not_end_the_fit() {
    let (data, options) = absolute(64, 50);
    let mut network = network(&[1, 1]);
    let report = run(&mut network, &data, &options);
    assert_eq!((report.stop, report.steps, report.epochs), (StopReason::Completed, 50 * 64, 50));
    assert_eq!(report.history.len(), 50);
}

#[test]
fn a_whole_pass_without_a_step_ends_the_fit() {
    let x: Vec<f64> = (0..9).map(f64::from).collect();
    let data = Dataset::new(9, 1, 1, x, vec![5.0; 9], None).unwrap();
    // A tolerance that batches of one row, which disagree, can all meet at the same point.
    let optimizer =
        Optimizer::Lbfgs { history: 10, max_evaluations: 25, tolerance: 1e-3, change_tolerance: 1e-12 };
    for (batch_size, count) in [(1, 9), (4, 3)] {
        let mut network = network(&[1, 1]);
        let report = run(&mut network, &data, &epochs(optimizer.clone(), 500, batch_size));
        assert_eq!(report.stop, StopReason::Converged);
        assert!(loss_of(&network, &data) < 1e-2, "{}", loss_of(&network, &data));
        let position = &report.state.position;
        assert_eq!((position.idle, position.stalled), (count, false));
        assert!(report.steps > count && report.steps < 500 * count);
    }
}

#[test]
fn a_whole_pass_that_stalls_says_so() {
    // Every batch is least where it meets its heavier row, at a kink: the lighter one pulls, and nothing is lower.
    let weights = Some(vec![2.0, 1.0, 2.0, 1.0]);
    let data = Dataset::new(4, 1, 1, vec![0.0; 4], vec![0.0, 1.0, 0.0, 1.0], weights).unwrap();
    // Too few evaluations to see that what the pull promises is nothing but noise.
    let optimizer =
        Optimizer::Lbfgs { history: 10, max_evaluations: 4, tolerance: 1e-12, change_tolerance: 1e-12 };
    let options = FitOptions { loss: Loss::Mae, shuffle: false, ..epochs(optimizer, 200, 2) };
    let report = run(&mut network(&[1, 1]), &data, &options);
    assert_eq!((report.stop, report.state.position.idle), (StopReason::Stalled, 2));
    assert!(report.state.position.stalled);
}

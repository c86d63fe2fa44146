//! Predictions in the user's units, a block of rows at a time.

use crate::dataset::check_block;
use crate::error::{DataError, Rows, TrainError};
use crate::memory::{probe, reserved, zeros};
use kanode_engine::{Compile, Executor, Real};
use kanode_network::Network;

/// Rows predicted at once, so that the work space does not grow with the data, and that a cancellation is soon heard.
const BLOCK: usize = 4096;

/// Outputs `[rows, outputs]` of `network` for `x: [rows, inputs]`, both in the user's units (logits for classes).
///
/// `cancelled` is asked before every block of 4096 rows whether to give up.
///
/// # Errors
/// [`TrainError::Data`] for a wrong length, a cell that is not finite, in the number type of the network too, or an
/// output that is not; [`TrainError::Cancelled`]; [`TrainError::Engine`], also where there is no memory for all
/// outputs.
pub fn predict<T: Real>(
    network: &Network<T>,
    x: &[f64],
    rows: usize,
    backend: &dyn Compile<T>,
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<f64>, TrainError> {
    let data = |source| TrainError::Data { rows: Rows::Given, source };
    check_block("x", x, rows, network.inputs()).map_err(data)?;
    let mut executor = backend.compile(network.program())?;
    let mut outputs = reserved("outputs", rows.saturating_mul(network.outputs()))?;
    for (index, block) in x.chunks(BLOCK.saturating_mul(network.inputs())).enumerate() {
        if cancelled() {
            return Err(TrainError::Cancelled);
        }
        predict_block(network, &mut *executor, block, index * BLOCK, &mut outputs)?;
    }
    Ok(outputs)
}

/// As [`predict`], with an executor that the caller keeps, and all rows at once: for low latency. `executor` is the
/// program of `network`, compiled.
///
/// # Errors
/// As [`predict`], but for [`TrainError::Cancelled`].
pub fn predict_with<T: Real>(
    network: &Network<T>,
    executor: &mut dyn Executor<T>,
    x: &[f64],
    rows: usize,
) -> Result<Vec<f64>, TrainError> {
    check_block("x", x, rows, network.inputs())
        .map_err(|source| TrainError::Data { rows: Rows::Given, source })?;
    let mut outputs = reserved("outputs", rows.saturating_mul(network.outputs()))?;
    predict_block(network, executor, x, 0, &mut outputs)?;
    Ok(outputs)
}

/// Appends the outputs of finite rows, the first of which is the user's row `first`.
fn predict_block<T: Real>(
    network: &Network<T>,
    executor: &mut dyn Executor<T>,
    x: &[f64],
    first: usize,
    outputs: &mut Vec<f64>,
) -> Result<(), TrainError> {
    let inputs = network.inputs();
    let rows = x.len() / inputs;
    let count = rows.saturating_mul(network.outputs());
    // What the network makes of a block in its own units and in the user's.
    probe::<T>("a block of inputs", x.len())?;
    probe::<f64>("a block of outputs", count)?;
    let scaled = network.scale_inputs(x, rows);
    if let Some(at) = scaled.iter().position(|cell| !cell.is_finite()) {
        let (row, column) = (first + at / inputs, at % inputs);
        let source = DataError::NotFinite { what: "x", row, column, found: x[at] };
        return Err(TrainError::Data { rows: Rows::Given, source });
    }
    let mut y = zeros("a block of outputs", count)?;
    executor.predict(network.parameters(), &scaled, &mut y)?;
    let found = network.unscale_outputs(&y);
    if let Some(at) = found.iter().position(|output| !output.is_finite()) {
        let (row, output) = (first + at / network.outputs(), at % network.outputs());
        let source = DataError::Output { row, output, found: found[at] };
        return Err(TrainError::Data { rows: Rows::Given, source });
    }
    outputs.extend_from_slice(&found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_engine::reference::Reference;
    use kanode_network::{Scaler, Specification};
    use std::cell::Cell;

    const NEVER: &dyn Fn() -> bool = &|| false;

    fn network<T: Real>() -> Network<T> {
        Network::new(Specification::of(&[2, 1])).unwrap()
    }

    #[test]
    fn blocks_make_no_difference() {
        let network = network::<f64>();
        let rows = BLOCK + 3;
        let x: Vec<f64> = (0..2 * rows).map(|i| (i as f64 * 0.37).sin()).collect();
        let mut executor = Compile::<f64>::compile(&Reference, network.program()).unwrap();
        let whole = predict_with(&network, &mut *executor, &x, rows).unwrap();
        assert_eq!(predict(&network, &x, rows, &Reference, NEVER).unwrap(), whole);
    }

    #[test]
    fn a_prediction_can_be_cancelled_between_blocks() {
        let network = network::<f64>();
        let x = vec![0.5; 2 * (2 * BLOCK + 1)];
        for (allowed, blocks) in [(0, 1), (1, 2), (2, 3), (3, 3)] {
            let asked = Cell::new(0);
            let cancelled = || asked.replace(asked.get() + 1) >= allowed;
            let found = predict(&network, &x, 2 * BLOCK + 1, &Reference, &cancelled);
            assert_eq!(asked.get(), blocks);
            assert_eq!(found.err(), (allowed < 3).then_some(TrainError::Cancelled));
        }
    }

    #[test]
    fn an_output_beyond_the_number_type_is_named() {
        let mut network = Network::<f32>::new(Specification::of(&[1, 2])).unwrap();
        network.views_mut(0).unwrap().base_weight.copy_from_slice(&[0.0, 10.0]);
        network.views_mut(0).unwrap().spline_weight.fill(0.0);
        let mut x = vec![1.0; BLOCK + 2];
        x[BLOCK + 1] = 3e38;
        let rows = x.len();
        let expected = |row| TrainError::Data {
            rows: Rows::Given,
            source: DataError::Output { row, output: 1, found: f64::INFINITY },
        };
        let found = predict(&network, &x, rows, &Reference, NEVER).unwrap_err();
        assert_eq!(found, expected(BLOCK + 1));
        let text = "data: row 4097, output 1 is inf: an input is too far outside the range of the training data for \
                    this number type";
        assert_eq!(found.to_string(), text);
        let mut executor = Compile::<f32>::compile(&Reference, network.program()).unwrap();
        let found = predict_with(&network, &mut *executor, &x[BLOCK..], 2).unwrap_err();
        assert_eq!(found, expected(1));
    }

    #[test]
    fn a_unit_of_the_user_that_overflows_is_named_too() {
        let mut network = network::<f64>();
        let scaler = Scaler { target_scale: vec![1e308], ..Scaler::identity(2, 1) };
        network.set_scaler(Some(scaler)).unwrap();
        let found = predict(&network, &[1e3, 1e3], 1, &Reference, NEVER).unwrap_err();
        assert!(matches!(
            found,
            TrainError::Data { source: DataError::Output { row: 0, output: 0, .. }, .. }
        ));
    }

    #[test]
    fn predictions_are_in_the_units_of_the_user() {
        let plain = network::<f64>();
        let mut scaled = plain.clone();
        let scaler = Scaler {
            input_mean: vec![10.0, 20.0],
            input_scale: vec![2.0, 4.0],
            target_mean: vec![100.0],
            target_scale: vec![50.0],
        };
        scaled.set_scaler(Some(scaler)).unwrap();
        let own = predict(&plain, &[0.5, -0.25], 1, &Reference, NEVER).unwrap()[0];
        let user = predict(&scaled, &[11.0, 19.0], 1, &Reference, NEVER).unwrap()[0];
        assert_eq!(user, own * 50.0 + 100.0);
    }

    #[test]
    fn no_rows_give_no_outputs() {
        assert!(predict(&network::<f32>(), &[], 0, &Reference, NEVER).unwrap().is_empty());
    }

    #[test]
    fn bad_input_is_named() {
        let found = |x: &[f64], rows| match predict(&network::<f32>(), x, rows, &Reference, NEVER) {
            Err(TrainError::Data { rows: Rows::Given, source }) => source,
            other => panic!("{other:?}"),
        };
        assert_eq!(found(&[1.0; 3], 2), DataError::Length { what: "x", expected: 4, found: 3 });
        assert!(matches!(
            found(&[1.0, 0.0, 0.0, f64::NAN], 2),
            DataError::NotFinite { row: 1, column: 1, .. }
        ));
        assert!(matches!(found(&[1.0, 1e300], 1), DataError::NotFinite { row: 0, column: 1, .. }));
    }
}

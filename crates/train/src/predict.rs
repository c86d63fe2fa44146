//! Predictions in the user's units, a block of rows at a time.

use crate::dataset::check_block;
use crate::error::{DataError, Rows, TrainError};
use kanode_engine::{Compile, Executor, Real};
use kanode_network::Network;

/// Rows predicted at once, so that the work space does not grow with the data.
const BLOCK: usize = 4096;

/// Outputs `[rows, outputs]` of `network` for `x: [rows, inputs]`, both in the user's units (logits for classes).
///
/// # Errors
/// [`TrainError::Data`] for a wrong length or a cell that is not finite, in the number type of the network too;
/// [`TrainError::Engine`].
pub fn predict<T: Real>(
    network: &Network<T>,
    x: &[f64],
    rows: usize,
    backend: &dyn Compile<T>,
) -> Result<Vec<f64>, TrainError> {
    let data = |source| TrainError::Data { rows: Rows::Given, source };
    check_block("x", x, rows, network.inputs()).map_err(data)?;
    let mut executor = backend.compile(network.program())?;
    let mut outputs = Vec::with_capacity(rows.saturating_mul(network.outputs()));
    for (index, block) in x.chunks(BLOCK * network.inputs()).enumerate() {
        predict_block(network, &mut *executor, block, index * BLOCK, &mut outputs)?;
    }
    Ok(outputs)
}

/// As [`predict`], with an executor that the caller keeps, and all rows at once: for low latency. `executor` is the
/// program of `network`, compiled.
///
/// # Errors
/// As [`predict`].
pub fn predict_with<T: Real>(
    network: &Network<T>,
    executor: &mut dyn Executor<T>,
    x: &[f64],
    rows: usize,
) -> Result<Vec<f64>, TrainError> {
    check_block("x", x, rows, network.inputs())
        .map_err(|source| TrainError::Data { rows: Rows::Given, source })?;
    let mut outputs = Vec::new();
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
    let scaled = network.scale_inputs(x, rows);
    if let Some(at) = scaled.iter().position(|cell| !cell.is_finite()) {
        let (row, column) = (first + at / inputs, at % inputs);
        let source = DataError::NotFinite { what: "x", row, column, found: x[at] };
        return Err(TrainError::Data { rows: Rows::Given, source });
    }
    let mut y = vec![T::ZERO; rows * network.outputs()];
    executor.predict(network.parameters(), &scaled, &mut y)?;
    outputs.extend(network.unscale_outputs(&y));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_engine::reference::Reference;
    use kanode_network::{Scaler, Specification};

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
        assert_eq!(predict(&network, &x, rows, &Reference).unwrap(), whole);
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
        let own = predict(&plain, &[0.5, -0.25], 1, &Reference).unwrap()[0];
        let user = predict(&scaled, &[11.0, 19.0], 1, &Reference).unwrap()[0];
        assert_eq!(user, own * 50.0 + 100.0);
    }

    #[test]
    fn no_rows_give_no_outputs() {
        assert!(predict(&network::<f32>(), &[], 0, &Reference).unwrap().is_empty());
    }

    #[test]
    fn bad_input_is_named() {
        let found = |x: &[f64], rows| match predict(&network::<f32>(), x, rows, &Reference) {
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

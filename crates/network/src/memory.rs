//! Asking for memory before it is needed: sizes come from users, and a size that the machine can't grant must be an
//! error, not the end of the process.

use crate::error::NetworkError;
use crate::specification::Specification;
use kanode_engine::Real;

/// Bytes of a network's parameters and knots, with `tables` distinct knot tables; cut off at the largest `u128`.
pub(crate) fn network_bytes<T: Real>(specification: &Specification, tables: usize) -> u128 {
    let parameters = specification.parameter_count().saturating_mul(size_of::<T>() as u128);
    // Breaks of one input node, with the vector that holds them.
    let knots = 8 * (specification.grid as u128 + 1) + 64;
    let nodes = &specification.layers[..specification.layers.len().saturating_sub(1)];
    let nodes = nodes.iter().fold(0u128, |sum, size| sum.saturating_add(*size as u128));
    parameters.saturating_add(nodes.saturating_mul(knots)).saturating_add(table_bytes(specification, tables))
}

/// Bytes of this many knot tables. A table has a cell for each interval and at most `k + 1` more on either side; a
/// cell is `(k+1)²` coefficients, in a vector that has grown by doubling, and a few numbers.
fn table_bytes(specification: &Specification, tables: usize) -> u128 {
    let (grid, degree) = (specification.grid as u128, specification.degree as u128);
    let cells = grid + 2 * degree + 2;
    let coefficients = (cells * (degree + 1) * (degree + 1)).next_power_of_two();
    (8 * (coefficients + 8 * cells)).saturating_mul(tables as u128)
}

/// Asks the allocator for what a network will need, and gives it back at once. The network is made of many small
/// pieces, whose allocations could not fail gracefully one by one.
///
/// # Errors
/// [`NetworkError::TooLarge`].
pub(crate) fn probe<T: Real>(specification: &Specification, tables: usize) -> Result<(), NetworkError> {
    ask::<T>(specification, tables, network_bytes::<T>(specification, tables))
}

/// As [`probe`], for a network whose parameters and knots are there: asks for its tables alone.
///
/// # Errors
/// [`NetworkError::TooLarge`].
pub(crate) fn probe_tables<T: Real>(
    specification: &Specification,
    tables: usize,
) -> Result<(), NetworkError> {
    ask::<T>(specification, tables, table_bytes(specification, tables))
}

fn ask<T: Real>(specification: &Specification, tables: usize, bytes: u128) -> Result<(), NetworkError> {
    let granted = usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok());
    if granted {
        return Ok(());
    }
    let bytes = network_bytes::<T>(specification, tables);
    Err(NetworkError::TooLarge { parameters: specification.parameter_count(), bytes })
}

/// A vector of `length` zeros.
///
/// # Errors
/// [`NetworkError::TooLarge`].
pub(crate) fn zeros<T: Real>(specification: &Specification, length: usize) -> Result<Vec<T>, NetworkError> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(length).map_err(|_| NetworkError::TooLarge {
        parameters: specification.parameter_count(),
        bytes: network_bytes::<T>(specification, 0),
    })?;
    zeros.resize(length, T::ZERO);
    Ok(zeros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moderate_networks_are_granted() {
        assert_eq!(probe::<f64>(&Specification::of(&[784, 64, 10]), 785), Ok(()));
        assert_eq!(zeros::<f32>(&Specification::of(&[2, 1]), 20), Ok(vec![0.0; 20]));
    }

    #[test]
    fn a_network_larger_than_any_machine_is_an_error() {
        for layers in
            [[usize::MAX, 2].as_slice(), &[1 << 40, 1 << 40], &[1 << 45, 1], &[1 << 31, 1 << 31, 1 << 31]]
        {
            let error = probe::<f32>(&Specification::of(layers), 1);
            assert!(matches!(error, Err(NetworkError::TooLarge { .. })), "{layers:?}");
        }
    }
}

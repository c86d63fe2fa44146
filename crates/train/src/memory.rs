//! Asking for memory before it is needed: sizes come from users, and a size that the machine can't grant must be an
//! error, not the end of the process.

use kanode_engine::{EngineError, Real};
use kanode_optim::{Optimizer, OptimizerState};

/// Vectors of one number for each parameter that a fit holds at its height beside the optimiser's: the working copy of
/// the network, the parameters now, before and at their best, and the last two again in the state it leaves.
const VECTORS: usize = 6;

/// Bytes of the bookkeeping of a row on its way into a block and a batch: its number three times over, its place in
/// two orders, its weight twice, and whether it is held out.
const ROW: usize = 64;

/// Asks the allocator for so many numbers, and gives them back at once: what is made of many vectors could not fail
/// gracefully one by one.
///
/// # Errors
/// [`EngineError::Memory`].
pub(crate) fn probe<T>(what: &'static str, numbers: usize) -> Result<(), EngineError> {
    reserved::<T>(what, numbers).map(drop)
}

/// An empty vector with room for so many numbers.
///
/// # Errors
/// [`EngineError::Memory`].
pub(crate) fn reserved<T>(what: &'static str, numbers: usize) -> Result<Vec<T>, EngineError> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(numbers).map_err(|_| EngineError::Memory { what, numbers })?;
    Ok(vector)
}

/// So many zeros.
///
/// # Errors
/// [`EngineError::Memory`].
pub(crate) fn zeros<T: Real>(what: &'static str, numbers: usize) -> Result<Vec<T>, EngineError> {
    let mut zeros = reserved(what, numbers)?;
    zeros.resize(numbers, T::ZERO);
    Ok(zeros)
}

/// Probes for all vectors of a fit of so many parameters. The optimiser's are there twice when a state is exported.
///
/// # Errors
/// [`EngineError::Memory`].
pub(crate) fn probe_fit<T: Real>(optimizer: &Optimizer, parameters: usize) -> Result<(), EngineError> {
    let slabs = OptimizerState::<T>::slabs(optimizer).saturating_mul(2).saturating_add(VECTORS);
    probe::<T>("the fit's vectors", parameters.saturating_mul(slabs))
}

/// Probes for the blocks that rows of so many columns become: as chosen, as scaled, and as shuffled.
///
/// # Errors
/// [`EngineError::Memory`].
pub(crate) fn probe_rows<T: Real>(rows: usize, columns: usize) -> Result<(), EngineError> {
    let row = columns.saturating_mul(size_of::<f64>() + 2 * size_of::<T>()).saturating_add(ROW);
    probe::<T>("training data", rows.saturating_mul(row.div_ceil(size_of::<T>())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUGE: usize = 1 << 60;

    #[test]
    fn moderate_sizes_are_granted() {
        assert_eq!(probe_fit::<f64>(&Optimizer::lbfgs(), 10_000), Ok(()));
        assert_eq!(probe_rows::<f32>(10_000, 20), Ok(()));
        assert_eq!(zeros::<f32>("outputs", 3), Ok(vec![0.0; 3]));
        assert!(
            reserved::<f64>("outputs", 5).is_ok_and(|vector| vector.is_empty() && vector.capacity() >= 5)
        );
    }

    #[test]
    fn what_no_machine_has_is_an_error_with_its_size() {
        let error = EngineError::Memory { what: "outputs", numbers: HUGE };
        assert_eq!(reserved::<f64>("outputs", HUGE), Err(error.clone()));
        assert!(zeros::<f32>("outputs", usize::MAX).is_err());
        assert_eq!(probe::<f64>("outputs", HUGE), Err(error));
        for optimizer in [Optimizer::adam(), Optimizer::sgd(), Optimizer::lbfgs()] {
            let error = probe_fit::<f32>(&optimizer, HUGE).unwrap_err();
            assert!(matches!(error, EngineError::Memory { what: "the fit's vectors", .. }), "{error}");
        }
        assert!(probe_rows::<f64>(HUGE, 1).is_err() && probe_rows::<f64>(1, HUGE).is_err());
    }

    #[test]
    fn a_longer_history_asks_for_more() {
        let lbfgs = |history| Optimizer::Lbfgs {
            history,
            max_evaluations: 25,
            tolerance: 0.0,
            change_tolerance: 0.0,
        };
        // 2^51 parameters would do with 10 pairs if a machine had them; with 1000 their bytes can't be counted.
        assert!(matches!(
            probe_fit::<f64>(&lbfgs(1000), 1 << 51),
            Err(EngineError::Memory { numbers, .. }) if numbers == (1 << 51) * (2 * 2008 + VECTORS)
        ));
    }
}

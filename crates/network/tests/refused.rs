//! A machine that does not grant the memory of a network: an error, not the end of the process.

use cap::Cap;
use kanode_network::{Network, NetworkError, Parts, Specification};
use kanode_spline::{KnotEnds, Knots, Outside};
use std::alloc::System;

/// The system's allocator, with a limit.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// One test, because the limit is of the whole process.
#[test]
fn tables_that_find_no_memory_are_an_error() {
    let inputs = 1_000;
    let specification = Specification {
        grid: 1,
        degree: 5,
        knots: KnotEnds::Extended,
        outside: Outside::Zero,
        ..Specification::of(&[inputs, 1])
    };
    let assemble = |different: usize| {
        let knots = |input: usize| {
            Knots::uniform(-1.0, 1.0 + (input % different) as f64, 1, 5, KnotEnds::Extended).unwrap()
        };
        let knots = vec![(0..inputs).map(knots).collect()];
        let (specification, parameters) = (specification.clone(), vec![0.5f32; inputs * 8]);
        ALLOCATOR.set_limit(ALLOCATOR.allocated() + (1 << 20)).unwrap();
        let network = Network::from_parts(Parts::new(specification, knots, parameters)).map(drop);
        ALLOCATOR.set_limit(usize::MAX).unwrap();
        network
    };
    // A table takes some 4 kB: a few are granted, a thousand are not.
    assert_eq!(assemble(3), Ok(()));
    let error = assemble(inputs).unwrap_err();
    assert!(
        matches!(error, NetworkError::TooLarge { parameters: 8_000, bytes } if bytes > 1 << 20),
        "{error:?}"
    );
}

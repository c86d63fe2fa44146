//! A machine that does not grant the memory of a network: an error, not the end of the process.

use kanode_network::{Names, Network, NetworkError, Specification};
use kanode_spline::{KnotEnds, Knots, Outside};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// The system's allocator, which refuses what is larger than [`LARGEST`].
struct Stingy;

static LARGEST: AtomicUsize = AtomicUsize::new(usize::MAX);

// SAFETY: every call goes to the system's allocator unchanged, or is refused with the null pointer.
unsafe impl GlobalAlloc for Stingy {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LARGEST.load(SeqCst) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Stingy = Stingy;

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
        LARGEST.store(1 << 20, SeqCst);
        let network =
            Network::from_parts(specification, knots, parameters, None, Names::default(), None).map(drop);
        LARGEST.store(usize::MAX, SeqCst);
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

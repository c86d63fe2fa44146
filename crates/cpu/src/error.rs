//! Why a CPU backend can't be made as asked.

use crate::isa::Isa;

/// Why [`CpuBackend::new`](crate::CpuBackend::new) refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpuError {
    /// Not the name of an instruction set.
    #[error("unknown instruction set {found:?}; this machine has {}", list(&Isa::available()))]
    UnknownIsa {
        /// The name found.
        found: String,
    },
    /// This machine lacks the instruction set.
    #[error("this machine lacks the instruction set {isa}; it has {}", list(available))]
    MissingIsa {
        /// The one asked for.
        isa: Isa,
        /// Those it has, slowest first.
        available: Vec<Isa>,
    },
    /// The number of threads is not in [`THREADS`](crate::THREADS).
    #[error("threads must be a whole number from {} to {}, found {found:?}", crate::THREADS.start(), crate::THREADS.end())]
    Threads {
        /// The text or number found.
        found: String,
    },
    /// The operating system refused to start the threads.
    #[error("could not start {threads} threads: {reason}")]
    Spawn {
        /// How many were asked for.
        threads: usize,
        /// What the operating system said.
        reason: String,
    },
}

fn list(sets: &[Isa]) -> String {
    sets.iter().map(Isa::to_string).collect::<Vec<_>>().join(", ")
}

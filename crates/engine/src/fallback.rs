//! Two backends as one: what the first can't run, the second does.

use crate::backend::{Compile, Executor};
use crate::error::EngineError;
use crate::program::Program;
use crate::real::Real;
use std::sync::Arc;

/// Compiles with `first`, and with `second` what `first` refuses, as a program that is too large for it.
pub struct Fallback<T> {
    /// The one that is asked first.
    pub first: Box<dyn Compile<T>>,
    /// The one that takes what is left.
    pub second: Box<dyn Compile<T>>,
}

impl<T: Real> Compile<T> for Fallback<T> {
    fn compile(&self, program: &Arc<Program>) -> Result<Box<dyn Executor<T>>, EngineError> {
        self.first.compile(program).or_else(|_| self.second.compile(program))
    }

    fn threads(&self) -> usize {
        self.second.threads()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::cases;
    use crate::reference::Reference;

    /// Runs programs of so many parameters at most.
    struct Small(usize);

    impl Compile<f32> for Small {
        fn compile(&self, program: &Arc<Program>) -> Result<Box<dyn Executor<f32>>, EngineError> {
            if program.parameter_count() > self.0 {
                let reason = "too large".to_owned();
                return Err(EngineError::Unsupported { backend: "small", reason });
            }
            Reference.compile(program)
        }

        fn threads(&self) -> usize {
            self.0
        }
    }

    #[test]
    fn what_one_refuses_the_other_runs() {
        let program = cases()[0].program();
        let of = |first, second| Fallback { first: Box::new(Small(first)), second: Box::new(Small(second)) };
        assert!(of(1, 100_000).compile(&program).is_ok());
        assert!(of(100_000, 1).compile(&program).is_ok());
        assert!(of(1, 2).compile(&program).is_err());
        assert_eq!(of(1, 2).threads(), 2);
    }
}

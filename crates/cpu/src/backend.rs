//! The backend: a choice of instruction set and threads.

use crate::error::CpuError;
use crate::executor::CpuExecutor;
use crate::isa::Isa;
use crate::pool::Pool;
use fearless_simd::Level;
use kanode_engine::{Backend, Compile, EngineError, Executor, Program};
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::thread::available_parallelism;

/// Numbers of threads that can be asked for.
pub const THREADS: RangeInclusive<usize> = 1..=1024;

/// Environment variable that names the instruction set where the options do not.
pub const ISA_VARIABLE: &str = "KANODE_ISA";

/// Environment variable that gives the number of threads where the options do not.
pub const THREADS_VARIABLE: &str = "KANODE_THREADS";

/// How to use the processor. The number of threads has no influence on any result; the instruction set has one on
/// the last bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuOptions {
    /// Number of threads; None: `KANODE_THREADS`, or else what the process may use.
    pub threads: Option<usize>,
    /// Instruction set; None: `KANODE_ISA`, or else the best that the machine has.
    pub isa: Option<Isa>,
}

/// Runs programs on the processor. Its threads are started with it, except for one thread, which is the caller's;
/// they are joined when it and all its executors are gone.
#[derive(Debug)]
pub struct CpuBackend {
    pool: Arc<Pool>,
    isa: Isa,
    level: Level,
}

impl CpuBackend {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`CpuError`]: an instruction set that is unknown or not there, a number of threads that is not one of
    /// [`THREADS`], or threads that could not be started.
    pub fn new(options: CpuOptions) -> Result<Self, CpuError> {
        Self::with_environment(options, |name| std::env::var(name).ok())
    }

    fn with_environment(
        options: CpuOptions,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, CpuError> {
        let isa = match (options.isa, variable(ISA_VARIABLE)) {
            (Some(isa), _) => isa,
            (None, Some(name)) => name.parse()?,
            (None, None) => Isa::best(),
        };
        let level = isa.level().ok_or_else(|| CpuError::MissingIsa { isa, available: Isa::available() })?;
        let (threads, found) = match (options.threads, variable(THREADS_VARIABLE)) {
            (Some(threads), _) => (Some(threads), threads.to_string()),
            (None, Some(text)) => (text.trim().parse().ok(), text),
            (None, None) => {
                let threads = available_parallelism().map_or(1, NonZero::get).min(*THREADS.end());
                (Some(threads), threads.to_string())
            }
        };
        let threads =
            threads.filter(|threads| THREADS.contains(threads)).ok_or(CpuError::Threads { found })?;
        Ok(Self { pool: Arc::new(Pool::new(threads)?), isa, level })
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// The instruction set in use.
    pub fn isa(&self) -> Isa {
        self.isa
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> String {
        format!("cpu, {}", self.isa)
    }
}

impl Compile<f32> for CpuBackend {
    fn compile(&self, program: &Arc<Program>) -> Result<Box<dyn Executor<f32>>, EngineError> {
        Ok(Box::new(CpuExecutor::<f32>::new(program, self.level, Arc::clone(&self.pool))?))
    }

    fn threads(&self) -> usize {
        self.pool.threads()
    }
}

impl Compile<f64> for CpuBackend {
    fn compile(&self, program: &Arc<Program>) -> Result<Box<dyn Executor<f64>>, EngineError> {
        Ok(Box::new(CpuExecutor::<f64>::new(program, self.level, Arc::clone(&self.pool))?))
    }

    fn threads(&self) -> usize {
        self.pool.threads()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(isa: Option<&str>, threads: Option<&str>) -> Result<CpuBackend, CpuError> {
        CpuBackend::with_environment(CpuOptions::default(), |name| {
            let value = if name == ISA_VARIABLE { isa } else { threads };
            value.map(str::to_owned)
        })
    }

    #[test]
    fn environment_chooses_where_options_do_not() {
        let slowest = Isa::available()[0];
        let backend = with(Some(slowest.name()), Some("3")).unwrap();
        assert_eq!((backend.isa(), backend.threads()), (slowest, 3));
        assert_eq!(backend.name(), format!("cpu, {slowest}"));
        assert_eq!(with(None, None).unwrap().isa(), Isa::best());
        let options = CpuOptions { threads: Some(2), isa: Some(slowest) };
        let backend = CpuBackend::with_environment(options, |_| Some("nonsense".to_owned())).unwrap();
        assert_eq!((backend.isa(), backend.threads()), (slowest, 2));
    }

    #[test]
    fn what_can_not_be_is_refused_with_what_was_found() {
        assert_eq!(with(Some("mmx"), None).unwrap_err(), CpuError::UnknownIsa { found: "mmx".to_owned() });
        for found in ["0", "-1", "two", "1025", ""] {
            let error = with(None, Some(found)).unwrap_err();
            assert_eq!(error, CpuError::Threads { found: found.to_owned() });
        }
        let missing = if cfg!(target_arch = "aarch64") { Isa::Avx2 } else { Isa::Neon };
        let error = CpuBackend::new(CpuOptions { isa: Some(missing), threads: Some(1) }).unwrap_err();
        assert_eq!(error, CpuError::MissingIsa { isa: missing, available: Isa::available() });
        assert!(error.to_string().contains(Isa::best().name()), "{error}");
    }
}

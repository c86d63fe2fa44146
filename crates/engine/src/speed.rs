//! How fast a backend is, from two measurements: what a step costs by itself, and what each edge and row add.

use crate::backend::{Batch, Compile};
use crate::error::EngineError;
use crate::loss::Loss;
use crate::program::{Base, Layer, Program};
use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Edges and rows of the steps measured.
const EDGES: usize = 64;
const ROWS: [usize; 2] = [16, 2048];
/// Steps measured, of which the fastest counts.
const STEPS: usize = 5;

/// Seconds of a step with gradient, as a line over `rows·edges`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Seconds of a step without rows.
    pub latency: f64,
    /// Seconds more for each row of each edge.
    pub per_edge: f64,
}

impl Speed {
    /// Measures a backend in `f32`; some milliseconds on most.
    ///
    /// # Errors
    /// As [`crate::Executor::loss_and_gradient`].
    pub fn measure(backend: &dyn Compile<f32>) -> Result<Self, EngineError> {
        let program = program()?;
        let mut executor = backend.compile(&program)?;
        let parameters = vec![0.5; program.parameter_count()];
        let mut gradient = vec![0.0; parameters.len()];
        let mut seconds = [0.0; 2];
        for (seconds, rows) in seconds.iter_mut().zip(ROWS) {
            let x: Vec<f32> = (0..rows * program.inputs()).map(|i| (i as f32 * 0.37).sin()).collect();
            let targets = vec![0.0; rows * program.outputs()];
            let batch = Batch { x: &x, targets: &targets, weights: None, rows };
            let mut fastest = Duration::MAX;
            // One more than are measured: the first makes room.
            for step in 0..=STEPS {
                let begun = Instant::now();
                executor.loss_and_gradient(Loss::Mse, &parameters, &batch, &mut gradient)?;
                fastest = if step == 0 { fastest } else { fastest.min(begun.elapsed()) };
            }
            *seconds = fastest.as_secs_f64();
        }
        Ok(Self::through(seconds))
    }

    /// The line through the seconds of both measurements.
    fn through([short, long]: [f64; 2]) -> Self {
        let per_edge = (long - short).max(0.0) / ((ROWS[1] - ROWS[0]) * EDGES) as f64;
        Self { latency: (short - per_edge * (ROWS[0] * EDGES) as f64).max(0.0), per_edge }
    }

    /// Seconds that a step over so many rows and edges should take.
    pub fn seconds(&self, rows: usize, edges: usize) -> f64 {
        self.latency + self.per_edge * rows as f64 * edges as f64
    }
}

fn program() -> Result<Arc<Program>, EngineError> {
    let spline = |source: kanode_spline::SplineError| EngineError::Unsupported {
        backend: "speed",
        reason: source.to_string(),
    };
    let knots = Knots::uniform(-1.0, 1.0, 5, 3, KnotEnds::Clamped).map_err(spline)?;
    let table = Arc::new(CellTable::new(&knots, Outside::Linear));
    let splines = vec![table; 8];
    let layer = Layer {
        inputs: 8,
        outputs: EDGES / 8,
        base: Base::Silu,
        splines,
        products: Vec::new(),
        functions: Vec::new(),
    };
    Ok(Arc::new(Program::new(vec![layer])?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Reference;

    #[test]
    fn the_line_goes_through_both_measurements() {
        let speed = Speed::through([1e-3, 3e-3]);
        for (rows, seconds) in ROWS.into_iter().zip([1e-3, 3e-3]) {
            assert!((speed.seconds(rows, EDGES) - seconds).abs() < 1e-12);
        }
        // A measurement that was disturbed does not make more work cheaper.
        assert_eq!(Speed::through([2.0, 1.0]), Speed { latency: 2.0, per_edge: 0.0 });
    }

    #[test]
    fn a_backend_can_be_measured() {
        let speed = Speed::measure(&Reference).unwrap();
        assert!(speed.seconds(1_000_000, 64) > 0.0);
    }
}

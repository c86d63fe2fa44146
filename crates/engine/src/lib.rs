//! The contract of all backends.
//!
//! A [`Program`] is plain data: the layers of a network with their knot tables. A [`Backend`] turns it into an
//! [`Executor`], which answers for whole batches: predictions, losses, gradients, statistics. The
//! [`mod@reference`] backend is slow and obviously right; [`conformance`] judges every other backend by it.

#![forbid(unsafe_code)]

mod adam;
mod backend;
pub mod conformance;
mod error;
mod fallback;
mod function;
mod loss;
mod penalty;
mod program;
mod real;
pub mod reference;
mod resident;
mod speed;

pub use adam::{AdamRule, AdamSlabs, Descent, SLAB_CHUNK, Survey, sum_of_magnitudes, sum_of_squares};
pub use backend::{Backend, Batch, Compile, Executor, InputStatistics, LayerStatistics};
pub use error::EngineError;
pub use fallback::Fallback;
pub use function::EdgeFunction;
pub use loss::{LOSS_ROWS, Loss, PartialLoss};
pub use penalty::{EdgeForm, Penalty};
pub use program::{Base, FunctionEdge, Layer, LayerViews, LayerViewsMut, Program};
pub use real::Real;
pub use resident::{Hold, Keep, Resident, ResidentStart, ResidentStep};
pub use speed::Speed;

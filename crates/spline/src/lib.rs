//! B-splines on one interval: knots, the Cox–de Boor oracle and the piecewise-polynomial table of the fast kernels.
//! Everything here is f64 and single-threaded; it knows no layers and no networks.
//!
//! A spline of degree `k` on `G` intervals has `G + k` basis functions `N_0 … N_{G+k-1}` (tutorial slides,
//! "B-Splines"). [`Knots`] places them, [`cox_de_boor`] evaluates them slowly and obviously, and [`CellTable`]
//! evaluates the `k + 1` of them that are not zero as polynomials in a local coordinate. What happens outside the
//! domain is an [`Outside`], and the table and the oracle agree there too.
//!
//! ```
//! use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
//!
//! let knots = Knots::uniform(-2.0, 2.0, 4, 3, KnotEnds::Clamped)?;
//! let table = CellTable::new(&knots, Outside::Linear);
//! let points = [0.0, 0.0, 0.0, 6.0, 0.0, 0.0, 0.0];
//! let mut weights = [0.0; 4];
//! let row = table.weights(0.0, &mut weights);
//! let value: f64 = weights.iter().zip(&points[row..]).map(|(w, p)| w * p).sum();
//! assert!((value - 4.0).abs() < 1e-15);
//! # Ok::<(), kanode_spline::SplineError>(())
//! ```
#![forbid(unsafe_code)]

mod banded;
mod cells;
mod error;
mod from_samples;
mod knots;
mod oracle;
mod projection;
mod quadrature;
mod roughness;

pub use banded::{Banded, BandedCholesky};
pub use cells::{Cell, CellTable};
pub use error::SplineError;
pub use from_samples::Adapt;
pub use knots::{DEGREES, GRIDS, KnotEnds, Knots, Outside};
pub use oracle::{cox_de_boor, cox_de_boor_derivative};
pub use projection::{Projected, Projection, project};

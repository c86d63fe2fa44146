//! Why knots are refused. The text for users is made at the top of the house.

use crate::knots::{DEGREES, GRIDS};

/// What is wrong with the description of a spline.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SplineError {
    /// The degree is not in [`DEGREES`].
    #[error("degree {found} is not in {}..={}", DEGREES.start(), DEGREES.end())]
    Degree {
        /// The degree asked for.
        found: usize,
    },
    /// The number of intervals is not in [`GRIDS`].
    #[error("a grid of {found} intervals is not in {}..={}", GRIDS.start(), GRIDS.end())]
    Grid {
        /// The number of intervals asked for.
        found: usize,
    },
    /// The domain is not two finite numbers of moderate size in increasing order, or is too narrow for its grid.
    #[error("[{a}, {b}] is no domain for a spline: two finite numbers, a < b, wide enough for the grid")]
    Domain {
        /// Lower end.
        a: f64,
        /// Upper end.
        b: f64,
    },
    /// Two neighbouring breaks do not increase, or by too little to be told apart.
    #[error("break {index} is {after}, but must lie clearly above the break before it, {before}")]
    Breaks {
        /// Index of the second of the two breaks.
        index: usize,
        /// The first of the two breaks.
        before: f64,
        /// The second of the two breaks.
        after: f64,
    },
}

//! The model: what a network is made of, before and between fits.
//!
//! A [`Specification`] says what somebody asked for; a [`Network`] is that with its knots, its parameters in one flat
//! slab, its scaler and its names. It describes itself to backends as a [`kanode_engine::Program`] and knows nothing
//! of how it is trained.

#![forbid(unsafe_code)]

mod cost;
mod domain;
mod edge;
mod error;
mod expectation;
mod init;
mod memory;
mod names;
mod network;
mod scaler;
mod specification;
mod tables;

pub use cost::{Cost, Figures, LayerCost};
pub use edge::{Edge, EdgeId};
pub use error::{NetworkError, SpecificationError};
pub use init::Init;
pub use names::Names;
pub use network::Network;
pub use scaler::Scaler;
pub use specification::Specification;

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
mod functions;
mod grid;
mod init;
mod memory;
mod names;
mod network;
mod nodes;
mod parts;
mod penalties;
mod prune;
mod regularization;
mod scaler;
mod scores;
mod specification;
mod tables;

pub use cost::{Cost, Figures, LayerCost};
pub use edge::{Edge, EdgeId};
pub use error::{NetworkError, SpecificationError};
pub use grid::{GridUpdate, Refit};
pub use init::Init;
pub use names::Names;
pub use network::Network;
pub use nodes::NodeId;
pub use parts::Parts;
pub use penalties::{Penalties, Smoothness};
pub use prune::Removal;
pub use regularization::Regularization;
pub use scaler::Scaler;
pub use scores::Scores;
pub use specification::Specification;

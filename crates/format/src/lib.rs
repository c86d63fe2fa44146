//! The model file: one safetensors file that holds everything a model is, read as if an enemy had written it.
//!
//! [`encode`] and [`decode`] convert between a [`kanode_network::Network`] and bytes, with or without the state that
//! continues its training; [`write_atomic`] puts bytes on a disk. Any tool that reads safetensors can read the
//! parameters.
//!
//! # Version 2
//! The key `kanode` of `__metadata__` holds a JSON object whose text begins with `{"checksum":`; its other fields are
//! `version`, `kanode` (the version that wrote it), `dtype`, `specification`, `names`, `scaler` (whether there is one),
//! `loss`, `pruned` (for each layer the increasing numbers `i·O + o` of its pruned edges, whose parameters are 0; empty
//! if there are none), `inputIds` (which inputs of the first model are left, increasing, or null for all),
//! `regularization` (the prior of the last fit, or null), `state` (the scalars of the training state, or null) and
//! `metadata` (the caller's text). The checksum is the
//! CRC-32 of the object's text behind that number, and of the name and then the bytes of each tensor, in the order of
//! the names: no number, name or text of a model changes unnoticed. Tensors are row-major and little-endian; layer `l`
//! has `I` inputs, `O` outputs (sums, each factor of a product node being one), `G` intervals and degree `k`, and `n` is the number of parameters:
//!
//! | name | shape | type |
//! |---|---|---|
//! | `layers.l.control_points` | `[I, O, G+k]` | the model's |
//! | `layers.l.base_weight`, `layers.l.spline_weight` | `[I, O]` | the model's |
//! | `layers.l.breaks` | `[I, G+1]` | F64 |
//! | `scaler.input_mean`, `scaler.input_scale` | `[inputs]` | F64 |
//! | `scaler.target_mean`, `scaler.target_scale` | `[outputs]` | F64 |
//! | `state.*`, each vector of the training state | `[n]` | the model's |
//!
//! Version 1 had no `pruned`, `inputIds` and `regularization`, and no `products` in the specification. It is read as a
//! model without any of these.

#![forbid(unsafe_code)]

mod atomic;
mod checksum;
mod container;
mod document;
mod error;
mod model;
mod number;

pub use atomic::write_atomic;
pub use error::{Corruption, FormatError};
pub use model::{AnyModel, Model, decode, encode};
pub use number::Number;

//! The Node boundary: converts, validates, hands over. No mathematics.
//!
//! Configuration and reports cross as JSON text, numbers as `Float64Array`s. Every entry runs under
//! `failure::guard`, so that no panic reaches JavaScript; long work runs on threads of `threads`, which end with
//! the JavaScript environment that started them. Only the TypeScript facade uses this crate, and only the facade
//! makes errors for users.

#![deny(unsafe_code)]
#![allow(unreachable_pub, reason = "what napi exports is public, though no other crate reaches it")]
#![cfg_attr(test, allow(dead_code, reason = "napi exports nothing in a test"))]

mod describe;
mod device;
mod discover;
mod distil;
mod equations;
mod failure;
mod fit;
mod formula;
mod front;
mod model;
mod shared;
mod structure;
mod suggest;
mod table;
mod teller;
mod threads;

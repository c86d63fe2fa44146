//! The device of a build without graphics processors.

use super::Work;
use crate::failure::Failure;
use kanode_engine::{Compile, EngineError, Executor, Program, Real};
use serde_json::{Value, json};
use std::sync::Arc;

/// A backend that nobody can have.
pub(crate) enum GpuBackend {}

impl<T: Real> Compile<T> for GpuBackend {
    fn compile(&self, _: &Arc<Program>) -> Result<Box<dyn Executor<T>>, EngineError> {
        match *self {}
    }
}

pub(crate) fn open() -> Result<GpuBackend, Failure> {
    let message = "this build of the native library has no part for graphics processors";
    Err(Failure::new("ERR_KAN_DEVICE", message).with(json!({ "kind": "feature" })))
}

pub(crate) fn faster(_: Work, _: usize) -> Option<GpuBackend> {
    None
}

pub(crate) fn traffic() -> Result<Value, Failure> {
    open().map(|_| Value::Null)
}

pub(crate) fn adapters() -> Value {
    json!([])
}

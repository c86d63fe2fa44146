//! Errors on their way to JavaScript: a code, a sentence and data, as JSON text in the message of a native
//! error or in the `error` of an outcome.

mod convert;

use serde::Serialize;
use serde_json::{Value, json};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the facade turns into a `KanError`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) details: Value,
}

impl Failure {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: json!({}) }
    }

    pub(crate) fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    pub(crate) fn busy() -> Self {
        Self::new("ERR_KAN_BUSY", "the model is busy: a fit is running on it")
    }

    pub(crate) fn disposed() -> Self {
        Self::new("ERR_KAN_DISPOSED", "the model was disposed of")
    }

    pub(crate) fn unusable() -> Self {
        Self::new("ERR_KAN_UNUSABLE", "the model is unusable after an internal error")
    }

    /// An option that is unknown or has a bad value.
    pub(crate) fn option(message: impl Into<String>) -> Self {
        Self::new("ERR_KAN_OPTION", message)
    }

    pub(crate) fn memory(what: &str, numbers: usize) -> Self {
        Self::new("ERR_KAN_MEMORY", format!("no memory for {numbers} numbers of {what}"))
            .with(json!({ "what": what, "numbers": numbers }))
    }

    /// From the payload of a panic.
    pub(crate) fn internal(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "panic".to_owned());
        Self::new("ERR_KAN_INTERNAL", text)
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| format!(r#"{{"code":"{}"}}"#, self.code))
    }
}

impl From<Failure> for napi::Error {
    fn from(failure: Failure) -> Self {
        Self::from_reason(failure.json())
    }
}

impl From<napi::Error> for Failure {
    fn from(error: napi::Error) -> Self {
        Self::new("ERR_KAN_INTERNAL", error.reason.to_string())
    }
}

/// Runs an entry; a panic in it becomes `ERR_KAN_INTERNAL`.
pub(crate) fn guard<T>(entry: impl FnOnce() -> Result<T, Failure>) -> napi::Result<T> {
    Ok(catch(entry)?)
}

/// As [`guard`], for threads.
pub(crate) fn catch<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(Failure::internal(&*payload)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_engine::Program;

    fn thrown(entry: impl FnOnce() -> Result<(), Failure>) -> Value {
        serde_json::from_str(&guard(entry).unwrap_err().reason).unwrap()
    }

    #[test]
    fn a_panic_in_an_entry_becomes_an_internal_error() {
        let error = thrown(|| panic!("row {} of {}", 3, 2));
        assert_eq!(error, json!({ "code": "ERR_KAN_INTERNAL", "message": "row 3 of 2", "details": {} }));
        assert_eq!(thrown(|| panic!("static"))["message"], "static");
        assert_eq!(thrown(|| std::panic::panic_any(7))["message"], "panic");
    }

    #[test]
    fn failures_keep_their_code_and_details() {
        let error = thrown(|| Ok(Program::check_length("x", 4, 5)?));
        assert_eq!(error["code"], "ERR_KAN_SHAPE");
        assert_eq!(error["details"], json!({ "what": "x", "expected": 4, "found": 5 }));
    }
}

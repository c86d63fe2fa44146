//! Progress on its way to JavaScript: the latest of it, at most twenty times a second.

use crate::failure::Failure;
use crate::fit::{Callback, callback};
use crate::threads::lock;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Shortest time between two calls.
const INTERVAL: Duration = Duration::from_millis(50);

/// The way to a JavaScript callback that hears of progress.
pub(crate) struct Teller {
    callback: Callback,
    called: Mutex<Option<Instant>>,
}

impl Teller {
    pub(crate) fn new(function: &Function<'_, String, ()>) -> Result<Self, Failure> {
        Ok(Self { callback: callback(function)?, called: Mutex::new(None) })
    }

    /// Calls with the text that `event` makes, unless the last call was a moment ago.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Option<String>) {
        let mut called = lock(&self.called);
        if called.is_none_or(|called| called.elapsed() >= INTERVAL)
            && let Some(event) = event()
        {
            // Progress that does not get through is old news by the next.
            let _ = self.callback.call(event, ThreadsafeFunctionCallMode::NonBlocking);
            *called = Some(Instant::now());
        }
    }
}

//! Records on their way to JavaScript. Calls are at least [`INTERVAL`] apart and carry all records since the last
//! one, up to [`PENDING`]; when JavaScript is slow the oldest are dropped, so memory stays bounded.

use crate::failure::Failure;
use kanode_train::Record;
use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Shortest time between two calls.
const INTERVAL: Duration = Duration::from_millis(8);
/// Most records that wait for a call.
const PENDING: usize = 256;
/// Calls that Node keeps queued for a busy event loop.
const QUEUE: usize = 2;

type Callback = ThreadsafeFunction<String, (), String, Status, false, false, QUEUE>;

/// The way to a JavaScript callback.
pub(crate) struct Events {
    callback: Callback,
    pending: VecDeque<Record>,
    called: Option<Instant>,
}

impl Events {
    pub(crate) fn new(callback: &Function<'_, String, ()>) -> Result<Self, Failure> {
        let callback = callback
            .build_threadsafe_function::<String>()
            .callee_handled::<false>()
            .max_queue_size::<QUEUE>()
            .build()?;
        Ok(Self { callback, pending: VecDeque::new(), called: None })
    }

    /// Adds a record, and calls when it is time.
    pub(crate) fn push(&mut self, record: &Record) {
        if self.pending.len() == PENDING {
            self.pending.pop_front();
        }
        self.pending.push_back(record.clone());
        if self.called.is_some_and(|called| called.elapsed() < INTERVAL) {
            return;
        }
        let Ok(json) = serde_json::to_string(&self.pending) else { return };
        if self.callback.call(json, ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok {
            self.pending.clear();
        }
        self.called = Some(Instant::now());
    }
}

//! Records and progress on their way to JavaScript, as JSON `{records, progress}`. Calls are at least [`INTERVAL`]
//! apart and carry all records since the last one, up to [`PENDING`]; when JavaScript is slow the oldest are dropped,
//! so memory stays bounded.

use crate::failure::Failure;
use kanode_train::{Progress, Record};
use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use serde::Serialize;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Shortest time between two calls.
const INTERVAL: Duration = Duration::from_millis(8);
/// Most records that wait for a call.
const PENDING: usize = 256;
/// Calls that Node keeps queued for a busy event loop.
const QUEUE: usize = 2;

pub(crate) type Callback = ThreadsafeFunction<String, (), String, Status, false, false, QUEUE>;

/// A way to call a JavaScript function from any thread, with text.
pub(crate) fn callback(function: &Function<'_, String, ()>) -> Result<Callback, Failure> {
    let builder = function.build_threadsafe_function::<String>().callee_handled::<false>();
    Ok(builder.max_queue_size::<QUEUE>().build()?)
}

/// The way to a JavaScript callback.
pub(crate) struct Events {
    callback: Callback,
    pending: Pending,
    called: Option<Instant>,
}

/// What the next call will carry.
#[derive(Default, Serialize)]
struct Pending {
    records: VecDeque<Record>,
    progress: Option<Progress>,
}

impl Events {
    pub(crate) fn new(callback: &Function<'_, String, ()>) -> Result<Self, Failure> {
        Ok(Self { callback: self::callback(callback)?, pending: Pending::default(), called: None })
    }

    /// A record; progress from before it is old news.
    pub(crate) fn record(&mut self, record: &Record) {
        if self.pending.records.len() == PENDING {
            self.pending.records.pop_front();
        }
        self.pending.records.push_back(*record);
        self.pending.progress = None;
        self.call_if_due();
    }

    /// Progress within a pass; only the latest is of interest.
    pub(crate) fn progress(&mut self, progress: &Progress) {
        self.pending.progress = Some(*progress);
        self.call_if_due();
    }

    fn call_if_due(&mut self) {
        if self.called.is_some_and(|called| called.elapsed() < INTERVAL) {
            return;
        }
        let Ok(json) = serde_json::to_string(&self.pending) else { return };
        if self.callback.call(json, ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok {
            self.pending = Pending::default();
        }
        self.called = Some(Instant::now());
    }
}

//! Counters of what goes to and from a device.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// What went to and from a device since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Command buffers with kernels submitted; those of copies and readbacks are not counted.
    pub submissions: u64,
    /// Kernels dispatched.
    pub dispatches: u64,
    /// Bytes uploaded.
    pub uploaded: u64,
    /// Bytes read back.
    pub downloaded: u64,
    /// Times that something was read back.
    pub readbacks: u64,
}

/// The counters of an open device.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) submissions: AtomicU64,
    pub(crate) dispatches: AtomicU64,
    pub(crate) uploaded: AtomicU64,
    pub(crate) downloaded: AtomicU64,
    pub(crate) readbacks: AtomicU64,
}

impl Counters {
    pub(crate) fn traffic(&self) -> Traffic {
        let Counters { submissions, dispatches, uploaded, downloaded, readbacks } = self;
        Traffic {
            submissions: submissions.load(SeqCst),
            dispatches: dispatches.load(SeqCst),
            uploaded: uploaded.load(SeqCst),
            downloaded: downloaded.load(SeqCst),
            readbacks: readbacks.load(SeqCst),
        }
    }
}

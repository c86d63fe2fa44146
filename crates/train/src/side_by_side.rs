//! Jobs on threads of their own, while the caller's thread hears what they found and says when to stop.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{Builder, scope};
use std::time::Duration;

/// How long the caller's thread goes without asking whether to stop.
const PATIENCE: Duration = Duration::from_millis(5);

/// Who waits for jobs.
pub(crate) trait Waiting<R> {
    /// Whether the jobs should end.
    fn cancelled(&self) -> bool;

    /// A job has ended; they come in any order.
    fn heard(&mut self, found: R) -> ControlFlow<()>;
}

/// Does so many jobs on so many threads. A job is given its number and a way to ask whether it should end; no job is
/// begun once one should. With one thread, or one job, all is done by the caller's.
pub(crate) fn side_by_side<R: Send>(
    threads: usize,
    jobs: usize,
    job: impl Fn(usize, &dyn Fn() -> bool) -> R + Sync,
    waiting: &mut dyn Waiting<R>,
) {
    let (stop, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let stopped = || stop.load(Relaxed);
    let take = || Some(next.fetch_add(1, Relaxed)).filter(|index| *index < jobs && !stopped());
    if threads.min(jobs) > 1 {
        let (send, receive) = channel();
        scope(|scope| {
            for _ in 0..threads.min(jobs) {
                let (send, job, stopped) = (send.clone(), &job, &stopped);
                let work = move || {
                    while let Some(index) = take() {
                        if send.send(job(index, stopped)).is_err() {
                            break;
                        }
                    }
                };
                // A machine that has no more threads does the jobs with those it has given.
                if Builder::new().name("kanode-job".to_owned()).spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            drop(send);
            loop {
                let end = match receive.recv_timeout(PATIENCE) {
                    Ok(found) => waiting.heard(found).is_break(),
                    Err(RecvTimeoutError::Timeout) => false,
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                if end || waiting.cancelled() {
                    stop.store(true, Relaxed);
                }
            }
        });
    }
    while let Some(index) = take() {
        let found = job(index, &|| waiting.cancelled());
        if waiting.heard(found).is_break() || waiting.cancelled() {
            stop.store(true, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::current;

    #[derive(Default)]
    struct Ledger {
        found: Vec<usize>,
        /// Says to stop once it has heard of so many.
        enough: Option<usize>,
        cancelled: bool,
    }

    impl Waiting<usize> for Ledger {
        fn cancelled(&self) -> bool {
            self.cancelled
        }

        fn heard(&mut self, found: usize) -> ControlFlow<()> {
            self.found.push(found);
            if self.enough == Some(self.found.len()) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
    }

    #[test]
    fn every_job_is_done_once() {
        for (threads, jobs) in [(1, 5), (2, 5), (8, 5), (3, 1), (4, 0)] {
            let mut ledger = Ledger::default();
            side_by_side(threads, jobs, |index, _| index, &mut ledger);
            ledger.found.sort_unstable();
            assert_eq!(ledger.found, (0..jobs).collect::<Vec<_>>(), "{threads} threads");
        }
    }

    #[test]
    fn a_single_job_stays_on_the_caller() {
        let caller = current().id();
        for (threads, jobs) in [(1, 3), (4, 1)] {
            side_by_side(
                threads,
                jobs,
                |index, _| (index, assert_eq!(current().id(), caller)).0,
                &mut Ledger::default(),
            );
        }
    }

    #[test]
    fn nothing_is_begun_after_the_word_to_stop() {
        let mut ledger = Ledger { enough: Some(2), ..Ledger::default() };
        side_by_side(1, 10, |index, _| index, &mut ledger);
        assert_eq!(ledger.found, [0, 1]);
    }

    #[test]
    fn jobs_under_way_are_told_to_end() {
        let mut ledger = Ledger { cancelled: true, ..Ledger::default() };
        let wait = |index: usize, cancelled: &dyn Fn() -> bool| {
            while !cancelled() {
                std::thread::yield_now();
            }
            index
        };
        side_by_side(2, 100, wait, &mut ledger);
        assert!(ledger.found.len() <= 2, "{:?}", ledger.found);
    }
}

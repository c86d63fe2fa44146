//! Threads of our own, joined when the pool goes: nothing is left running when a process unloads the library.
//! Which task runs where has no influence on any result; tasks own what they write.

use crate::error::CpuError;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Runs independent tasks on a fixed number of threads.
#[derive(Debug)]
pub(crate) struct Pool {
    threads: usize,
    /// None for one thread: the caller's.
    workers: Option<Workers>,
}

#[derive(Debug)]
struct Workers {
    pool: ThreadPool,
    handles: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(crate) fn new(threads: usize) -> Result<Self, CpuError> {
        let workers = if threads > 1 { Some(Workers::start(threads)?) } else { None };
        Ok(Self { threads, workers })
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `body` on a thread of the pool. The others stay awake until it is done: to wake them for each of its calls takes
    /// tens of microseconds, on some virtual machines a hundred.
    pub(crate) fn within<R: Send>(&self, body: impl FnOnce() -> R + Send) -> R {
        let Some(workers) = &self.workers else { return body() };
        let done = AtomicBool::new(false);
        let wait = || {
            while !done.load(Ordering::Acquire) {
                if rayon::yield_now() != Some(rayon::Yield::Executed) {
                    std::thread::yield_now();
                }
            }
        };
        let call = || {
            let _done = Ends(&done);
            body()
        };
        workers.pool.install(|| rayon::join(call, || on_each(self.threads - 1, &wait)).0)
    }

    /// Calls `body(worker, task)` for every task and returns when all are done; `worker` is below `threads()` and
    /// no two bodies run with the same one at the same time. A task on its own runs on the caller.
    pub(crate) fn run<I>(&self, tasks: I, body: impl Fn(usize, I::Item) + Sync)
    where
        I: Iterator<Item: Send> + Send,
    {
        let mut tasks = tasks.peekable();
        let Some(first) = tasks.next() else { return };
        match &self.workers {
            Some(workers) if tasks.peek().is_some() => {
                let tasks = Mutex::new(std::iter::once(first).chain(tasks));
                let take = || tasks.lock().unwrap_or_else(PoisonError::into_inner).next();
                let work = || {
                    while let Some(task) = take() {
                        body(rayon::current_thread_index().unwrap_or(0), task);
                    }
                };
                workers.pool.install(|| on_each(self.threads, &work));
            }
            _ => std::iter::once(first).chain(tasks).for_each(|task| body(0, task)),
        }
    }
}

/// Says that what others wait for is done when it goes, even in a panic.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Calls `work` as often as there are threads, side by side. Unlike tasks that are spawned, joined ones live on the
/// stack: a step allocates nothing.
fn on_each(threads: usize, work: &(impl Fn() + Sync)) {
    if threads == 1 {
        return work();
    }
    let half = threads / 2;
    rayon::join(|| on_each(half, work), || on_each(threads - half, work));
}

impl Workers {
    fn start(threads: usize) -> Result<Self, CpuError> {
        let mut handles = Vec::with_capacity(threads);
        let started = ThreadPoolBuilder::new().num_threads(threads).spawn_handler(|thread| {
            let name = format!("kanode-{}", thread.index());
            handles.push(Builder::new().name(name).spawn(|| thread.run())?);
            Ok(())
        });
        match started.build() {
            Ok(pool) => Ok(Self { pool, handles }),
            Err(error) => {
                join(handles);
                Err(CpuError::Spawn { threads, reason: error.to_string() })
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(Workers { pool, handles }) = self.workers.take() {
            // Dropping rayon's pool tells its threads to end, but does not wait for them.
            drop(pool);
            join(handles);
        }
    }
}

fn join(handles: Vec<JoinHandle<()>>) {
    for handle in handles {
        // A panic of a task was handed to the caller of `run`; there is nothing to add here.
        let _ = handle.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_task_runs_once_on_a_valid_worker() {
        for threads in 1..4 {
            let pool = Pool::new(threads).unwrap();
            let mut counts = [0; 40];
            pool.run(counts.iter_mut(), |worker, count| {
                assert!(worker < threads);
                *count += 1;
            });
            assert_eq!(counts, [1; 40]);
        }
    }

    #[test]
    fn one_thread_and_one_task_stay_on_the_caller() {
        let caller = std::thread::current().id();
        for (threads, tasks) in [(1, 5), (3, 1)] {
            let pool = Pool::new(threads).unwrap();
            pool.run(0..tasks, |_, _| assert_eq!(std::thread::current().id(), caller));
        }
    }

    #[test]
    fn threads_have_ended_when_the_pool_is_gone() {
        struct Gone<'a>(&'a AtomicUsize);
        impl Drop for Gone<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        static ENDED: AtomicUsize = AtomicUsize::new(0);
        std::thread_local! {
            static MARK: Gone<'static> = const { Gone(&ENDED) };
        }
        let pool = Pool::new(2).unwrap();
        let both = std::sync::Barrier::new(2);
        pool.run(0..2, |_, _| {
            MARK.with(|_| ());
            both.wait();
        });
        drop(pool);
        assert_eq!(ENDED.load(Ordering::SeqCst), 2);
    }
}

//! Threads that end with the JavaScript environment that started them, and promises that always resolve.
//!
//! Node runs environment clean-up hooks for worker threads only; the main thread calls [`shutdown`] from its `exit`
//! event. Both cancel and join all work of the environment. Nothing depends on finalizers.

use crate::failure::{Failure, catch};
use napi::bindgen_prelude::{Float64Array, Object, Uint8Array};
use napi::{Env, JsDeferred};
use napi_derive::napi;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};

/// What a promise of this crate resolves to, always: failures are in `error`.
#[napi(object)]
pub struct NativeOutcome {
    /// Whether the work was done.
    pub ok: bool,
    /// JSON `{code, message, details}` when it was not.
    pub error: Option<String>,
    /// JSON of the result.
    pub report: Option<String>,
    /// Numbers of the result.
    pub values: Option<Float64Array>,
    /// Bytes of the file of a model that was made.
    pub model: Option<Uint8Array>,
}

/// The result of work on its way to JavaScript.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) error: Option<Failure>,
    pub(crate) report: Option<String>,
    pub(crate) values: Option<Vec<f64>>,
    pub(crate) model: Option<Vec<u8>>,
    /// To be done on the JavaScript thread before the promise resolves.
    pub(crate) after: Option<After>,
}

/// Something left to do on the JavaScript thread.
pub(crate) type After = Box<dyn FnOnce(&Env) + Send>;

/// Work that runs in the background, or has just ended.
struct Task {
    /// Address of its environment.
    environment: usize,
    cancel: Arc<AtomicBool>,
    finished: Arc<AtomicBool>,
    handle: JoinHandle<()>,
}

static RUNNING: Mutex<Vec<Task>> = Mutex::new(Vec::new());
/// Environments that have a clean-up hook.
static HOOKED: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Locks, also after a panic elsewhere: what these locks guard is never left half-written.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the tasks that `wanted` chooses.
fn take(wanted: impl FnMut(&mut Task) -> bool) -> Vec<Task> {
    lock(&RUNNING).extract_if(.., wanted).collect()
}

/// Waits for tasks to end; returns how many there were.
fn join(tasks: Vec<Task>) -> u32 {
    let count = tasks.len() as u32;
    for task in tasks {
        // What a panic of the thread has to say is in its outcome.
        let _ = task.handle.join();
    }
    count
}

fn stop(environment: usize) -> u32 {
    let mine = take(|task| task.environment == environment);
    mine.iter().for_each(|task| task.cancel.store(true, SeqCst));
    join(mine)
}

/// Cancels and joins all work of this environment; returns how many threads were joined. For `process.on('exit')`.
#[napi]
pub fn shutdown(env: &Env) -> napi::Result<u32> {
    crate::failure::guard(|| Ok(stop(env.raw() as usize)))
}

fn ensure_hook(env: &Env) -> Result<(), Failure> {
    let key = env.raw() as usize;
    let mut hooked = lock(&HOOKED);
    if !hooked.contains(&key) {
        env.add_env_cleanup_hook(key, |key| {
            stop(key);
            lock(&HOOKED).retain(|other| *other != key);
        })?;
        hooked.push(key);
    }
    Ok(())
}

type Settle = Box<dyn FnOnce(Env) -> napi::Result<NativeOutcome> + Send>;

/// Runs `work` on a thread of its own and returns the promise of its outcome. `cancel` is set when the environment
/// ends. The promise keeps the process alive until the work is done.
pub(crate) fn spawn<'env>(
    env: &'env Env,
    name: &str,
    cancel: Arc<AtomicBool>,
    work: impl FnOnce() -> Result<Done, Failure> + Send + 'static,
) -> Result<Object<'env>, Failure> {
    ensure_hook(env)?;
    join(take(|task| task.finished.load(SeqCst)));
    let finished = Arc::<AtomicBool>::default();
    let at_end = Arc::clone(&finished);
    // The promise is made once there is a thread to settle it: one that nobody settles keeps the process alive.
    let (sender, receiver) = mpsc::sync_channel::<JsDeferred<NativeOutcome, Settle>>(1);
    let thread = Builder::new().name(format!("kanode-{name}")).spawn(move || {
        let Ok(deferred) = receiver.recv() else { return };
        let done = catch(work).unwrap_or_else(|failure| Done { error: Some(failure), ..Done::default() });
        deferred.resolve(Box::new(move |env| {
            if let Some(after) = done.after {
                after(&env);
            }
            Ok(NativeOutcome {
                ok: done.error.is_none(),
                error: done.error.map(|failure| failure.json()),
                report: done.report,
                values: done.values.map(Float64Array::new),
                model: done.model.map(Uint8Array::new),
            })
        }));
        at_end.store(true, SeqCst);
    });
    let handle =
        thread.map_err(|e| Failure::new("ERR_KAN_MACHINE", format!("no thread could be started: {e}")))?;
    let (deferred, promise) = env.create_deferred()?;
    lock(&RUNNING).push(Task { environment: env.raw() as usize, cancel, finished, handle });
    let sent = sender.send(deferred);
    sent.map_err(|_| Failure::new("ERR_KAN_INTERNAL", "a thread ended before it began"))?;
    Ok(promise)
}

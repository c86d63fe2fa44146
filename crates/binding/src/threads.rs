//! Threads that end with the JavaScript environment that started them, and promises that always resolve.
//!
//! Node runs environment clean-up hooks for worker threads only; the main thread calls [`shutdown`] from its `exit`
//! event. Both cancel and join all work of the environment. Nothing depends on finalizers.

use crate::failure::{Failure, catch};
use napi::bindgen_prelude::{Float64Array, Object};
use napi::{Env, JsDeferred};
use napi_derive::napi;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
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
}

/// The result of work on its way to JavaScript.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) error: Option<Failure>,
    pub(crate) report: Option<String>,
    pub(crate) values: Option<Vec<f64>>,
}

/// Work that runs in the background.
struct Task {
    cancel: Arc<AtomicBool>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

/// The environment's address, and the task while it lives.
static RUNNING: Mutex<Vec<(usize, Weak<Task>)>> = Mutex::new(Vec::new());
/// Environments that have a clean-up hook.
static HOOKED: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Locks, also after a panic elsewhere: what these locks guard is never left half-written.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stop(environment: usize) -> u32 {
    let mine: Vec<Arc<Task>> = {
        let mut running = lock(&RUNNING);
        let mine =
            running.iter().filter(|(key, _)| *key == environment).filter_map(|(_, task)| task.upgrade());
        let mine = mine.collect();
        running.retain(|(key, _)| *key != environment);
        mine
    };
    mine.iter().for_each(|task| task.cancel.store(true, SeqCst));
    let handles = mine.iter().filter_map(|task| lock(&task.handle).take());
    handles.map(JoinHandle::join).count() as u32
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
    let (deferred, promise): (JsDeferred<NativeOutcome, Settle>, _) = env.create_deferred()?;
    let task = Arc::new(Task { cancel, handle: Mutex::new(None) });
    let keep = Arc::clone(&task);
    let thread = Builder::new().name(format!("kanode-{name}")).spawn(move || {
        let done = catch(work).unwrap_or_else(|failure| Done { error: Some(failure), ..Done::default() });
        deferred.resolve(Box::new(move |_| {
            Ok(NativeOutcome {
                ok: done.error.is_none(),
                error: done.error.map(|failure| failure.json()),
                report: done.report,
                values: done.values.map(Float64Array::new),
            })
        }));
        drop(keep);
    });
    let handle =
        thread.map_err(|e| Failure::new("ERR_KAN_MACHINE", format!("no thread could be started: {e}")))?;
    *lock(&task.handle) = Some(handle);
    let mut running = lock(&RUNNING);
    running.retain(|(_, task)| task.strong_count() > 0);
    running.push((env.raw() as usize, Arc::downgrade(&task)));
    Ok(promise)
}

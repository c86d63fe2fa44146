//! An open device: its pipelines and submissions, and what becomes of its faults. Buffers are in `transfer`.
//!
//! wgpu panics where a device is really lost, and says nothing afterwards. So every call that may is caught, and a
//! flag that the loss sets is looked at before work is given out and before any result is believed.

use crate::adapter::{AdapterChoice, AdapterDescription, describe, enumerate, largest_binding, ready};
use crate::error::GpuError;
use crate::shader::Kernel;
use crate::traffic::{Counters, Traffic};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wgpu::{
    Buffer, BufferUsages, ComputePipeline, ComputePipelineDescriptor, Device, DeviceDescriptor, ErrorFilter,
    Features, Limits, MemoryHints, PipelineCompilationOptions, PollError, PollType, Queue,
    ShaderModuleDescriptor, ShaderRuntimeChecks, ShaderSource, SubmissionIndex,
};

/// How long to wait before looking whether the device was lost meanwhile.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long to wait for work in flight when the device is closed.
const CLOSING: Duration = Duration::from_secs(5);

/// Times of the pass submitted last, taken by the device itself.
#[derive(Debug)]
struct Timer {
    queries: wgpu::QuerySet,
    /// Begin and end, in ticks.
    ticks: Buffer,
}

/// A kernel with its buffers, ready to be dispatched.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(crate) pipeline: Arc<ComputePipeline>,
    pub(crate) bindings: wgpu::BindGroup,
    pub(crate) groups: [u32; 3],
}

/// An open device, shared by all who compute on it.
#[derive(Debug)]
pub struct Gpu {
    /// None only while it is dropped.
    handles: Option<(Device, Queue)>,
    adapter: AdapterDescription,
    largest_binding: u64,
    /// Whether shaders check indices and loops.
    checked: bool,
    lost: Arc<Mutex<Option<String>>>,
    pipelines: Mutex<HashMap<Kernel, Arc<ComputePipeline>>>,
    pub(crate) counters: Counters,
    timer: Mutex<Option<Timer>>,
}

impl Gpu {
    /// Opens the adapter chosen. This loads drivers.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`], [`GpuError::Software`], [`GpuError::UnknownAdapter`] or [`GpuError::Refused`].
    pub fn open(choice: &AdapterChoice) -> Result<Arc<Self>, GpuError> {
        Self::open_with(choice, false)
    }

    /// As [`Gpu::open`]; shaders check every index and loop, which drivers otherwise may hide or not survive. For tests.
    ///
    /// # Errors
    /// As [`Gpu::open`].
    pub fn open_checked(choice: &AdapterChoice) -> Result<Arc<Self>, GpuError> {
        Self::open_with(choice, true)
    }

    fn open_with(choice: &AdapterChoice, checked: bool) -> Result<Arc<Self>, GpuError> {
        let (_instance, adapters) = enumerate();
        let descriptions: Vec<_> = adapters.iter().map(describe).collect();
        let index = choice.choose(&descriptions)?;
        let (adapter, description) = (&adapters[index], descriptions[index].clone());
        let limits = adapter.limits();
        let largest_binding = largest_binding(&limits);
        let descriptor = DeviceDescriptor {
            label: Some("kanode"),
            required_features: adapter.features() & Features::TIMESTAMP_QUERY,
            required_limits: Limits {
                max_storage_buffer_binding_size: largest_binding,
                max_buffer_size: limits.max_buffer_size,
                ..Limits::defaults()
            },
            memory_hints: MemoryHints::MemoryUsage,
            ..DeviceDescriptor::default()
        };
        let refused = |reason: String| GpuError::Refused { adapter: description.name.clone(), reason };
        let opened = catch_unwind(AssertUnwindSafe(|| ready(adapter.request_device(&descriptor))));
        let (device, queue) = match opened {
            Ok(Some(Ok(opened))) => opened,
            Ok(Some(Err(error))) => return Err(refused(error.to_string())),
            Ok(None) | Err(_) => return Err(refused("the driver failed".to_owned())),
        };
        let lost = Arc::<Mutex<Option<String>>>::default();
        let at_loss = Arc::clone(&lost);
        device.set_device_lost_callback(move |reason, message| {
            lock(&at_loss).get_or_insert(format!("{reason:?} {message}").trim().to_owned());
        });
        // Errors outside of scopes would panic; each of ours is looked for in a scope, or follows from one that was.
        device.on_uncaptured_error(Arc::new(|_| ()));
        Ok(Arc::new(Self {
            handles: Some((device, queue)),
            adapter: description,
            largest_binding,
            checked,
            lost,
            pipelines: Mutex::default(),
            counters: Counters::default(),
            timer: Mutex::default(),
        }))
    }

    /// The adapter that was opened.
    pub fn adapter(&self) -> &AdapterDescription {
        &self.adapter
    }

    /// Largest storage buffer, in bytes.
    pub(crate) fn largest_binding(&self) -> u64 {
        self.largest_binding
    }

    /// What went to and from the device since it was opened.
    pub fn traffic(&self) -> Traffic {
        self.counters.traffic()
    }

    /// Has the device time every pass from now on. Returns whether it can.
    ///
    /// # Errors
    /// [`GpuError::Lost`] or [`GpuError::Memory`].
    pub fn start_timing(&self) -> Result<bool, GpuError> {
        if !self.adapter.timestamps {
            return Ok(false);
        }
        let usage = BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC;
        let ticks = self.create("times", 16, usage)?;
        let descriptor = wgpu::QuerySetDescriptor { label: None, ty: wgpu::QueryType::Timestamp, count: 2 };
        let queries = self.guarded("times", 16, |device, _| device.create_query_set(&descriptor))?;
        *lock(&self.timer) = Some(Timer { queries, ticks });
        Ok(true)
    }

    /// Seconds that the pass submitted last took on the device; None where it does not time.
    ///
    /// # Errors
    /// [`GpuError::Lost`].
    pub fn pass_seconds(&self) -> Result<Option<f64>, GpuError> {
        let Some(ticks) = lock(&self.timer).as_ref().map(|timer| timer.ticks.clone()) else {
            return Ok(None);
        };
        let mut found = [0u64; 2];
        self.download(&ticks, &mut found)?;
        let period = f64::from(self.queue().get_timestamp_period());
        Ok(Some(found[1].saturating_sub(found[0]) as f64 * period * 1e-9))
    }

    /// Whether the device still answers.
    pub fn is_lost(&self) -> bool {
        lock(&self.lost).is_some()
    }

    /// Gives the device up: all that uses it gets [`GpuError::Lost`] from now on.
    pub fn destroy(&self) {
        lock(&self.lost).get_or_insert("it was destroyed".to_owned());
        self.device().destroy();
    }

    fn device(&self) -> &Device {
        &self.handles.as_ref().expect("a device has its handles until it is dropped").0
    }

    fn queue(&self) -> &Queue {
        &self.handles.as_ref().expect("a device has its handles until it is dropped").1
    }

    /// An error if the device was lost.
    pub(crate) fn check(&self) -> Result<(), GpuError> {
        match &*lock(&self.lost) {
            Some(reason) => Err(GpuError::Lost { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    /// Remembers a loss that wgpu told of by a panic.
    fn lose(&self, panic: &(dyn std::any::Any + Send)) -> GpuError {
        let reason = panic.downcast_ref::<String>().map_or("the driver failed", String::as_str);
        let reason =
            lock(&self.lost).get_or_insert(reason.lines().last().unwrap_or("").trim().to_owned()).clone();
        GpuError::Lost { reason }
    }

    /// Runs calls of wgpu: their errors, and panics, become ours. An error for want of memory is one of `bytes`.
    pub(crate) fn guarded<R>(
        &self,
        what: &'static str,
        bytes: u64,
        calls: impl FnOnce(&Device, &Queue) -> R,
    ) -> Result<R, GpuError> {
        self.check()?;
        let run = || {
            let (device, queue) = (self.device(), self.queue());
            let scopes = [ErrorFilter::Internal, ErrorFilter::Validation, ErrorFilter::OutOfMemory]
                .map(|filter| device.push_error_scope(filter));
            let result = calls(device, queue);
            let [internal, validation, memory] = scopes;
            // Scopes end in the opposite order.
            let found = [memory, validation, internal].map(|scope| ready(scope.pop()).flatten());
            (result, found.into_iter().flatten().next())
        };
        let (result, error) = catch_unwind(AssertUnwindSafe(run)).map_err(|panic| self.lose(&*panic))?;
        self.check()?;
        match error {
            None => Ok(result),
            Some(wgpu::Error::OutOfMemory { .. }) => Err(GpuError::Memory { what, bytes }),
            Some(error) => Err(GpuError::Internal { what, reason: error.to_string() }),
        }
    }

    /// The pipeline of a kernel, made when it is first asked for.
    pub(crate) fn pipeline(&self, kernel: Kernel) -> Result<Arc<ComputePipeline>, GpuError> {
        let mut pipelines = lock(&self.pipelines);
        let entry = match pipelines.entry(kernel) {
            Entry::Occupied(entry) => return Ok(Arc::clone(entry.get())),
            Entry::Vacant(entry) => entry,
        };
        let source = kernel.source();
        let constants = kernel.constants();
        let pipeline = self.guarded("a shader", 0, |device, _| {
            let descriptor = ShaderModuleDescriptor {
                label: Some(kernel.entry()),
                source: ShaderSource::Wgsl(source.into()),
            };
            let module = if self.checked {
                device.create_shader_module(descriptor)
            } else {
                let checks = ShaderRuntimeChecks::unchecked();
                // SAFETY: the shaders are ours; every index is below a size that the host made its buffer for, and every
                // loop ends at a bound that `geometry` checks.
                #[allow(unsafe_code, reason = "checks of loops and indices keep compilers from unrolling")]
                unsafe {
                    device.create_shader_module_trusted(descriptor, checks)
                }
            };
            device.create_compute_pipeline(&ComputePipelineDescriptor {
                label: Some(kernel.entry()),
                layout: None,
                module: &module,
                entry_point: Some(kernel.entry()),
                compilation_options: PipelineCompilationOptions {
                    constants: &constants,
                    // One thread would do it on Metal and DirectX; every kernel writes before it reads.
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            })
        })?;
        Ok(Arc::clone(entry.insert(Arc::new(pipeline))))
    }

    /// A dispatch of `kernel` with buffers for its bindings, in order.
    pub(crate) fn dispatch(
        &self,
        kernel: Kernel,
        bindings: &[wgpu::BindingResource<'_>],
        groups: [u32; 3],
    ) -> Result<Dispatch, GpuError> {
        let pipeline = self.pipeline(kernel)?;
        let bindings = self.guarded("bindings", 0, |device, _| {
            let entries: Vec<_> = bindings
                .iter()
                .enumerate()
                .map(|(binding, resource)| wgpu::BindGroupEntry {
                    binding: binding as u32,
                    resource: resource.clone(),
                })
                .collect();
            device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(kernel.entry()),
                layout: &pipeline.get_bind_group_layout(0),
                entries: &entries,
            })
        })?;
        Ok(Dispatch { pipeline, bindings, groups })
    }

    /// Submits dispatches in one pass, in order; wgpu puts the barriers between them.
    pub(crate) fn submit<'a>(
        &self,
        dispatches: impl IntoIterator<Item = &'a Dispatch>,
    ) -> Result<SubmissionIndex, GpuError> {
        self.counters.submissions.fetch_add(1, SeqCst);
        let timer = lock(&self.timer);
        self.guarded("a step", 0, |device, queue| {
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let timestamp_writes = timer.as_ref().map(|timer| wgpu::ComputePassTimestampWrites {
                query_set: &timer.queries,
                beginning_of_pass_write_index: Some(0),
                end_of_pass_write_index: Some(1),
            });
            let mut pass =
                encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
            for dispatch in dispatches {
                let [x, y, z] = dispatch.groups;
                pass.set_pipeline(&dispatch.pipeline);
                pass.set_bind_group(0, &dispatch.bindings, &[]);
                pass.dispatch_workgroups(x, y, z);
                self.counters.dispatches.fetch_add(1, SeqCst);
            }
            drop(pass);
            if let Some(Timer { queries, ticks }) = &*timer {
                encoder.resolve_query_set(queries, 0..2, ticks, 0);
            }
            queue.submit([encoder.finish()])
        })
    }

    /// Waits for a submission, or for all.
    pub(crate) fn wait(&self, submission: Option<SubmissionIndex>) -> Result<(), GpuError> {
        loop {
            self.check()?;
            match self
                .poll(PollType::Wait { submission_index: submission.clone(), timeout: Some(PATIENCE) })?
            {
                Err(PollError::Timeout) => {}
                Ok(_) => return self.check(),
                Err(error) => {
                    return Err(GpuError::Internal { what: "waiting", reason: error.to_string() });
                }
            }
        }
    }

    fn poll(&self, how: PollType) -> Result<Result<wgpu::PollStatus, PollError>, GpuError> {
        catch_unwind(AssertUnwindSafe(|| self.device().poll(how))).map_err(|panic| self.lose(&*panic))
    }
}

impl Drop for Gpu {
    /// Closing waits for the work in flight, and panics inside wgpu where the device is lost.
    fn drop(&mut self) {
        let begun = Instant::now();
        while !self.is_lost() && begun.elapsed() < CLOSING {
            match self.poll(PollType::Wait { submission_index: None, timeout: Some(PATIENCE) }) {
                Ok(Err(PollError::Timeout)) => {}
                _ => break,
            }
        }
        let parts = (std::mem::take(&mut self.pipelines), lock(&self.timer).take(), self.handles.take());
        let _ = catch_unwind(AssertUnwindSafe(|| drop(parts)));
    }
}

/// Locks, also after a panic elsewhere: what these locks guard is never left half-written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

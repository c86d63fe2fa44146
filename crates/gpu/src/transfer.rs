//! Buffers of an open device, and what goes to them and comes from them.

use crate::device::Gpu;
use crate::error::GpuError;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;
use wgpu::{Buffer, BufferDescriptor, BufferUsages, MapMode};

/// Bytes uploaded before they are submitted: running out of memory in an upload loses the device.
const UPLOAD: usize = 16 << 20;

impl Gpu {
    /// A buffer for storage that can be written and read back; of at least 16 bytes.
    pub(crate) fn buffer(&self, what: &'static str, bytes: u64) -> Result<Buffer, GpuError> {
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC;
        self.create(what, bytes, usage)
    }

    /// A buffer for uniforms.
    pub(crate) fn uniforms(&self, what: &'static str, bytes: u64) -> Result<Buffer, GpuError> {
        self.create(what, bytes, BufferUsages::UNIFORM | BufferUsages::COPY_DST)
    }

    /// A buffer for uniforms with one record in it.
    pub(crate) fn uniform<N: bytemuck::NoUninit>(
        &self,
        what: &'static str,
        record: &N,
    ) -> Result<Buffer, GpuError> {
        let buffer = self.uniforms(what, size_of::<N>() as u64)?;
        self.upload(&buffer, std::slice::from_ref(record))?;
        Ok(buffer)
    }

    pub(crate) fn create(
        &self,
        what: &'static str,
        bytes: u64,
        usage: BufferUsages,
    ) -> Result<Buffer, GpuError> {
        let size = bytes.max(16).next_multiple_of(4);
        let descriptor = BufferDescriptor { label: Some(what), size, usage, mapped_at_creation: false };
        if size > self.adapter().largest_buffer {
            return Err(GpuError::Memory { what, bytes: size });
        }
        self.guarded(what, size, |device, _| device.create_buffer(&descriptor))
    }

    /// Writes numbers to the beginning of a buffer.
    pub(crate) fn upload<N: bytemuck::NoUninit>(&self, to: &Buffer, numbers: &[N]) -> Result<(), GpuError> {
        let bytes: &[u8] = bytemuck::cast_slice(numbers);
        self.counters.uploaded.fetch_add(bytes.len() as u64, SeqCst);
        self.guarded("an upload", bytes.len() as u64, |_, queue| {
            for (index, chunk) in bytes.chunks(UPLOAD).enumerate() {
                if index > 0 {
                    queue.submit([]);
                }
                queue.write_buffer(to, (index * UPLOAD) as u64, chunk);
            }
        })
    }

    /// Copies a buffer to another of its size, on the device.
    pub(crate) fn copy(&self, from: &Buffer, to: &Buffer) -> Result<(), GpuError> {
        self.guarded("a copy", from.size(), |device, queue| {
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.copy_buffer_to_buffer(from, 0, to, 0, None);
            queue.submit([encoder.finish()]);
        })
    }

    /// Reads numbers from the beginning of a buffer, after all work submitted.
    pub(crate) fn download<N>(&self, from: &Buffer, to: &mut [N]) -> Result<(), GpuError>
    where
        N: bytemuck::AnyBitPattern + bytemuck::NoUninit,
    {
        let to: &mut [u8] = bytemuck::cast_slice_mut(to);
        if to.is_empty() {
            return Ok(());
        }
        let bytes = to.len() as u64;
        self.counters.downloaded.fetch_add(bytes, SeqCst);
        self.counters.readbacks.fetch_add(1, SeqCst);
        let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
        let stage = self.create("a result", bytes, usage)?;
        let (sender, receiver) = mpsc::channel();
        let submission = self.guarded("a readback", bytes, |device, queue| {
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.copy_buffer_to_buffer(from, 0, &stage, 0, Some(bytes));
            let submission = queue.submit([encoder.finish()]);
            stage.map_async(MapMode::Read, .., move |result| {
                // Nobody listens any more if the wait failed.
                let _ = sender.send(result.is_ok());
            });
            submission
        })?;
        self.wait(Some(submission))?;
        if receiver.recv() != Ok(true) {
            self.check()?;
            return Err(GpuError::Internal { what: "a readback", reason: "could not be mapped".to_owned() });
        }
        self.guarded("a readback", bytes, |_, _| {
            stage.get_mapped_range(..bytes).map(|view| to.copy_from_slice(&view))
        })?
        .map_err(|error| GpuError::Internal { what: "a readback", reason: error.to_string() })?;
        self.check()
    }
}

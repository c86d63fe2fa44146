//! Work space that grows and is kept, so that steps allocate nothing.

use std::ops::{Deref, DerefMut};

/// A slice that begins on a cache line: a vector load across two lines costs double.
#[derive(Debug, Default)]
pub(crate) struct Buffer<T> {
    data: Vec<T>,
    start: usize,
    length: usize,
}

/// Bytes of a cache line, and of the widest vector.
pub(crate) const LINE: usize = 64;

impl<T: Copy + Default> Buffer<T> {
    pub(crate) fn new(length: usize) -> Self {
        let mut buffer = Self::default();
        buffer.resize(length);
        buffer
    }

    /// Makes it `length` long; the contents are unspecified numbers.
    pub(crate) fn resize(&mut self, length: usize) {
        let slack = LINE / size_of::<T>();
        if self.data.len() < length + slack {
            self.data = vec![T::default(); length + slack];
            // Within the slack where T divides a line; elsewhere merely not aligned.
            self.start = self.data.as_ptr().align_offset(LINE).min(slack);
        }
        self.length = length;
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.data[self.start..self.start + self.length]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_at_every_length() {
        let mut buffer = Buffer::<f32>::new(0);
        for length in [0, 1, 1000, 7, 4096, 5000] {
            buffer.resize(length);
            assert_eq!(buffer.len(), length);
            assert_eq!(buffer.as_ptr().align_offset(LINE), 0);
        }
    }
}

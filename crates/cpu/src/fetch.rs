//! Tells the processor early what will be read: parameters that come from memory arrive while others are in use.

use crate::buffer::LINE;

/// Asks for the cache lines of a slice, but for what overhangs the last whole one.
#[inline(always)]
pub(crate) fn fetch<T>(slice: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in slice.chunks((LINE / size_of::<T>()).max(1)) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint that reads and writes nothing, with an address that is valid anyway.
        #[expect(unsafe_code, reason = "the standard library has no safe name for it")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = slice;
}

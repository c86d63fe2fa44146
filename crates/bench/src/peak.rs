//! What the machine can do: multiply-adds in registers, and bytes from memory.

use crate::timing::alternate;
use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};
use kanode_cpu::Isa;
use std::hint::black_box;
use std::time::Duration;

/// Sums that are worked on side by side: enough to hide the latency of a multiply-add.
const SUMS: usize = 12;
const ROUNDS: usize = 20_000;

/// The instruction sets with vectors that this machine has, slowest first.
pub fn levels() -> Vec<(Isa, Level)> {
    let best = Level::new();
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let all = [
        (Isa::Sse2, best.as_sse2().map(Level::Sse2)),
        (Isa::Avx2, best.as_avx2().map(Level::Avx2)),
        (Isa::Avx512, best.as_avx512().map(Level::Avx512)),
    ];
    #[cfg(target_arch = "aarch64")]
    let all = [(Isa::Neon, best.as_neon().map(Level::Neon))];
    all.into_iter().filter_map(|(isa, level)| Some((isa, level?))).collect()
}

#[inline(always)]
fn multiply_add<S: Simd, V: SimdFloat<S>>(factor: V) -> [V; SUMS] {
    // Opaque, or the compiler would fold the loop away.
    let factor = black_box(factor);
    let mut sums = [factor; SUMS];
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            *sum = sum.mul_add(factor, factor);
        }
    }
    sums
}

fn rate(lanes: usize, run: &mut dyn FnMut()) -> f64 {
    let [times] = alternate([run], 20, Duration::from_millis(100));
    (ROUNDS * SUMS * lanes) as f64 / times.least() / 1e6
}

/// Multiply-adds of f32 and of f64 a second on one core, in 10⁹, with the instruction set of `level`.
pub fn multiply_adds(level: Level) -> [f64; 2] {
    let lanes = dispatch!(level, simd => lanes_of(simd));
    let mut single = || dispatch!(level, simd => single(simd));
    let mut double = || dispatch!(level, simd => double(simd));
    [rate(lanes[0], &mut single), rate(lanes[1], &mut double)]
}

#[inline(always)]
fn lanes_of<S: Simd>(_simd: S) -> [usize; 2] {
    [S::f32s::LEN, S::f64s::LEN]
}

#[inline(always)]
fn single<S: Simd>(simd: S) {
    black_box(multiply_add::<S, S::f32s>(S::f32s::splat(simd, 0.999)));
}

#[inline(always)]
fn double<S: Simd>(simd: S) {
    black_box(multiply_add::<S, S::f64s>(S::f64s::splat(simd, 0.999)));
}

/// Bytes a second that one core copies in memory, read and written, in 10⁹.
pub fn copied_bytes() -> f64 {
    const BYTES: usize = 1 << 28;
    let (from, mut to) = (vec![1u8; BYTES], vec![2u8; BYTES]);
    let mut copy = || {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
    };
    let [times] = alternate([&mut copy], 5, Duration::from_millis(200));
    2.0 * BYTES as f64 / times.median() / 1e6
}

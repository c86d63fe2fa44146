//! What the kernels ask of `f32` and `f64` beyond arithmetic: vectors, and the constants of the exponential.

use fearless_simd::SimdFloatElement;
use kanode_engine::Real;

/// `f32` or `f64`, as elements of vectors.
pub(crate) trait Float: Real + SimdFloatElement {
    /// `log2 e`.
    const LOG2_E: Self;
    /// Upper part of `ln 2`: few enough bits that its products with exponents are exact (Cody and Waite 1980).
    const LN2_HIGH: Self;
    /// `ln 2` less the upper part.
    const LN2_LOW: Self;
    /// `1.5·2^m + bias`, `m` being the bits of the mantissa: added to a number, it leaves the number's nearest integer
    /// and the exponent's bias in the lowest bits of the sum.
    const ROUNDER: Self;
    /// `1.5·2^m`: added to a whole number, it leaves the number in the lowest bits of the sum.
    const WHOLE: Self;
    /// Bits of the mantissa, `m`.
    const MANTISSA: u32;
    /// Here and below the exponential comes out as zero; it is less than the least normal number.
    const EXP_LOWEST: Self;
    /// `p` in `e^r = 1 + r + r²·p(r)` for `|r| ≤ ln 2 / 2`, highest power first.
    const EXP_POLYNOMIAL: &'static [Self];
    /// The least number of this type that is not below `value`.
    fn at_least(value: f64) -> Self;
    /// The number whose bytes say which bytes of a vector hold its element `lane`.
    fn place(lane: usize) -> Self;
    /// The lowest bits of the number's representation.
    fn low_bits(self) -> u32;
    /// The nearest integer of a number from 0 to 2^21, ties to even; without the branches of `as`.
    #[inline(always)]
    fn to_index(self) -> usize {
        (self + Self::WHOLE).low_bits() as usize & 0x3f_ffff
    }
}

impl Float for f32 {
    const LOG2_E: Self = std::f32::consts::LOG2_E;
    const LN2_HIGH: Self = 355.0 / 512.0;
    const LN2_LOW: Self = -2.121_944_4e-4;
    const ROUNDER: Self = Self::WHOLE + 127.0;
    const WHOLE: Self = 12_582_912.0;
    const MANTISSA: u32 = 23;
    const EXP_LOWEST: Self = -88.0;
    // Cephes, expf.c.
    const EXP_POLYNOMIAL: &'static [Self] =
        &[1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5];

    fn at_least(value: f64) -> Self {
        let nearest = value as Self;
        if Self::to_f64(nearest) < value { nearest.next_up() } else { nearest }
    }

    #[inline(always)]
    fn place(lane: usize) -> Self {
        Self::from_bits(0x0302_0100 + 0x0404_0404 * lane as u32)
    }

    #[inline(always)]
    fn low_bits(self) -> u32 {
        self.to_bits()
    }
}

impl Float for f64 {
    const LOG2_E: Self = std::f64::consts::LOG2_E;
    const LN2_HIGH: Self = 6.931_471_803_691_238e-1;
    const LN2_LOW: Self = 1.908_214_929_270_587_7e-10;
    const ROUNDER: Self = Self::WHOLE + 1023.0;
    const WHOLE: Self = 6_755_399_441_055_744.0;
    const MANTISSA: u32 = 52;
    const EXP_LOWEST: Self = -709.0;
    // Taylor: 1/13!, …, 1/2!; the next term is 4e-18 at most.
    const EXP_POLYNOMIAL: &'static [Self] = &[
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        1.0 / 2.0,
    ];

    fn at_least(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn place(lane: usize) -> Self {
        Self::from_bits(0x0706_0504_0302_0100 + 0x0808_0808_0808_0808 * lane as u64)
    }

    #[inline(always)]
    fn low_bits(self) -> u32 {
        self.to_bits() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_index_rounds_to_the_nearest() {
        for (value, expected) in
            [(0.0, 0), (0.49, 0), (0.51, 1), (7.0, 7), (99.7, 100), (2_097_152.0, 2_097_152)]
        {
            assert_eq!((value as f32).to_index(), expected);
            assert_eq!(value.to_index(), expected);
        }
    }

    #[test]
    fn at_least_is_the_least_number_not_below() {
        for value in [0.1, -0.1, 1.0, 2.0f64.next_up(), -3.0f64.next_up(), f64::NEG_INFINITY] {
            let found = f32::at_least(value);
            assert!(f64::from(found) >= value && f64::from(found.next_down()) <= value, "{value}");
            assert!(value.is_infinite() || f64::from(found.next_down()) < value, "{value}");
            assert_eq!(f64::at_least(value), value);
        }
    }
}

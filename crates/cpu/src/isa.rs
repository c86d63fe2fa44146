//! The instruction sets that the kernels are compiled for, and which of them this machine has.

use crate::error::CpuError;
use fearless_simd::Level;
use std::fmt::{Display, Formatter, Result as FmtResult};
use std::str::FromStr;

/// An instruction set. Results differ between them in the last bits, because only some have fused multiply-adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isa {
    /// No explicit vectors, where the target has none of the others always.
    Scalar,
    /// x86-64's baseline, 128 bits, no fused multiply-add.
    Sse2,
    /// x86-64-v3: AVX2 with FMA and BMI, 256 bits (Intel since 2013, AMD since 2015).
    Avx2,
    /// The AVX-512 of Ice Lake and Zen 4 (F, BW, CD, DQ, VL, IFMA, VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ, with GFNI,
    /// VAES and VPCLMULQDQ), 512 bits. Earlier and smaller ones count as [`Isa::Avx2`].
    Avx512,
    /// Baseline of 64-bit ARM, 128 bits.
    Neon,
}

impl Isa {
    /// All of them, slowest first.
    const ALL: [Self; 5] = [Self::Scalar, Self::Sse2, Self::Avx2, Self::Avx512, Self::Neon];

    /// Those that this machine has, slowest first; never empty.
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|isa| isa.level().is_some()).collect()
    }

    /// The fastest that this machine has.
    pub fn best() -> Self {
        Self::ALL.into_iter().rfind(|isa| isa.level().is_some()).unwrap_or(Self::Scalar)
    }

    /// Its lower-case name, as `KANODE_ISA` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Sse2 => "sse2",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }

    /// The proof that this machine has it, which the kernels are called with.
    pub(crate) fn level(self) -> Option<Level> {
        let best = Level::new();
        match self {
            // Kernels that nothing needs would be a sixth of all of them.
            #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
            Self::Scalar => Some(Level::fallback()),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Self::Sse2 => best.as_sse2().map(Level::Sse2),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Self::Avx2 => best.as_avx2().map(Level::Avx2),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Self::Avx512 => best.as_avx512().map(Level::Avx512),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => best.as_neon().map(Level::Neon),
            #[allow(unreachable_patterns, reason = "which arms exist depends on the target")]
            _ => {
                let _ = best;
                None
            }
        }
    }
}

impl Display for Isa {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str(self.name())
    }
}

impl FromStr for Isa {
    type Err = CpuError;

    fn from_str(text: &str) -> Result<Self, CpuError> {
        let named = Self::ALL.into_iter().find(|isa| isa.name().eq_ignore_ascii_case(text.trim()));
        named.ok_or_else(|| CpuError::UnknownIsa { found: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for isa in Isa::ALL {
            assert_eq!(isa.to_string().parse(), Ok(isa));
        }
        assert_eq!(" AVX2 ".parse(), Ok(Isa::Avx2));
    }

    #[test]
    fn an_unknown_name_is_told_what_there_is() {
        let error = "mmx".parse::<Isa>().unwrap_err();
        assert!(
            error.to_string().contains("\"mmx\"") && error.to_string().contains(Isa::best().name()),
            "{error}"
        );
    }

    #[test]
    fn a_baseline_is_first_and_the_best_is_last() {
        let available = Isa::available();
        assert!(matches!(available[0], Isa::Scalar | Isa::Sse2 | Isa::Neon));
        assert_eq!(available.last(), Some(&Isa::best()));
    }
}

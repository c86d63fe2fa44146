//! The two number types of a file and their bytes, always little-endian.

use kanode_engine::Real;
use safetensors::Dtype;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The number types that a model can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NumberType {
    /// `f32`.
    F32,
    /// `f64`.
    F64,
}

impl NumberType {
    /// The name in a safetensors header.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F64 => "F64",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::F32, Self::F64].into_iter().find(|number| number.name() == name)
    }

    /// Bytes of one number.
    pub(crate) fn size(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    pub(crate) fn safetensors(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::F64 => Dtype::F64,
        }
    }
}

/// The numbers of a tensor, row-major.
#[derive(Clone, Debug)]
pub enum Numbers<'a> {
    /// Of type `f32`.
    F32(Cow<'a, [f32]>),
    /// Of type `f64`.
    F64(Cow<'a, [f64]>),
}

impl Numbers<'_> {
    pub(crate) fn number_type(&self) -> NumberType {
        match self {
            Self::F32(_) => NumberType::F32,
            Self::F64(_) => NumberType::F64,
        }
    }

    pub(crate) fn byte_count(&self) -> usize {
        match self {
            Self::F32(numbers) => size_of_val(numbers.as_ref()),
            Self::F64(numbers) => size_of_val(numbers.as_ref()),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.byte_count());
        self.each(|bytes| all.extend_from_slice(bytes));
        all
    }

    /// Calls `take` with the bytes of each number.
    pub(crate) fn each(&self, mut take: impl FnMut(&[u8])) {
        match self {
            Self::F32(numbers) => numbers.iter().for_each(|number| take(&number.to_le_bytes())),
            Self::F64(numbers) => numbers.iter().for_each(|number| take(&number.to_le_bytes())),
        }
    }

    /// Index of the first number that is NaN or infinite.
    pub(crate) fn first_not_finite(&self) -> Option<usize> {
        match self {
            Self::F32(numbers) => numbers.iter().position(|number| !number.is_finite()),
            Self::F64(numbers) => numbers.iter().position(|number| !number.is_finite()),
        }
    }
}

mod sealed {
    use super::{Cow, NumberType, Numbers};

    /// How a number lies in a file.
    pub trait Stored: Sized + Clone {
        /// Its type.
        const TYPE: NumberType;
        /// Numbers to be written.
        fn numbers(numbers: Cow<'_, [Self]>) -> Numbers<'_>;
        /// The numbers that these bytes are; a rest too short for one is left out.
        fn read(bytes: &[u8]) -> Vec<Self>;
    }
}
pub(crate) use sealed::Stored;

/// A number type that a model file can hold: `f32` or `f64`.
pub trait Number: Real + sealed::Stored {}

macro_rules! number {
    ($t:ty, $type:ident) => {
        impl Stored for $t {
            const TYPE: NumberType = NumberType::$type;
            fn numbers(numbers: Cow<'_, [Self]>) -> Numbers<'_> {
                Numbers::$type(numbers)
            }
            fn read(bytes: &[u8]) -> Vec<Self> {
                let (numbers, _) = bytes.as_chunks();
                numbers.iter().map(|number| Self::from_le_bytes(*number)).collect()
            }
        }
        impl Number for $t {}
    };
}
number!(f32, F32);
number!(f64, F64);

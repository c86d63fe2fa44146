//! What can go wrong with a graphics processor, as data.

use crate::adapter::AdapterDescription;
use kanode_engine::EngineError;

/// Name of this backend in errors.
pub(crate) const BACKEND: &str = "gpu";

/// Why the graphics processor can't be used, or no longer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GpuError {
    /// No driver offers an adapter.
    #[error("no graphics adapter found: no Vulkan, Metal or DirectX 12 driver offers one")]
    NoAdapter,
    /// Only adapters that are the CPU in disguise, which nobody asked for.
    #[error("no graphics adapter found but '{}', which runs on the CPU", found.name)]
    Software {
        /// The first of them.
        found: AdapterDescription,
    },
    /// No adapter has the name asked for.
    #[error("no graphics adapter is named '{wanted}'; there are: {}", found.join(", "))]
    UnknownAdapter {
        /// What its name should contain.
        wanted: String,
        /// Names of those there are.
        found: Vec<String>,
    },
    /// The adapter refuses to open.
    #[error("the adapter '{adapter}' could not be opened: {reason}")]
    Refused {
        /// Its name.
        adapter: String,
        /// What the driver says.
        reason: String,
    },
    /// The device was lost: a driver that was reset or replaced, a dispatch that took too long, an eGPU unplugged.
    #[error("the device was lost: {reason}")]
    Lost {
        /// What the driver says.
        reason: String,
    },
    /// No memory on the device.
    #[error("no memory on the device for {bytes} bytes of {what}")]
    Memory {
        /// What it was to hold.
        what: &'static str,
        /// Its size.
        bytes: u64,
    },
    /// A layer is beyond what the adapter allows.
    #[error("layer {layer}: {needed} {what}, where the limit is {limit}; {remedy}")]
    Limit {
        /// Index of the layer.
        layer: usize,
        /// What is beyond the limit, with its unit.
        what: &'static str,
        /// How much the layer needs.
        needed: u64,
        /// How much there may be.
        limit: u64,
        /// What would fit.
        remedy: String,
    },
    /// The driver or wgpu refuses what this crate asks of it: a fault of ours.
    #[error("{what}: {reason}")]
    Internal {
        /// What was being done.
        what: &'static str,
        /// What was said to it.
        reason: String,
    },
}

impl From<GpuError> for EngineError {
    fn from(error: GpuError) -> Self {
        match error {
            GpuError::Memory { what, bytes } => {
                Self::Memory { what, numbers: usize::try_from(bytes / 4).unwrap_or(usize::MAX) }
            }
            GpuError::Limit { .. } => Self::Unsupported { backend: BACKEND, reason: error.to_string() },
            GpuError::Internal { .. } => Self::Internal { backend: BACKEND, reason: error.to_string() },
            _ => Self::Device { backend: BACKEND, reason: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_ours_is_not_a_lost_device() {
        let of = |error: GpuError| EngineError::from(error);
        let reason = || "it says".to_owned();
        assert!(matches!(
            of(GpuError::Internal { what: "a shader", reason: reason() }),
            EngineError::Internal { .. }
        ));
        assert!(matches!(of(GpuError::Lost { reason: reason() }), EngineError::Device { .. }));
        assert!(matches!(
            of(GpuError::Memory { what: "nodes", bytes: 8 }),
            EngineError::Memory { numbers: 2, .. }
        ));
    }
}

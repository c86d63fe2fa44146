//! Which adapters there are, and which one is taken: by the kind of device, never a CPU adapter unless asked for.

use crate::error::GpuError;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use wgpu::{Adapter, Backends, DeviceType, Instance, InstanceDescriptor, InstanceFlags};

/// What an adapter is, for people and for choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterDescription {
    /// Name, as the driver gives it.
    pub name: String,
    /// What kind of device it is.
    pub kind: AdapterKind,
    /// `vulkan`, `metal` or `dx12`.
    pub api: &'static str,
    /// Name and version of the driver; empty where it doesn't say.
    pub driver: String,
    /// Largest storage buffer that a shader may see, in bytes: no tensor of a layer can be larger.
    pub largest_binding: u64,
    /// Largest buffer, in bytes.
    pub largest_buffer: u64,
    /// Whether it can time its own work.
    pub timestamps: bool,
}

/// Kinds of devices, in the order in which they are preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdapterKind {
    /// A card with memory of its own.
    Discrete,
    /// Part of the processor, or beside it.
    Integrated,
    /// A share of one, in a virtual machine.
    Virtual,
    /// Unknown to the driver.
    Other,
    /// A program that pretends to be one.
    Cpu,
}

impl AdapterKind {
    /// Its word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Other => "other",
            Self::Cpu => "cpu",
        }
    }

    fn of(device: DeviceType) -> Self {
        match device {
            DeviceType::DiscreteGpu => Self::Discrete,
            DeviceType::IntegratedGpu => Self::Integrated,
            DeviceType::VirtualGpu => Self::Virtual,
            DeviceType::Other => Self::Other,
            DeviceType::Cpu => Self::Cpu,
        }
    }
}

/// Which adapter to take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdapterChoice {
    /// Whether one that is the CPU in disguise will do.
    pub software: bool,
    /// Part of its name, in any case of letters.
    pub name: Option<String>,
}

impl AdapterChoice {
    /// The best of `found`: discrete before integrated before virtual; the first of a kind.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`], [`GpuError::Software`] or [`GpuError::UnknownAdapter`].
    pub(crate) fn choose(&self, found: &[AdapterDescription]) -> Result<usize, GpuError> {
        let wanted = self.name.as_deref().map(str::to_lowercase);
        let named = |a: &AdapterDescription| {
            wanted.as_ref().is_none_or(|wanted| a.name.to_lowercase().contains(wanted))
        };
        let candidates = || found.iter().enumerate().filter(|(_, a)| named(a));
        let allowed = candidates().filter(|(_, a)| self.software || a.kind != AdapterKind::Cpu);
        if let Some((index, _)) = allowed.min_by_key(|(_, a)| a.kind) {
            return Ok(index);
        }
        match (candidates().next(), &self.name) {
            (Some((_, software)), _) => Err(GpuError::Software { found: software.clone() }),
            (None, Some(wanted)) if !found.is_empty() => Err(GpuError::UnknownAdapter {
                wanted: wanted.clone(),
                found: found.iter().map(|a| a.name.clone()).collect(),
            }),
            _ => Err(GpuError::NoAdapter),
        }
    }
}

/// All adapters of this machine, in the order of the drivers; this loads them.
pub fn adapters() -> Vec<AdapterDescription> {
    enumerate().1.iter().map(describe).collect()
}

pub(crate) fn enumerate() -> (Instance, Vec<Adapter>) {
    // Set explicitly, because debug builds would ask drivers for layers and for slow shaders.
    let descriptor = InstanceDescriptor {
        backends: Backends::VULKAN | Backends::METAL | Backends::DX12,
        flags: InstanceFlags::VALIDATION_INDIRECT_CALL,
        ..InstanceDescriptor::new_without_display_handle()
    };
    let instance = Instance::new(descriptor);
    let adapters = ready(instance.enumerate_adapters(Backends::all())).unwrap_or_default();
    (instance, adapters)
}

pub(crate) fn describe(adapter: &Adapter) -> AdapterDescription {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    AdapterDescription {
        name: info.name,
        kind: AdapterKind::of(info.device_type),
        api: info.backend.to_str(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        largest_binding: largest_binding(&limits),
        largest_buffer: limits.max_buffer_size,
        timestamps: adapter.features().contains(wgpu::Features::TIMESTAMP_QUERY),
    }
}

/// DirectX 12 and indices of 32 bits end at `i32::MAX`, whatever an adapter says.
pub(crate) fn largest_binding(limits: &wgpu::Limits) -> u64 {
    limits.max_storage_buffer_binding_size.min(i32::MAX as u64 & !3)
}

/// The result of a future of wgpu, all of which are ready at once outside browsers.
pub(crate) fn ready<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, kind: AdapterKind) -> AdapterDescription {
        AdapterDescription {
            name: name.to_owned(),
            kind,
            api: "vulkan",
            driver: String::new(),
            largest_binding: 1 << 27,
            largest_buffer: 1 << 28,
            timestamps: false,
        }
    }

    #[test]
    fn cards_come_before_integrated_ones_and_software_only_when_asked_for() {
        let software = adapter("llvmpipe", AdapterKind::Cpu);
        let all = [
            software.clone(),
            adapter("UHD", AdapterKind::Integrated),
            adapter("RTX", AdapterKind::Discrete),
            adapter("virtio", AdapterKind::Virtual),
        ];
        let any = AdapterChoice::default();
        assert_eq!(any.choose(&all), Ok(2));
        assert_eq!(any.choose(&all[..2]), Ok(1));
        assert_eq!(any.choose(&[]), Err(GpuError::NoAdapter));
        assert_eq!(any.choose(&all[..1]), Err(GpuError::Software { found: software }));
        let software = AdapterChoice { software: true, name: None };
        assert_eq!((software.choose(&all), software.choose(&all[..1])), (Ok(2), Ok(0)));
    }

    #[test]
    fn a_name_chooses_among_those_allowed() {
        let all = [adapter("NVIDIA RTX", AdapterKind::Discrete), adapter("llvmpipe", AdapterKind::Cpu)];
        let named =
            |name: &str, software| AdapterChoice { software, name: Some(name.to_owned()) }.choose(&all);
        assert_eq!(named("rtx", false), Ok(0));
        assert_eq!(named("LLVM", true), Ok(1));
        assert!(matches!(named("llvm", false), Err(GpuError::Software { .. })));
        assert!(matches!(named("arc", true), Err(GpuError::UnknownAdapter { .. })));
    }
}

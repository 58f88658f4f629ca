//! Where networks compute, and in which precision.

use std::{fmt, str::FromStr};

use candle_core::{DType, Device, Result, Tensor};

/// A device, and the precision of weights and of what flows between layers on it.
#[derive(Clone, Debug)]
pub struct Compute {
    pub device: Device,
    pub dtype: DType,
}

/// Where to compute: what is asked for by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The accelerator that this build was made for, if the machine has one, or else the CPU.
    #[default]
    Best,
    Cpu,
    /// By its number among those that `CUDA_VISIBLE_DEVICES` leaves visible.
    Cuda(usize),
    Metal(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `auto`, `cpu`, `cuda`, `cuda:N`, `metal` or `metal:N`")]
pub struct UnknownDevice;

#[derive(Debug, thiserror::Error)]
#[error("the device `{choice}` cannot be used")]
pub struct NoDevice {
    choice: DeviceChoice,
    source: candle_core::Error,
}

/// How much a network cares for precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Half precision where the device is fast in it, with the exponents of single precision where there is a choice.
    Wide,
    /// Half precision where the device is fast in it, with the finer steps: for networks trained in it.
    Fine,
    /// Always single precision.
    Single,
}

impl DeviceChoice {
    /// The device of this name, in the precision that suits it and the network.
    pub fn compute(self, care: Care) -> std::result::Result<Compute, NoDevice> {
        let unusable = |source| NoDevice { choice: self, source };
        let device = match self {
            Self::Best => best(),
            Self::Cpu => Device::Cpu,
            Self::Cuda(number) => Device::new_cuda(number).map_err(unusable)?,
            Self::Metal(number) => Device::new_metal(number).map_err(unusable)?,
        };
        let dtype = match (&device, care) {
            (Device::Cuda(_), Care::Wide) => DType::BF16,
            (Device::Cuda(_), Care::Fine) | (Device::Metal(_), Care::Wide | Care::Fine) => DType::F16,
            // On the CPU the fused operations take nothing else.
            _ => DType::F32,
        };
        Ok(Compute { device, dtype })
    }
}

/// A build for an accelerator serves on machines without one, too.
fn best() -> Device {
    let tried = if cfg!(feature = "cuda") { Device::new_cuda(0) } else { Device::new_metal(0) };
    tried.unwrap_or(Device::Cpu)
}

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> std::result::Result<Self, UnknownDevice> {
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number.parse().map_err(|_| UnknownDevice)?)),
            None => (text, None),
        };
        match (name, number) {
            ("auto", None) => Ok(Self::Best),
            ("cpu", None) => Ok(Self::Cpu),
            ("cuda", number) => Ok(Self::Cuda(number.unwrap_or(0))),
            ("metal", number) => Ok(Self::Metal(number.unwrap_or(0))),
            _ => Err(UnknownDevice),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => write!(f, "auto"),
            Self::Cpu => write!(f, "cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Metal(number) => write!(f, "metal:{number}"),
        }
    }
}

impl Compute {
    /// The CPU in single precision, which is what the fused operations take.
    pub fn cpu() -> Self {
        Self { device: Device::Cpu, dtype: DType::F32 }
    }

    /// The CPU in another precision: the operations are then candle's own, as on an accelerator.
    pub fn plain(dtype: DType) -> Self {
        Self { device: Device::Cpu, dtype }
    }

    /// For what leaves the range of half precision with 5 exponent bits.
    pub fn wide(&self) -> Self {
        let dtype = if self.dtype == DType::F16 { DType::F32 } else { self.dtype };
        Self { dtype, ..self.clone() }
    }

    /// The tensor here, in this precision.
    pub fn take(&self, x: &Tensor) -> Result<Tensor> {
        x.to_device(&self.device)?.to_dtype(self.dtype)
    }
}

impl fmt::Display for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = match self.device {
            Device::Cpu => "the CPU",
            Device::Cuda(_) => "CUDA",
            Device::Metal(_) => "Metal",
        };
        write!(f, "{device} in {}", self.dtype.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_known_by_name() {
        for (name, choice) in [
            ("auto", DeviceChoice::Best),
            ("cpu", DeviceChoice::Cpu),
            ("cuda", DeviceChoice::Cuda(0)),
            ("cuda:3", DeviceChoice::Cuda(3)),
            ("metal", DeviceChoice::Metal(0)),
            ("metal:1", DeviceChoice::Metal(1)),
        ] {
            assert_eq!(name.parse(), Ok(choice));
        }
        for name in ["", "gpu", "cpu:1", "auto:0", "cuda:", "cuda:-1", "cuda:x", "CUDA"] {
            let error = name.parse::<DeviceChoice>().unwrap_err();
            assert!(error.to_string().contains("expected `auto`"), "{error}");
        }
    }

    #[test]
    fn the_cpu_computes_in_single_precision_whatever_the_network() {
        for care in [Care::Wide, Care::Fine, Care::Single] {
            let compute = DeviceChoice::Cpu.compute(care).unwrap();
            assert_eq!(compute.to_string(), "the CPU in f32");
        }
    }

    #[test]
    fn the_best_device_is_one_that_can_be_used() {
        let compute = DeviceChoice::Best.compute(Care::Wide).unwrap();
        let one = candle_core::Tensor::ones(1, compute.dtype, &compute.device).unwrap();
        assert_eq!(Compute::cpu().take(&one).unwrap().to_vec1::<f32>().unwrap(), [1.0], "{compute}");
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_cuda_says_so_when_asked_for_it() {
        let error = DeviceChoice::Cuda(0).compute(Care::Wide).unwrap_err();
        assert_eq!(error.to_string(), "the device `cuda:0` cannot be used");
        let because = std::error::Error::source(&error).unwrap().to_string();
        assert!(because.contains("cuda"), "{because}");
    }
}

//! Where tensors are and in which precision.

use candle_core::{DType, Device, Result};

/// A device, and the precision of weights and of what flows between layers on it.
#[derive(Clone, Debug)]
pub struct Compute {
    pub device: Device,
    pub dtype: DType,
}

impl Compute {
    /// The CPU in single precision, which is what the fused operations take.
    pub fn cpu() -> Self {
        Self { device: Device::Cpu, dtype: DType::F32 }
    }

    /// The accelerator that this build was made for, if the machine has it, or else the CPU.
    pub fn best() -> Result<Self> {
        if cfg!(feature = "cuda") && candle_core::utils::cuda_is_available() {
            return Ok(Self { device: Device::new_cuda(0)?, dtype: DType::BF16 });
        }
        if cfg!(feature = "metal") && candle_core::utils::metal_is_available() {
            return Ok(Self { device: Device::new_metal(0)?, dtype: DType::F16 });
        }
        Ok(Self::cpu())
    }
}

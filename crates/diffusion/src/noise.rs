//! Noise as PyTorch's CPU generator draws it: one generator a call, whose draws follow each other.
//!
//! Draws are made on the CPU whatever device computes, as the reference pipelines do with a CPU generator.

use candle_core::{DType, Device, Result, Tensor};
use tintype_engine::{Normal, Precision};

use crate::Compute;

/// The generator of one call.
pub struct Noise(Normal);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(Normal::new(seed))
    }

    /// What `torch.randn(shape, dtype=dtype)` draws next, in single precision, on the device. Half precisions are
    /// drawn in ways of their own.
    pub fn draw(&mut self, shape: &[usize], dtype: DType, compute: &Compute) -> Result<Tensor> {
        let precision = match dtype {
            DType::BF16 => Precision::Brain,
            DType::F16 => Precision::Half,
            _ => Precision::Single,
        };
        let values = self.0.draw(shape.iter().product(), precision);
        Tensor::from_vec(values, shape, &Device::Cpu)?.to_device(&compute.device)
    }
}

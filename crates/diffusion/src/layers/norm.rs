//! Normalisation by layer, by root mean square, and by group.

use candle_core::{Result, Tensor};
use tintype_kernels::{Norm, modulated_norm};

use crate::{LoadError, Weights};

/// Over the last axis, with a mean.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    /// (1, width). Ones and zeros where the layer has none.
    scale: Tensor,
    shift: Tensor,
    epsilon: f64,
}

impl LayerNorm {
    pub fn load(weights: &Weights, width: usize, epsilon: f64) -> std::result::Result<Self, LoadError> {
        let scale = weights.shaped("weight", &[width])?.unsqueeze(0)?;
        let shift =
            if weights.has("bias") { weights.shaped("bias", &[width])?.unsqueeze(0)? } else { scale.zeros_like()? };
        Ok(Self { scale, shift, epsilon })
    }

    /// Without learned scale and shift.
    pub fn plain(weights: &Weights, width: usize, epsilon: f64) -> Result<Self> {
        let scale = Tensor::ones((1, width), weights.compute().dtype, &weights.compute().device)?;
        Ok(Self { shift: scale.zeros_like()?, scale, epsilon })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        normal(x, &self.scale, &self.shift, Norm::Layer, self.epsilon)
    }

    /// `normal(x) (1 + scale) + shift`, with `scale` and `shift` (batch, width).
    pub fn modulated(&self, x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
        let factor = (scale + 1.0)?;
        let shift = (factor.broadcast_mul(&self.shift)? + shift)?;
        normal(x, &factor.broadcast_mul(&self.scale)?, &shift, Norm::Layer, self.epsilon)
    }
}

/// Over the last axis, without a mean.
#[derive(Clone, Debug)]
pub struct RmsNorm {
    scale: Tensor,
    shift: Tensor,
    epsilon: f64,
}

impl RmsNorm {
    pub fn load(weights: &Weights, width: usize, epsilon: f64) -> std::result::Result<Self, LoadError> {
        let scale = weights.shaped("weight", &[width])?.unsqueeze(0)?;
        Ok(Self { shift: scale.zeros_like()?, scale, epsilon })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        normal(x, &self.scale, &self.shift, Norm::RootMeanSquare, self.epsilon)
    }
}

/// `scale` and `shift` are (batch, width) or (1, width).
fn normal(x: &Tensor, scale: &Tensor, shift: &Tensor, norm: Norm, epsilon: f64) -> Result<Tensor> {
    modulated_norm(x, scale, shift, norm, epsilon as f32)
}

/// Over groups of channels of (batch, channels, height, width).
#[derive(Clone, Debug)]
pub struct GroupNorm {
    /// (1, channels).
    scale: Tensor,
    shift: Tensor,
    groups: usize,
    epsilon: f64,
}

impl GroupNorm {
    pub fn load(
        weights: &Weights,
        groups: usize,
        channels: usize,
        epsilon: f64,
    ) -> std::result::Result<Self, LoadError> {
        let part = |part: &str| Ok::<_, LoadError>(weights.shaped(part, &[channels])?.unsqueeze(0)?);
        Ok(Self { scale: part("weight")?, shift: part("bias")?, groups, epsilon })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (scale, shift) = self.repeated(x)?;
        tintype_kernels::group_norm(x, &scale, &shift, self.groups, self.epsilon as f32)
    }

    /// With SiLU behind it, in one pass.
    pub fn silu(&self, x: &Tensor) -> Result<Tensor> {
        let (scale, shift) = self.repeated(x)?;
        tintype_kernels::group_norm_silu(x, &scale, &shift, self.groups, self.epsilon as f32)
    }

    fn repeated(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let batch = x.dim(0)?;
        Ok((self.scale.repeat((batch, 1))?, self.shift.repeat((batch, 1))?))
    }
}

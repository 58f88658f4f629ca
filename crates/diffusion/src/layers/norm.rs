//! Normalisation by layer, by root mean square, and by group.

use candle_core::{D, DType, Result, Tensor};
use tintype_kernels::{Norm, modulated_norm};

use super::{fused, silu};
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
    if fused(x) {
        return modulated_norm(x, scale, shift, norm, epsilon as f32);
    }
    let wide = x.to_dtype(DType::F32)?;
    let wide = if norm == Norm::Layer { wide.broadcast_sub(&wide.mean_keepdim(D::Minus1)?)? } else { wide };
    let rate = (wide.sqr()?.mean_keepdim(D::Minus1)? + epsilon)?.sqrt()?;
    let y = wide.broadcast_div(&rate)?.to_dtype(x.dtype())?;
    let spread = |t: &Tensor| -> Result<Tensor> {
        let mut dims = vec![1; x.rank()];
        (dims[0], dims[x.rank() - 1]) = t.dims2()?;
        t.reshape(dims)
    };
    y.broadcast_mul(&spread(scale)?)?.broadcast_add(&spread(shift)?)
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
        if fused(x) {
            let (scale, shift) = self.repeated(x)?;
            return tintype_kernels::group_norm(x, &scale, &shift, self.groups, self.epsilon as f32);
        }
        self.stock(x)
    }

    /// With SiLU behind it, in one pass.
    pub fn silu(&self, x: &Tensor) -> Result<Tensor> {
        if fused(x) {
            let (scale, shift) = self.repeated(x)?;
            return tintype_kernels::group_norm_silu(x, &scale, &shift, self.groups, self.epsilon as f32);
        }
        silu(&self.stock(x)?)
    }

    fn repeated(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let batch = x.dim(0)?;
        Ok((self.scale.repeat((batch, 1))?, self.shift.repeat((batch, 1))?))
    }

    fn stock(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = x.dims4()?;
        let wide = x.to_dtype(DType::F32)?.reshape((batch, self.groups, ()))?;
        let wide = wide.broadcast_sub(&wide.mean_keepdim(2)?)?;
        let rate = (wide.sqr()?.mean_keepdim(2)? + self.epsilon)?.sqrt()?;
        let y = wide.broadcast_div(&rate)?.reshape((batch, channels, height, width))?.to_dtype(x.dtype())?;
        let spread = |t: &Tensor| t.reshape((1, channels, 1, 1));
        y.broadcast_mul(&spread(&self.scale)?)?.broadcast_add(&spread(&self.shift)?)
    }
}

//! The layers that the parts of the network share.

use candle_core::{Result, Tensor};
use tintype_kernels::{conv2d, group_norm_silu, linear};

use super::{GROUP_EPSILON, GROUPS, adapter::Adapter};
use crate::sketch::weights::{LoadError, Weights};

pub(super) struct Linear {
    weight: Tensor,
    bias: Tensor,
    adapter: Option<Adapter>,
}

impl Linear {
    pub fn load(weights: &Weights, name: &str) -> std::result::Result<Self, LoadError> {
        let part = |part: &str| weights.tensor(&format!("{name}.{part}"));
        // The transpose of what is contiguous, which is how the product reads it best.
        let weight = part("weight")?.t()?.contiguous()?.t()?;
        Ok(Self { weight, bias: part("bias")?, adapter: weights.adapter(name) })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = linear(x, &self.weight, &self.bias)?;
        match &self.adapter {
            Some(adapter) => y + adapter.linear(x)?,
            None => Ok(y),
        }
    }
}

pub(super) struct Conv {
    weight: Tensor,
    bias: Tensor,
    adapter: Option<Adapter>,
}

impl Conv {
    pub fn load(weights: &Weights, name: &str) -> std::result::Result<Self, LoadError> {
        let part = |part: &str| weights.tensor(&format!("{name}.{part}"));
        Ok(Self { weight: part("weight")?, bias: part("bias")?, adapter: weights.adapter(name) })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = conv2d(x, &self.weight, &self.bias)?;
        match &self.adapter {
            Some(adapter) => y + adapter.conv(x)?,
            None => Ok(y),
        }
    }
}

/// Group normalisation's own weight, which is handed on to what fuses it with the rest.
pub(super) struct GroupNorm {
    weight: Tensor,
    bias: Tensor,
}

impl GroupNorm {
    pub fn load(weights: &Weights, name: &str) -> std::result::Result<Self, LoadError> {
        let part = |part: &str| weights.tensor(&format!("{name}.{part}"))?.unsqueeze(0).map_err(LoadError::from);
        Ok(Self { weight: part("weight")?, bias: part("bias")? })
    }

    /// Scale and shift for each picture of a batch.
    pub fn plain(&self, batch: usize) -> Result<(Tensor, Tensor)> {
        Ok((self.weight.repeat((batch, 1))?, self.bias.repeat((batch, 1))?))
    }

    /// Scale and shift with a condition's own folded in: `(normal(x) w + b) (1 + scale) + shift`.
    fn modulated(&self, scale: &Tensor, shift: &Tensor) -> Result<(Tensor, Tensor)> {
        let factor = (scale + 1.0)?;
        Ok((factor.broadcast_mul(&self.weight)?, (factor.broadcast_mul(&self.bias)? + shift)?))
    }
}

/// Two 3x3 convolutions around a residual; the condition scales and shifts the second normalisation.
pub(super) struct Residual {
    norms: [GroupNorm; 2],
    convs: [Conv; 2],
    modulate: Linear,
}

impl Residual {
    pub fn load(weights: &Weights, name: &str) -> std::result::Result<Self, LoadError> {
        let part = |part: &str| format!("{name}.{part}");
        Ok(Self {
            norms: [GroupNorm::load(weights, &part("norm1"))?, GroupNorm::load(weights, &part("norm2"))?],
            convs: [Conv::load(weights, &part("conv1"))?, Conv::load(weights, &part("conv2"))?],
            modulate: Linear::load(weights, &part("modulate"))?,
        })
    }

    pub fn forward(&self, x: &Tensor, condition: &Tensor) -> Result<Tensor> {
        let (batch, channels, _, _) = x.dims4()?;
        let modulation = self.modulate.forward(condition)?;
        let (scale, shift) = self.norms[0].plain(batch)?;
        let h = self.convs[0].forward(&group_norm_silu(x, &scale, &shift, GROUPS, GROUP_EPSILON)?)?;
        let (scale, shift) = (modulation.narrow(1, 0, channels)?, modulation.narrow(1, channels, channels)?);
        let (scale, shift) = self.norms[1].modulated(&scale, &shift)?;
        x + self.convs[1].forward(&group_norm_silu(&h, &scale, &shift, GROUPS, GROUP_EPSILON)?)?
    }
}

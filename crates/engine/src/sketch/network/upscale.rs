//! Four times finer: a few convolutions, added to the picture with each pixel made sixteen.

use candle_core::{Result, Tensor};
use tintype_kernels::{pixel_shuffle, silu};

use super::{FINER, layers::Conv};
use crate::sketch::weights::{LoadError, Weights};

pub(super) struct Upscale {
    first: Conv,
    second: Conv,
    third: Conv,
    last: Conv,
}

impl Upscale {
    pub fn load(weights: &Weights) -> std::result::Result<Self, LoadError> {
        let conv = |part: &str| Conv::load(weights, &format!("refine.{part}"));
        Ok(Self { first: conv("first")?, second: conv("second")?, third: conv("third")?, last: conv("last")? })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (_, _, height, width) = x.dims4()?;
        let h = silu(&self.first.forward(x)?)?;
        let h = (&h + silu(&self.second.forward(&h)?)?)?;
        let h = (&h + silu(&self.third.forward(&h)?)?)?;
        let detail = pixel_shuffle(&self.last.forward(&h)?, FINER)?;
        (detail + x.upsample_nearest2d(height * FINER, width * FINER)?)?.clamp(-1.0, 1.0)
    }
}

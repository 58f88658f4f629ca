//! The autoencoder between pictures and latents, with any number of latent channels.

mod attention;
mod decoder;
mod encoder;
mod tiles;

use std::path::Path;

use candle_core::{DType, Result, Tensor};
use serde::Deserialize;

use crate::{LoadError, Weights, config, layers::Conv2d, noise::Noise};
use decoder::Decoder;
use encoder::Encoder;

/// The latents of a picture of this many pixels are decoded in one piece.
const WHOLE: usize = 1024 * 1024;

/// Latents a side of a preview.
const PREVIEW: usize = 24;

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct VaeConfig {
    pub in_channels: usize,
    pub out_channels: usize,
    pub block_out_channels: Vec<usize>,
    pub layers_per_block: usize,
    pub latent_channels: usize,
    pub norm_num_groups: usize,
    pub sample_size: usize,
    pub scaling_factor: f64,
    pub shift_factor: Option<f64>,
    pub use_quant_conv: bool,
    pub use_post_quant_conv: bool,
    pub mid_block_add_attention: bool,
}

impl Default for VaeConfig {
    fn default() -> Self {
        Self {
            in_channels: 3,
            out_channels: 3,
            block_out_channels: vec![64],
            layers_per_block: 1,
            latent_channels: 4,
            norm_num_groups: 32,
            sample_size: 32,
            scaling_factor: 0.18215,
            shift_factor: None,
            use_quant_conv: true,
            use_post_quant_conv: true,
            mid_block_add_attention: true,
        }
    }
}

impl VaeConfig {
    /// Pixels a side of one latent.
    pub fn factor(&self) -> usize {
        1 << (self.block_out_channels.len() - 1)
    }
}

pub struct Vae {
    config: VaeConfig,
    encoder: Encoder,
    decoder: Decoder,
    after: Option<Conv2d>,
    before: Option<Conv2d>,
    dtype: DType,
}

impl Vae {
    /// From a folder `vae`.
    pub fn load(folder: &Path, weights: &Weights) -> std::result::Result<Self, LoadError> {
        let path = folder.join("config.json");
        let config: VaeConfig = config::read(&path)?;
        if config.block_out_channels.is_empty() {
            return Err(config::wrong(&path, "`block_out_channels` is empty"));
        }
        let latents = config.latent_channels;
        let single = |name: &str, channels, has: bool| {
            has.then(|| Conv2d::load(&weights.at(name), [channels, channels, 1], 1, 0)).transpose()
        };
        Ok(Self {
            encoder: Encoder::load(&weights.at("encoder"), &config)?,
            decoder: Decoder::load(&weights.at("decoder"), &config)?,
            after: single("quant_conv", 2 * latents, config.use_quant_conv)?,
            before: single("post_quant_conv", latents, config.use_post_quant_conv)?,
            config,
            dtype: weights.compute().dtype,
        })
    }

    pub fn config(&self) -> &VaeConfig {
        &self.config
    }

    /// Latents as the denoiser wants them, of pictures (batch, 3, height, width) from -1 to 1: drawn with `noise` from
    /// what the encoder says.
    pub fn encode(&self, pictures: &Tensor, noise: &mut Noise, dtype: DType) -> Result<Tensor> {
        let (mean, deviation) = self.distribution(pictures)?;
        let compute = crate::Compute { device: mean.device().clone(), dtype: mean.dtype() };
        let drawn = noise.draw(mean.dims(), dtype, &compute)?.to_dtype(mean.dtype())?;
        self.scaled(&(mean + (deviation * drawn)?)?)
    }

    /// As `encode`, and always the most likely latents.
    pub fn encode_mean(&self, pictures: &Tensor) -> Result<Tensor> {
        self.scaled(&self.distribution(pictures)?.0)
    }

    /// Mean and standard deviation.
    fn distribution(&self, pictures: &Tensor) -> Result<(Tensor, Tensor)> {
        let moments = self.encoder.forward(&pictures.to_dtype(self.dtype)?)?;
        let moments = self.after.as_ref().map_or(Ok(moments.clone()), |conv| conv.forward(&moments))?;
        let latents = self.config.latent_channels;
        let deviation = (moments.narrow(1, latents, latents)?.clamp(-30.0, 20.0)? * 0.5)?.exp()?;
        Ok((moments.narrow(1, 0, latents)?.contiguous()?, deviation))
    }

    fn scaled(&self, latents: &Tensor) -> Result<Tensor> {
        (latents - self.config.shift_factor.unwrap_or(0.0))? * self.config.scaling_factor
    }

    /// Pictures (batch, 3, height, width), about -1 to 1, of latents as the denoiser has them. Large ones are decoded
    /// in tiles that overlap.
    pub fn decode(&self, latents: &Tensor) -> Result<Tensor> {
        let (_, _, height, width) = latents.dims4()?;
        let latents = self.unscaled(latents)?;
        if height * width * self.config.factor().pow(2) <= WHOLE {
            return self.decode_piece(&latents);
        }
        self.decode_tiled(&latents, WHOLE.isqrt() / 2 / self.config.factor())
    }

    /// As `decode`, in tiles of `side` latents whatever the size.
    pub fn decode_in_tiles(&self, latents: &Tensor, side: usize) -> Result<Tensor> {
        self.decode_tiled(&self.unscaled(latents)?, side.max(4))
    }

    fn unscaled(&self, latents: &Tensor) -> Result<Tensor> {
        (latents.to_dtype(self.dtype)? / self.config.scaling_factor)? + self.config.shift_factor.unwrap_or(0.0)
    }

    /// A small picture of latents that are not clean yet: they are thinned out first, so that it costs little.
    pub fn preview(&self, latents: &Tensor) -> Result<Tensor> {
        let (_, _, height, width) = latents.dims4()?;
        let factor = height.max(width).div_ceil(PREVIEW).max(1);
        let small = if factor > 1 { latents.avg_pool2d(factor)? } else { latents.clone() };
        self.decode(&small)
    }

    fn decode_piece(&self, latents: &Tensor) -> Result<Tensor> {
        let latents = self.before.as_ref().map_or(Ok(latents.clone()), |conv| conv.forward(latents))?;
        self.decoder.forward(&latents)
    }
}

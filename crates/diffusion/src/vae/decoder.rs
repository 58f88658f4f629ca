//! From latents to pictures.

use candle_core::{Result, Tensor};

use super::{
    VaeConfig,
    encoder::{EPSILON, Middle},
};
use crate::{
    LoadError, Weights,
    layers::{Conv2d, GroupNorm},
    residual::{Residual, Upsample},
};

pub(super) struct Decoder {
    enter: Conv2d,
    middle: Middle,
    blocks: Vec<(Vec<Residual>, Option<Upsample>)>,
    norm: GroupNorm,
    leave: Conv2d,
}

impl Decoder {
    pub fn load(w: &Weights, config: &VaeConfig) -> std::result::Result<Self, LoadError> {
        let channels = &config.block_out_channels;
        let (groups, widest) = (config.norm_num_groups, channels[channels.len() - 1]);
        let mut blocks = Vec::new();
        let mut before = widest;
        for (number, &width) in channels.iter().rev().enumerate() {
            let w = w.at(format_args!("up_blocks.{number}"));
            let mut layers = Vec::new();
            for layer in 0..=config.layers_per_block {
                let w = w.at(format_args!("resnets.{layer}"));
                layers.push(Residual::load(&w, [before, width], None, (groups, EPSILON))?);
                before = width;
            }
            let larger = number + 1 < channels.len();
            blocks.push((layers, larger.then(|| Upsample::load(&w.at("upsamplers.0"), width)).transpose()?));
        }
        Ok(Self {
            enter: Conv2d::load(&w.at("conv_in"), [config.latent_channels, widest, 3], 1, 1)?,
            middle: Middle::load(&w.at("mid_block"), widest, config)?,
            blocks,
            norm: GroupNorm::load(&w.at("conv_norm_out"), groups, channels[0], EPSILON)?,
            leave: Conv2d::load(&w.at("conv_out"), [channels[0], config.out_channels, 3], 1, 1)?,
        })
    }

    pub fn forward(&self, latents: &Tensor) -> Result<Tensor> {
        let mut x = self.middle.forward(&self.enter.forward(latents)?)?;
        for (layers, larger) in &self.blocks {
            for layer in layers {
                x = layer.forward(&x, None)?;
            }
            if let Some(larger) = larger {
                x = larger.forward(&x, None)?;
            }
        }
        self.leave.forward(&self.norm.silu(&x)?)
    }
}

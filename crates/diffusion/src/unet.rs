//! The conditional U-Net of Stable Diffusion 1.x, 2.x and XL.

mod blocks;
mod embedding;
mod settings;
mod transformer;

use std::path::Path;

use candle_core::{Result, Tensor};

use crate::{
    LoadError, Weights, config,
    layers::{Conv2d, GroupNorm},
    residual::Residual,
};
use blocks::{Down, Up};
use embedding::Embeddings;
pub use settings::UnetConfig;
use transformer::Transformer;

/// What steers a step, one row for each picture of the batch.
pub struct Condition {
    /// (batch, tokens, width): the prompt.
    pub words: Tensor,
    /// (batch, width) and the six numbers about size and crop, where the network was trained with them.
    pub added: Option<(Tensor, Vec<f32>)>,
    /// Guidance scales, where the network was distilled with them.
    pub guidance: Option<f64>,
}

#[derive(Clone)]
pub struct Unet {
    config: UnetConfig,
    embeddings: Embeddings,
    enter: Conv2d,
    down: Vec<Down>,
    middle: (Residual, Transformer, Residual),
    up: Vec<Up>,
    norm: GroupNorm,
    leave: Conv2d,
}

impl Unet {
    /// From a folder `unet`; `weights` are its own, perhaps with adapters.
    pub fn load(folder: &Path, weights: &Weights) -> std::result::Result<Self, LoadError> {
        let path = folder.join("config.json");
        let config: UnetConfig = config::read(&path)?;
        config.check().map_err(|reason| config::wrong(&path, reason))?;
        let channels = &config.block_out_channels;
        let (first, count) = (channels[0], channels.len());
        let last = channels[count - 1];
        let down = |n| Down::load(&weights.at(format_args!("down_blocks.{n}")), &config, n);
        let up = |n| Up::load(&weights.at(format_args!("up_blocks.{n}")), &config, n);
        let middle = weights.at("mid_block");
        let around = |n: u8| {
            let w = middle.at(format_args!("resnets.{n}"));
            Residual::load(&w, [last, last], Some(config.time_width()), config.norm())
        };
        Ok(Self {
            embeddings: Embeddings::load(weights, &config)?,
            enter: Conv2d::load(&weights.at("conv_in"), [config.in_channels, first, 3], 1, 1)?,
            down: (0..count).map(down).collect::<std::result::Result<_, _>>()?,
            middle: (around(0)?, Transformer::load(&middle.at("attentions.0"), &config, count - 1)?, around(1)?),
            up: (0..count).map(up).collect::<std::result::Result<_, _>>()?,
            norm: GroupNorm::load(&weights.at("conv_norm_out"), config.norm_num_groups, first, config.norm_eps)?,
            leave: Conv2d::load(&weights.at("conv_out"), [first, config.out_channels, 3], 1, 1)?,
            config,
        })
    }

    pub fn config(&self) -> &UnetConfig {
        &self.config
    }

    /// What the network says about `x` (batch, channels, height, width) at a time.
    pub fn forward(&self, x: &Tensor, time: f64, condition: &Condition) -> Result<Tensor> {
        let time = &self.embeddings.forward(x.dim(0)?, time, condition)?;
        let words = &condition.words;
        let mut x = self.enter.forward(x)?;
        let mut kept = vec![x.clone()];
        for block in &self.down {
            x = block.forward(&x, time, words, &mut kept)?;
        }
        let (before, attention, after) = &self.middle;
        x = after.forward(&attention.forward(&before.forward(&x, Some(time))?, words)?, Some(time))?;
        for block in &self.up {
            x = block.forward(&x, time, words, &mut kept)?;
        }
        self.leave.forward(&self.norm.silu(&x)?)
    }

    /// Whether the network takes the guidance scale as an input, instead of being asked twice.
    pub fn distilled(&self) -> bool {
        self.config.time_cond_proj_dim.is_some()
    }
}

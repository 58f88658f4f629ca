//! From pictures to the moments of latents.

use candle_core::{Result, Tensor};

use super::{VaeConfig, attention::Attention};
use crate::{
    LoadError, Weights,
    layers::{Conv2d, GroupNorm},
    residual::{Downsample, Residual},
};

pub(super) const EPSILON: f64 = 1e-6;

pub(super) struct Encoder {
    enter: Conv2d,
    blocks: Vec<(Vec<Residual>, Option<Downsample>)>,
    middle: Middle,
    norm: GroupNorm,
    leave: Conv2d,
}

impl Encoder {
    pub fn load(w: &Weights, config: &VaeConfig) -> std::result::Result<Self, LoadError> {
        let channels = &config.block_out_channels;
        let (groups, last) = (config.norm_num_groups, channels[channels.len() - 1]);
        let mut blocks = Vec::new();
        let mut before = channels[0];
        for (number, &width) in channels.iter().enumerate() {
            let w = w.at(format_args!("down_blocks.{number}"));
            let mut layers = Vec::new();
            for layer in 0..config.layers_per_block {
                let w = w.at(format_args!("resnets.{layer}"));
                layers.push(Residual::load(&w, [before, width], None, (groups, EPSILON))?);
                before = width;
            }
            let smaller = number + 1 < channels.len();
            let smaller = smaller.then(|| Downsample::load(&w.at("downsamplers.0"), width, true)).transpose()?;
            blocks.push((layers, smaller));
        }
        Ok(Self {
            enter: Conv2d::load(&w.at("conv_in"), [config.in_channels, channels[0], 3], 1, 1)?,
            blocks,
            middle: Middle::load(&w.at("mid_block"), last, config)?,
            norm: GroupNorm::load(&w.at("conv_norm_out"), groups, last, EPSILON)?,
            leave: Conv2d::load(&w.at("conv_out"), [last, 2 * config.latent_channels, 3], 1, 1)?,
        })
    }

    pub fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let mut x = self.enter.forward(pictures)?;
        for (layers, smaller) in &self.blocks {
            for layer in layers {
                x = layer.forward(&x, None)?;
            }
            if let Some(smaller) = smaller {
                x = smaller.forward(&x)?;
            }
        }
        self.leave.forward(&self.norm.silu(&self.middle.forward(&x)?)?)
    }
}

/// Residuals around an attention.
pub(super) struct Middle {
    residuals: [Residual; 2],
    attention: Option<Attention>,
}

impl Middle {
    pub fn load(w: &Weights, channels: usize, config: &VaeConfig) -> std::result::Result<Self, LoadError> {
        let groups = config.norm_num_groups;
        let residual =
            |n: u8| Residual::load(&w.at(format_args!("resnets.{n}")), [channels, channels], None, (groups, EPSILON));
        let attention = || Attention::load(&w.at("attentions.0"), channels, groups);
        Ok(Self {
            residuals: [residual(0)?, residual(1)?],
            attention: config.mid_block_add_attention.then(attention).transpose()?,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.residuals[0].forward(x, None)?;
        let x = self.attention.as_ref().map_or(Ok(x.clone()), |attention| attention.forward(&x))?;
        self.residuals[1].forward(&x, None)
    }
}

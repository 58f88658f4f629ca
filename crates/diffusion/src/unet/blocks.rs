//! The blocks on the way down and on the way up.

use candle_core::{Result, Tensor};

use super::{Transformer, UnetConfig};
use crate::{
    LoadError, Weights,
    residual::{Downsample, Residual, Upsample},
};

/// A residual, and what attends to the prompt after it.
type Layer = (Residual, Option<Transformer>);

fn layer(
    w: &Weights,
    config: &UnetConfig,
    number: usize,
    channels: [usize; 2],
    attends: Option<usize>,
) -> std::result::Result<Layer, LoadError> {
    let residual = w.at(format_args!("resnets.{number}"));
    let residual = Residual::load(&residual, channels, Some(config.time_width()), config.norm())?;
    let attention = w.at(format_args!("attentions.{number}"));
    Ok((residual, attends.map(|block| Transformer::load(&attention, config, block)).transpose()?))
}

fn forward((residual, attention): &Layer, x: &Tensor, time: &Tensor, words: &Tensor) -> Result<Tensor> {
    let x = residual.forward(x, Some(time))?;
    attention.as_ref().map_or(Ok(x.clone()), |attention| attention.forward(&x, words))
}

#[derive(Clone)]
pub(super) struct Down {
    layers: Vec<Layer>,
    smaller: Option<Downsample>,
}

impl Down {
    pub fn load(w: &Weights, config: &UnetConfig, block: usize) -> std::result::Result<Self, LoadError> {
        let channels = &config.block_out_channels;
        let (before, width) = (channels[block.saturating_sub(1)], channels[block]);
        let attends = config.attends_down(block).then_some(block);
        let one = |n: usize| layer(w, config, n, [if n == 0 { before } else { width }, width], attends);
        let smaller = (block + 1 < channels.len()).then(|| Downsample::load(&w.at("downsamplers.0"), width, false));
        Ok(Self {
            layers: (0..config.layers_per_block).map(one).collect::<std::result::Result<_, _>>()?,
            smaller: smaller.transpose()?,
        })
    }

    /// What the way up will want is put on `kept`.
    pub fn forward(&self, x: &Tensor, time: &Tensor, words: &Tensor, kept: &mut Vec<Tensor>) -> Result<Tensor> {
        let mut x = x.clone();
        for layer in &self.layers {
            x = forward(layer, &x, time, words)?;
            kept.push(x.clone());
        }
        if let Some(smaller) = &self.smaller {
            x = smaller.forward(&x)?;
            kept.push(x.clone());
        }
        Ok(x)
    }
}

#[derive(Clone)]
pub(super) struct Up {
    layers: Vec<Layer>,
    larger: Option<Upsample>,
}

impl Up {
    pub fn load(w: &Weights, config: &UnetConfig, block: usize) -> std::result::Result<Self, LoadError> {
        let channels: Vec<usize> = config.block_out_channels.iter().rev().copied().collect();
        let last = channels.len() - 1;
        let (before, width, below) =
            (channels[block.saturating_sub(1)], channels[block], channels[last.min(block + 1)]);
        let attends = config.attends_up(block).then_some(last - block);
        let one = |n: usize| {
            let kept = if n == config.layers_per_block { below } else { width };
            layer(w, config, n, [if n == 0 { before } else { width } + kept, width], attends)
        };
        let larger = (block < last).then(|| Upsample::load(&w.at("upsamplers.0"), width));
        Ok(Self {
            layers: (0..=config.layers_per_block).map(one).collect::<std::result::Result<_, _>>()?,
            larger: larger.transpose()?,
        })
    }

    pub fn forward(&self, x: &Tensor, time: &Tensor, words: &Tensor, kept: &mut Vec<Tensor>) -> Result<Tensor> {
        let mut x = x.clone();
        for layer in &self.layers {
            if let Some(kept) = kept.pop() {
                x = Tensor::cat(&[&x, &kept], 1)?;
            }
            x = forward(layer, &x, time, words)?;
        }
        let Some(larger) = &self.larger else { return Ok(x) };
        // Odd sizes are not twice what they were halved to.
        let size = kept.last().map(Tensor::dims4).transpose()?.map(|(_, _, height, width)| (height, width));
        larger.forward(&x, size)
    }
}

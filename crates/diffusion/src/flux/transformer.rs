//! The transformer: blocks in which words and picture have layers of their own, then blocks that they share.

use candle_core::{Result, Tensor};
use serde::Deserialize;

use super::blocks::{Double, Single};
use crate::{
    Compute, LoadError, Weights,
    flow::{Embedder, Modulation, Pairing, Rotary, TIME, joined, patched, time_features},
    layers::{LayerNorm, Linear, silu},
};

/// A repository's `config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub in_channels: usize,
    num_layers: usize,
    num_single_layers: usize,
    attention_head_dim: usize,
    num_attention_heads: usize,
    joint_attention_dim: usize,
    pooled_projection_dim: usize,
    /// Whether the network was distilled to take the guidance as a number.
    #[serde(default)]
    pub guidance_embeds: bool,
    #[serde(default = "axes")]
    axes_dims_rope: Vec<usize>,
}

fn axes() -> Vec<usize> {
    vec![16, 56, 56]
}

/// The base of the positions' rates.
const THETA: f64 = 10_000.0;
/// Times are given in thousandths, and so is the guidance.
const THOUSANDTHS: f64 = 1000.0;

pub struct Transformer {
    pixels: Linear,
    words: Linear,
    time: Embedder,
    guidance: Option<Embedder>,
    pooled: Embedder,
    double: Vec<Double>,
    single: Vec<Single>,
    norm: LayerNorm,
    modulate: Modulation,
    out: Linear,
    config: Config,
    compute: Compute,
}

/// What does not change from step to step.
pub struct Prompt {
    words: Tensor,
    /// The words as a whole, and the guidance.
    condition: Tensor,
    rotary: Rotary,
}

impl Transformer {
    pub fn load(weights: &Weights, config: &Config) -> std::result::Result<Self, LoadError> {
        let width = config.attention_head_dim * config.num_attention_heads;
        let (head, embed) = (config.attention_head_dim, weights.at("time_text_embed"));
        let double = |n| Double::load(&weights.at(format!("transformer_blocks.{n}")), width, head);
        let single = |n| Single::load(&weights.at(format!("single_transformer_blocks.{n}")), width, head);
        let guidance = || Embedder::load(&embed.at("guidance_embedder"), TIME, width);
        Ok(Self {
            pixels: Linear::load(&weights.at("x_embedder"), config.in_channels, width)?,
            words: Linear::load(&weights.at("context_embedder"), config.joint_attention_dim, width)?,
            time: Embedder::load(&embed.at("timestep_embedder"), TIME, width)?,
            guidance: config.guidance_embeds.then(guidance).transpose()?,
            pooled: Embedder::load(&embed.at("text_embedder"), config.pooled_projection_dim, width)?,
            double: (0..config.num_layers).map(double).collect::<std::result::Result<_, _>>()?,
            single: (0..config.num_single_layers).map(single).collect::<std::result::Result<_, _>>()?,
            norm: LayerNorm::plain(weights, width, 1e-6)?,
            modulate: Modulation::load(&weights.at("norm_out.linear"), width, width, 2)?,
            out: Linear::load(&weights.at("proj_out"), width, config.in_channels)?,
            config: config.clone(),
            compute: weights.compute().clone(),
        })
    }

    /// Prepares `words` (1, tokens, width) and `pooled` (1, width) for latents of `size` (height, width).
    pub fn prompt(&self, words: &Tensor, pooled: &Tensor, guidance: f64, size: (usize, usize)) -> Result<Prompt> {
        let mut condition = self.pooled.forward(pooled)?;
        if let Some(embedder) = &self.guidance {
            condition = (condition + embedder.forward(&time_features(guidance * THOUSANDTHS, &self.compute)?)?)?;
        }
        let (rows, columns) = (size.0 / 2, size.1 / 2);
        let squares = (0..rows).flat_map(|row| (0..columns).map(move |column| [0, row, column]));
        let places: Vec<[usize; 3]> = std::iter::repeat_n([0; 3], words.dim(1)?).chain(squares).collect();
        Ok(Prompt {
            words: self.words.forward(words)?,
            condition,
            rotary: Rotary::new(&places, &self.config.axes_dims_rope, THETA, Pairing::Neighbours, &self.compute)?,
        })
    }

    /// The direction from the picture to the noise at `latents` (1, channels, height, width), whose level is `level`.
    pub fn forward(&self, latents: &Tensor, level: f64, prompt: &Prompt) -> Result<Tensor> {
        let (_, _, height, width) = latents.dims4()?;
        let time = self.time.forward(&time_features(level * THOUSANDTHS, &self.compute)?)?;
        let condition = silu(&(time + &prompt.condition)?)?;
        let mut pixels = self.pixels.forward(&patched(latents, false)?)?;
        let mut words = prompt.words.clone();
        for block in &self.double {
            (words, pixels) = block.forward(&words, &pixels, &condition, &prompt.rotary)?;
        }
        let (count, squares) = (words.dim(1)?, pixels.dim(1)?);
        let mut x = Tensor::cat(&[&words, &pixels], 1)?;
        for block in &self.single {
            x = block.forward(&x, &condition, &prompt.rotary)?;
        }
        let [scale, shift] = self.modulate.forward(&condition)?;
        let x = self.norm.modulated(&x.narrow(1, count, squares)?.contiguous()?, &scale, &shift)?;
        joined(&self.out.forward(&x)?, (height, width), false)
    }
}

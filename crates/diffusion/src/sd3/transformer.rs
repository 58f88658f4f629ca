//! The transformer: words and picture have layers of their own in every block, and attend to each other.

use candle_core::{Result, Tensor, bail};
use serde::Deserialize;

use super::block::Block;
use crate::{
    Compute, LoadError, Weights,
    flow::{Embedder, Modulation, TIME, joined, patched, time_features},
    layers::{LayerNorm, Linear, silu},
};

/// A repository's `config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub in_channels: usize,
    patch_size: usize,
    num_layers: usize,
    attention_head_dim: usize,
    num_attention_heads: usize,
    pub joint_attention_dim: usize,
    caption_projection_dim: usize,
    pooled_projection_dim: usize,
    pub pos_embed_max_size: usize,
    #[serde(default)]
    dual_attention_layers: Vec<usize>,
    #[serde(default)]
    qk_norm: Option<String>,
}

pub struct Transformer {
    pixels: Linear,
    /// (1, side * side, width): the middle of it is for the middle of the picture.
    places: Tensor,
    words: Linear,
    time: Embedder,
    pooled: Embedder,
    blocks: Vec<Block>,
    norm: LayerNorm,
    modulate: Modulation,
    out: Linear,
    config: Config,
    compute: Compute,
}

/// What does not change from step to step, for one prompt or for several.
pub struct Prompt {
    words: Tensor,
    pooled: Tensor,
}

impl Transformer {
    pub fn load(weights: &Weights, config: &Config) -> std::result::Result<Self, LoadError> {
        config.check()?;
        let Config { attention_head_dim: head, in_channels, pos_embed_max_size: side, .. } = *config;
        let width = head * config.num_attention_heads;
        let embed = weights.at("time_text_embed");
        let block = |n| {
            let (last, dual) = (n + 1 == config.num_layers, config.dual_attention_layers.contains(&n));
            let at = weights.at(format!("transformer_blocks.{n}"));
            Block::load(&at, width, head, last, dual, config.qk_norm.is_some())
        };
        Ok(Self {
            pixels: Linear::squares(&weights.at("pos_embed.proj"), in_channels, width)?,
            places: weights.shaped("pos_embed.pos_embed", &[1, side * side, width])?,
            words: Linear::load(&weights.at("context_embedder"), config.joint_attention_dim, width)?,
            time: Embedder::load(&embed.at("timestep_embedder"), TIME, width)?,
            pooled: Embedder::load(&embed.at("text_embedder"), config.pooled_projection_dim, width)?,
            blocks: (0..config.num_layers).map(block).collect::<std::result::Result<_, _>>()?,
            norm: LayerNorm::plain(weights, width, 1e-6)?,
            modulate: Modulation::load(&weights.at("norm_out.linear"), width, width, 2)?,
            out: Linear::load(&weights.at("proj_out"), width, 4 * in_channels)?,
            config: config.clone(),
            compute: weights.compute().clone(),
        })
    }

    /// Prepares `words` (batch, tokens, width) and `pooled` (batch, width).
    pub fn prompt(&self, words: &Tensor, pooled: &Tensor) -> Result<Prompt> {
        Ok(Prompt { words: self.words.forward(words)?, pooled: self.pooled.forward(pooled)? })
    }

    /// The direction from the picture to the noise at `latents` (batch, channels, height, width), at a time from 0 to
    /// 1,000.
    pub fn forward(&self, latents: &Tensor, time: f64, prompt: &Prompt) -> Result<Tensor> {
        let (_, _, height, width) = latents.dims4()?;
        let time = self.time.forward(&time_features(time, &self.compute)?)?;
        let condition = silu(&prompt.pooled.broadcast_add(&time)?)?;
        let pixels = self.pixels.forward(&patched(latents, false)?)?;
        let mut pixels = pixels.broadcast_add(&self.middle(height / 2, width / 2)?)?;
        let mut words = prompt.words.clone();
        for block in &self.blocks {
            (words, pixels) = block.forward(&words, &pixels, &condition)?;
        }
        let [scale, shift] = self.modulate.forward(&condition)?;
        joined(&self.out.forward(&self.norm.modulated(&pixels, &scale, &shift)?)?, (height, width), true)
    }

    fn middle(&self, rows: usize, columns: usize) -> Result<Tensor> {
        let side = self.config.pos_embed_max_size;
        if rows.max(columns) > side {
            bail!("a picture of {rows} by {columns} squares is larger than the network's {side}");
        }
        let table = self.places.reshape((side, side, ()))?;
        let part = table.narrow(0, (side - rows) / 2, rows)?.narrow(1, (side - columns) / 2, columns)?;
        part.contiguous()?.reshape((1, rows * columns, ()))
    }
}

impl Config {
    fn check(&self) -> std::result::Result<(), LoadError> {
        let width = self.attention_head_dim * self.num_attention_heads;
        let wrong = |reason: String| LoadError::Configuration { path: "transformer/config.json".into(), reason };
        if self.patch_size != 2 {
            return Err(wrong(format!("`patch_size` is {}: expected 2", self.patch_size)));
        }
        if self.caption_projection_dim != width {
            let found = self.caption_projection_dim;
            return Err(wrong(format!(
                "`caption_projection_dim` is {found}: expected the width of the heads, {width}"
            )));
        }
        match self.qk_norm.as_deref() {
            None | Some("rms_norm") => Ok(()),
            Some(other) => Err(wrong(format!("`qk_norm` is `{other}`: expected `rms_norm` or none"))),
        }
    }
}

//! The transformer: picture and words are refined each alone, then read as one sequence.

use candle_core::{Result, Tensor};
use serde::Deserialize;

use super::{CONDITION, block::Block};
use crate::{
    Compute, LoadError, Weights,
    flow::{Embedder, Pairing, Rotary, TIME, joined, patched, time_features},
    layers::{LayerNorm, Linear, RmsNorm, silu},
};

/// A repository's `config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub in_channels: usize,
    pub dim: usize,
    n_layers: usize,
    n_refiner_layers: usize,
    n_heads: usize,
    cap_feat_dim: usize,
    norm_eps: f64,
    rope_theta: f64,
    t_scale: f64,
    axes_dims: Vec<usize>,
}

/// Sequences are padded to multiples of this.
const MULTIPLE: usize = 32;
/// The width between the two layers that read the time.
const TIME_MIDDLE: usize = 1024;
/// Squares of two by two, of one frame.
const PATCH: &str = "2-1";

pub struct Transformer {
    pixels: Linear,
    words: (RmsNorm, Linear),
    time: Embedder,
    pad_pixels: Tensor,
    pad_words: Tensor,
    refine_pixels: Vec<Block>,
    refine_words: Vec<Block>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    modulate: Linear,
    out: Linear,
    config: Config,
    compute: Compute,
}

/// What does not change from step to step: the refined words, and where everything is.
pub struct Prompt {
    words: Tensor,
    pixel_places: Rotary,
    places: Rotary,
    /// Of the picture, without padding.
    squares: usize,
}

impl Transformer {
    pub fn load(weights: &Weights, config: &Config) -> std::result::Result<Self, LoadError> {
        let Config { in_channels, dim, norm_eps, cap_feat_dim, .. } = *config;
        let condition = dim.min(CONDITION);
        let blocks = |name: &str, count: usize, conditioned: bool| {
            let block = |n| Block::load(&weights.at(format!("{name}.{n}")), dim, config.n_heads, norm_eps, conditioned);
            (0..count).map(block).collect::<std::result::Result<Vec<_>, _>>()
        };
        let last = weights.at(format!("all_final_layer.{PATCH}"));
        Ok(Self {
            pixels: Linear::load(&weights.at(format!("all_x_embedder.{PATCH}")), 4 * in_channels, dim)?,
            words: (
                RmsNorm::load(&weights.at("cap_embedder.0"), cap_feat_dim, norm_eps)?,
                Linear::load(&weights.at("cap_embedder.1"), cap_feat_dim, dim)?,
            ),
            time: Embedder::named(&weights.at("t_embedder.mlp"), ["0", "2"], [TIME, TIME_MIDDLE, condition])?,
            pad_pixels: weights.shaped("x_pad_token", &[1, dim])?,
            pad_words: weights.shaped("cap_pad_token", &[1, dim])?,
            refine_pixels: blocks("noise_refiner", config.n_refiner_layers, true)?,
            refine_words: blocks("context_refiner", config.n_refiner_layers, false)?,
            blocks: blocks("layers", config.n_layers, true)?,
            norm: LayerNorm::plain(weights, dim, 1e-6)?,
            modulate: Linear::load(&last.at("adaLN_modulation.1"), condition, dim)?,
            out: Linear::load(&last.at("linear"), dim, 4 * in_channels)?,
            config: config.clone(),
            compute: weights.compute().clone(),
        })
    }

    /// Prepares `words` (1, tokens, width) for latents of `size` (height, width).
    pub fn prompt(&self, words: &Tensor, size: (usize, usize)) -> Result<Prompt> {
        let (rows, columns) = (size.0 / 2, size.1 / 2);
        let squares = rows * columns;
        let words = padded(&self.words.1.forward(&self.words.0.forward(words)?)?, &self.pad_words)?;
        let count = words.dim(1)?;
        // The words' padding has places behind them; the picture's is at the very beginning.
        let of_words = (0..count).map(|n| [n + 1, 0, 0]);
        let of_squares = (0..rows).flat_map(|row| (0..columns).map(move |column| [count + 1, row, column]));
        let padding = std::iter::repeat_n([0; 3], squares.next_multiple_of(MULTIPLE) - squares);
        let pixels: Vec<[usize; 3]> = of_squares.chain(padding).collect();
        let of_words: Vec<[usize; 3]> = of_words.collect();
        let rotary = |places: &[[usize; 3]]| {
            Rotary::new(places, &self.config.axes_dims, self.config.rope_theta, Pairing::Neighbours, &self.compute)
        };
        let mut words = words;
        let word_places = rotary(&of_words)?;
        for block in &self.refine_words {
            words = block.forward(&words, None, &word_places)?;
        }
        let pixel_places = rotary(&pixels)?;
        Ok(Prompt { words, pixel_places, places: rotary(&[pixels, of_words].concat())?, squares })
    }

    /// The direction from the noise to the picture at `latents` (1, channels, height, width); `clean` is 1 where
    /// there is no noise left.
    pub fn forward(&self, latents: &Tensor, clean: f64, prompt: &Prompt) -> Result<Tensor> {
        let (_, _, height, width) = latents.dims4()?;
        let condition = self.time.forward(&time_features(clean * self.config.t_scale, &self.compute)?)?;
        let squares = self.pixels.forward(&patched(latents, true)?)?;
        let mut pixels = padded(&squares, &self.pad_pixels)?;
        for block in &self.refine_pixels {
            pixels = block.forward(&pixels, Some(&condition), &prompt.pixel_places)?;
        }
        let mut x = Tensor::cat(&[&pixels, &prompt.words], 1)?;
        for block in &self.blocks {
            x = block.forward(&x, Some(&condition), &prompt.places)?;
        }
        let scale = self.modulate.forward(&silu(&condition)?)?;
        let x = x.narrow(1, 0, prompt.squares)?.contiguous()?;
        let x = self.norm.modulated(&x, &scale, &scale.zeros_like()?)?;
        joined(&self.out.forward(&x)?, (height, width), true)
    }
}

/// Fills (1, tokens, width) up with `pad` (1, width).
fn padded(x: &Tensor, pad: &Tensor) -> Result<Tensor> {
    let (_, tokens, width) = x.dims3()?;
    let missing = tokens.next_multiple_of(MULTIPLE) - tokens;
    if missing == 0 {
        return Ok(x.clone());
    }
    Tensor::cat(&[x, &pad.unsqueeze(0)?.expand((1, missing, width))?.contiguous()?], 1)
}

//! The middle of the network: 64 cells of the picture, or of all frames of a clip, attend to each other and to the
//! prompt's words.

use candle_core::{Device, Result, Tensor};
use tintype_kernels::{Norm, attention, gelu, modulated_norm};

use super::{
    EPSILON,
    layers::Linear,
    text::{Words, rms},
};
use crate::sketch::weights::{LoadError, Weights};

pub(super) struct Transformer {
    enter: Linear,
    positions: Tensor,
    layers: Vec<Layer>,
    leave: Linear,
}

struct Layer {
    heads: usize,
    qkv: Linear,
    words: Linear,
    out: Linear,
    up: Linear,
    down: Linear,
    /// What this layer adds to the shared modulation.
    table: Tensor,
}

/// Keys and values of the words in every layer. They do not depend on the noise level.
pub(super) struct WordKeys {
    layers: Vec<(Tensor, Tensor)>,
    /// Minus infinity for words of other frames, and where a prompt is shorter than the longest of its batch: (clips,
    /// frames, cells and words of a clip).
    mask: Tensor,
}

impl Transformer {
    pub fn load(weights: &Weights) -> std::result::Result<Self, LoadError> {
        let (count, heads) = (weights.number("layers")?, weights.number("heads")?);
        let layers = (0..count).map(|n: usize| Layer::load(weights, &format!("layers.{n}"), heads));
        Ok(Self {
            enter: Linear::load(weights, "to_tokens")?,
            positions: weights.tensor("positions")?,
            layers: layers.collect::<std::result::Result<_, _>>()?,
            leave: Linear::load(weights, "from_tokens")?,
        })
    }

    /// For pictures, or for clips of so many frames.
    pub fn word_keys(&self, prompts: &[&Words], frames: usize) -> Result<WordKeys> {
        let lengths: Vec<usize> = prompts.iter().map(|words| words.values.dim(1)).collect::<Result<_>>()?;
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let padded: Vec<Tensor> = prompts
            .iter()
            .zip(&lengths)
            .map(|(words, length)| words.values.pad_with_zeros(1, 0, longest - length))
            .collect::<Result<_>>()?;
        let clips = lengths.len() / frames;
        let words = Tensor::cat(&padded, 0)?.reshape((clips, frames * longest, ()))?;
        let (cells, keys) = (self.positions.dim(0)? * frames, (self.positions.dim(0)? + longest) * frames);
        // A frame sees all cells of its clip, and its own words.
        let mut mask = vec![f32::NEG_INFINITY; lengths.len() * keys];
        for (n, (row, length)) in mask.chunks_exact_mut(keys).zip(lengths).enumerate() {
            row[..cells].fill(0.0);
            row[cells + n % frames * longest..][..length].fill(0.0);
        }
        Ok(WordKeys {
            layers: self.layers.iter().map(|layer| layer.word_keys(&words)).collect::<Result<_>>()?,
            mask: Tensor::from_vec(mask, (clips, frames, keys), &Device::Cpu)?,
        })
    }

    /// `cells` (pictures, channels, side, side) to the same shape. With `moments` (1, frames, 1, width), so many pictures
    /// at a time are the frames of one clip, and see each other.
    pub fn forward(
        &self,
        cells: &Tensor,
        modulation: &Tensor,
        words: &WordKeys,
        moments: Option<&Tensor>,
    ) -> Result<Tensor> {
        let (pictures, channels, height, width) = cells.dims4()?;
        let tokens = cells.flatten_from(2)?.transpose(1, 2)?.contiguous()?;
        let mut x = self.enter.forward(&tokens)?.broadcast_add(&self.positions)?;
        if let Some(moments) = moments {
            let ((_, tokens, across), frames) = (x.dims3()?, moments.dim(1)?);
            let clips = x.reshape((pictures / frames, frames, tokens, across))?;
            x = clips.broadcast_add(moments)?.reshape((pictures, tokens, across))?;
        }
        for (layer, keys) in self.layers.iter().zip(&words.layers) {
            x = layer.forward(&x, modulation, keys, &words.mask)?;
        }
        let x = self.leave.forward(&rms(&x)?)?.transpose(1, 2)?.contiguous()?;
        x.reshape((pictures, channels, height, width))
    }
}

impl Layer {
    fn load(weights: &Weights, name: &str, heads: usize) -> std::result::Result<Self, LoadError> {
        let linear = |part: &str| Linear::load(weights, &format!("{name}.{part}"));
        Ok(Self {
            heads,
            qkv: linear("qkv")?,
            words: linear("words")?,
            out: linear("out")?,
            up: linear("up")?,
            down: linear("down")?,
            table: weights.tensor(&format!("{name}.table"))?.flatten_all()?.unsqueeze(0)?,
        })
    }

    fn word_keys(&self, words: &Tensor) -> Result<(Tensor, Tensor)> {
        let (batch, count, width) = words.dims3()?;
        let both = self.words.forward(words)?.reshape((batch, count, 2 * self.heads, width / self.heads))?;
        Ok((rms(&both.narrow(2, 0, self.heads)?)?, both.narrow(2, self.heads, self.heads)?.contiguous()?))
    }

    fn forward(&self, x: &Tensor, modulation: &Tensor, words: &(Tensor, Tensor), mask: &Tensor) -> Result<Tensor> {
        let (pictures, cells, width) = x.dims3()?;
        let modulation = modulation.broadcast_add(&self.table)?;
        let part = |n: usize| modulation.narrow(1, n * width, width);
        let [scale1, shift1, gate1, scale2, shift2, gate2] =
            [part(0)?, part(1)?, part(2)?, part(3)?, part(4)?, part(5)?];
        let normal = |x: &Tensor, scale: &Tensor, shift: &Tensor| {
            modulated_norm(x, &(scale + 1.0)?, shift, Norm::RootMeanSquare, EPSILON)
        };
        let (heads, clips) = (self.heads, mask.dim(0)?);
        let qkv = self.qkv.forward(&normal(x, &scale1, &shift1)?)?;
        let qkv = qkv.reshape((clips, pictures / clips * cells, 3 * heads, width / heads))?;
        let qk = rms(&qkv.narrow(2, 0, 2 * heads)?)?;
        let k = Tensor::cat(&[&qk.narrow(2, heads, heads)?, &words.0], 1)?;
        let v = Tensor::cat(&[&qkv.narrow(2, 2 * heads, heads)?, &words.1], 1)?;
        let h = self.out.forward(&attention(&qk.narrow(2, 0, heads)?, &k, &v, Some(mask))?)?;
        let h = h.reshape((pictures, cells, width))?;
        let x = (x + h.broadcast_mul(&gate1.unsqueeze(1)?)?)?;
        let h = self.down.forward(&gelu(&self.up.forward(&normal(&x, &scale2, &shift2)?)?)?)?;
        x + h.broadcast_mul(&gate2.unsqueeze(1)?)?
    }
}

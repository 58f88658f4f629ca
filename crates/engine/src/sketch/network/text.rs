//! Reading a prompt: two small layers of self-attention among its words. Done once for each prompt.

use candle_core::{Result, Tensor};
use tintype_kernels::{Norm, attention, gelu, norm};

use super::{EPSILON, layers::Linear};
use crate::sketch::weights::{LoadError, Weights};

/// A prompt that was read.
pub struct Words {
    /// (1, words, width); padding is left out.
    pub values: Tensor,
    /// (1, width)
    pub pooled: Tensor,
}

pub(super) struct Reader {
    embed: Tensor,
    /// Words that were learned afterwards; their ids follow those of `embed`.
    added: Option<Tensor>,
    positions: Tensor,
    layers: Vec<Layer>,
    pool: Linear,
}

struct Layer {
    heads: usize,
    qkv: Linear,
    out: Linear,
    up: Linear,
    down: Linear,
}

/// Divides by the root of the mean square over the last axis.
pub(super) fn rms(x: &Tensor) -> Result<Tensor> {
    norm(x, Norm::RootMeanSquare, EPSILON)
}

impl Reader {
    pub fn load(weights: &Weights) -> std::result::Result<Self, LoadError> {
        let (count, heads) = (weights.number("text_layers")?, weights.number("heads")?);
        let layers = (0..count).map(|n: usize| Layer::load(weights, &format!("text.{n}"), heads));
        Ok(Self {
            embed: weights.tensor("embed.weight")?,
            added: weights.added_words(),
            positions: weights.tensor("word_positions")?,
            layers: layers.collect::<std::result::Result<_, _>>()?,
            pool: Linear::load(weights, "pool")?,
        })
    }

    /// `ids` may end in padding (0), which nothing attends to: without it the answer is the same.
    pub fn read(&self, ids: &[u32]) -> Result<Words> {
        self.read_with(ids, &self.table()?)
    }

    /// As `read`, with another table of what words mean.
    pub fn read_with(&self, ids: &[u32], table: &Tensor) -> Result<Words> {
        let count = ids.iter().rposition(|&id| id != 0).map_or(1, |last| last + 1);
        let ids = Tensor::from_slice(&ids[..count], count, self.embed.device())?;
        let x = (table.index_select(&ids, 0)? + self.positions.narrow(0, 0, count)?)?;
        let mut x = x.unsqueeze(0)?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        let values = rms(&x)?;
        let pooled = self.pool.forward(&values.mean(1)?)?;
        Ok(Words { values, pooled })
    }

    /// Joined at each reading, because what is being trained changes in between.
    fn table(&self) -> Result<Tensor> {
        match &self.added {
            Some(added) => Tensor::cat(&[&self.embed, added], 0),
            None => Ok(self.embed.clone()),
        }
    }
}

impl Layer {
    fn load(weights: &Weights, name: &str, heads: usize) -> std::result::Result<Self, LoadError> {
        let linear = |part: &str| Linear::load(weights, &format!("{name}.{part}"));
        Ok(Self { heads, qkv: linear("qkv")?, out: linear("out")?, up: linear("up")?, down: linear("down")? })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, tokens, width) = x.dims3()?;
        let qkv = self.qkv.forward(&rms(x)?)?.reshape((batch, tokens, 3 * self.heads, width / self.heads))?;
        let part = |n: usize| qkv.narrow(2, n * self.heads, self.heads);
        let h = attention(&rms(&part(0)?)?, &rms(&part(1)?)?, &part(2)?, None)?;
        let x = (x + self.out.forward(&h)?)?;
        &x + self.down.forward(&gelu(&self.up.forward(&rms(&x)?)?)?)?
    }
}

//! Attention of positions to each other and to the prompt.

use candle_core::{Result, Tensor};

use super::UnetConfig;
use crate::{
    LoadError, Weights,
    layers::{Conv2d, GroupNorm, LayerNorm, Linear, attention, geglu},
};

#[derive(Clone)]
pub(super) struct Transformer {
    norm: GroupNorm,
    enter: Projection,
    blocks: Vec<Block>,
    leave: Projection,
}

/// The same product, as two customs write it.
#[derive(Clone)]
enum Projection {
    Linear(Linear),
    Conv(Conv2d),
}

impl Transformer {
    /// `block` counts from the largest size.
    pub fn load(w: &Weights, config: &UnetConfig, block: usize) -> std::result::Result<Self, LoadError> {
        let width = config.block_out_channels[block];
        let heads = config.heads(block);
        let projection = |name: &str| -> std::result::Result<_, LoadError> {
            let w = w.at(name);
            Ok(if config.use_linear_projection {
                Projection::Linear(Linear::load(&w, width, width)?)
            } else {
                Projection::Conv(Conv2d::load(&w, [width, width, 1], 1, 0)?)
            })
        };
        let one = |n| {
            let w = w.at(format_args!("transformer_blocks.{n}"));
            Block::load(&w, width, config.cross_attention_dim, heads)
        };
        Ok(Self {
            norm: GroupNorm::load(&w.at("norm"), config.norm_num_groups, width, 1e-6)?,
            enter: projection("proj_in")?,
            blocks: (0..config.depth(block)).map(one).collect::<std::result::Result<_, _>>()?,
            leave: projection("proj_out")?,
        })
    }

    pub fn forward(&self, x: &Tensor, words: &Tensor) -> Result<Tensor> {
        let (_, _, height, width) = x.dims4()?;
        let normal = self.norm.forward(x)?;
        let mut tokens = match &self.enter {
            Projection::Linear(linear) => linear.forward(&to_tokens(&normal)?)?,
            Projection::Conv(conv) => to_tokens(&conv.forward(&normal)?)?,
        };
        for block in &self.blocks {
            tokens = block.forward(&tokens, words)?;
        }
        let out = match &self.leave {
            Projection::Linear(linear) => to_picture(&linear.forward(&tokens)?, height, width)?,
            Projection::Conv(conv) => conv.forward(&to_picture(&tokens, height, width)?)?,
        };
        x + out
    }
}

fn to_tokens(x: &Tensor) -> Result<Tensor> {
    x.flatten_from(2)?.transpose(1, 2)?.contiguous()
}

fn to_picture(tokens: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (batch, _, channels) = tokens.dims3()?;
    tokens.transpose(1, 2)?.contiguous()?.reshape((batch, channels, height, width))
}

#[derive(Clone)]
struct Block {
    norms: [LayerNorm; 3],
    itself: Attention,
    words: Attention,
    wide: Linear,
    narrow: Linear,
}

impl Block {
    fn load(w: &Weights, width: usize, words: usize, heads: usize) -> std::result::Result<Self, LoadError> {
        let norm = |name: &str| LayerNorm::load(&w.at(name), width, 1e-5);
        Ok(Self {
            norms: [norm("norm1")?, norm("norm2")?, norm("norm3")?],
            itself: Attention::load(&w.at("attn1"), width, width, heads)?,
            words: Attention::load(&w.at("attn2"), width, words, heads)?,
            wide: Linear::load(&w.at("ff.net.0.proj"), width, 8 * width)?,
            narrow: Linear::load(&w.at("ff.net.2"), 4 * width, width)?,
        })
    }

    fn forward(&self, x: &Tensor, words: &Tensor) -> Result<Tensor> {
        let normal = self.norms[0].forward(x)?;
        let x = (x + self.itself.forward(&normal, &normal)?)?;
        let x = (&x + self.words.forward(&self.norms[1].forward(&x)?, words)?)?;
        &x + self.narrow.forward(&geglu(&self.wide.forward(&self.norms[2].forward(&x)?)?)?)?
    }
}

#[derive(Clone)]
struct Attention {
    queries: Linear,
    keys: Linear,
    values: Linear,
    out: Linear,
    heads: usize,
}

impl Attention {
    fn load(w: &Weights, width: usize, context: usize, heads: usize) -> std::result::Result<Self, LoadError> {
        Ok(Self {
            queries: Linear::load(&w.at("to_q"), width, width)?,
            keys: Linear::load(&w.at("to_k"), context, width)?,
            values: Linear::load(&w.at("to_v"), context, width)?,
            out: Linear::load(&w.at("to_out.0"), width, width)?,
            heads,
        })
    }

    fn forward(&self, x: &Tensor, context: &Tensor) -> Result<Tensor> {
        let split = |linear: &Linear, x: &Tensor| {
            let y = linear.forward(x)?;
            let (batch, count, width) = y.dims3()?;
            y.reshape((batch, count, self.heads, width / self.heads))
        };
        let (q, k, v) = (split(&self.queries, x)?, split(&self.keys, context)?, split(&self.values, context)?);
        self.out.forward(&attention(&q, &k, &v, None)?)
    }
}

//! Attention of one head over all positions, in the middle of encoder and decoder.

use candle_core::{Result, Tensor};

use crate::{
    LoadError, Weights,
    layers::{GroupNorm, Linear, attention},
};

pub(super) struct Attention {
    norm: GroupNorm,
    queries: Linear,
    keys: Linear,
    values: Linear,
    out: Linear,
}

impl Attention {
    pub fn load(w: &Weights, channels: usize, groups: usize) -> std::result::Result<Self, LoadError> {
        // Older files have other names for the same.
        let old = w.has("query.weight");
        let linear = |new: &str, name: &str| Linear::load(&w.at(if old { name } else { new }), channels, channels);
        Ok(Self {
            norm: GroupNorm::load(&w.at("group_norm"), groups, channels, 1e-6)?,
            queries: linear("to_q", "query")?,
            keys: linear("to_k", "key")?,
            values: linear("to_v", "value")?,
            out: linear("to_out.0", "proj_attn")?,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = x.dims4()?;
        let tokens = self.norm.forward(x)?.reshape((batch, channels, height * width))?.transpose(1, 2)?.contiguous()?;
        let one = |linear: &Linear| linear.forward(&tokens)?.reshape((batch, height * width, 1, channels));
        let seen = attention(&one(&self.queries)?, &one(&self.keys)?, &one(&self.values)?, None)?;
        let seen = self.out.forward(&seen)?.transpose(1, 2)?.reshape((batch, channels, height, width))?;
        x + seen
    }
}

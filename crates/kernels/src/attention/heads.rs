//! Tokens by heads, wherever they lie: queries, keys and values are often parts of one tensor.

use candle_core::{Layout, Result, bail};

use crate::matrix::View;

/// (batch, tokens, heads, width) with a contiguous last axis.
pub(super) struct Heads<'a> {
    values: &'a [f32],
    pub batch: usize,
    pub tokens: usize,
    pub count: usize,
    pub width: usize,
    strides: [usize; 3],
}

impl<'a> Heads<'a> {
    pub fn new(values: &'a [f32], layout: &Layout) -> Result<Self> {
        let (batch, tokens, heads, width) = layout.shape().dims4()?;
        let &[by_batch, by_token, by_head, 1] = layout.stride() else {
            bail!("attention: the last axis is not contiguous");
        };
        let values = &values[layout.start_offset()..];
        Ok(Self { values, batch, tokens, count: heads, width, strides: [by_batch, by_token, by_head] })
    }

    /// `count` tokens from `first` on, as one head sees them.
    pub fn part(&self, batch: usize, head: usize, first: usize, count: usize) -> View<'a> {
        let [by_batch, by_token, by_head] = self.strides;
        let start = batch * by_batch + first * by_token + head * by_head;
        View::strided(&self.values[start..], count, self.width, by_token)
    }
}

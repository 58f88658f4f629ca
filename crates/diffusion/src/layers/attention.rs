//! Attention over tokens.

use candle_core::{Result, Tensor};

/// `softmax(q k^T / sqrt(width) + mask) v`, head by head: `q` (batch, queries, heads, width), `k` and `v` (batch, keys,
/// heads, width) to (batch, queries, heads * width). `mask` is added to the scores, and is (queries, keys) or
/// (batch, 1, queries, keys). Without a mask, scores never leave the cache on a CPU.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
    match mask {
        None => tintype_kernels::attention(q, k, v, None),
        Some(mask) => tintype_kernels::masked_attention(q, k, v, mask),
    }
}

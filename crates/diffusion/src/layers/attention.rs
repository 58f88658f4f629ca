//! Attention over tokens.

use candle_core::{D, DType, Result, Tensor};

use super::fused;

/// `softmax(q k^T / sqrt(width) + mask) v`, head by head: `q` (batch, queries, heads, width), `k` and `v` (batch, keys,
/// heads, width) to (batch, queries, heads * width). `mask` is added to the scores, and is (queries, keys) or
/// (batch, 1, queries, keys). Without a mask, scores never leave the cache on a CPU.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
    if mask.is_none() && fused(q) {
        return tintype_kernels::attention(q, k, v, None);
    }
    let (batch, queries, heads, width) = q.dims4()?;
    let split = |t: &Tensor| t.transpose(1, 2)?.contiguous();
    let scale = 1.0 / (width as f64).sqrt();
    let scores = (split(q)? * scale)?.matmul(&split(k)?.transpose(2, 3)?)?;
    let scores = match mask {
        Some(mask) => scores.broadcast_add(&mask.to_dtype(scores.dtype())?)?,
        None => scores,
    };
    let weights = softmax(&scores)?;
    weights.matmul(&split(v)?)?.transpose(1, 2)?.reshape((batch, queries, heads * width))
}

fn softmax(scores: &Tensor) -> Result<Tensor> {
    if fused(scores) {
        return tintype_kernels::softmax(scores);
    }
    let wide = scores.to_dtype(DType::F32)?;
    let raised = wide.broadcast_sub(&wide.max_keepdim(D::Minus1)?)?.exp()?;
    raised.broadcast_div(&raised.sum_keepdim(D::Minus1)?)?.to_dtype(scores.dtype())
}

//! The same operations in candle's own, for the devices and precisions that the fused ones do not take.
//!
//! Sums over many values (normalisation, the weights of attention) are made in single precision at least.

use candle_core::{D, DType, Result, Tensor};

use crate::{Norm, softmax};

/// Scores of attention that are held at a time.
const SCORES: usize = 1 << 27;

/// Whether the fused operations take this.
pub fn fused(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

fn wide(x: &Tensor) -> Result<Tensor> {
    if x.dtype() == DType::F64 { Ok(x.clone()) } else { x.to_dtype(DType::F32) }
}

pub(crate) fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (out, inputs) = weight.dims2()?;
    let mut dims = x.dims().to_vec();
    dims.pop();
    dims.push(out);
    let flat = x.contiguous()?.reshape(((), inputs))?;
    flat.matmul(&weight.t()?)?.broadcast_add(bias)?.reshape(dims)
}

/// `mask` is added to the scores, and is as large as they are, (batch, heads, queries, keys), or 1 along some axes.
pub(crate) fn attention(q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
    let (batch, queries, heads, width) = q.dims4()?;
    let keys = k.dim(1)?;
    let by_head = |t: &Tensor| t.transpose(1, 2)?.contiguous();
    let (q, k, v) = ((by_head(q)? * (1.0 / (width as f64).sqrt()))?, by_head(k)?.transpose(2, 3)?, by_head(v)?);
    let mask = mask.map(|mask| mask.to_dtype(q.dtype())).transpose()?;
    let most = (SCORES / (batch * heads * keys).max(1)).max(1);
    let mut parts = Vec::new();
    for first in (0..queries).step_by(most) {
        let count = most.min(queries - first);
        let mut scores = q.narrow(2, first, count)?.contiguous()?.matmul(&k)?;
        if let Some(mask) = &mask {
            let rows = mask.rank().checked_sub(2).map_or(1, |axis| mask.dims()[axis]);
            let mask = if rows == 1 { mask.clone() } else { mask.narrow(D::Minus2, first, count)? };
            scores = scores.broadcast_add(&mask)?;
        }
        parts.push(softmax(&scores)?.matmul(&v)?);
    }
    let seen = if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(&parts, 2)? };
    seen.transpose(1, 2)?.reshape((batch, queries, heads * width))
}

pub(crate) fn softmax_last(x: &Tensor) -> Result<Tensor> {
    let wide = wide(x)?;
    // Minus infinity cannot be taken from itself.
    let top = wide.max_keepdim(D::Minus1)?.detach().maximum(f64::from(f32::MIN))?;
    let raised = wide.broadcast_sub(&top)?.exp()?;
    // The sum is 1 at least, which that does not change, or of a row of nothing but minus infinity.
    let sum = (raised.sum_keepdim(D::Minus1)? + 1e-17)?;
    raised.broadcast_div(&sum)?.to_dtype(x.dtype())
}

pub(crate) fn conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (out, _, kernel, _) = weight.dims4()?;
    x.contiguous()?.conv2d(weight, kernel / 2, 1, 1, 1)?.broadcast_add(&bias.reshape((1, out, 1, 1))?)
}

pub(crate) fn modulated_norm(x: &Tensor, scale: &Tensor, shift: &Tensor, norm: Norm, epsilon: f32) -> Result<Tensor> {
    let wide = wide(x)?;
    let wide = if norm == Norm::Layer { wide.broadcast_sub(&wide.mean_keepdim(D::Minus1)?)? } else { wide };
    let rate = (wide.sqr()?.mean_keepdim(D::Minus1)? + f64::from(epsilon))?.sqrt()?;
    let y = wide.broadcast_div(&rate)?.to_dtype(x.dtype())?;
    let spread = |t: &Tensor| -> Result<Tensor> {
        let (groups, width) = t.dims2()?;
        if x.rank() == 1 {
            return t.flatten_all();
        }
        let mut dims = vec![1; x.rank()];
        (dims[0], dims[x.rank() - 1]) = (groups, width);
        t.reshape(dims)
    };
    y.broadcast_mul(&spread(scale)?)?.broadcast_add(&spread(shift)?)
}

pub(crate) fn group_norm(x: &Tensor, scale: &Tensor, shift: &Tensor, groups: usize, epsilon: f32) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let wide = wide(&x.contiguous()?)?.reshape((batch, groups, ()))?;
    let wide = wide.broadcast_sub(&wide.mean_keepdim(2)?)?;
    let rate = (wide.sqr()?.mean_keepdim(2)? + f64::from(epsilon))?.sqrt()?;
    let y = wide.broadcast_div(&rate)?.reshape((batch, channels, height, width))?.to_dtype(x.dtype())?;
    let spread = |t: &Tensor| t.contiguous()?.reshape((batch, channels, 1, 1));
    y.broadcast_mul(&spread(scale)?)?.broadcast_add(&spread(shift)?)
}

pub(crate) fn geglu(x: &Tensor) -> Result<Tensor> {
    let width = x.dims().last().copied().unwrap_or(0);
    if width == 0 || !width.is_multiple_of(2) {
        candle_core::bail!("geglu: the last axis of {:?} has no two halves", x.dims());
    }
    let half = |n: usize| x.narrow(D::Minus1, n * width / 2, width / 2)?.contiguous();
    half(0)? * half(1)?.gelu_erf()?
}

pub(crate) fn pixel_unshuffle(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if factor == 0 || !height.is_multiple_of(factor) || !width.is_multiple_of(factor) {
        candle_core::bail!("pixel_unshuffle: {height} by {width} pixels do not divide by {factor}");
    }
    let (rows, columns) = (height / factor, width / factor);
    let x = x.reshape(vec![batch, channels, rows, factor, columns, factor])?.permute(vec![0, 1, 3, 5, 2, 4])?;
    x.contiguous()?.reshape((batch, channels * factor * factor, rows, columns))
}

pub(crate) fn pixel_shuffle(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (batch, channels, rows, columns) = x.dims4()?;
    let square = factor * factor;
    if factor == 0 || !channels.is_multiple_of(square) {
        candle_core::bail!("pixel_shuffle: {channels} channels do not divide by {square}");
    }
    let x =
        x.reshape(vec![batch, channels / square, factor, factor, rows, columns])?.permute(vec![0, 1, 4, 2, 5, 3])?;
    x.contiguous()?.reshape((batch, channels / square, rows * factor, columns * factor))
}

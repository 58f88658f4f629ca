//! Gradients of attention. The weights are made again, one head at a time.

use candle_core::{Layout, Result, Tensor};
use rayon::prelude::*;

use super::{Attention, heads::Heads};
use crate::{
    activation::softmax_row_gradient,
    math::vectorized,
    matrix::{Block, View},
    storage::copied,
};

pub(super) fn run(op: &Attention, q: &Tensor, k: &Tensor, v: &Tensor, gradient: &Tensor) -> Result<[Tensor; 3]> {
    let [q_values, k_values, v_values, g] = [copied(q)?, copied(k)?, copied(v)?, copied(gradient)?];
    let q_heads = Heads::new(&q_values, &Layout::contiguous(q.shape()))?;
    let k_heads = Heads::new(&k_values, &Layout::contiguous(k.shape()))?;
    let v_heads = Heads::new(&v_values, &Layout::contiguous(v.shape()))?;
    let g_heads = Heads::new(&g, &Layout::contiguous(q.shape()))?;
    let all = (0..q_heads.batch * q_heads.count).into_par_iter();
    let one = |n: usize| head(op, [&q_heads, &k_heads, &v_heads, &g_heads], n / q_heads.count, n % q_heads.count);
    let shares: Vec<[Vec<f32>; 3]> = all.map(one).collect();
    let (_, _, heads, _) = q.dims4()?;
    let gather = |part: usize, like: &Tensor| -> Result<Tensor> {
        let (batch, tokens, _, width) = like.dims4()?;
        let flat: Vec<f32> = shares.iter().flat_map(|share| share[part].iter().copied()).collect();
        Tensor::from_vec(flat, (batch, heads, tokens, width), like.device())?.transpose(1, 2)?.contiguous()
    };
    Ok([gather(0, q)?, gather(1, k)?, gather(2, v)?])
}

/// The gradients of queries, keys and values of one head.
fn head(op: &Attention, [q, k, v, g]: [&Heads<'_>; 4], batch: usize, head: usize) -> [Vec<f32>; 3] {
    let (queries, keys, width) = (q.tokens, k.tokens, q.width);
    let scale = 1.0 / (width as f32).sqrt();
    let [q, k, v, g] = [(q, queries), (k, keys), (v, keys), (g, queries)].map(|(x, n)| x.part(batch, head, 0, n));
    let mut weights = product(queries, keys, scale, q, k.transposed());
    op.weigh(&mut weights, batch * queries, keys);
    let weights = View::new(&weights, queries, keys);
    let dv = product(keys, width, 1.0, weights.transposed(), g);
    let arriving = product(queries, keys, 1.0, g, v.transposed());
    let mut scores = vec![0.0; queries * keys];
    let rows = scores.chunks_exact_mut(keys).zip(weights.rows()).zip(arriving.chunks_exact(keys));
    rows.for_each(|((scores, weights), arriving)| vectorized!(|| softmax_row_gradient(scores, weights, arriving)));
    let scores = View::new(&scores, queries, keys);
    let dq = product(queries, width, scale, scores, k);
    let dk = product(keys, width, scale, scores.transposed(), q);
    [dq, dk, dv]
}

fn product(rows: usize, columns: usize, scale: f32, left: View<'_>, right: View<'_>) -> Vec<f32> {
    let mut out = vec![0.0; rows * columns];
    Block::new(&mut out, rows, columns).multiply(false, scale, left, right);
    out
}

//! Attention in tiles of queries: the scores of a tile are made, turned into weights and used before the
//! next tile's, and for many queries before those of the next keys, so they never leave the cache.

mod backward;
mod heads;
mod lanes;

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::{
    fused,
    math::{softmax_row, vectorized},
    matrix::{Block, View},
    plain,
    storage::values,
};
use heads::Heads;
use lanes::{LANES, Tile};

/// Queries in one thread's piece.
const QUERIES: usize = 128;

/// `softmax(q k^T / sqrt(width)) v`, head by head: `q` (batch, queries, heads, width), `k` and `v` (batch,
/// keys, heads, width), their last axis contiguous, to (batch, queries, heads * width). `bias` (batch, runs, keys) is
/// added to the scores, as a mask is with minus infinity: the queries are cut into so many runs of one length, and each
/// has a row. No gradient flows to it. A query that sees no key gets zeros, and gives no gradient.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let ((batch, queries, heads, width), (_, keys, _, _)) = (q.dims4()?, k.dims4()?);
    let runs = bias.map_or(Ok(1), |bias| bias.dim(1))?;
    let bias_fits = bias.is_none_or(|bias| bias.dims() == [batch, runs, keys] && queries.is_multiple_of(runs));
    if k.dims() != [batch, keys, heads, width] || v.dims() != k.dims() || !bias_fits || keys == 0 || runs == 0 {
        bail!("attention: q {:?}, k {:?}, v {:?} and the bias do not fit", q.dims(), k.dims(), v.dims());
    }
    if !fused(q) {
        let mask = |bias: &Tensor| {
            let rows = bias.unsqueeze(2)?.broadcast_as((batch, runs, queries / runs, keys))?;
            rows.reshape((batch, 1, queries, keys))
        };
        return plain::attention(q, k, v, bias.map(mask).transpose()?.as_ref());
    }
    let bias = bias.map(|bias| bias.flatten_all()?.to_vec1::<f32>()).transpose()?.map(Into::into);
    q.apply_op3(k, v, Attention { bias, run: queries / runs })
}

/// As `attention`, with any `mask` that is added to the scores (batch, heads, queries, keys), or to all alike along the
/// axes where it is 1 or that it lacks. The scores leave the cache.
pub fn masked_attention(q: &Tensor, k: &Tensor, v: &Tensor, mask: &Tensor) -> Result<Tensor> {
    plain::attention(q, k, v, Some(mask))
}

#[derive(Clone)]
struct Attention {
    bias: Option<Arc<[f32]>>,
    /// Queries that share a row of it.
    run: usize,
}

impl Attention {
    /// What is added to the scores of a query, by its number over all batches.
    fn bias_of(&self, query: usize, keys: usize) -> Option<&[f32]> {
        self.bias.as_ref().map(|bias| &bias[query / self.run * keys..][..keys])
    }

    /// Queries in a tile, which share a row of the bias.
    fn tile(&self, queries: usize) -> usize {
        if self.bias.is_none() || self.run == queries {
            return QUERIES;
        }
        (1..=QUERIES.min(self.run)).rev().find(|&count| self.run.is_multiple_of(count)).unwrap_or(1)
    }

    /// The weights of some queries over all keys, from their scores. `first` is the number of the first.
    fn weigh(&self, scores: &mut [f32], first: usize, keys: usize) {
        vectorized!(|| {
            for (query, row) in (first..).zip(scores.chunks_exact_mut(keys)) {
                if let Some(bias) = self.bias_of(query, keys) {
                    row.iter_mut().zip(bias).for_each(|(score, bias)| *score += bias);
                }
                softmax_row(row);
            }
        });
    }
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let q = Heads::new(values(q)?, q_layout)?;
        let (k, v) = (Heads::new(values(k)?, k_layout)?, Heads::new(values(v)?, v_layout)?);
        let (queries, keys, across) = (q.tokens, k.tokens, q.count * q.width);
        let (scale, most) = (1.0 / (q.width as f32).sqrt(), self.tile(queries));
        let mut y = vec![0.0; q.batch * queries * across];
        let blocks: Vec<Block<'_>> = y
            .chunks_mut((queries * across).max(1))
            .flat_map(|y| Block::new(y, queries, across).split(most, q.width))
            .collect();
        let tiles = queries.div_ceil(most);
        blocks.into_par_iter().enumerate().for_each_init(Tile::default, |space, (n, mut block)| {
            let (batch, tile, head) = (n / q.count / tiles, n / q.count % tiles, n % q.count);
            let (first, count) = (batch * queries + tile * most, block.rows());
            let q = q.part(batch, head, tile * most, count);
            let (k, v) = (k.part(batch, head, 0, keys), v.part(batch, head, 0, keys));
            if count >= LANES {
                return space.attend([q, k, v], self.bias_of(first, keys), scale, &mut block);
            }
            let scores = &mut space.scores;
            scores.resize(count * keys, 0.0);
            Block::new(scores, count, keys).multiply(false, scale, q, k.transposed());
            self.weigh(scores, first, keys);
            block.multiply(false, 1.0, View::new(scores, count, keys), v);
        });
        Ok((CpuStorage::F32(y), Shape::from((q.batch, queries, across))))
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [dq, dk, dv] = backward::run(self, q, k, v, gradient)?;
        Ok((Some(dq), Some(dk), Some(dv)))
    }
}

//! Many queries, some keys at a time. Scores of a key lie beside each other, so that a vector holds those of many queries
//! and nothing has to be found across it.

use crate::{
    math::{total, vectorized, weight},
    matrix::{Block, View},
};

/// Keys whose scores are held at a time: what stays in a core's own cache.
const KEYS: usize = 512;
/// Queries in the longest vectors. Fewer would leave them mostly empty.
pub(super) const LANES: usize = 16;

/// What a tile of queries has seen of the keys. Each row has a value for every query, and then up to whole vectors.
#[derive(Default)]
pub(super) struct Tile {
    queries: Vec<f32>,
    pub scores: Vec<f32>,
    /// The largest score so far, to which the weights are relative.
    top: Vec<f32>,
    /// What is left of earlier weights now that the largest score has grown.
    fade: Vec<f32>,
    /// Of the weights.
    sum: Vec<f32>,
    /// Of the values times their weights.
    sums: Vec<f32>,
}

impl Tile {
    /// Attention of the queries of `out`; `bias` is added to the scores of each key.
    pub fn attend(&mut self, [q, k, v]: [View<'_>; 3], bias: Option<&[f32]>, scale: f32, out: &mut Block<'_>) {
        let (count, width, keys) = (out.rows(), out.columns(), k.rows().len());
        let lanes = count.next_multiple_of(LANES);
        self.begin(q, width, lanes);
        for first in (0..keys).step_by(KEYS) {
            let some = KEYS.min(keys - first);
            self.scores.resize(some * lanes, 0.0);
            let queries = View::new(&self.queries, width, lanes);
            Block::new(&mut self.scores, some, lanes).multiply(false, scale, k.rows_from(first, some), queries);
            self.weigh(bias.map(|bias| &bias[first..][..some]), lanes);
            let (values, weights) = (v.rows_from(first, some).transposed(), View::new(&self.scores, some, lanes));
            Block::new(&mut self.sums, width, lanes).multiply(true, 1.0, values, weights);
        }
        for query in 0..count {
            let (sums, total) = (self.sums[query..].iter().step_by(lanes), total(self.sum[query]));
            out.row(query).iter_mut().zip(sums).for_each(|(y, sum)| *y = sum / total);
        }
    }

    fn begin(&mut self, q: View<'_>, width: usize, lanes: usize) {
        let rows = [(&mut self.queries, width, 0.0), (&mut self.sums, width, 0.0), (&mut self.sum, 1, 0.0)];
        // The lowest number, and not minus infinity, which cannot be taken from itself.
        for (row, count, value) in rows.into_iter().chain([(&mut self.top, 1, f32::MIN), (&mut self.fade, 1, 1.0)]) {
            row.clear();
            row.resize(count * lanes, value);
        }
        for (query, values) in q.rows().enumerate() {
            let column = self.queries[query..].iter_mut().step_by(lanes);
            column.zip(values).for_each(|(to, &value)| *to = value);
        }
    }

    /// Turns scores into weights.
    fn weigh(&mut self, bias: Option<&[f32]>, lanes: usize) {
        let Self { scores, top, fade, sum, sums, .. } = self;
        vectorized!(|| {
            fade.copy_from_slice(top);
            for (key, row) in scores.chunks_exact_mut(lanes).enumerate() {
                if let Some(bias) = bias {
                    for score in &mut *row {
                        *score += bias[key];
                    }
                }
                top.iter_mut().zip(&*row).for_each(|(top, &score)| *top = if score > *top { score } else { *top });
            }
            fade.iter_mut().zip(&*top).for_each(|(fade, top)| *fade = weight(*fade - top));
            for row in sums.chunks_exact_mut(lanes).chain([&mut sum[..]]) {
                row.iter_mut().zip(&*fade).for_each(|(sum, fade)| *sum *= fade);
            }
            for row in scores.chunks_exact_mut(lanes) {
                for ((score, top), sum) in row.iter_mut().zip(&*top).zip(&mut *sum) {
                    *score = weight(*score - top);
                    *sum += *score;
                }
            }
        });
    }
}

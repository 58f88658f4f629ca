//! Decoding in tiles that overlap by a quarter, each blended into what is above and to the left of it.

use candle_core::{Result, Tensor};

use super::Vae;

impl Vae {
    /// `side`: latents a side of a tile.
    pub(super) fn decode_tiled(&self, latents: &Tensor, side: usize) -> Result<Tensor> {
        let (_, _, height, width) = latents.dims4()?;
        let (stride, pixels) = (side * 3 / 4, side * self.config().factor());
        let blend = pixels / 4;
        let kept = pixels - blend;
        let mut above: Vec<Tensor> = Vec::new();
        let mut rows = Vec::new();
        for top in (0..height).step_by(stride) {
            let strip = latents.narrow(2, top, side.min(height - top))?;
            let (mut row, mut parts): (Vec<Tensor>, Vec<Tensor>) = (Vec::new(), Vec::new());
            for (column, left) in (0..width).step_by(stride).enumerate() {
                let piece = strip.narrow(3, left, side.min(width - left))?.contiguous()?;
                let mut tile = self.decode_piece(&piece)?;
                if let Some(above) = above.get(column) {
                    tile = blended(above, &tile, 2, blend)?;
                }
                if let Some(before) = row.last() {
                    tile = blended(before, &tile, 3, blend)?;
                }
                parts.push(tile.narrow(2, 0, kept.min(tile.dim(2)?))?.narrow(3, 0, kept.min(tile.dim(3)?))?);
                row.push(tile);
            }
            rows.push(Tensor::cat(&parts, 3)?);
            above = row;
        }
        Tensor::cat(&rows, 2)
    }
}

/// The beginning of `tile` along `axis`, faded in over the end of `before`.
fn blended(before: &Tensor, tile: &Tensor, axis: usize, most: usize) -> Result<Tensor> {
    let (have, length) = (before.dim(axis)?, tile.dim(axis)?);
    let count = most.min(have).min(length);
    let mut dims = [1; 4];
    dims[axis] = count;
    let share: Vec<f32> = (0..count).map(|at| at as f32 / count as f32).collect();
    let share = Tensor::from_vec(share, &dims, tile.device())?.to_dtype(tile.dtype())?;
    let (old, new) = (before.narrow(axis, have - count, count)?, tile.narrow(axis, 0, count)?);
    let faded = (&old + (new - &old)?.broadcast_mul(&share)?)?;
    if count == length { Ok(faded) } else { Tensor::cat(&[&faded, &tile.narrow(axis, count, length - count)?], axis) }
}

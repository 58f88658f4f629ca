//! Convolution with stride 1 that keeps the size: the pixels under the kernel are laid out as the columns
//! of a matrix, some channels of a tile at a time so that it stays in cache, and multiplied by the weight.

mod backward;
mod tile;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::{
    fused,
    matrix::{Block, View},
    plain,
    storage::{slice, trained},
};
use tile::{Geometry, Tile};

/// `x` (batch, in, height, width), `weight` (out, in, k, k) with odd k, `bias` (out) to (batch, out, height,
/// width), the edges padded with zeros. Of no images that is none; images without pixels or channels are refused.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (out, inputs, kernel, kernel_width) = weight.dims4()?;
    let (batch, channels, height, width) = x.dims4()?;
    let fits = kernel == kernel_width && kernel % 2 == 1 && inputs == channels && bias.dims() == [out];
    if !fits || [out, channels, height, width].contains(&0) {
        bail!("conv2d: x {:?}, weight {:?} and bias {:?} do not fit", x.dims(), weight.dims(), bias.dims());
    }
    if batch == 0 {
        return Tensor::zeros((batch, out, height, width), x.dtype(), x.device());
    }
    if !fused(x) {
        return plain::conv2d(x, weight, bias);
    }
    x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, Conv)
}

struct Conv;

impl CustomOp3 for Conv {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = x_layout.shape().dims4()?;
        let (out, _, kernel, _) = weight_layout.shape().dims4()?;
        let geometry = Geometry { channels, height, width, kernel };
        let y = forward(slice(x, x_layout)?, slice(weight, weight_layout)?, slice(bias, bias_layout)?, geometry);
        Ok((CpuStorage::F32(y), Shape::from((batch, out, height, width))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dx = trained(x, || backward::input(weight, gradient))?;
        let dw = trained(weight, || backward::weight(x, weight, gradient))?;
        Ok((dx, dw, trained(bias, || gradient.sum((0, 2, 3)))?))
    }
}

/// Fewest outputs in one thread's piece: the columns are laid out anew for each.
const OUTPUTS: usize = 64;

/// Outputs in one thread's piece: where there are fewer tiles than threads, they share out the outputs of each. Pieces of
/// one output or one pixel are added up in another order than larger ones, so those do not come of it.
fn share(out: usize, images: usize, tiles: &[Tile]) -> usize {
    if tiles.iter().any(|tile| tile.range().len() == 1) {
        return out;
    }
    let shares = rayon::current_num_threads().div_ceil(images * tiles.len());
    let least = out.div_ceil(shares).max(OUTPUTS);
    (least..out).find(|share| out % share != 1).unwrap_or(out)
}

fn forward(x: &[f32], weight: &[f32], bias: &[f32], geometry: Geometry) -> Vec<f32> {
    let (pixels, depth, taps, out) = (geometry.pixels(), geometry.depth(), geometry.taps(), bias.len());
    let (tiles, images) = (geometry.tiles(), x.len() / (geometry.channels * pixels));
    let share = share(out, images, &tiles);
    let mut y = vec![0.0; images * out * pixels];
    let work: Vec<_> = y
        .chunks_mut(out * pixels)
        .zip(x.chunks(geometry.channels * pixels))
        .flat_map(|(y, x)| {
            let blocks = Block::new(y, out, pixels).split(share, geometry.tile_pixels());
            let places = (0..out).step_by(share).flat_map(|first| tiles.iter().map(move |&tile| (first, tile)));
            places.zip(blocks).map(move |(place, block)| (place, x, block))
        })
        .collect();
    work.into_par_iter().for_each_init(Vec::new, |space, ((first, tile), x, mut block)| {
        let rows = block.rows();
        for (row, &bias) in bias[first..][..rows].iter().enumerate() {
            block.row(row).fill(bias);
        }
        for part in geometry.parts() {
            let weight = &weight[first * depth + part.start * taps..];
            let weight = View::strided(weight, rows, part.len() * taps, depth);
            block.multiply(true, 1.0, weight, tile.columns(geometry, x, part, space));
        }
    });
    y
}

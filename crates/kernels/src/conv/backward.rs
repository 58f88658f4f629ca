//! Gradients of the convolution.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::{conv2d, tile::Geometry};
use crate::{
    matrix::{Block, View},
    storage::copied,
};

/// What flows to the input is the convolution of what arrives with the weight turned half round, its
/// inputs and outputs exchanged.
pub(super) fn input(weight: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    let (out, inputs, kernel, _) = weight.dims4()?;
    let turned = turn(&copied(weight)?, out, inputs, kernel * kernel);
    let turned = Tensor::from_vec(turned, (inputs, out, kernel, kernel), weight.device())?;
    conv2d(gradient, &turned, &Tensor::zeros(inputs, weight.dtype(), weight.device())?)
}

fn turn(weight: &[f32], out: usize, inputs: usize, taps: usize) -> Vec<f32> {
    let at = |i: usize, o: usize, tap: usize| weight[(o * inputs + i) * taps + taps - 1 - tap];
    let indices = (0..inputs).flat_map(|i| (0..out).map(move |o| (i, o)));
    indices.flat_map(|(i, o)| (0..taps).map(move |tap| (i, o, tap))).map(|(i, o, tap)| at(i, o, tap)).collect()
}

pub(super) fn weight(x: &Tensor, weight: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    let (_, channels, height, width) = x.dims4()?;
    let (out, _, kernel, _) = weight.dims4()?;
    let geometry = Geometry { channels, height, width, kernel };
    let dw = weight_values(&copied(x)?, &copied(gradient)?, geometry, out);
    Tensor::from_vec(dw, weight.shape(), weight.device())
}

/// Each image's share is made on its own; they are added in order, so that the sum is always the same.
fn weight_values(x: &[f32], gradient: &[f32], geometry: Geometry, out: usize) -> Vec<f32> {
    let (pixels, depth) = (geometry.pixels(), geometry.depth());
    let images = x.par_chunks(geometry.channels * pixels).zip(gradient.par_chunks(out * pixels));
    let shares: Vec<Vec<f32>> = images
        .map_init(Vec::new, |space, (x, gradient)| {
            let mut share = vec![0.0; out * depth];
            let blocks = Block::new(&mut share, out, depth).split(out, geometry.part_channels() * geometry.taps());
            for (part, mut block) in geometry.parts().zip(blocks) {
                for tile in geometry.tiles() {
                    let range = tile.range();
                    let gradient = View::strided(&gradient[range.start..], out, range.len(), pixels);
                    let columns = tile.columns(geometry, x, part.clone(), space);
                    block.multiply(true, 1.0, gradient, columns.transposed());
                }
            }
            share
        })
        .collect();
    let mut sum = vec![0.0; out * depth];
    for share in shares {
        sum.iter_mut().zip(share).for_each(|(sum, share)| *sum += share);
    }
    sum
}

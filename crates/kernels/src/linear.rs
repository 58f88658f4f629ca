//! `x w^T + b`, the bias added while the product is made.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::{
    fused,
    matrix::{Block, View},
    plain,
    storage::{slice, trained},
};

/// The size of one thread's piece of a small product.
const ROWS: usize = 128;
const COLUMNS: usize = 256;
/// Each piece lays its part of the weight out anew, so pieces of large products are higher, as long as there remain
/// some for every thread. The shapes alone decide, never the number of threads.
const HIGHEST: usize = 8;
const PIECES: usize = 4;

/// `x` (.., in), `weight` (out, in), `bias` (out) to (.., out). Fastest where the weight is the transpose of a
/// contiguous tensor: then the product reads it in the order in which it lies.
pub fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (out, width) = weight.dims2()?;
    if x.dims().last() != Some(&width) || bias.dims() != [out] {
        bail!("linear: x {:?}, weight {:?} and bias {:?} do not fit", x.dims(), weight.dims(), bias.dims());
    }
    if !fused(x) {
        return plain::linear(x, weight, bias);
    }
    let weight = if weight.t()?.is_contiguous() { weight.clone() } else { weight.contiguous()? };
    x.contiguous()?.apply_op3(&weight, &bias.contiguous()?, Linear)
}

struct Linear;

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
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
        let (out, width) = weight_layout.shape().dims2()?;
        let (x, bias) = (slice(x, x_layout)?, slice(bias, bias_layout)?);
        let weight = if weight_layout.is_contiguous() {
            View::new(slice(weight, weight_layout)?, out, width)
        } else {
            View::new(slice(weight, &weight_layout.transpose(0, 1)?)?, width, out).transposed()
        };
        let mut dims = x_layout.dims().to_vec();
        dims.pop();
        dims.push(out);
        Ok((CpuStorage::F32(forward(x, weight, bias, width)), Shape::from(dims)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (out, width) = weight.dims2()?;
        let flat = gradient.reshape(((), out))?;
        let dx = trained(x, || product(&flat, &weight.t()?)?.reshape(x.shape()))?;
        let dw = trained(weight, || product(&flat.t()?, &x.reshape(((), width))?.t()?))?;
        Ok((dx, dw, trained(bias, || flat.sum(0))?))
    }
}

/// `a b^T`.
fn product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    linear(&a.detach(), &b.detach(), &Tensor::zeros(b.dim(0)?, b.dtype(), b.device())?)
}

fn forward(x: &[f32], weight: View<'_>, bias: &[f32], width: usize) -> Vec<f32> {
    let (rows, out) = (x.len() / width, bias.len());
    let mut y = vec![0.0; rows * out];
    let across = out.div_ceil(COLUMNS);
    let most = ROWS * (rows.div_ceil(ROWS) * across / PIECES).clamp(1, HIGHEST);
    let blocks = Block::new(&mut y, rows, out).split(most, COLUMNS);
    blocks.into_par_iter().enumerate().for_each(|(n, mut block)| {
        let (top, left) = (n / across * most, n % across * COLUMNS);
        let (height, columns) = (most.min(rows - top), block.columns());
        for row in 0..height {
            block.row(row).copy_from_slice(&bias[left..][..columns]);
        }
        let x = View::new(&x[top * width..][..height * width], height, width);
        block.multiply(true, 1.0, x, weight.rows_from(left, columns).transposed());
    });
    y
}

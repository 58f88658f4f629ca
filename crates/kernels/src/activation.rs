//! SiLU, GELU and softmax.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use crate::{
    fused,
    math::{self, vectorized},
    plain,
    storage::{copied, slice},
};

/// Small enough to spread, large enough to be worth a task.
const CHUNK: usize = 16 * 1024;

/// `x * sigmoid(x)`.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    if fused(x) { x.contiguous()?.apply_op1(Silu) } else { x.silu() }
}

/// The approximation with the hyperbolic tangent.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    if fused(x) { x.contiguous()?.apply_op1(Gelu) } else { x.gelu() }
}

/// With the Gaussian distribution itself rather than the approximation.
pub fn gelu_exact(x: &Tensor) -> Result<Tensor> {
    if fused(x) { x.contiguous()?.apply_op1(GeluExact) } else { x.gelu_erf() }
}

/// Over the last axis. A row of nothing but minus infinity gives zeros.
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    if fused(x) { x.contiguous()?.apply_op1(Softmax) } else { plain::softmax_last(x) }
}

struct Silu;
struct Gelu;
struct GeluExact;
struct Softmax;

macro_rules! elementwise {
    ($op:ident, $name:literal, $value:path, $slope:path) => {
        impl CustomOp1 for $op {
            fn name(&self) -> &'static str {
                $name
            }

            fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
                let x = slice(storage, layout)?;
                let mut y = vec![0.0; x.len()];
                y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| {
                    vectorized!(|| y.iter_mut().zip(x).for_each(|(y, &x)| *y = $value(x)));
                });
                Ok((CpuStorage::F32(y), layout.shape().clone()))
            }

            fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
                let (mut dx, g) = (copied(x)?, copied(gradient)?);
                vectorized!(|| dx.iter_mut().zip(&g).for_each(|(x, &g)| *x = g * $slope(*x)));
                Tensor::from_vec(dx, x.shape(), x.device()).map(Some)
            }
        }
    };
}

elementwise!(Silu, "silu", math::silu, math::silu_slope);
elementwise!(Gelu, "gelu", math::gelu, math::gelu_slope);
elementwise!(GeluExact, "gelu_exact", math::gelu_exact, math::gelu_exact_slope);

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let width = *layout.dims().last().unwrap_or(&1);
        let mut y = slice(storage, layout)?.to_vec();
        y.par_chunks_mut(width.max(1)).for_each(|row| vectorized!(|| math::softmax_row(row)));
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let width = *x.dims().last().unwrap_or(&1);
        let dx = softmax_gradient(&copied(y)?, &copied(gradient)?, width);
        Tensor::from_vec(dx, x.shape(), x.device()).map(Some)
    }
}

fn softmax_gradient(y: &[f32], g: &[f32], width: usize) -> Vec<f32> {
    let mut dx = vec![0.0; y.len()];
    dx.par_chunks_mut(width).zip(y.par_chunks(width)).zip(g.par_chunks(width)).for_each(|((dx, y), g)| {
        vectorized!(|| softmax_row_gradient(dx, y, g));
    });
    dx
}

#[expect(clippy::inline_always, reason = "compiled into the dispatched loop")]
#[inline(always)]
pub(crate) fn softmax_row_gradient(dx: &mut [f32], y: &[f32], g: &[f32]) {
    let mean = math::sum2(y, g, |y, g| y * g);
    for ((dx, &y), &g) in dx.iter_mut().zip(y).zip(g) {
        *dx = y * (g - mean);
    }
}

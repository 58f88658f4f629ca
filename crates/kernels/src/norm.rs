//! Root-mean-square and layer normalisation over the last axis, with scale and shift, in one pass.

mod backward;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::{
    fused,
    math::{self, vectorized},
    plain,
    storage::slice,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Divides by the root of the mean square.
    RootMeanSquare,
    /// Takes away the mean first.
    Layer,
}

/// `normal(x) * scale + shift` for `x` (batch, .., width), `scale` and `shift` (batch, width), or
/// (1, width) for all alike.
pub fn modulated_norm(x: &Tensor, scale: &Tensor, shift: &Tensor, norm: Norm, epsilon: f32) -> Result<Tensor> {
    let (groups, width) = scale.dims2()?;
    let fits = x.dims().last() == Some(&width) && (groups == 1 || x.dims().first() == Some(&groups));
    if !fits || shift.dims() != scale.dims() {
        bail!("modulated_norm: x {:?}, scale {:?} and shift {:?} do not fit", x.dims(), scale.dims(), shift.dims());
    }
    if !fused(x) {
        return plain::modulated_norm(x, scale, shift, norm, epsilon);
    }
    x.contiguous()?.apply_op3(&scale.contiguous()?, &shift.contiguous()?, ModulatedNorm { norm, epsilon })
}

/// Without scale and shift.
pub fn norm(x: &Tensor, norm: Norm, epsilon: f32) -> Result<Tensor> {
    let width = *x.dims().last().unwrap_or(&1);
    let ones = Tensor::ones((1, width), x.dtype(), x.device())?;
    modulated_norm(x, &ones, &ones.zeros_like()?, norm, epsilon)
}

#[derive(Clone, Copy)]
struct ModulatedNorm {
    norm: Norm,
    epsilon: f32,
}

impl ModulatedNorm {
    /// The mean that is taken away, and the factor.
    #[expect(clippy::inline_always, reason = "compiled into the dispatched loop")]
    #[inline(always)]
    fn moments(self, row: &[f32]) -> (f32, f32) {
        let count = row.len() as f32;
        let mean = if self.norm == Norm::Layer { math::sum(row, |x| x) / count } else { 0.0 };
        let variance = math::sum(row, |x| (x - mean) * (x - mean)) / count;
        (mean, 1.0 / (variance + self.epsilon).sqrt())
    }
}

impl CustomOp3 for ModulatedNorm {
    fn name(&self) -> &'static str {
        "modulated_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (groups, width) = scale_layout.shape().dims2()?;
        let (x, scale, shift) = (slice(x, x_layout)?, slice(scale, scale_layout)?, slice(shift, shift_layout)?);
        let group = x.len() / groups;
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(ROWS * width).zip(x.par_chunks(ROWS * width)).enumerate().for_each(|(chunk, (y, x))| {
            vectorized!(|| {
                for (n, (y, x)) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)).enumerate() {
                    let (mean, factor) = self.moments(x);
                    let start = (chunk * ROWS + n) * width / group * width;
                    let (a, b) = (&scale[start..][..width], &shift[start..][..width]);
                    for (((y, &x), &a), &b) in y.iter_mut().zip(x).zip(a).zip(b) {
                        *y = (x - mean) * factor * a + b;
                    }
                }
            });
        });
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let backward::Gradients { x: dx, scale: dscale, shift: dshift } = backward::run(*self, x, scale, gradient)?;
        Ok((
            Some(Tensor::from_vec(dx, x.shape(), x.device())?),
            Some(Tensor::from_vec(dscale, scale.shape(), x.device())?),
            Some(Tensor::from_vec(dshift, shift.shape(), x.device())?),
        ))
    }
}

/// Rows in one thread's piece.
const ROWS: usize = 64;

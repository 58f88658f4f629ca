//! Group normalisation, scale and shift, and SiLU where it is wanted, in one pass.

mod backward;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::{
    fused,
    math::{self, vectorized},
    plain,
    storage::slice,
};

/// `normal(x) * scale + shift` for `x` (batch, channels, height, width), each group of channels
/// normalised over itself. `scale` and `shift` are (batch, channels), so that a learned weight and a
/// condition can be folded into them.
pub fn group_norm(x: &Tensor, scale: &Tensor, shift: &Tensor, groups: usize, epsilon: f32) -> Result<Tensor> {
    GroupNorm { groups, epsilon, silu: false }.apply(x, scale, shift)
}

/// As `group_norm`, with SiLU behind it.
pub fn group_norm_silu(x: &Tensor, scale: &Tensor, shift: &Tensor, groups: usize, epsilon: f32) -> Result<Tensor> {
    GroupNorm { groups, epsilon, silu: true }.apply(x, scale, shift)
}

#[derive(Clone, Copy)]
struct GroupNorm {
    groups: usize,
    epsilon: f32,
    silu: bool,
}

/// Mean, and one over the standard deviation, of a group.
struct Moments {
    mean: f32,
    rate: f32,
}

impl GroupNorm {
    fn apply(self, x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
        let ((batch, channels, _, _), groups) = (x.dims4()?, self.groups);
        let fits = |t: &Tensor| t.dims() == [batch, channels];
        if groups == 0 || channels % groups != 0 || !fits(scale) || !fits(shift) {
            let (name, x, scale, shift) = (self.name(), x.dims(), scale.dims(), shift.dims());
            bail!("{name}: x {x:?}, scale {scale:?}, shift {shift:?} and {groups} groups do not fit");
        }
        if !fused(x) {
            let y = plain::group_norm(x, scale, shift, groups, self.epsilon)?;
            return if self.silu { y.silu() } else { Ok(y) };
        }
        x.contiguous()?.apply_op3(&scale.contiguous()?, &shift.contiguous()?, self)
    }

    fn moments(self, group: &[f32]) -> Moments {
        vectorized!(|| {
            let count = group.len() as f32;
            let mean = math::sum(group, |x| x) / count;
            let variance = math::sum(group, |x| (x - mean) * (x - mean)) / count;
            Moments { mean, rate: 1.0 / (variance + self.epsilon).sqrt() }
        })
    }
}

impl CustomOp3 for GroupNorm {
    fn name(&self) -> &'static str {
        if self.silu { "group_norm_silu" } else { "group_norm" }
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
        let (_, channels, height, width) = x_layout.shape().dims4()?;
        let (x, scale, shift) = (slice(x, x_layout)?, slice(scale, scale_layout)?, slice(shift, shift_layout)?);
        let (pixels, members) = (height * width, channels / self.groups);
        let mut y = vec![0.0; x.len()];
        let groups = y.par_chunks_mut(members * pixels).zip(x.par_chunks(members * pixels));
        groups.zip(scale.par_chunks(members)).zip(shift.par_chunks(members)).for_each(|(((y, x), scale), shift)| {
            let Moments { mean, rate } = self.moments(x);
            for (channel, (y, x)) in y.chunks_exact_mut(pixels).zip(x.chunks_exact(pixels)).enumerate() {
                // (x - mean) * rate * scale + shift, as one product and one sum.
                let factor = rate * scale[channel];
                let offset = shift[channel] - mean * factor;
                if self.silu {
                    vectorized!(|| y.iter_mut().zip(x).for_each(|(y, &x)| *y = math::silu(x * factor + offset)));
                } else {
                    vectorized!(|| y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * factor + offset));
                }
            }
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
        let backward::Gradients { x: dx, scale: dscale, shift: dshift } =
            backward::run(*self, x, scale, shift, gradient)?;
        Ok((
            Some(Tensor::from_vec(dx, x.shape(), x.device())?),
            Some(Tensor::from_vec(dscale, scale.shape(), x.device())?),
            Some(Tensor::from_vec(dshift, shift.shape(), x.device())?),
        ))
    }
}

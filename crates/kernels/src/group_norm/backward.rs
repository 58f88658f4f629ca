//! Gradients of the fused group normalisation. The normalised values are made again rather than kept.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::{GroupNorm, Moments};
use crate::{
    math::{self, vectorized},
    storage::copied,
};

pub(super) struct Gradients {
    pub x: Vec<f32>,
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
}

pub(super) fn run(op: GroupNorm, x: &Tensor, scale: &Tensor, shift: &Tensor, gradient: &Tensor) -> Result<Gradients> {
    let (_, channels, height, width) = x.dims4()?;
    let (pixels, members) = (height * width, channels / op.groups);
    let [x, scale, shift, gradient] = [copied(x)?, copied(scale)?, copied(shift)?, copied(gradient)?];
    let mut out = Gradients { x: vec![0.0; x.len()], scale: vec![0.0; scale.len()], shift: vec![0.0; shift.len()] };
    let inputs = x.par_chunks(members * pixels).zip(gradient.par_chunks(members * pixels));
    let inputs = inputs.zip(scale.par_chunks(members)).zip(shift.par_chunks(members));
    let outputs = out.x.par_chunks_mut(members * pixels).zip(out.scale.par_chunks_mut(members));
    outputs.zip(out.shift.par_chunks_mut(members)).zip(inputs).for_each(|(((dx, da), db), (((x, g), a), b))| {
        let moments = op.moments(x);
        vectorized!(|| group(&Group { x, g, a, b, pixels, silu: op.silu, moments: &moments }, dx, da, db));
    });
    Ok(out)
}

/// One group: its values, what arrives, and its channels' scales and shifts.
struct Group<'a> {
    x: &'a [f32],
    g: &'a [f32],
    a: &'a [f32],
    b: &'a [f32],
    pixels: usize,
    silu: bool,
    moments: &'a Moments,
}

#[expect(clippy::inline_always, reason = "compiled into the dispatched closure")]
#[inline(always)]
fn group(group: &Group<'_>, dx: &mut [f32], da: &mut [f32], db: &mut [f32]) {
    let Group { x, g, a, b, pixels, silu, moments: &Moments { mean, rate } } = *group;
    let (mut sum, mut product) = (0.0, 0.0);
    for (c, dx) in dx.chunks_exact_mut(pixels).enumerate() {
        let (x, g) = (&x[c * pixels..][..pixels], &g[c * pixels..][..pixels]);
        dx.copy_from_slice(g);
        if silu {
            // What arrives at its argument.
            dx.iter_mut().zip(x).for_each(|(dx, &x)| *dx *= math::silu_slope((x - mean) * rate * a[c] + b[c]));
        }
        db[c] = math::sum(dx, |d| d);
        da[c] = math::sum2(dx, x, |d, x| d * (x - mean) * rate);
        sum += db[c] * a[c];
        product += da[c] * a[c];
    }
    let count = x.len() as f32;
    let (sum, product) = (sum / count, product / count);
    for (c, dx) in dx.chunks_exact_mut(pixels).enumerate() {
        for (dx, &x) in dx.iter_mut().zip(&x[c * pixels..]) {
            *dx = rate * (*dx * a[c] - sum - (x - mean) * rate * product);
        }
    }
}

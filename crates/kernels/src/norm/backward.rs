//! Gradients of the fused normalisation.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::{ModulatedNorm, Norm};
use crate::{
    math::{self, vectorized},
    storage::copied,
};

pub(super) struct Gradients {
    pub x: Vec<f32>,
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
}

pub(super) fn run(op: ModulatedNorm, x: &Tensor, scale: &Tensor, gradient: &Tensor) -> Result<Gradients> {
    let (groups, width) = scale.dims2()?;
    let [x, scale, gradient] = [copied(x)?, copied(scale)?, copied(gradient)?];
    let group = x.len() / groups;
    let mut out = Gradients { x: vec![0.0; x.len()], scale: vec![0.0; scale.len()], shift: vec![0.0; scale.len()] };
    let outputs = out.x.par_chunks_mut(group).zip(out.scale.par_chunks_mut(width)).zip(out.shift.par_chunks_mut(width));
    let inputs = x.par_chunks(group).zip(gradient.par_chunks(group)).zip(scale.par_chunks(width));
    outputs.zip(inputs).for_each(|(((dx, da), db), ((x, g), a))| {
        for ((dx, x), g) in dx.chunks_exact_mut(width).zip(x.chunks_exact(width)).zip(g.chunks_exact(width)) {
            vectorized!(|| row(op, x, g, a, (&mut *dx, &mut *da, &mut *db)));
        }
    });
    Ok(out)
}

/// Adds one row's share to the gradients of scale and shift.
#[expect(clippy::inline_always, reason = "compiled into the dispatched closure")]
#[inline(always)]
fn row(op: ModulatedNorm, x: &[f32], g: &[f32], a: &[f32], (dx, da, db): (&mut [f32], &mut [f32], &mut [f32])) {
    let (mean, factor) = op.moments(x);
    for (((dx, &g), &a), db) in dx.iter_mut().zip(g).zip(a).zip(&mut *db) {
        *dx = g * a;
        *db += g;
    }
    for ((da, &g), &x) in da.iter_mut().zip(g).zip(x) {
        *da += g * (x - mean) * factor;
    }
    let count = x.len() as f32;
    let sum = if op.norm == Norm::Layer { math::sum(dx, |d| d) / count } else { 0.0 };
    let product = math::sum2(dx, x, |d, x| d * (x - mean) * factor) / count;
    for (dx, &x) in dx.iter_mut().zip(x) {
        *dx = factor * (*dx - sum - (x - mean) * factor * product);
    }
}

//! The walk from noise to picture.

use candle_core::{DType, Result, Tensor};
use tintype_engine::{Picture, RunError};

use super::step;
use crate::Progress;

/// Follows `velocity` from `latents` down `levels`, in single precision whatever the network computes in. `look` makes
/// a picture of latents.
pub(crate) fn walk(
    latents: &Tensor,
    levels: &[f32],
    progress: &mut Progress<'_>,
    velocity: &mut dyn FnMut(&Tensor, f32) -> Result<Tensor>,
    look: &dyn Fn(&Tensor) -> Option<Picture>,
) -> std::result::Result<Tensor, RunError> {
    let mut x = latents.to_dtype(DType::F32)?;
    for pair in levels.windows(2) {
        let [level, next] = [pair[0], pair[1]];
        let direction = velocity(&x, level)?.to_dtype(DType::F32)?;
        let clean = step(&x, &direction, level, 0.0);
        x = step(&x, &direction, level, next)?;
        progress.step(&|| look(clean.as_ref().ok()?))?;
    }
    Ok(x)
}

/// The point at `level` on the line from `clean` to `noise`.
pub(crate) fn between(clean: &Tensor, noise: &Tensor, level: f32) -> Result<Tensor> {
    (noise * f64::from(level))? + (clean * f64::from(1.0 - level))?
}

//! What every pipeline here does alike around its network.

use candle_core::{DType, Result, Tensor};
use tintype_engine::RunError;

use super::{Schedule, between, walk};
use crate::{Compute, Job, Progress, noise::Noise, pictures, vae::Vae};

/// Latents a side of what a preview is made of.
const PREVIEW: usize = 32;

/// Where a walk begins: latents for each picture, and the levels.
pub(crate) struct Start {
    pub latents: Vec<Tensor>,
    pub levels: Vec<f32>,
}

/// The size of a job's latents, (height, width).
pub(crate) fn latent_size(job: &Job, vae: &Vae) -> (usize, usize) {
    let factor = vae.config().factor();
    (job.size.height as usize / factor, job.size.width as usize / factor)
}

/// Begins with noise, or with the picture that was given and as much noise as its strength says. Draws come in the
/// order of the reference: first for the given picture, then for all pictures at once.
pub(crate) fn start(job: &Job, vae: &Vae, levels: Vec<f32>, compute: &Compute, dtype: DType) -> Result<Start> {
    let mut noise = Noise::new(job.call.seed);
    let given = job.given.as_ref().map(|given| {
        let picture = pictures::from_picture(&given.picture, job.size, compute)?.to_dtype(compute.dtype)?;
        vae.encode(&picture, &mut noise, dtype)?.to_dtype(DType::F32)
    });
    let given = given.transpose()?;
    let ((height, width), images) = (latent_size(job, vae), job.call.images as usize);
    let drawn = noise.draw(&[images, vae.config().latent_channels, height, width], dtype, compute)?;
    let drawn = drawn.to_dtype(DType::F32)?;
    let levels = if given.is_some() { Schedule::levels_from(levels, job.call.strength) } else { levels };
    let first = |noise: Tensor| match &given {
        Some(clean) => between(clean, &noise, levels[0]),
        None => Ok(noise),
    };
    let latents = (0..images).map(|n| first(drawn.narrow(0, n, 1)?)).collect::<Result<_>>()?;
    Ok(Start { latents, levels })
}

/// Walks for each picture, and decodes where it ends.
pub(crate) fn draw(
    start: &Start,
    vae: &Vae,
    compute: &Compute,
    progress: &mut Progress<'_>,
    velocity: &mut dyn FnMut(&Tensor, f32) -> Result<Tensor>,
) -> std::result::Result<Vec<Tensor>, RunError> {
    progress.begin(start.latents.len() * (start.levels.len() - 1));
    let preview = |latents: &Tensor| look(latents, vae, compute);
    let mut drawn = Vec::new();
    for latents in &start.latents {
        let x = walk(latents, &start.levels, progress, velocity, &preview)?;
        drawn.push(vae.decode(&x.to_dtype(compute.dtype)?)?);
    }
    Ok(drawn)
}

/// A small picture of latents.
fn look(latents: &Tensor, vae: &Vae, compute: &Compute) -> Option<tintype_engine::Picture> {
    let (_, _, height, width) = latents.dims4().ok()?;
    let factor = height.max(width).div_ceil(PREVIEW).min(height).min(width);
    let small = latents.avg_pool2d(factor).ok()?.to_dtype(compute.dtype).ok()?;
    pictures::preview(&vae.decode(&small).ok()?)
}

/// Says that a part of a prompt was not read.
pub(crate) fn cut_short(progress: &mut Progress<'_>, encoder: &str, count: usize) {
    progress.note(&format!("the prompt is longer than {encoder} reads: its last {count} tokens are left out"));
}

/// A prompt that the tokenizer does not take.
pub(crate) fn unread(error: tokenizers::Error) -> RunError {
    RunError::Computation(error)
}

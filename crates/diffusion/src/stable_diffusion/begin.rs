//! The latents that a walk begins with.

use candle_core::{DType, Result, Tensor};
use tintype_engine::RunError;

use super::set::Set;
use crate::{Given, Job, noise::Noise, pictures, sampler::Sampler};

/// A walk that is about to begin.
pub(super) struct Walk {
    pub sampler: Sampler,
    pub noise: Noise,
    pub latents: Tensor,
    pub kept: Option<Kept>,
}

/// What a mask keeps of a picture, latent by latent.
pub(super) struct Kept {
    /// (1, 1, height, width): 1 where to paint.
    pub mask: Tensor,
    /// The picture, and the noise that it is seen through during the walk.
    pub picture: Tensor,
    pub noise: Tensor,
    /// What networks that were made for it see beside the latents: the mask, and the picture without what it covers.
    pub seen: Option<Tensor>,
}

pub(super) fn begin(set: &Set, job: &Job, sampler: Sampler) -> std::result::Result<Walk, RunError> {
    let mut noise = Noise::new(job.call.seed);
    let Some(given) = &job.given else {
        let drawn = draw(set, job, &mut noise)?;
        return Ok(Walk { latents: sampler.first(&drawn)?, sampler, noise, kept: None });
    };
    let picture = pictures::from_picture(&given.picture, job.size, &set.compute)?.to_dtype(set.compute.dtype)?;
    let from_nothing = given.mask.is_some() && job.call.strength >= 1.0;
    let seeing = given.mask.is_some() && set.unet.config().in_channels == 9;
    // Nothing is drawn for a picture that nobody looks at.
    let clean = if seeing && from_nothing { None } else { Some(encoded(set, &picture, &mut noise)?) };
    let drawn = draw(set, job, &mut noise)?;
    let spread = |clean: &Tensor| clean.broadcast_as(drawn.shape())?.contiguous();
    let latents = match &clean {
        Some(clean) if !from_nothing => sampler.noisy_first(&spread(clean)?, &drawn)?,
        _ => sampler.first(&drawn)?,
    };
    let kept = match given {
        Given { mask: Some(mask), .. } => {
            let mask = pictures::from_mask(mask, job.size, &set.compute)?;
            let hidden = picture.broadcast_mul(&mask.affine(-1.0, 1.0)?.to_dtype(picture.dtype())?)?;
            let small = thinned(&mask, set.vae.config().factor())?;
            // Drawn whether or not the network wants to see it.
            let hidden = if seeing { encoded(set, &hidden, &mut noise)? } else { skipped(set, job, &mut noise)? };
            let seen = seeing.then(|| Tensor::cat(&[&small, &hidden], 1)).transpose()?;
            let picture = clean.map_or_else(|| drawn.zeros_like(), |clean| spread(&clean))?;
            Some(Kept { mask: small, picture, noise: drawn, seen })
        }
        Given { mask: None, .. } => None,
    };
    Ok(Walk { sampler, noise, latents, kept })
}

/// Noise for all pictures of the call at once.
fn draw(set: &Set, job: &Job, noise: &mut Noise) -> Result<Tensor> {
    noise.draw(&shape(set, job, job.call.images as usize), set.compute.dtype, &set.compute)
}

fn shape(set: &Set, job: &Job, count: usize) -> [usize; 4] {
    let config = set.vae.config();
    let side = |side: u32| side as usize / config.factor();
    [count, config.latent_channels, side(job.size.height), side(job.size.width)]
}

fn encoded(set: &Set, picture: &Tensor, noise: &mut Noise) -> Result<Tensor> {
    set.vae.encode(picture, noise, set.compute.dtype)?.to_dtype(DType::F32)
}

/// Takes from the generator what encoding would have taken.
fn skipped(set: &Set, job: &Job, noise: &mut Noise) -> Result<Tensor> {
    noise.draw(&shape(set, job, 1), set.compute.dtype, &set.compute)
}

/// Every `factor`th value of (1, 1, height, width) along both axes.
fn thinned(mask: &Tensor, factor: usize) -> Result<Tensor> {
    let (_, _, height, width) = mask.dims4()?;
    let (rows, columns) = (height / factor, width / factor);
    let parts = mask.reshape((rows, factor, columns, factor))?.narrow(1, 0, 1)?.narrow(3, 0, 1)?;
    parts.contiguous()?.reshape((1, 1, rows, columns))
}

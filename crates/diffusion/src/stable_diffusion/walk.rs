//! The steps from noise to latents.

use candle_core::{DType, Result, Tensor};
use tintype_engine::RunError;

use super::{
    begin::{Kept, Walk},
    set::Set,
    words::Words,
};
use crate::{Job, Progress, pictures, sampler::Stepped, unet::Condition};

pub(super) fn walk(
    set: &Set,
    walk: Walk,
    words: &Words,
    job: &Job,
    progress: &mut Progress<'_>,
) -> std::result::Result<Tensor, RunError> {
    let Walk { mut sampler, mut noise, mut latents, kept } = walk;
    let steps = sampler.steps();
    progress.begin(steps.len());
    for (number, &(index, time)) in (1..).zip(&steps) {
        let input = sampler.scaled(&latents, index)?;
        let seen = kept.as_ref().and_then(|kept| kept.seen.as_ref());
        let said = said(set, &input, seen, time, words, job.call.guidance)?;
        let Stepped { latents: next, guess } = sampler.step(index, &said, &latents, &mut noise)?;
        latents = next;
        if let Some(Kept { mask, picture, noise: first, seen: None }) = &kept {
            let picture =
                if number < steps.len() { sampler.noisy(picture, first, index + 1)? } else { picture.clone() };
            latents = (&picture + (&latents - &picture)?.broadcast_mul(mask)?)?;
        }
        progress.step(&|| pictures::preview(&set.vae.preview(&guess.narrow(0, 0, 1).ok()?).ok()?))?;
    }
    Ok(latents)
}

/// What the network says of each picture, in single precision. One picture at a time: more would not be faster on a
/// CPU, and take more memory everywhere.
fn said(set: &Set, input: &Tensor, seen: Option<&Tensor>, time: f64, words: &Words, guidance: f64) -> Result<Tensor> {
    let one = |n: usize| {
        let x = input.narrow(0, n, 1)?;
        let x = seen.map_or(Ok(x.clone()), |seen| Tensor::cat(&[&x, seen], 1))?.to_dtype(set.compute.dtype)?;
        let ask = |condition: &Condition| set.unet.forward(&x, time, condition)?.to_dtype(DType::F32);
        let prompt = ask(&words.prompt)?;
        let Some(other) = &words.other else { return Ok(prompt) };
        let other = ask(other)?;
        &other + ((prompt - &other)? * guidance)?
    };
    Tensor::cat(&(0..input.dim(0)?).map(one).collect::<Result<Vec<_>>>()?, 0)
}

//! Latent consistency models: every step jumps to the end, and noise is added again for the next.

use candle_core::{Result, Tensor};

use super::{Sampler, Stepped, draw};
use crate::noise::Noise;

/// The deviation of the data that the distillation assumed.
const DATA: f64 = 0.5;

impl Sampler {
    pub(super) fn consistency(
        &self,
        index: usize,
        said: &Tensor,
        latents: &Tensor,
        noise: &mut Noise,
    ) -> Result<Stepped> {
        let levels = &self.levels;
        let time = levels.times[index];
        let kept = levels.cumulated_at(time);
        let guess = self.guess(said, latents, (kept.sqrt(), (1.0 - kept).sqrt()))?;
        let scaled = time * levels.timestep_scaling;
        let own = DATA.powi(2) / (scaled.powi(2) + DATA.powi(2));
        let guessed = scaled / (scaled.powi(2) + DATA.powi(2)).sqrt();
        let clean = ((guess * guessed)? + (latents * own)?)?;
        let Some(&next) = levels.times.get(index + 1) else {
            return Ok(Stepped { latents: clean.clone(), guess: clean });
        };
        let next = levels.cumulated_at(next);
        let latents = ((&clean * next.sqrt())? + (draw(latents, noise)? * (1.0 - next).sqrt())?)?;
        Ok(Stepped { latents, guess: clean })
    }
}

//! DDIM.

use candle_core::{Result, Tensor};

use super::{Sampler, Stepped};

impl Sampler {
    pub(super) fn implicit(&self, index: usize, said: &Tensor, latents: &Tensor) -> Result<Stepped> {
        let levels = &self.levels;
        let time = levels.times[index];
        let earlier = time - levels.stride;
        let (kept, next) = (levels.cumulated_at(time), levels.cumulated_at(earlier));
        let parts = (kept.sqrt(), (1.0 - kept).sqrt());
        let guess = self.guess(said, latents, parts)?;
        let noise = self.noise(said, latents, &guess, parts)?;
        let guess = if levels.clip { guess.clamp(-1.0, 1.0)? } else { guess };
        Ok(Stepped { latents: ((&guess * next.sqrt())? + (noise * (1.0 - next).sqrt())?)?, guess })
    }
}

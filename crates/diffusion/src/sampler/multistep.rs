//! DPM-Solver++ of second order (2M), and its stochastic sibling.

use candle_core::{Result, Tensor};

use super::{Sampler, Stepped, draw};
use crate::noise::Noise;

impl Sampler {
    pub(super) fn multistep(
        &mut self,
        index: usize,
        said: &Tensor,
        latents: &Tensor,
        noise: Option<&mut Noise>,
    ) -> Result<Stepped> {
        let levels = &self.levels;
        let guess = self.guess(said, latents, levels.parts(index))?;
        let drawn = noise.map(|noise| draw(latents, noise)).transpose()?;
        let (clean, after) = levels.parts(index + 1);
        let (_, before) = levels.parts(index);
        let h = levels.clarity(index + 1) - levels.clarity(index);
        // Toward the guess, and as far again along its change.
        let (kept, toward) = if drawn.is_some() {
            (after / before * (-h).exp(), clean * (1.0 - (-2.0 * h).exp()))
        } else {
            (after / before, clean * (1.0 - (-h).exp()))
        };
        let mut next = ((latents * kept)? + (&guess * toward)?)?;
        let last = index + 1 == levels.times.len();
        if let (Some(older), false) = (self.history.guesses.last(), last) {
            let r = (levels.clarity(index) - levels.clarity(index - 1)) / h;
            next = (next + ((&guess - older)? * (0.5 * toward / r))?)?;
        }
        if let Some(drawn) = drawn {
            next = (next + (drawn * (after * (1.0 - (-2.0 * h).exp()).sqrt()))?)?;
        }
        self.history.guesses = vec![guess.clone()];
        Ok(Stepped { latents: next, guess })
    }
}

//! Euler's method, and the one that adds noise again after each step.

use candle_core::{Result, Tensor};

use super::{Prediction, Sampler, Stepped, draw};
use crate::noise::Noise;

impl Sampler {
    pub(super) fn euler(&self, index: usize, said: &Tensor, latents: &Tensor) -> Result<Stepped> {
        let (sigma, next) = (self.levels.sigma(index), self.levels.sigma(index + 1));
        let guess = self.euler_guess(said, latents, sigma)?;
        let slope = ((latents - &guess)? / sigma)?;
        Ok(Stepped { latents: (latents + (slope * (next - sigma))?)?, guess })
    }

    pub(super) fn euler_ancestral(
        &self,
        index: usize,
        said: &Tensor,
        latents: &Tensor,
        noise: &mut Noise,
    ) -> Result<Stepped> {
        let (sigma, next) = (self.levels.sigma(index), self.levels.sigma(index + 1));
        let guess = self.euler_guess(said, latents, sigma)?;
        let up = (next.powi(2) * (sigma.powi(2) - next.powi(2)) / sigma.powi(2)).sqrt();
        let down = (next.powi(2) - up.powi(2)).max(0.0).sqrt();
        let slope = ((latents - &guess)? / sigma)?;
        let moved = (latents + (slope * (down - sigma))?)?;
        // Drawn at the last step too, where it counts for nothing.
        let drawn = draw(latents, noise)?;
        Ok(Stepped { latents: (moved + (drawn * up)?)?, guess })
    }

    /// Here latents are the picture plus `sigma` times noise.
    fn euler_guess(&self, said: &Tensor, latents: &Tensor, sigma: f64) -> Result<Tensor> {
        match self.prediction {
            Prediction::Epsilon => latents - (said * sigma)?,
            Prediction::VPrediction => {
                let total = sigma * sigma + 1.0;
                (said * (-sigma / total.sqrt()))? + (latents / total)?
            }
            Prediction::Sample => Ok(said.clone()),
        }
    }
}

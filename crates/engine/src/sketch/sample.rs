//! Guided steps from noise, from a picture, or around what is kept of one. The frames of a clip take them together.

use candle_core::{Device, Result, Tensor};

use super::network::{Network, Prompt, SIDE};
use crate::{flow::between, noise};

/// A guess far outside the range of pictures would only be carried along.
const FARTHEST: f32 = 1.2;

/// The way of one picture, or of the frames of one clip, from noise.
pub struct Sampling<'a> {
    pub network: &'a Network,
    /// The prompt; with guidance, the prompt and then the negative prompt.
    pub prompt: &'a Prompt,
    /// 1 follows the prompt without the other's opinion.
    pub guidance: f32,
    pub steps: u32,
    pub seed: u64,
    pub begin: Option<Begin>,
}

/// A picture to begin with, (1, 3, 64, 64) from -1 to 1.
pub struct Begin {
    pub picture: Tensor,
    /// The noise level at which the walk joins in.
    pub strength: f32,
    /// (1, 1, 64, 64): 1 where to paint, 0 what to keep. `None` paints everywhere.
    pub mask: Option<Tensor>,
}

impl Sampling<'_> {
    /// The noise levels that will be visited.
    pub fn levels(&self) -> Vec<f32> {
        let schedule = self.network.schedule();
        match &self.begin {
            Some(begin) => schedule.levels_from(self.steps, begin.strength),
            None => schedule.levels(self.steps),
        }
    }

    fn guess(&self, x: &Tensor, level: f32) -> Result<Tensor> {
        if self.guidance <= 1.0 {
            return self.network.denoise(x, level, self.prompt)?.clamp(-FARTHEST, FARTHEST);
        }
        let both = self.network.denoise(&x.repeat((2, 1, 1, 1))?, level, self.prompt)?;
        let count = x.dim(0)?;
        let (clean, other) = (both.narrow(0, 0, count)?, both.narrow(0, count, count)?);
        (&other + ((clean - &other)? * f64::from(self.guidance))?)?.clamp(-FARTHEST, FARTHEST)
    }
}

/// Walks to the picture, (1, 3, 64, 64) from -1 to 1, or to the frames of a clip. `on_step` sees the number of the step,
/// from 1, the noisy picture after it, and the guess of the clean one; its error ends the walk.
pub fn sample<E: From<candle_core::Error>>(
    sampling: &Sampling<'_>,
    mut on_step: impl FnMut(u32, &Tensor, &Tensor) -> std::result::Result<(), E>,
) -> std::result::Result<Tensor, E> {
    let noise = noise::normal(sampling.seed, 3 * SIDE * SIDE);
    // The same for all frames: with noise of its own, each would decide alone where its object is.
    let noise =
        Tensor::from_vec(noise, (1, 3, SIDE, SIDE), &Device::Cpu)?.repeat((sampling.prompt.frames(), 1, 1, 1))?;
    let (schedule, levels) = (sampling.network.schedule(), sampling.levels());
    let mut x = match &sampling.begin {
        Some(begin) => between(&begin.picture, &noise, levels[0])?,
        None => noise.clone(),
    };
    for (number, pair) in (1..).zip(levels.windows(2)) {
        let [level, next] = [pair[0], pair[1]];
        let clean = sampling.guess(&x, level)?;
        x = schedule.step(&x, &clean, level, next)?;
        if let Some(Begin { picture, mask: Some(mask), .. }) = &sampling.begin {
            let kept = between(picture, &noise, next)?;
            x = (&kept + (&x - &kept)?.broadcast_mul(mask)?)?;
        }
        on_step(number, &x, &clean)?;
    }
    Ok(x.clamp(-1.0, 1.0)?)
}

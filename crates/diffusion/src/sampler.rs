//! The samplers that people ask for, exactly as the reference pipelines space and step them.
//!
//! Latents are in single precision, whatever the network computes in.

mod consistency;
mod euler;
mod implicit;
mod linear;
mod multistep;
mod settings;
mod spacing;
mod unified;

use candle_core::{Result, Tensor};

use crate::{Compute, noise::Noise};
use settings::{Kind, Method};
pub use settings::{NAMES, Prediction, SamplerConfig};
use spacing::Levels;

/// One walk from noise to latents.
pub struct Sampler {
    method: Method,
    prediction: Prediction,
    levels: Levels,
    /// At which of the times the walk joins in.
    begin: usize,
    history: History,
}

/// What some methods remember of earlier steps.
#[derive(Default)]
struct History {
    /// Guesses of clean latents, the newest last; of the linear method, what the network said.
    guesses: Vec<Tensor>,
    /// The latents before the last step, and the order of that step; of the linear method, those before the first.
    last: Option<(Tensor, usize)>,
    steps: usize,
}

/// Latents after a step.
pub struct Stepped {
    pub latents: Tensor,
    /// What the network takes for the clean ones.
    pub guess: Tensor,
}

impl Sampler {
    /// `name` is one of [`NAMES`]; without one, the model's own configuration decides. `skip` steps at the beginning are
    /// left out, as they are when the walk begins with a picture.
    pub fn new(config: &SamplerConfig, name: Option<&str>, steps: usize, skip: usize) -> Self {
        let method = config.method(name);
        let levels = Levels::new(config, method, steps);
        let begin = skip.min(levels.times.len().saturating_sub(1));
        Self { method, prediction: config.prediction_type, levels, begin, history: History::default() }
    }

    /// The steps of the walk: each with its index, for the other methods, and the time that the network is told.
    pub fn steps(&self) -> Vec<(usize, f64)> {
        self.levels.times.iter().copied().enumerate().skip(self.begin).collect()
    }

    /// What a walk begins with that begins with nothing but noise.
    pub fn first(&self, noise: &Tensor) -> Result<Tensor> {
        noise * self.levels.first
    }

    /// `clean` with as much noise as the walk has before step `index`.
    pub fn noisy(&self, clean: &Tensor, noise: &Tensor, index: usize) -> Result<Tensor> {
        let (clean_part, noise_part) = self.parts(index);
        (clean * clean_part)? + (noise * noise_part)?
    }

    /// As `noisy`, before the first step.
    pub fn noisy_first(&self, clean: &Tensor, noise: &Tensor) -> Result<Tensor> {
        self.noisy(clean, noise, self.begin)
    }

    fn parts(&self, index: usize) -> (f64, f64) {
        match self.method.kind {
            Kind::Euler | Kind::EulerAncestral => (1.0, self.levels.sigma(index)),
            Kind::Multistep { .. } | Kind::Unified => self.levels.parts(index),
            Kind::Consistency | Kind::Implicit | Kind::Linear => {
                let kept = self.levels.cumulated_at(self.levels.times[index]);
                (kept.sqrt(), (1.0 - kept).sqrt())
            }
        }
    }

    /// The latents as the network wants to see them at step `index`.
    pub fn scaled(&self, latents: &Tensor, index: usize) -> Result<Tensor> {
        match self.method.kind {
            Kind::Euler | Kind::EulerAncestral => latents / (self.levels.sigma(index).powi(2) + 1.0).sqrt(),
            _ => Ok(latents.clone()),
        }
    }

    /// From step `index` to the next. `said` is the network's answer. Draws from `noise` as the reference does.
    pub fn step(&mut self, index: usize, said: &Tensor, latents: &Tensor, noise: &mut Noise) -> Result<Stepped> {
        match self.method.kind {
            Kind::Euler => self.euler(index, said, latents),
            Kind::EulerAncestral => self.euler_ancestral(index, said, latents, noise),
            Kind::Multistep { stochastic } => self.multistep(index, said, latents, stochastic.then_some(noise)),
            Kind::Unified => self.unified(index, said, latents),
            Kind::Consistency => self.consistency(index, said, latents, noise),
            Kind::Implicit => self.implicit(index, said, latents),
            Kind::Linear => self.linear(index, said, latents),
        }
    }

    /// The guess of clean latents from `latents = clean_part clean + noise_part noise`.
    fn guess(&self, said: &Tensor, latents: &Tensor, (clean_part, noise_part): (f64, f64)) -> Result<Tensor> {
        match self.prediction {
            Prediction::Epsilon => (latents - (said * noise_part)?)? / clean_part,
            Prediction::VPrediction => (latents * clean_part)? - (said * noise_part)?,
            Prediction::Sample => Ok(said.clone()),
        }
    }

    /// The noise in those latents, with their guess.
    fn noise(&self, said: &Tensor, latents: &Tensor, guess: &Tensor, (clean, noise): (f64, f64)) -> Result<Tensor> {
        match self.prediction {
            Prediction::Epsilon => Ok(said.clone()),
            Prediction::VPrediction => (said * clean)? + (latents * noise)?,
            Prediction::Sample => (latents - (guess * clean)?)? / noise,
        }
    }
}

fn draw(like: &Tensor, noise: &mut Noise) -> Result<Tensor> {
    let compute = Compute { device: like.device().clone(), dtype: like.dtype() };
    noise.draw(like.dims(), like.dtype(), &compute)
}

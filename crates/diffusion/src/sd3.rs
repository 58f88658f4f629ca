//! Stable Diffusion 3 and 3.5.

mod block;
mod names;
mod set;
pub mod transformer;

use std::path::Path;

use candle_core::Tensor;
use tintype_engine::RunError;
use tintype_media::Format;

pub use names::rename;
pub use transformer::Transformer;

use crate::{
    Compute, Defaults, Endpoint, Job, LoadError, Pipeline, Progress, Size,
    adapters::Adapter,
    flow::{
        Sets, Spacing,
        given::{draw, latent_size, start},
    },
    pipeline::built,
};
use set::Set;

const SIZE: Size = Size { width: 1024, height: 768 };
const TOKENS: usize = 256;
const SET: &str = "default";

pub struct StableDiffusion3 {
    sets: Sets<Set>,
    endpoints: Vec<Endpoint>,
    tokens: usize,
}

impl StableDiffusion3 {
    /// The app itself, over one set; large, as far as that matters.
    pub fn open(folder: &Path, compute: Compute) -> Result<Self, LoadError> {
        Self::with(folder, compute, (28, 3.5))
    }

    /// As `open`, for the medium one, which wants more steps.
    pub fn medium(folder: &Path, compute: Compute) -> Result<Self, LoadError> {
        Self::with(folder, compute, (40, 4.5))
    }

    fn with(folder: &Path, compute: Compute, (steps, guidance): (u32, f64)) -> Result<Self, LoadError> {
        let defaults = Defaults {
            size: SIZE,
            multiple: 16,
            steps,
            most_steps: 50,
            guidance,
            format: Format::Jpeg,
            ..Defaults::default()
        };
        Ok(Self {
            sets: Sets::open(folder, &[SET], compute, Set::load)?,
            endpoints: vec![Endpoint { path: String::new(), image: false, mask: false, defaults }],
            tokens: TOKENS,
        })
    }

    /// Prompts of another length; for tests.
    #[must_use]
    pub fn reading(self, tokens: usize) -> Self {
        Self { tokens, ..self }
    }
}

impl Pipeline for StableDiffusion3 {
    fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    fn compute(&self) -> &Compute {
        self.sets.compute()
    }

    fn rename(&self, layer: &str, adapter: Adapter) -> Result<Vec<(String, Adapter)>, LoadError> {
        rename(layer, adapter)
    }

    fn draw(&self, job: &Job, progress: &mut Progress<'_>) -> Result<Vec<Tensor>, RunError> {
        let set = built(self.sets.get(SET, &mut |text| progress.note(text)))?;
        let (compute, guidance) = (self.compute(), job.call.guidance);
        let transformer = set.transformer.with(&job.adapters)?;
        let mut words = set.read(&job.call.prompt, self.tokens, progress)?;
        let guided = guidance > 1.0;
        if guided {
            let away = set.read(&job.call.negative_prompt, self.tokens, progress)?;
            words.each = Tensor::cat(&[&away.each, &words.each], 0)?;
            words.pooled = Tensor::cat(&[&away.pooled, &words.pooled], 0)?;
        }
        let prompt = transformer.prompt(&words.each, &words.pooled)?;
        let size = latent_size(job, &set.vae);
        let levels = set.schedule.levels(job.call.steps, size.0 * size.1 / 4, Spacing::Trained);
        let start = start(job, &set.vae, levels, compute, compute.dtype)?;
        let mut velocity = |x: &Tensor, level: f32| {
            let (x, time) = (x.to_dtype(compute.dtype)?, set.schedule.time(level));
            if !guided {
                return transformer.forward(&x, time, &prompt);
            }
            let both = transformer.forward(&Tensor::cat(&[&x, &x], 0)?, time, &prompt)?;
            let (away, toward) = (both.narrow(0, 0, 1)?, both.narrow(0, 1, 1)?);
            &away + ((toward - &away)? * guidance)?
        };
        draw(&start, &set.vae, compute, progress, &mut velocity)
    }
}

//! FLUX.1: dev, which takes its guidance as a number, and schnell, which needs four steps.

mod blocks;
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
/// As many tokens as each was trained with.
const TOKENS: usize = 512;
const TOKENS_OF_SCHNELL: usize = 256;

/// The paths of an app, each with the weight set that it draws with.
pub struct Flux {
    sets: Sets<Set>,
    endpoints: Vec<Endpoint>,
    set_of: fn(&str) -> &'static str,
    tokens: usize,
}

impl Flux {
    /// `/dev`, `/dev/image-to-image` and `/schnell`, over the sets `dev` and `schnell`.
    pub fn published(folder: &Path, compute: Compute) -> Result<Self, LoadError> {
        let set_of = |path: &str| if path.starts_with("/schnell") { "schnell" } else { "dev" };
        Ok(Self {
            sets: Sets::open(folder, &["dev", "schnell"], compute, Set::load)?,
            endpoints: vec![
                endpoint("/dev", false, 28),
                endpoint("/dev/image-to-image", true, 40),
                endpoint("/schnell", false, 4),
            ],
            set_of,
            tokens: TOKENS,
        })
    }

    /// The app itself and `/image-to-image`, over one set.
    pub fn with_loras(folder: &Path, compute: Compute) -> Result<Self, LoadError> {
        let mut again = endpoint("/image-to-image", true, 28);
        again.defaults.strength = 0.85;
        Ok(Self {
            sets: Sets::open(folder, &["default"], compute, Set::load)?,
            endpoints: vec![endpoint("", false, 28), again],
            set_of: |_| "default",
            tokens: TOKENS,
        })
    }

    /// Prompts of another length; for tests.
    #[must_use]
    pub fn reading(self, tokens: usize) -> Self {
        Self { tokens, ..self }
    }
}

fn endpoint(path: &str, image: bool, steps: u32) -> Endpoint {
    let defaults = Defaults {
        size: SIZE,
        multiple: 16,
        steps,
        most_steps: 50,
        guidance: 3.5,
        strength: 0.95,
        format: Format::Jpeg,
        ..Defaults::default()
    };
    Endpoint { path: path.into(), image, mask: false, defaults }
}

impl Pipeline for Flux {
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
        let set = built(self.sets.get((self.set_of)(&job.call.path), &mut |text| progress.note(text)))?;
        let compute = self.compute();
        let transformer = set.transformer.with(&job.adapters)?;
        let tokens =
            if set.transformer.config.guidance_embeds { self.tokens } else { self.tokens.min(TOKENS_OF_SCHNELL) };
        let words = set.read(&job.call.prompt, tokens, progress)?;
        let size = latent_size(job, &set.vae);
        let prompt = transformer.prompt(&words.each, &words.pooled, job.call.guidance, size)?;
        let levels = set.schedule.levels(job.call.steps, size.0 * size.1 / 4, Spacing::Even);
        let start = start(job, &set.vae, levels, compute, compute.dtype)?;
        let mut velocity =
            |x: &Tensor, level: f32| transformer.forward(&x.to_dtype(compute.dtype)?, level.into(), &prompt);
        draw(&start, &set.vae, compute, progress, &mut velocity)
    }
}

//! Z-Image: turbo, which needs eight steps and no guidance, and base.

mod block;
mod set;
pub mod transformer;

use std::path::Path;

use candle_core::{DType, Tensor};
use tintype_engine::RunError;
use tintype_media::Format;

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

/// The condition is no wider than this.
const CONDITION: usize = 256;
const SIZE: Size = Size { width: 1024, height: 768 };

/// The prompt as the text encoder was taught to expect it.
pub fn asked(prompt: &str) -> String {
    format!("<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n")
}

pub struct ZImage {
    sets: Sets<Set>,
    endpoints: Vec<Endpoint>,
}

impl ZImage {
    /// `/turbo` and `/base`, each over the set of its name.
    pub fn open(folder: &Path, compute: Compute) -> Result<Self, LoadError> {
        Ok(Self {
            sets: Sets::open(folder, &["turbo", "base"], compute, Set::load)?,
            endpoints: vec![
                endpoint("/turbo", false, (8, 0.0)),
                endpoint("/turbo/lora", false, (8, 0.0)),
                endpoint("/turbo/image-to-image", true, (8, 0.0)),
                endpoint("/turbo/image-to-image/lora", true, (8, 0.0)),
                endpoint("/base", false, (28, 5.0)),
                endpoint("/base/lora", false, (28, 4.0)),
            ],
        })
    }
}

fn endpoint(path: &str, image: bool, (steps, guidance): (u32, f64)) -> Endpoint {
    let defaults = Defaults {
        size: SIZE,
        multiple: 16,
        steps,
        most_steps: 50,
        guidance,
        strength: 0.6,
        format: Format::Png,
        ..Defaults::default()
    };
    Endpoint { path: path.into(), image, mask: false, defaults }
}

impl Pipeline for ZImage {
    fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    fn compute(&self) -> &Compute {
        self.sets.compute()
    }

    fn rename(&self, layer: &str, adapter: Adapter) -> Result<Vec<(String, Adapter)>, LoadError> {
        let name = layer.strip_prefix("unet_").map_or_else(|| layer.to_owned(), |rest| format!("transformer_{rest}"));
        Ok(vec![(name, adapter)])
    }

    fn draw(&self, job: &Job, progress: &mut Progress<'_>) -> Result<Vec<Tensor>, RunError> {
        let name = if job.call.path.starts_with("/base") { "base" } else { "turbo" };
        let set = built(self.sets.get(name, &mut |text| progress.note(text)))?;
        let (own, compute, guidance) = (self.compute(), set.compute(), job.call.guidance);
        let transformer = set.transformer.with(&job.adapters)?;
        let size = latent_size(job, &set.vae);
        let toward = transformer.prompt(&set.read(&job.call.prompt, progress)?, size)?;
        let away = if guidance > 0.0 {
            Some(transformer.prompt(&set.read(&job.call.negative_prompt, progress)?, size)?)
        } else {
            None
        };
        let levels = set.schedule.levels(job.call.steps, size.0 * size.1 / 4, Spacing::Even);
        let start = start(job, &set.vae, levels, own, DType::F32)?;
        let mut velocity = |x: &Tensor, level: f32| {
            let (x, clean) = (x.to_dtype(compute.dtype)?, 1.0 - f64::from(level));
            let guess = |prompt| transformer.forward(&x, clean, prompt)?.to_dtype(DType::F32);
            let mut direction = guess(&toward)?;
            if let Some(away) = &away {
                direction = (&direction + ((&direction - guess(away)?)? * guidance)?)?;
            }
            direction.neg()
        };
        draw(&start, &set.vae, own, progress, &mut velocity)
    }
}

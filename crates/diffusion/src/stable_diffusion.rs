//! Stable Diffusion 1.x, 2.x, XL and Turbo: from a prompt, from a picture, or around a mask.
//!
//! A folder of weights says which it is: with a second text encoder it is XL. The order in which noise is drawn is that
//! of the reference pipelines, so a seed means the same picture in both.

mod begin;
mod named;
mod names;
mod set;
mod walk;
mod words;

use std::path::Path;

use candle_core::Tensor;
use tintype_engine::RunError;

use crate::{
    Call, Compute, Defaults, Endpoint, Job, LoadError, Pipeline, Progress, Size,
    adapters::Adapter,
    sampler::{NAMES, Sampler},
};
pub use named::Named;
use set::Set;

/// The one set of weights that an app of these families has.
const SET: &str = "default";

/// What the published models differ in for those who call them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// 1.x and 2.x.
    Classic,
    Xl,
    /// Distilled to very few steps without guidance, of either size.
    Turbo,
}

impl Variant {
    fn defaults(self) -> Defaults {
        let (side, steps, guidance) = match self {
            Self::Classic => (512, 25, 7.5),
            Self::Xl => (1024, 25, 7.5),
            Self::Turbo => (512, 2, 1.0),
        };
        Defaults {
            size: Size { width: side, height: side },
            multiple: 8,
            steps,
            guidance,
            schedulers: NAMES,
            ..Defaults::default()
        }
    }
}

pub struct StableDiffusion {
    set: Set,
    endpoints: Vec<Endpoint>,
}

impl StableDiffusion {
    /// The models of 1.x and 2.x, of the set `default` of an app's folder.
    pub fn classic(folder: &Path, compute: Compute) -> Result<Self, LoadError> {
        Self::load(&folder.join(SET), Variant::Classic, compute)
    }

    pub fn xl(folder: &Path, compute: Compute) -> Result<Self, LoadError> {
        Self::load(&folder.join(SET), Variant::Xl, compute)
    }

    pub fn turbo(folder: &Path, compute: Compute) -> Result<Self, LoadError> {
        Self::load(&folder.join(SET), Variant::Turbo, compute)
    }

    /// From a folder as repositories lay it out: `unet`, `vae`, `text_encoder`, `tokenizer`, `scheduler`.
    pub fn load(folder: &Path, variant: Variant, compute: Compute) -> Result<Self, LoadError> {
        let endpoint = |path: &str, image, mask| {
            let mut defaults = variant.defaults();
            if image && variant == Variant::Turbo {
                // Half of two steps is one.
                (defaults.steps, defaults.strength) = (4, 0.5);
            }
            Endpoint { path: path.into(), image, mask, defaults }
        };
        let endpoints = vec![
            endpoint("", false, false),
            endpoint("/image-to-image", true, false),
            endpoint("/inpainting", true, true),
        ];
        Ok(Self { set: Set::load(folder, compute)?, endpoints })
    }
}

impl Pipeline for StableDiffusion {
    fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    fn compute(&self) -> &Compute {
        &self.set.compute
    }

    fn rename(&self, layer: &str, adapter: Adapter) -> Result<Vec<(String, Adapter)>, LoadError> {
        Ok(renamed(layer, adapter))
    }

    fn draw(&self, job: &Job, progress: &mut Progress<'_>) -> Result<Vec<Tensor>, RunError> {
        draw(&self.set, job, progress)
    }
}

fn renamed(layer: &str, adapter: Adapter) -> Vec<(String, Adapter)> {
    vec![(names::renamed(layer), adapter)]
}

fn draw(set: &Set, job: &Job, progress: &mut Progress<'_>) -> Result<Vec<Tensor>, RunError> {
    let set = &set.adapted(&job.adapters)?;
    if let (None, Some(words)) = (job.call.scheduler, set.sampler.substitution()) {
        progress.note(&words);
    }
    let sampler = sampler(set, &job.call);
    let words = words::read(set, job, progress)?;
    let walk = begin::begin(set, job, sampler)?;
    let latents = walk::walk(set, walk, &words, job, progress)?;
    (0..job.call.images as usize).map(|n| Ok(set.vae.decode(&latents.narrow(0, n, 1)?)?)).collect()
}

/// From a picture, only the last part of the steps is walked.
fn sampler(set: &Set, call: &Call) -> Sampler {
    let steps = call.steps as usize;
    let walked = if call.image_url.is_some() { (f64::from(call.steps) * call.strength) as usize } else { steps };
    Sampler::new(&set.sampler, call.scheduler, steps, steps - walked.min(steps))
}

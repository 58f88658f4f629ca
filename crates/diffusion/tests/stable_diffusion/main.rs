//! Stable Diffusion against diffusers, stage by stage, on tiny random weights. `reference/stable_diffusion.py` made them.

mod loras;
mod named;
mod pictures;
#[path = "../reference/mod.rs"]
mod reference;
mod samplers;
mod second;
mod stages;

use std::{path::Path, sync::Arc};

use candle_core::Tensor;
use reference::{NEGATIVE, Onlooker, PLAIN, PROMPT, Reference, STAGE, WALK};
use serde_json::{Value, json};
use tintype_diffusion::{
    Adapters, Compute, Given, Job, Pipeline, Progress, Size, call,
    stable_diffusion::{StableDiffusion, Variant},
};
use tintype_engine::RunError;

impl Reference {
    /// One of the tiny models of these families.
    fn of(name: &str) -> Self {
        Self::open(&format!("stable_diffusion/{name}"))
    }

    fn pipeline(&self, variant: Variant) -> StableDiffusion {
        StableDiffusion::load(&self.folder, variant, Compute::cpu()).unwrap()
    }

    /// The folder of a model that has all parts of this one but for those of `others`.
    fn with(&self, others: &[(&str, &Path)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for part in ["unet", "vae", "text_encoder", "tokenizer", "scheduler"] {
            let other = others.iter().find(|(name, _)| *name == part).map(|(_, folder)| folder.join(part));
            let source = other.unwrap_or_else(|| self.folder.join(part));
            std::os::unix::fs::symlink(source, folder.path().join(part)).unwrap();
        }
        folder
    }
}

/// A call to `path` of `pipeline` with the default prompt and `input`.
fn job(pipeline: &impl Pipeline, path: &str, input: &Value, given: Option<Given>) -> Job {
    let endpoint = pipeline.endpoints().iter().find(|endpoint| endpoint.path == path).unwrap();
    let mut fields = json!({ "prompt": PROMPT, "negative_prompt": NEGATIVE, "seed": 7, "num_inference_steps": 4,
                             "image_url": "data:,", "mask_url": "data:," });
    fields.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    let call = call::read(endpoint, fields.as_object().unwrap()).unwrap();
    Job { call, size: Size { width: 80, height: 64 }, given, adapters: Arc::new(Adapters::default()) }
}

/// What `pipeline` draws, from 0 to 1.
fn drawn(pipeline: &impl Pipeline, job: &Job, onlooker: &mut Onlooker) -> Result<Tensor, RunError> {
    let pictures = pipeline.draw(job, &mut Progress::new(onlooker))?;
    Ok((Tensor::cat(&pictures, 0)? * 0.5)?.affine(1.0, 0.5)?.clamp(0.0, 1.0)?)
}

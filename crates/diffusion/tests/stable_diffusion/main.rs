//! Stable Diffusion against diffusers, stage by stage, on tiny random weights. `reference/stable_diffusion.py` made them.

mod loras;
mod pictures;
mod samplers;
mod stages;

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};
use tintype_diffusion::{
    Adapters, Compute, Given, Job, Pipeline, Progress, Size, Weights, call,
    stable_diffusion::{StableDiffusion, Variant},
};
use tintype_engine::{Cancelled, RunError, Step, Watch};
use tintype_media::Picture;

/// A tiny repository, and what the reference made of it.
struct Reference {
    folder: PathBuf,
    tensors: HashMap<String, Tensor>,
}

impl Reference {
    fn open(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reference/stable_diffusion").join(name);
        let tensors = candle_core::safetensors::load(folder.join("reference.safetensors"), &Device::Cpu).unwrap();
        Self { folder, tensors }
    }

    fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("the reference has no `{name}`"))
    }

    fn ids(&self, name: &str) -> Vec<u32> {
        self.tensor(name).to_dtype(DType::U32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    fn weights(&self, part: &str) -> Weights {
        Weights::folder(&self.folder.join(part), &Compute::cpu()).unwrap()
    }

    fn pipeline(&self, variant: Variant) -> StableDiffusion {
        StableDiffusion::load(&self.folder, variant, Compute::cpu()).unwrap()
    }

    /// The picture that the reference was given, perhaps with its mask.
    fn given(&self, mask: bool) -> Given {
        let bytes = |name: &str| {
            let tensor = self.tensor(name);
            let (_, channels, height, width) = tensor.dims4().unwrap();
            let tensor = tensor.broadcast_as((1, 3.max(channels), height, width)).unwrap().squeeze(0).unwrap();
            let bytes = tensor.permute((1, 2, 0)).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            Picture::new(width as u32, height as u32, bytes).unwrap()
        };
        Given { picture: bytes("given"), mask: mask.then(|| bytes("mask").to_mask()) }
    }

    /// Fails where `found` is farther off than `tolerance` of the reference's greatest value.
    #[track_caller]
    fn near(&self, found: &Tensor, name: &str, tolerance: f32) {
        let expected = self.tensor(name).to_dtype(DType::F32).unwrap();
        assert_eq!(found.dims(), expected.dims(), "`{name}`");
        let greatest = |t: &Tensor| t.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        let off = greatest(&(found.to_dtype(DType::F32).unwrap() - &expected).unwrap()) / greatest(&expected);
        assert!(off < tolerance, "`{name}` is off by {off}");
    }
}

/// For one network's answer: what is left is the order in which sums are made.
const STAGE: f32 = 1e-5;
/// For whole walks, where each step begins where the last ended.
const WALK: f32 = 1e-4;

const PROMPT: &str = "A small red fox, sitting on an old wooden bridge at dawn; oil painting";
const NEGATIVE: &str = "blurry, low quality";

/// Whoever looks on: at everything, and stops a run after a number of steps.
#[derive(Default)]
struct Onlooker {
    steps: Vec<(u32, u32)>,
    notes: Vec<String>,
    stop: u32,
}

impl Watch for Onlooker {
    fn note(&mut self, message: &str) {
        self.notes.push(message.into());
    }

    fn step(&mut self, step: Step<'_>) -> Result<(), Cancelled> {
        assert!((step.preview)().is_some());
        self.steps.push((step.done, step.total));
        if step.done == self.stop { Err(Cancelled) } else { Ok(()) }
    }
}

/// A call to `path` of `pipeline` with the default prompt and `input`.
fn job(pipeline: &StableDiffusion, path: &str, input: &Value, given: Option<Given>) -> Job {
    let endpoint = pipeline.endpoints().iter().find(|endpoint| endpoint.path == path).unwrap();
    let mut fields = json!({ "prompt": PROMPT, "negative_prompt": NEGATIVE, "seed": 7, "num_inference_steps": 4,
                             "image_url": "data:,", "mask_url": "data:," });
    fields.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    let call = call::read(endpoint, fields.as_object().unwrap()).unwrap();
    Job { call, size: Size { width: 80, height: 64 }, given, adapters: Arc::new(Adapters::default()) }
}

/// What `pipeline` draws, from 0 to 1.
fn drawn(pipeline: &StableDiffusion, job: &Job, onlooker: &mut Onlooker) -> Result<Tensor, RunError> {
    let pictures = pipeline.draw(job, &mut Progress::new(onlooker))?;
    Ok((Tensor::cat(&pictures, 0)? * 0.5)?.affine(1.0, 0.5)?.clamp(0.0, 1.0)?)
}

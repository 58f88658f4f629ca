//! The flow-matching families against diffusers, stage by stage, on tiny random weights. `reference/*.py` made them.

mod drawer;
mod flux;
mod sd3;
mod z_image;

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use candle_core::{DType, Device, Tensor};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tintype_diffusion::{Adapters, Compute, Given, Job, Pipeline, Progress, Size, Weights, call};
use tintype_engine::{Cancelled, Step, Watch};
use tintype_media::Picture;

/// A family's tiny repository, and what the reference made of it.
struct Reference {
    folder: PathBuf,
    tensors: HashMap<String, Tensor>,
}

impl Reference {
    fn open(family: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reference").join(family);
        let tensors = candle_core::safetensors::load(folder.join("reference.safetensors"), &Device::Cpu).unwrap();
        Self { folder, tensors }
    }

    fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("the reference has no `{name}`"))
    }

    fn values(&self, name: &str) -> Vec<f32> {
        self.tensor(name).flatten_all().unwrap().to_vec1().unwrap()
    }

    fn ids(&self, name: &str) -> Vec<u32> {
        self.tensor(name).to_dtype(DType::U32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    fn weights(&self, part: &str) -> Weights {
        Weights::folder(&self.folder.join(part), &Compute::cpu()).unwrap()
    }

    fn configuration<T: DeserializeOwned>(&self, part: &str) -> T {
        serde_json::from_slice(&std::fs::read(self.folder.join(part).join("config.json")).unwrap()).unwrap()
    }

    /// An app's folder in which this repository is the set of that name.
    fn app(&self, set: &str) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(&self.folder, folder.path().join(set)).unwrap();
        folder
    }

    /// The picture that the reference was given.
    fn given(&self) -> Given {
        let given = self.tensor("given");
        let (_, _, height, width) = given.dims4().unwrap();
        let bytes = given.squeeze(0).unwrap().permute((1, 2, 0)).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        Given { picture: Picture::new(width as u32, height as u32, bytes).unwrap(), mask: None }
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
struct Onlooker {
    steps: Vec<(u32, u32)>,
    stop: u32,
}

impl Watch for Onlooker {
    fn note(&mut self, _: &str) {}

    fn step(&mut self, step: Step<'_>) -> Result<(), Cancelled> {
        assert!((step.preview)().is_some());
        self.steps.push((step.done, step.total));
        if step.done == self.stop { Err(Cancelled) } else { Ok(()) }
    }
}

/// What `pipeline` draws for `input` and the default prompt, from 0 to 1; and the steps that it told of.
fn drawn(pipeline: &impl Pipeline, path: &str, input: &Value, given: Option<Given>) -> (Tensor, Vec<(u32, u32)>) {
    let endpoint = pipeline.endpoints().iter().find(|endpoint| endpoint.path == path).unwrap();
    let mut fields = json!({ "prompt": PROMPT, "seed": 7, "num_inference_steps": 3, "image_url": "data:," });
    fields.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    let call = call::read(endpoint, fields.as_object().unwrap()).unwrap();
    let job = Job { call, size: Size { width: 96, height: 64 }, given, adapters: Arc::new(Adapters::default()) };
    let mut onlooker = Onlooker { steps: Vec::new(), stop: 0 };
    let pictures = pipeline.draw(&job, &mut Progress::new(&mut onlooker)).unwrap();
    let pictures = Tensor::cat(&pictures, 0).unwrap();
    (((pictures * 0.5).unwrap() + 0.5).unwrap().clamp(0.0, 1.0).unwrap(), onlooker.steps)
}

//! The flow-matching families against diffusers, stage by stage, on tiny random weights. `reference/*.py` made them.

mod drawer;
mod flux;
mod plain;
#[path = "../reference/mod.rs"]
mod reference;
mod sd3;
mod z_image;

use std::sync::Arc;

use candle_core::Tensor;
use reference::{NEGATIVE, Onlooker, PLAIN, PROMPT, Reference, STAGE, WALK};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tintype_diffusion::{Adapters, Given, Job, Pipeline, Progress, Size, call};

impl Reference {
    fn values(&self, name: &str) -> Vec<f32> {
        self.tensor(name).flatten_all().unwrap().to_vec1().unwrap()
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
}

/// What `pipeline` draws for `input` and the default prompt, from 0 to 1; and the steps that it told of.
fn drawn(pipeline: &impl Pipeline, path: &str, input: &Value, given: Option<Given>) -> (Tensor, Vec<(u32, u32)>) {
    let endpoint = pipeline.endpoints().iter().find(|endpoint| endpoint.path == path).unwrap();
    let mut fields = json!({ "prompt": PROMPT, "seed": 7, "num_inference_steps": 3, "image_url": "data:," });
    fields.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    let call = call::read(endpoint, fields.as_object().unwrap()).unwrap();
    let job = Job { call, size: Size { width: 96, height: 64 }, given, adapters: Arc::new(Adapters::default()) };
    let mut onlooker = Onlooker::default();
    let pictures = pipeline.draw(&job, &mut Progress::new(&mut onlooker)).unwrap();
    let pictures = Tensor::cat(&pictures, 0).unwrap();
    (((pictures * 0.5).unwrap() + 0.5).unwrap().clamp(0.0, 1.0).unwrap(), onlooker.steps)
}

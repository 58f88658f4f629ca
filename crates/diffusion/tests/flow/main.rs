//! The flow-matching families against diffusers, stage by stage, on tiny random weights. `reference/*.py` made them.

mod flux;
mod sd3;
mod z_image;

use std::{collections::HashMap, path::PathBuf};

use candle_core::{DType, Device, Tensor};
use serde::de::DeserializeOwned;
use tintype_diffusion::{Compute, Weights};

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

//! A family's tiny repository, and what the reference implementation made of it; and what calls to it have in common.

use std::{collections::HashMap, path::PathBuf};

use candle_core::{DType, Device, Tensor};
use tintype_diffusion::{Compute, Given, Weights};
use tintype_engine::{Cancelled, Step, Watch};
use tintype_media::Picture;

pub struct Reference {
    pub folder: PathBuf,
    tensors: HashMap<String, Tensor>,
}

impl Reference {
    pub fn open(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reference").join(name);
        let tensors = candle_core::safetensors::load(folder.join("reference.safetensors"), &Device::Cpu).unwrap();
        Self { folder, tensors }
    }

    pub fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("the reference has no `{name}`"))
    }

    pub fn ids(&self, name: &str) -> Vec<u32> {
        self.tensor(name).to_dtype(DType::U32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    pub fn weights(&self, part: &str) -> Weights {
        self.weights_in(part, &Compute::cpu())
    }

    pub fn weights_in(&self, part: &str, compute: &Compute) -> Weights {
        Weights::folder(&self.folder.join(part), compute).unwrap()
    }

    /// The picture that the reference was given, perhaps with its mask.
    pub fn given(&self, mask: bool) -> Given {
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
    pub fn near(&self, found: &Tensor, name: &str, tolerance: f32) {
        let expected = self.tensor(name).to_dtype(DType::F32).unwrap();
        assert_eq!(found.dims(), expected.dims(), "`{name}`");
        let greatest = |t: &Tensor| t.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        let off = greatest(&(found.to_dtype(DType::F32).unwrap() - &expected).unwrap()) / greatest(&expected);
        assert!(off < tolerance, "`{name}` is off by {off}");
    }
}

/// For one network's answer: what is left is the order in which sums are made.
pub const STAGE: f32 = 1e-5;
/// For whole walks, where each step begins where the last ended.
pub const WALK: f32 = 1e-4;

/// Precisions in which nothing is fused on a CPU, as nothing is on an accelerator, and how far off one network's answer
/// may be. The CPU multiplies no matrices in `bf16`; what is cast wrongly is so for every half precision.
pub const PLAIN: [(DType, f32); 2] = [(DType::F64, STAGE), (DType::F16, 2e-2)];

pub const PROMPT: &str = "A small red fox, sitting on an old wooden bridge at dawn; oil painting";
pub const NEGATIVE: &str = "blurry, low quality";

/// Whoever looks on: at everything, and stops a run after a number of steps.
#[derive(Default)]
pub struct Onlooker {
    pub steps: Vec<(u32, u32)>,
    pub notes: Vec<String>,
    pub stop: u32,
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

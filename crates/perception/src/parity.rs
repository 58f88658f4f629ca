//! What the comparisons with `transformers` have in common: tiny random weights, and what was computed with them there.

use std::{collections::HashMap, path::PathBuf};

use candle_core::{DType, Device, Tensor};
use tintype_engine::{Cancelled, Step, Watch};
use tintype_kernels::Compute;

/// The weights of that name.
pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reference").join(name)
}

/// What was computed with them.
pub(crate) fn reference(name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(folder(name).join("reference.safetensors"), &Device::Cpu).unwrap()
}

pub(crate) fn pool() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap()
}

/// Where every network is compared, and how many times as far off it may be there: fused; and as on accelerators,
/// where nothing is. The CPU multiplies no matrices in `bf16`; what is cast wrongly is so for every half precision.
pub(crate) fn places() -> [(Compute, f32); 3] {
    [(Compute::cpu(), 1.0), (Compute::plain(DType::F64), 1.0), (Compute::plain(DType::F16), 2000.0)]
}

/// (1, 3, height, width): waves whose length changes from left to right.
pub(crate) fn pixels(height: usize, width: usize) -> Tensor {
    let count = 3 * height * width;
    let at = |n: usize| {
        let value = -2.0 + 4.0 * n as f64 / (count - 1) as f64;
        let column = (n % width) as f64 / (width - 1) as f64;
        (value.sin() * (0.2 + 2.8 * column).cos()) as f32
    };
    Tensor::from_vec((0..count).map(at).collect(), (1, 3, height, width), &Device::Cpu).unwrap()
}

/// The greatest difference between two tensors.
pub(crate) fn worst(found: &Tensor, expected: &Tensor) -> f32 {
    let single = |t: &Tensor| t.to_dtype(DType::F32).unwrap();
    (single(found) - single(expected)).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
}

/// Whoever looks on, and keeps what is noted.
#[derive(Default)]
pub(crate) struct Onlooker(pub Vec<String>);

impl Watch for Onlooker {
    fn note(&mut self, message: &str) {
        self.0.push(message.into());
    }

    fn step(&mut self, _: Step<'_>) -> Result<(), Cancelled> {
        Ok(())
    }
}

//! What the PyTorch reference computed, and how near to it is near enough.

use std::collections::HashMap;

use candle_core::{Device, Tensor};

/// The share of the range of pictures that may be off.
const TOLERANCE: f32 = 1e-4;

pub struct Reference {
    tensors: HashMap<String, Tensor>,
    pub cases: Vec<serde_json::Value>,
}

impl Reference {
    /// Of a folder of `models`.
    pub fn of(model: &str) -> Self {
        let path = format!("{}/../../models/{model}/reference/reference.safetensors", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let cases = serde_json::from_str(&header.metadata().as_ref().unwrap()["cases"]).unwrap();
        Self { tensors: candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap(), cases }
    }

    pub fn get(&self, case: usize, name: &str) -> &Tensor {
        &self.tensors[&format!("{case}.{name}")]
    }
}

pub fn near(what: &str, found: &Tensor, expected: &Tensor) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let off = (found - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
    let off: f32 = off.to_scalar().unwrap();
    assert!(off < TOLERANCE, "{what} is off by {off}");
}

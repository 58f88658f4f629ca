//! The weights file: half-precision tensors under the names of the recipe, and the numbers that go with them.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the weights are not a safetensors file")]
    File(#[from] safetensors::SafeTensorError),
    #[error("the weights have no `{name}`")]
    Missing { name: String },
    #[error("`{name}` in the weights' metadata is `{found}`: expected a number")]
    Number { name: &'static str, found: String },
    #[error("the tensors do not fit")]
    Tensor(#[from] candle_core::Error),
    #[error("the vocabulary is not valid")]
    Vocabulary(#[from] serde_json::Error),
    #[error("could not start the compute threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Tensors by name, in single precision.
pub(super) struct Weights {
    tensors: HashMap<String, Tensor>,
    metadata: HashMap<String, String>,
}

impl Weights {
    pub fn read(bytes: &[u8]) -> Result<Self, LoadError> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
        let single = |(name, tensor): (String, Tensor)| Ok((name, tensor.to_dtype(DType::F32)?));
        Ok(Self { tensors: tensors.into_iter().map(single).collect::<Result<_, LoadError>>()?, metadata })
    }

    pub fn tensor(&self, name: &str) -> Result<Tensor, LoadError> {
        self.tensors.get(name).cloned().ok_or_else(|| LoadError::Missing { name: name.into() })
    }

    pub fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, LoadError> {
        let text = self.metadata.get(name).ok_or_else(|| LoadError::Missing { name: name.into() })?;
        text.parse().map_err(|_| LoadError::Number { name, found: text.clone() })
    }
}

//! The weights file: half-precision tensors under the names of the recipe, and the numbers that go with them.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;

use super::network::Adapter;

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

/// Tensors by name, in single precision, and what goes beside them while it is trained.
pub(super) struct Weights {
    tensors: HashMap<String, Tensor>,
    metadata: HashMap<String, String>,
    adapters: HashMap<String, Adapter>,
    words: Option<Tensor>,
}

impl Weights {
    pub fn read(bytes: &[u8]) -> Result<Self, LoadError> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
        let single = |(name, tensor): (String, Tensor)| Ok((name, tensor.to_dtype(DType::F32)?));
        let tensors = tensors.into_iter().map(single).collect::<Result<_, LoadError>>()?;
        Ok(Self { tensors, metadata, adapters: HashMap::new(), words: None })
    }

    /// With an adapter beside each layer that is named, and more words after those that are known.
    pub fn beside(mut self, adapters: HashMap<String, Adapter>, words: Option<Tensor>) -> Self {
        (self.adapters, self.words) = (adapters, words);
        self
    }

    /// With the tensors of another file whose names begin with `prefix`.
    pub fn with_part(mut self, other: Self, prefix: &str) -> Self {
        self.tensors.extend(other.tensors.into_iter().filter(|(name, _)| name.starts_with(prefix)));
        self
    }

    pub fn insert(&mut self, name: &str, tensor: Tensor) {
        self.tensors.insert(name.into(), tensor);
    }

    /// Adds to a tensor for good.
    pub fn add(&mut self, name: &str, addition: &Tensor) -> Result<(), LoadError> {
        let sum = (self.tensor(name)? + addition)?;
        self.tensors.insert(name.into(), sum);
        Ok(())
    }

    /// Puts more words after those that are known.
    pub fn append_words(&mut self, words: &Tensor) -> Result<(), LoadError> {
        self.words = Some(match &self.words {
            Some(before) => Tensor::cat(&[before, words], 0)?,
            None => words.clone(),
        });
        Ok(())
    }

    pub fn adapter(&self, layer: &str) -> Option<Adapter> {
        self.adapters.get(layer).cloned()
    }

    pub fn added_words(&self) -> Option<Tensor> {
        self.words.clone()
    }

    /// Names and shapes, in the order of the names.
    pub fn shapes(&self) -> Vec<(&str, &[usize])> {
        let mut shapes: Vec<_> = self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.dims())).collect();
        shapes.sort_unstable();
        shapes
    }

    pub fn tensor(&self, name: &str) -> Result<Tensor, LoadError> {
        self.tensors.get(name).cloned().ok_or_else(|| LoadError::Missing { name: name.into() })
    }

    pub fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, LoadError> {
        let text = self.metadata.get(name).ok_or_else(|| LoadError::Missing { name: name.into() })?;
        text.parse().map_err(|_| LoadError::Number { name, found: text.clone() })
    }
}

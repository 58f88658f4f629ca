//! The model as it is, and as the adapters of a call make it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{
    WEIGHTS,
    lora::{Lora, LoraError},
    network::Network,
    tokens::Tokenizer,
    weights::{LoadError, Weights},
};

/// A network, and the words that it knows.
pub(super) struct Variant {
    pub network: Network,
    pub tokenizer: Tokenizer,
}

/// A file of adapters and how much of it counts.
#[derive(Clone, PartialEq)]
pub(super) struct Worn {
    pub file: Bytes,
    pub scale: f32,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum VariantError {
    /// The file at this place cannot be used.
    #[error("{source}")]
    Lora { at: usize, source: LoraError },
    #[error(transparent)]
    Load(#[from] LoadError),
}

pub(super) struct Variants {
    plain: Arc<Variant>,
    /// The latest of the others: calls that name the same files tend to follow each other.
    latest: Mutex<Option<(Vec<Worn>, Arc<Variant>)>>,
}

impl Variants {
    pub fn new(plain: Variant) -> Self {
        Self { plain: Arc::new(plain), latest: Mutex::new(None) }
    }

    pub fn plain(&self) -> &Arc<Variant> {
        &self.plain
    }

    pub fn with(&self, worn: Vec<Worn>) -> Result<Arc<Variant>, VariantError> {
        if worn.is_empty() {
            return Ok(self.plain.clone());
        }
        let latest = || self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((files, variant)) = &*latest()
            && *files == worn
        {
            return Ok(variant.clone());
        }
        let made = Arc::new(self.make(&worn)?);
        *latest() = Some((worn, made.clone()));
        Ok(made)
    }

    /// A word that two files teach means what the first says.
    fn make(&self, worn: &[Worn]) -> Result<Variant, VariantError> {
        let mut weights = Weights::read(WEIGHTS)?;
        let mut tokenizer = self.plain.tokenizer.clone();
        for (at, Worn { file, scale }) in worn.iter().enumerate() {
            let lora = Lora::read(file, &weights.shapes()).map_err(|source| VariantError::Lora { at, source })?;
            lora.merge(&mut weights, *scale)?;
            tokenizer = tokenizer.extended(&lora.words);
        }
        Ok(Variant { network: Network::from_weights(&weights)?, tokenizer })
    }
}

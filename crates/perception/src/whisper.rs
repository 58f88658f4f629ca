//! Speech to text: Whisper, under the names of the two hosted endpoints that serve it.

mod config;
mod input;
mod mel;
mod network;
mod plan;
mod rules;
mod segments;
mod tokens;
mod transcript;
mod words;
mod write;

use std::{path::Path, sync::Arc};

use serde_json::{Map, Value};
use tintype_engine::{Invalid, Model, Plan};
use tintype_kernels::{Care, Compute, Machine};

use crate::weights::{LoadError, Weights, json};
use config::{Config, Generation};
pub use input::Dialect;
use network::Network;
use tokens::Vocabulary;
use write::Tries;

pub struct Whisper {
    dialect: Dialect,
    parts: Arc<Parts>,
}

struct Parts {
    config: Config,
    rules: Generation,
    network: Network,
    vocabulary: Vocabulary,
    tries: Tries,
    pool: rayon::ThreadPool,
}

impl Whisper {
    /// `folder` is laid out as the weights are published.
    pub fn load(dialect: Dialect, folder: &Path, machine: Machine) -> Result<Self, LoadError> {
        // It was trained in half precision with 5 exponent bits.
        Self::load_for(dialect, folder, machine.pool()?, &machine.device.compute(Care::Fine)?)
    }

    fn load_for(
        dialect: Dialect,
        folder: &Path,
        pool: rayon::ThreadPool,
        compute: &Compute,
    ) -> Result<Self, LoadError> {
        let config: Config = json(folder, "config.json")?;
        config.check()?;
        let rules: Generation = json(folder, "generation_config.json")?;
        rules.check(&config)?;
        let vocabulary = Vocabulary::load(folder)?;
        let weights = Weights::open_for(folder, compute)?;
        let network = pool.install(|| Network::load(&weights, &config))?;
        Ok(Self {
            dialect,
            parts: Arc::new(Parts { config, rules, network, vocabulary, tries: Tries::default(), pool }),
        })
    }
}

impl Whisper {
    pub(crate) fn mels(&self) -> usize {
        self.parts.config.num_mel_bins
    }

    pub(crate) fn hear(&self, mel: &candle_core::Tensor) -> candle_core::Result<candle_core::Tensor> {
        self.parts.pool.install(|| self.parts.network.hear(mel))
    }

    /// Reads so many tokens one by one, as if it had written them.
    pub(crate) fn read(&self, heard: &candle_core::Tensor, count: usize) -> candle_core::Result<()> {
        let Parts { network, pool, .. } = &*self.parts;
        pool.install(|| {
            let mut text = network.begin(heard, &[])?;
            (0..count as u32).try_for_each(|token| network.read(&mut text, &[token]).map(drop))
        })
    }
}

impl Model for Whisper {
    fn place(&self) -> Option<String> {
        Some(self.parts.network.compute().to_string())
    }

    fn paths(&self) -> Vec<String> {
        vec![String::new()]
    }

    fn plan(&self, _: &str, input: &Map<String, Value>) -> Result<Box<dyn Plan>, Invalid> {
        let call = input::read(self.dialect, input, &self.parts.rules)?;
        Ok(Box::new(plan::Listening { dialect: self.dialect, parts: self.parts.clone(), call }))
    }
}

#[cfg(test)]
mod parity;

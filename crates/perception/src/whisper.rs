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
    /// `folder` is laid out as the weights are published. `threads`: `None` takes what the machine offers.
    pub fn load(dialect: Dialect, folder: &Path, threads: Option<usize>) -> Result<Self, LoadError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build()?;
        let config: Config = json(folder, "config.json")?;
        config.check()?;
        let rules: Generation = json(folder, "generation_config.json")?;
        rules.check(&config)?;
        let vocabulary = Vocabulary::load(folder)?;
        let weights = Weights::open(folder)?;
        let network = pool.install(|| Network::load(&weights, &config))?;
        Ok(Self {
            dialect,
            parts: Arc::new(Parts { config, rules, network, vocabulary, tries: Tries::default(), pool }),
        })
    }
}

impl Model for Whisper {
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

//! Segmentation of what points and boxes ask for: SAM 2, on single pictures.

mod config;
mod decoder;
mod hiera;
mod input;
mod network;
mod plan;
mod prompt;

use std::{path::Path, sync::Arc};

use serde_json::{Map, Value};
use tintype_engine::{Invalid, Model, Plan};

use crate::{
    pixels::Preparation,
    weights::{Loaded, Weights, json},
};
use config::Config;
use network::Network;

pub struct Sam2(Arc<Parts>);

struct Parts {
    config: Config,
    network: Network,
    preparation: Preparation,
    pool: rayon::ThreadPool,
}

impl Sam2 {
    /// `folder` is laid out as the weights are published. `threads`: `None` takes what the machine offers.
    pub fn load(folder: &Path, threads: Option<usize>) -> Loaded<Self> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build()?;
        let config: Config = json(folder, "config.json")?;
        config.check()?;
        let preparation = Preparation::load(folder)?;
        let weights = Weights::open(folder)?;
        let network = pool.install(|| Network::load(&weights, &config))?;
        Ok(Self(Arc::new(Parts { config, network, preparation, pool })))
    }
}

impl Model for Sam2 {
    fn paths(&self) -> Vec<String> {
        vec!["/image".into()]
    }

    fn plan(&self, _: &str, input: &Map<String, Value>) -> Result<Box<dyn Plan>, Invalid> {
        Ok(Box::new(plan::Cutting { parts: self.0.clone(), call: input::read(input)? }))
    }
}

#[cfg(test)]
mod parity;

//! Segmentation of what points and boxes ask for: SAM 2, on single pictures.

mod config;
mod decoder;
mod everything;
mod hiera;
mod input;
mod network;
mod plan;
mod prompt;
mod regions;

use std::{path::Path, sync::Arc};

use serde_json::{Map, Value};
use tintype_engine::{Invalid, Model, Plan};
use tintype_kernels::{Care, Compute, Machine};
use tintype_media::{Filter, Picture};

use crate::{
    pixels::Preparation,
    weights::{Loaded, Weights, json},
};
use config::Config;
use decoder::Seen;
use network::Network;

/// Where all that is in a picture is asked for, without prompts.
const EVERYTHING: &str = "/auto-segment";

pub struct Sam2(Arc<Parts>);

struct Parts {
    config: Config,
    network: Network,
    preparation: Preparation,
    pool: rayon::ThreadPool,
}

impl Sam2 {
    /// `folder` is laid out as the weights are published.
    pub fn load(folder: &Path, machine: Machine) -> Loaded<Self> {
        Self::load_for(folder, machine.pool()?, &machine.device.compute(Care::Wide)?)
    }

    fn load_for(folder: &Path, pool: rayon::ThreadPool, compute: &Compute) -> Loaded<Self> {
        let config: Config = json(folder, "config.json")?;
        config.check()?;
        let preparation = Preparation::load(folder)?;
        let weights = Weights::open_for(folder, compute)?;
        let network = pool.install(|| Network::load(&weights, &config))?;
        Ok(Self(Arc::new(Parts { config, network, preparation, pool })))
    }
}

impl Parts {
    fn see(&self, picture: &Picture) -> candle_core::Result<Seen> {
        let side = self.config.asking.side;
        self.network.see(&self.preparation.prepare(picture, (side, side), Filter::Bilinear)?)
    }
}

impl Sam2 {
    /// Looks at (1, 3, side, side), and asks for nothing.
    pub(crate) fn look(&self, x: &candle_core::Tensor) -> candle_core::Result<()> {
        self.0.pool.install(|| self.0.network.see(x)).map(drop)
    }
}

impl Model for Sam2 {
    fn place(&self) -> Option<String> {
        Some(self.0.network.compute().to_string())
    }

    fn paths(&self) -> Vec<String> {
        vec!["/image".into(), EVERYTHING.into()]
    }

    fn plan(&self, path: &str, input: &Map<String, Value>) -> Result<Box<dyn Plan>, Invalid> {
        if path == EVERYTHING {
            return Ok(Box::new(plan::Dividing { parts: self.0.clone(), call: input::read_everything(input)? }));
        }
        Ok(Box::new(plan::Cutting { parts: self.0.clone(), call: input::read(input)? }))
    }
}

#[cfg(test)]
mod parity;

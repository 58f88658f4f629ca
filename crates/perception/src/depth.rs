//! Depth from a single picture: Depth Anything V2.

mod backbone;
mod config;
mod head;
mod plan;

use std::{path::Path, sync::Arc};

use candle_core::Tensor;
use serde_json::{Map, Value};
use tintype_engine::{Fields, Invalid, Model, Plan};
use tintype_kernels::{Care, Compute, Machine};

use crate::{
    pixels::Preparation,
    weights::{Loaded, Weights, json},
};
use backbone::Backbone;
use config::Config;
use head::Head;

/// Long enough for a data URI of the largest picture.
const LONGEST_URL: usize = 64 << 20;
/// Where the preprocessor of this name is in the app that has all of them.
const PATH: &str = "/depth-anything/v2";

pub struct Depth(Arc<Parts>);

struct Parts {
    backbone: Backbone,
    head: Head,
    preparation: Preparation,
    patch: usize,
    compute: Compute,
    pool: rayon::ThreadPool,
}

impl Depth {
    /// `folder` is laid out as the weights are published.
    pub fn load(folder: &Path, machine: Machine) -> Loaded<Self> {
        // Of half precisions the one with the finer steps: neighbouring depths differ by little.
        Self::load_for(folder, machine.pool()?, machine.device.compute(Care::Fine)?)
    }

    fn load_for(folder: &Path, pool: rayon::ThreadPool, compute: Compute) -> Loaded<Self> {
        let config: Config = json(folder, "config.json")?;
        config.check()?;
        let preparation = Preparation::load(folder)?;
        let weights = Weights::open_for(folder, &compute)?;
        let root = weights.root();
        let (backbone, head) = pool.install(|| {
            Ok::<_, crate::LoadError>((
                Backbone::load(&root.at("backbone"), &config.backbone)?,
                Head::load(&root, &config)?,
            ))
        })?;
        let patch = config.backbone.patch_size;
        Ok(Self(Arc::new(Parts { backbone, head, preparation, patch, compute, pool })))
    }
}

impl Parts {
    /// Of (1, 3, height, width), both multiples of the patch; in single precision on the CPU.
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (_, _, height, width) = x.dims4()?;
        let (layers, grid) = self.backbone.forward(&self.compute.take(x)?)?;
        Compute::cpu().take(&self.head.forward(&layers, grid, (height, width))?)
    }
}

impl Depth {
    /// Of (1, 3, height, width), both multiples of the patch.
    pub(crate) fn estimate(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.0.pool.install(|| self.0.forward(x))
    }
}

impl Model for Depth {
    fn place(&self) -> Option<String> {
        Some(self.0.compute.to_string())
    }

    fn paths(&self) -> Vec<String> {
        vec![PATH.into()]
    }

    fn plan(&self, _: &str, input: &Map<String, Value>) -> Result<Box<dyn Plan>, Invalid> {
        let mut fields = Fields::new(input);
        fields.require("image_url");
        let image_url = fields.text("image_url", LONGEST_URL).unwrap_or_default();
        fields.finish()?;
        Ok(Box::new(plan::Looking { parts: self.0.clone(), image_url }))
    }
}

#[cfg(test)]
mod parity;

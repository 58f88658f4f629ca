//! A network, and the same with the LoRAs of a call.

use std::{path::Path, sync::Arc};

use serde::de::DeserializeOwned;
use tintype_engine::RunError;

use crate::{
    Adapters, Compute, LoadError, Weights, config,
    pipeline::{built, fitting},
};

/// Where the transformer lies in a published repository; LoRAs know it by the same name.
const PART: &str = "transformer";

type Load<C, N> = fn(&Weights, &C) -> Result<N, LoadError>;

pub(crate) struct Fitted<C, N> {
    pub config: C,
    weights: Weights,
    load: Load<C, N>,
    plain: Arc<N>,
}

impl<C: DeserializeOwned, N> Fitted<C, N> {
    /// The transformer of the set in `folder`.
    pub fn open(folder: &Path, compute: &Compute, load: Load<C, N>) -> Result<Self, LoadError> {
        let folder = folder.join(PART);
        let config: C = config::read(&folder.join("config.json"))?;
        let weights = Weights::folder(&folder, compute)?;
        let plain = Arc::new(load(&weights, &config)?);
        Ok(Self { config, weights, load, plain })
    }

    pub fn with(&self, adapters: &Arc<Adapters>) -> Result<Arc<N>, RunError> {
        if adapters.is_empty() {
            return Ok(self.plain.clone());
        }
        let fitted = built((self.load)(&self.weights.with(adapters, PART), &self.config))?;
        fitting(adapters)?;
        Ok(Arc::new(fitted))
    }
}

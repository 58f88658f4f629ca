//! `tintype/sketch/train`: pictures with captions to a file of adapters that `loras` takes.
//!
//! The network stands still; beside its layers, pairs of small matrices learn, and words that it has not heard of get
//! embeddings of their own. A part of every batch is what the network draws without them, so that it is not forgotten.
//! A run leaves checkpoints in the scratch folder of its request and goes on from the latest.

mod adapters;
mod archive;
mod captions;
mod checkpoint;
mod dataset;
mod input;
mod optimizer;
mod plan;
mod prior;
mod run;
mod step;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{VOCABULARY, WEIGHTS, tokens::Tokenizer, weights::LoadError};
use crate::{Invalid, Model, Plan, sketch::Network};

/// The trainer of the sketch model.
pub struct SketchTrainer(Arc<Parts>);

/// What every run shares.
struct Parts {
    network: Network,
    tokenizer: Tokenizer,
    workers: step::Workers,
}

impl SketchTrainer {
    /// `threads`: `None` takes what the machine offers.
    pub fn load(threads: Option<usize>) -> Result<Self, LoadError> {
        let (network, tokenizer) = (Network::load(WEIGHTS)?, Tokenizer::load(VOCABULARY)?);
        Ok(Self(Arc::new(Parts { network, tokenizer, workers: step::Workers::new(threads)? })))
    }
}

impl Model for SketchTrainer {
    fn paths(&self) -> Vec<String> {
        vec![String::new()]
    }

    fn plan(&self, _: &str, input: &Map<String, Value>) -> Result<Box<dyn Plan>, Invalid> {
        Ok(Box::new(plan::Training { parts: self.0.clone(), call: input::read(input, &self.0.tokenizer)? }))
    }
}

//! `tintype/sketch-video`: the network of `tintype/sketch` with a time axis, trained on clips of moving shapes.
//!
//! All frames of a clip are drawn together: their cells attend to each other, and words mean something else at each moment.
//! Frames are made finer one by one, as pictures are.

mod completion;
mod input;
mod moments;
mod plan;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    WEIGHTS,
    network::Network,
    tokens::Tokenizer,
    weights::{LoadError, Weights},
};
use crate::{Invalid, Model, Plan};
use completion::Completion;
pub use moments::Moments;

static VIDEO_WEIGHTS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sketch-video/weights.safetensors"));
static VIDEO_VOCABULARY: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sketch-video/vocabulary.json"));

/// The model, ready to draw.
pub struct SketchVideo(Arc<Parts>);

/// What every call shares.
struct Parts {
    network: Network,
    tokenizer: Tokenizer,
    moments: Moments,
    completion: Completion,
    pool: rayon::ThreadPool,
}

impl SketchVideo {
    /// Loads the weights that came with the program. `threads`: `None` takes what the machine offers.
    pub fn load(threads: Option<usize>) -> Result<Self, LoadError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build()?;
        // The part that makes frames finer is that of the picture model, and is stored once.
        let mut weights = Weights::read(VIDEO_WEIGHTS)?.with_part(Weights::read(WEIGHTS)?, "refine.");
        let moments = Moments::load(&weights)?;
        weights.insert("embed.weight", moments.beginning()?);
        let network = Network::from_weights(&weights)?;
        let (tokenizer, completion) = (Tokenizer::load(VIDEO_VOCABULARY)?, Completion::load(VIDEO_VOCABULARY)?);
        Ok(Self(Arc::new(Parts { network, tokenizer, moments, completion, pool })))
    }

    pub fn network(&self) -> &Network {
        &self.0.network
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.0.tokenizer
    }

    pub fn moments(&self) -> &Moments {
        &self.0.moments
    }
}

impl Model for SketchVideo {
    fn paths(&self) -> Vec<String> {
        vec![String::new()]
    }

    fn plan(&self, _: &str, input: &Map<String, Value>) -> Result<Box<dyn Plan>, Invalid> {
        let call = input::read(input, self.network().defaults())?;
        Ok(Box::new(plan::Animating { parts: self.0.clone(), call }))
    }
}

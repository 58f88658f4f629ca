//! `tintype/sketch`: a small text-to-image model for simple scenes of shapes, which ships in the box.
//!
//! It draws squares of 64 pixels a side, makes them four times finer, and scales them to the size that was
//! asked for. `models/sketch/recipe` says how it was trained and holds the reference that this code is
//! checked against.

mod canvas;
mod geometry;
mod input;
mod lora;
mod network;
mod plan;
mod sample;
mod tokens;
mod train;
mod variants;
mod video;
mod weights;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{Invalid, Model, Plan};
pub use network::{Defaults, Network, Prompt, Words};
pub use sample::{Begin, Sampling, sample};
pub use tokens::Tokenizer;
pub use train::SketchTrainer;
use variants::{Variant, Variants};
pub use video::{Moments, SketchVideo};
pub use weights::LoadError;

/// The weights and the vocabulary that this build carries.
static WEIGHTS: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sketch/weights.safetensors"));
static VOCABULARY: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sketch/vocabulary.json"));

/// The model, ready to draw.
pub struct Sketch(Arc<Parts>);

/// What every call shares.
struct Parts {
    variants: Variants,
    pool: rayon::ThreadPool,
}

impl Sketch {
    /// Loads the weights that came with the program. `threads`: `None` takes what the machine offers.
    pub fn load(threads: Option<usize>) -> Result<Self, LoadError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build()?;
        let plain = Variant { network: Network::load(WEIGHTS)?, tokenizer: Tokenizer::load(VOCABULARY)? };
        Ok(Self(Arc::new(Parts { variants: Variants::new(plain), pool })))
    }

    pub fn network(&self) -> &Network {
        &self.0.variants.plain().network
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.0.variants.plain().tokenizer
    }
}

impl Model for Sketch {
    fn paths(&self) -> Vec<String> {
        ["", "/text-to-image", "/image-to-image", "/inpainting", "/inpaint"].map(str::to_owned).into()
    }

    fn plan(&self, path: &str, input: &Map<String, Value>) -> Result<Box<dyn Plan>, Invalid> {
        let defaults = self.network().defaults();
        let call = input::read(path, input, defaults)?;
        Ok(Box::new(plan::Drawing { parts: self.0.clone(), call }))
    }
}

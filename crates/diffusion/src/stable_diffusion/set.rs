//! The networks of one folder of weights.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tintype_engine::RunError;

use crate::{
    Adapters, Compute, LoadError, Weights,
    clip::{Clip, ClipTokenizer},
    config,
    pipeline::{built, fitting},
    sampler::SamplerConfig,
    unet::Unet,
    vae::Vae,
};

#[derive(Clone)]
pub(super) struct Set {
    folder: PathBuf,
    pub compute: Compute,
    pub unet: Arc<Unet>,
    pub vae: Arc<Vae>,
    /// The second of XL is the larger one.
    pub readers: Vec<Reader>,
    pub sampler: SamplerConfig,
    /// An absent negative prompt is nothing at all, rather than the empty text.
    pub zero_for_none: bool,
    weights: Weights,
}

/// A text encoder with its tokenizer.
#[derive(Clone)]
pub(super) struct Reader {
    pub tokenizer: Arc<ClipTokenizer>,
    pub clip: Arc<Clip>,
    weights: Weights,
    part: &'static str,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Index {
    force_zeros_for_empty_prompt: bool,
}

impl Set {
    pub fn load(folder: &Path, compute: Compute) -> Result<Self, LoadError> {
        let part = |name: &str| folder.join(name);
        let weights = Weights::folder(&part("unet"), &compute)?;
        // The autoencoder of XL leaves the range of half precision with 5 exponent bits.
        let vae = Weights::folder(&part("vae"), &compute.wide())?;
        let mut readers = vec![Reader::load(folder, "text_encoder", "tokenizer", &compute)?];
        let xl = part("text_encoder_2").is_dir();
        if xl {
            readers.push(Reader::load(folder, "text_encoder_2", "tokenizer_2", &compute)?);
        }
        let index = part("model_index.json");
        let index: Index = if index.exists() { config::read(&index)? } else { Index::default() };
        let unet = Unet::load(&part("unet"), &weights)?;
        let channels = unet.config().in_channels;
        if ![4, 9].contains(&channels) {
            return Err(config::wrong(&part("unet"), format!("it takes {channels} channels: expected 4 or 9")));
        }
        if xl != unet.config().addition_embed_type.is_some() {
            return Err(config::wrong(folder, "its U-Net and its text encoders are of different models"));
        }
        Ok(Self {
            folder: folder.into(),
            compute,
            unet: Arc::new(unet),
            vae: Arc::new(Vae::load(&part("vae"), &vae)?),
            readers,
            sampler: config::read(&part("scheduler").join("scheduler_config.json"))?,
            zero_for_none: xl && index.force_zeros_for_empty_prompt,
            weights,
        })
    }

    pub fn xl(&self) -> bool {
        self.readers.len() > 1
    }

    /// The same with LoRAs laid over it. What they do not touch is shared.
    pub fn adapted(&self, adapters: &Arc<Adapters>) -> Result<Self, RunError> {
        if adapters.is_empty() {
            return Ok(self.clone());
        }
        let weights = self.weights.with(adapters, "unet");
        let unet = Arc::new(built(Unet::load(&self.folder.join("unet"), &weights))?);
        let reader = |reader: &Reader| built(reader.adapted(&self.folder, adapters));
        let readers = self.readers.iter().map(reader).collect::<Result<_, _>>()?;
        fitting(adapters)?;
        Ok(Self { unet, readers, ..self.clone() })
    }
}

impl Reader {
    fn load(folder: &Path, part: &'static str, tokenizer: &str, compute: &Compute) -> Result<Self, LoadError> {
        let weights = Weights::folder(&folder.join(part), compute)?;
        Ok(Self {
            tokenizer: Arc::new(ClipTokenizer::load(&folder.join(tokenizer))?),
            clip: Arc::new(Clip::load(&folder.join(part), &weights)?),
            weights,
            part,
        })
    }

    fn adapted(&self, folder: &Path, adapters: &Arc<Adapters>) -> Result<Self, LoadError> {
        let weights = self.weights.with(adapters, self.part);
        Ok(Self { clip: Arc::new(Clip::load(&folder.join(self.part), &weights)?), ..self.clone() })
    }
}

//! A weight set: the folders of a published repository.

use std::path::Path;

use candle_core::Tensor;
use tintype_engine::RunError;

use super::{Transformer, transformer::Config};
use crate::{
    Compute, LoadError, Progress, Weights,
    clip::{Clip, ClipTokenizer},
    config,
    flow::{
        Fitted, Schedule, Tokens,
        given::{cut_short, unread},
        t5::T5,
    },
    vae::Vae,
};

pub(super) struct Set {
    clip: (ClipTokenizer, Clip),
    t5: (Tokens, T5),
    pub transformer: Fitted<Config, Transformer>,
    pub vae: Vae,
    pub schedule: Schedule,
    compute: Compute,
}

/// What a prompt says: its words, and all of them as one.
pub(super) struct Words {
    pub each: Tensor,
    pub pooled: Tensor,
}

impl Set {
    pub fn load(folder: &Path, compute: &Compute) -> Result<Self, LoadError> {
        let part = |name: &str| folder.join(name);
        let weights = |name: &str| Weights::folder(&part(name), compute);
        // Autoencoders leave the range of half precision with 5 exponent bits, as T5 does.
        let vae = Weights::folder(&part("vae"), &compute.wide())?;
        let (clip, wide) = (part("text_encoder"), compute.wide());
        let t5 = T5::load(
            &Weights::folder(&part("text_encoder_2"), &wide)?,
            &config::read(&part("text_encoder_2").join("config.json"))?,
        )?;
        Ok(Self {
            clip: (ClipTokenizer::load(&part("tokenizer"))?, Clip::load(&clip, &weights("text_encoder")?)?),
            t5: (Tokens::read(&part("tokenizer_2"))?, t5),
            transformer: Fitted::open(folder, compute, Transformer::load)?,
            vae: Vae::load(&part("vae"), &vae)?,
            schedule: Schedule::read(&part("scheduler").join("scheduler_config.json"))?,
            compute: compute.clone(),
        })
    }

    /// Reads a prompt in `count` tokens.
    pub fn read(&self, prompt: &str, count: usize, progress: &mut Progress<'_>) -> Result<Words, RunError> {
        let read = self.t5.0.filled(prompt, count).map_err(unread)?;
        if read.left_out > 0 {
            cut_short(progress, "T5", read.left_out);
        }
        // What CLIP does not read, T5 still does.
        let pooled = self.clip.1.encode(&self.clip.0.encode(prompt).map_err(unread)?.ids, 0)?.pooled;
        let each = self.t5.1.read(&read.ids)?.to_dtype(self.compute.dtype)?;
        Ok(Words { each, pooled })
    }
}

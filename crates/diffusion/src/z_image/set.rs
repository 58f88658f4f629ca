//! A weight set: the folders of a published repository.

use std::path::Path;

use candle_core::Tensor;
use tintype_engine::RunError;

use super::{Transformer, asked, transformer::Config};
use crate::{
    Compute, LoadError, Progress, Weights, config,
    flow::{
        Fitted, Schedule, Tokens,
        given::{cut_short, unread},
        qwen3::Qwen3,
    },
    vae::Vae,
};

/// As many tokens as a prompt may have.
const TOKENS: usize = 512;

pub(super) struct Set {
    tokens: Tokens,
    reader: Qwen3,
    pub transformer: Fitted<Config, Transformer>,
    pub vae: Vae,
    pub schedule: Schedule,
    compute: Compute,
}

impl Set {
    pub fn load(folder: &Path, compute: &Compute) -> Result<Self, LoadError> {
        let part = |name: &str| folder.join(name);
        // Both networks leave the range of half precision with 5 exponent bits, as T5 does.
        let wide = compute.wide();
        let reader = Weights::folder(&part("text_encoder"), &wide)?;
        Ok(Self {
            tokens: Tokens::read(&part("tokenizer"))?,
            reader: Qwen3::load(&reader, &config::read(&part("text_encoder").join("config.json"))?)?,
            transformer: Fitted::open(folder, &wide, Transformer::load)?,
            vae: Vae::load(&part("vae"), &Weights::folder(&part("vae"), &wide)?)?,
            schedule: Schedule::read(&part("scheduler").join("scheduler_config.json"))?,
            compute: wide,
        })
    }

    /// Where the transformer computes.
    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    /// What a prompt says, (1, tokens, width).
    pub fn read(&self, prompt: &str, progress: &mut Progress<'_>) -> Result<Tensor, RunError> {
        let read = self.tokens.cut(&asked(prompt), TOKENS).map_err(unread)?;
        if read.left_out > 0 {
            cut_short(progress, "the text encoder", read.left_out);
        }
        Ok(self.reader.read(&read.ids)?)
    }
}

//! A weight set: the folders of a published repository.

use std::path::Path;

use candle_core::{DType, Tensor};
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
    clips: [(ClipTokenizer, Clip); 2],
    /// Some people leave the largest encoder out.
    t5: Option<(Tokens, T5)>,
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
        let clip = |tokens: &str, name: &str| {
            Ok::<_, LoadError>((ClipTokenizer::load(&part(tokens))?, Clip::load(&part(name), &weights(name)?)?))
        };
        let t5 = || {
            let weights = Weights::folder(&part("text_encoder_3"), &compute.wide())?;
            let config = config::read(&part("text_encoder_3").join("config.json"))?;
            Ok::<_, LoadError>((Tokens::read(&part("tokenizer_3"))?, T5::load(&weights, &config)?))
        };
        Ok(Self {
            clips: [clip("tokenizer", "text_encoder")?, clip("tokenizer_2", "text_encoder_2")?],
            t5: part("text_encoder_3").is_dir().then(t5).transpose()?,
            transformer: Fitted::open(folder, compute, Transformer::load)?,
            vae: Vae::load(&part("vae"), &vae)?,
            schedule: Schedule::read(&part("scheduler").join("scheduler_config.json"))?,
            compute: compute.clone(),
        })
    }

    /// Both CLIPs beside each other, and T5, in `count` tokens, behind them.
    pub fn read(&self, prompt: &str, count: usize, progress: &mut Progress<'_>) -> Result<Words, RunError> {
        let mut pooled = Vec::new();
        let mut beside = Vec::new();
        for (tokens, clip) in &self.clips {
            let encoded = clip.encode(&tokens.encode(prompt).map_err(unread)?.ids, 1)?;
            pooled.push(encoded.pooled);
            beside.push(encoded.hidden);
        }
        let of_clip = Tensor::cat(&beside, 2)?;
        let width = self.transformer.config.joint_attention_dim;
        let missing = width.saturating_sub(of_clip.dim(2)?);
        let of_clip = of_clip.pad_with_zeros(2, 0, missing)?;
        let behind = match &self.t5 {
            Some((tokens, t5)) => {
                let read = tokens.filled(prompt, count).map_err(unread)?;
                if read.left_out > 0 {
                    cut_short(progress, "T5", read.left_out);
                }
                t5.read(&read.ids)?.to_dtype(self.compute.dtype)?
            }
            None => Tensor::zeros((1, count, width), DType::F32, &self.compute.device)?.to_dtype(self.compute.dtype)?,
        };
        Ok(Words { each: Tensor::cat(&[&of_clip, &behind], 1)?, pooled: Tensor::cat(&pooled, 1)? })
    }
}

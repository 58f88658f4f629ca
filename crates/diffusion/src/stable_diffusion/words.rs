//! What the prompts say to the network.

use candle_core::{Result, Tensor};
use tintype_engine::RunError;

use super::set::{Reader, Set};
use crate::{Job, Progress, Size, unet::Condition};

/// The condition of a step, and with guidance what it is compared with.
pub(super) struct Words {
    pub prompt: Condition,
    pub other: Option<Condition>,
}

/// What one prompt comes to: every token, and the whole.
struct Read {
    tokens: Tensor,
    pooled: Tensor,
}

pub(super) fn read(set: &Set, job: &Job, progress: &mut Progress<'_>) -> std::result::Result<Words, RunError> {
    let call = &job.call;
    let distilled = set.unet.distilled();
    let guided = call.guidance > 1.0 && !distilled;
    let prompt = encode(set, &call.prompt, call.clip_skip as usize, progress)?;
    let other = match (guided, set.zero_for_none && call.negative_prompt.is_empty()) {
        (false, _) => None,
        (true, true) => Some(Read { tokens: prompt.tokens.zeros_like()?, pooled: prompt.pooled.zeros_like()? }),
        (true, false) => Some(encode(set, &call.negative_prompt, call.clip_skip as usize, progress)?),
    };
    let Size { width, height } = job.size;
    // The size before cropping, the corner of the crop, and the size after it.
    let sizes = [height, width, 0, 0, height, width].map(|side| side as f32);
    let condition = |read: Read| Condition {
        words: read.tokens,
        added: set.xl().then(|| (read.pooled, sizes.to_vec())),
        guidance: distilled.then_some(call.guidance),
    };
    Ok(Words { prompt: condition(prompt), other: other.map(condition) })
}

fn encode(set: &Set, prompt: &str, skip: usize, progress: &mut Progress<'_>) -> std::result::Result<Read, RunError> {
    let mut read = Vec::new();
    for (number, reader) in set.readers.iter().enumerate() {
        let tokens = reader.tokenizer.encode(prompt).map_err(RunError::Computation)?;
        if let (Some(lost), 0) = (&tokens.lost, number) {
            progress.note(&format!("the prompt is longer than the model reads; this part is left out: {lost}"));
        }
        read.push(one(set, reader, &tokens.ids, skip)?);
    }
    let tokens: Vec<&Tensor> = read.iter().map(|read| &read.tokens).collect();
    let tokens = Tensor::cat(&tokens, 2)?;
    let last = read.pop().ok_or_else(|| RunError::Computation("there is no text encoder".into()))?;
    Ok(Read { tokens, pooled: last.pooled })
}

/// XL reads the layer before the last as it is; the others the last one, normalised.
fn one(set: &Set, reader: &Reader, ids: &[u32], skip: usize) -> Result<Read> {
    let encoded = reader.clip.encode(ids, if set.xl() { skip + 1 } else { skip })?;
    let tokens = if set.xl() { encoded.hidden } else { reader.clip.normalised(&encoded.hidden)? };
    Ok(Read { tokens, pooled: encoded.pooled })
}

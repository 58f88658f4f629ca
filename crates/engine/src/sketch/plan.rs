//! A call from its files to its encoded pictures.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use candle_core::Tensor;
use serde_json::{Map, json};
use tintype_media::{EncodeError, Format, Limits, Mask, decode, encode};

use super::{
    Parts, Tokenizer, canvas,
    geometry::extended,
    input::Call,
    sample::{Begin, Sampling, sample},
    variants::{Variant, VariantError, Worn},
};
use crate::{Detail, Invalid, Output, Picture, Plan, RunError, Size, Step, Wanted, Watch, unreadable_picture};

const QUALITY: u8 = 92;
const PREVIEW_QUALITY: u8 = 80;
const PREVIEW_SIDE: u32 = 256;
/// Twice what a file of the highest rank has.
const LARGEST_LORA: u64 = 64 << 20;

pub(super) struct Drawing {
    pub parts: Arc<Parts>,
    pub call: Call,
}

/// The pictures that a call gave.
struct Given {
    picture: tintype_media::Picture,
    mask: Option<Mask>,
}

impl Plan for Drawing {
    fn files(&self) -> Vec<Wanted> {
        let wanted = |field: &str, url: &Option<String>| {
            let url = url.clone()?;
            Some(Wanted { field: field.into(), url, max_bytes: Limits::default().max_bytes as u64 })
        };
        let both = [wanted("image_url", &self.call.image_url), wanted("mask_url", &self.call.mask_url)];
        let loras = self.call.loras.iter().enumerate().map(|(at, lora)| Wanted {
            field: format!("loras.{at}.path"),
            url: lora.path.clone(),
            max_bytes: LARGEST_LORA,
        });
        both.into_iter().flatten().chain(loras).collect()
    }

    fn inline(&self) -> bool {
        self.call.inline
    }

    fn run(self: Box<Self>, mut files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let begun = Instant::now();
        let loras = files.split_off(files.len().saturating_sub(self.call.loras.len()));
        let given = open(&files)?;
        let variant = &*self.variant(loras)?;
        let unknown = told_unknown(&variant.tokenizer, &self.call.prompt, watch);
        let prompts = self.prompts(variant)?;
        let mut images = Vec::new();
        for number in 0..self.call.images {
            let square = self.draw(variant, number, (&prompts, given.as_ref()), watch)?;
            images.push(self.finish(&square, given.as_ref())?);
        }
        let mut fields = Map::new();
        fields.insert("timings".into(), json!({ "inference": begun.elapsed().as_secs_f64() }));
        fields.insert("seed".into(), self.call.seed.into());
        fields.insert("has_nsfw_concepts".into(), vec![false; images.len()].into());
        fields.insert("prompt".into(), self.call.prompt.clone().into());
        fields.insert("not_understood".into(), unknown.into());
        Ok(Output::images(images, fields))
    }
}

/// Words of the prompt that mean nothing to the model, which the log tells as well.
pub(super) fn told_unknown(tokenizer: &Tokenizer, prompt: &str, watch: &mut dyn Watch) -> Vec<String> {
    let unknown = tokenizer.unknown(prompt);
    if !unknown.is_empty() {
        watch.note(&format!("the model does not know these words and goes without them: {}", unknown.join(", ")));
    }
    let count = tokenizer.known(prompt).len();
    if count > tokenizer.room() {
        watch.note(&format!(
            "the model reads {} words of a prompt; the last of these {count} are not read",
            tokenizer.room()
        ));
    }
    unknown
}

impl Drawing {
    /// The model with the adapters that the call names.
    fn variant(&self, files: Vec<Bytes>) -> Result<Arc<Variant>, RunError> {
        let scales = self.call.loras.iter().map(|lora| lora.scale);
        let worn = files.into_iter().zip(scales).map(|(file, scale)| Worn { file, scale }).collect();
        self.parts.variants.with(worn).map_err(|error| match error {
            VariantError::Lora { at, source } => {
                let message = format!("The LoRA cannot be used: {source}");
                Invalid::from(Detail::new(&format!("loras.{at}.path"), "value_error", message)).into()
            }
            VariantError::Load(error) => RunError::Computation(error.into()),
        })
    }

    /// The prompt, and with guidance the negative prompt beside it.
    fn prompts(&self, Variant { network, tokenizer }: &Variant) -> Result<super::Prompt, RunError> {
        self.parts.pool.install(|| {
            let words = network.read(&tokenizer.encode(&self.call.prompt))?;
            if self.call.guidance <= 1.0 {
                return Ok(network.prompt(&[&words])?);
            }
            let other = network.read(&tokenizer.encode(&self.call.negative_prompt))?;
            Ok(network.prompt(&[&words, &other])?)
        })
    }

    /// One picture, four times finer than the network's own, (1, 3, 256, 256).
    fn draw(
        &self,
        Variant { network, .. }: &Variant,
        number: u32,
        (prompt, given): (&super::Prompt, Option<&Given>),
        watch: &mut dyn Watch,
    ) -> Result<Tensor, RunError> {
        let pool = &self.parts.pool;
        let begin = given.map(|given| self.begin(given)).transpose()?;
        let seed = self.call.seed.wrapping_add(u64::from(number));
        let (guidance, steps) = (self.call.guidance, self.call.steps);
        let sampling = Sampling { network, prompt, guidance, steps, seed, begin };
        let each = sampling.levels().len() as u32 - 1;
        let (before, total) = (number * each, self.call.images * each);
        let square = pool.install(|| {
            sample(&sampling, |step, _, clean| {
                let preview = || preview(clean);
                watch
                    .step(Step { done: before + step, total, measures: &[], preview: &preview })
                    .map_err(RunError::from)
            })
        })?;
        Ok(pool.install(|| network.refine(&square))?)
    }

    fn begin(&self, given: &Given) -> Result<Begin, RunError> {
        let mask = given.mask.as_ref().map(canvas::from_mask).transpose()?;
        Ok(Begin { picture: canvas::from_picture(&given.picture)?, strength: self.call.strength, mask })
    }

    /// Scales, puts back what was to be kept, and encodes.
    fn finish(&self, square: &Tensor, given: Option<&Given>) -> Result<Picture, RunError> {
        let square = canvas::to_picture(square)?.ok_or_else(no_picture)?;
        let picture = match given {
            None => extended(&square, self.call.size.unwrap_or(Call::DEFAULT_SIZE)).ok_or_else(no_picture)?,
            Some(Given { picture, mask }) => {
                let (width, height) = (picture.width(), picture.height());
                let Size { width, height } = self.call.size.unwrap_or_else(|| Size { width, height }.held());
                // Stretched as far as the given picture was squeezed, so all is where it was.
                let drawn = square.resized(width, height);
                match mask {
                    Some(mask) => canvas::blend(&drawn, picture, mask).ok_or_else(no_picture)?,
                    None => drawn,
                }
            }
        };
        encoded(&picture, self.call.format, QUALITY).map_err(|error| RunError::Computation(error.into()))
    }
}

/// The files in the order of `files`: the picture, then its mask.
fn open(files: &[Bytes]) -> Result<Option<Given>, Invalid> {
    let Some(image) = files.first() else { return Ok(None) };
    let open = |field, bytes| decode(bytes, &Limits::default()).map_err(|error| unreadable_picture(field, &error));
    let picture = open("image_url", image)?;
    let mask = files.get(1).map(|bytes| open("mask_url", bytes).map(|mask| mask.to_mask())).transpose()?;
    Ok(Some(Given { picture, mask }))
}

pub(super) fn preview(clean: &Tensor) -> Option<Picture> {
    let picture = canvas::to_picture(clean).ok()??.resized(PREVIEW_SIDE, PREVIEW_SIDE);
    encoded(&picture, Format::Jpeg, PREVIEW_QUALITY).ok()
}

fn encoded(picture: &tintype_media::Picture, format: Format, quality: u8) -> Result<Picture, EncodeError> {
    Ok(Picture {
        bytes: encode(picture, format, quality)?,
        content_type: format.content_type(),
        extension: format.extension(),
        width: picture.width(),
        height: picture.height(),
    })
}

pub(super) fn no_picture() -> RunError {
    RunError::Computation("the network's answer is not a picture".into())
}

//! A call from its words to its encoded video.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use candle_core::Tensor;
use serde_json::{Map, json};
use tintype_programs::{
    ffmpeg::Ffmpeg,
    video::{self, Video},
};

use super::{Parts, input::Call};
use crate::{
    Made, Output, Place, Plan, RunError, Step, Wanted, Watch,
    sketch::{
        Prompt, canvas,
        network::{FINER, SIDE},
        plan::{no_picture, preview, told_unknown},
        sample::{Sampling, sample},
    },
};

const VIDEO_SIDE: u32 = (SIDE * FINER) as u32;

pub(super) struct Animating {
    pub parts: Arc<Parts>,
    pub call: Call,
}

impl Plan for Animating {
    fn files(&self) -> Vec<Wanted> {
        Vec::new()
    }

    fn inline(&self) -> bool {
        self.call.inline
    }

    fn run(self: Box<Self>, _: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let begun = Instant::now();
        // Told before anything is computed, rather than after all of it.
        Ffmpeg::find()?;
        let unknown = told_unknown(&self.parts.tokenizer, &self.call.prompt, watch);
        let actual = self.parts.completion.complete(&self.call.prompt, &self.parts.tokenizer, self.call.seed);
        let prompt = self.parts.pool.install(|| self.prompt(&actual))?;
        let clip = self.draw(&prompt, watch)?;
        let frames = self.finer(&clip, watch)?;
        let seconds = frames.len() as f64 / f64::from(self.call.rate);
        let video = self.encoded(&frames, watch)?;
        let mut fields = Map::new();
        fields.insert("timings".into(), json!({ "inference": begun.elapsed().as_secs_f64() }));
        fields.insert("seed".into(), self.call.seed.into());
        fields.insert("prompt".into(), self.call.prompt.clone().into());
        fields.insert("actual_prompt".into(), actual.into());
        fields.insert("not_understood".into(), unknown.into());
        Ok(Output { files: vec![(Place::Member("video"), video)], fields, units: Some(seconds) })
    }
}

impl Animating {
    /// The prompt, and with guidance the negative prompt beside it.
    fn prompt(&self, actual: &str) -> candle_core::Result<Prompt> {
        let Parts { network, tokenizer, moments, .. } = &*self.parts;
        let (words, other) = (tokenizer.encode(actual), tokenizer.encode(&self.call.negative_prompt));
        let both = [words.as_slice(), other.as_slice()];
        let wanted = if self.call.guidance <= 1.0 { &both[..1] } else { &both[..] };
        moments.prompt(network, wanted, self.call.frames)
    }

    /// All frames, (frames, 3, 64, 64).
    fn draw(&self, prompt: &Prompt, watch: &mut dyn Watch) -> Result<Tensor, RunError> {
        let Call { guidance, steps, seed, frames, .. } = self.call;
        let sampling = Sampling { network: &self.parts.network, prompt, guidance, steps, seed, begin: None };
        self.parts.pool.install(|| {
            sample(&sampling, |step, _, clean| {
                // One frame stands for all: the one in the middle.
                let preview = || preview(&clean.narrow(0, frames / 2, 1).ok()?);
                watch.step(Step { done: step, total: steps, measures: &[], preview: &preview }).map_err(RunError::from)
            })
        })
    }

    /// Every frame four times finer, as bytes of RGB.
    fn finer(&self, clip: &Tensor, watch: &dyn Watch) -> Result<Vec<Vec<u8>>, RunError> {
        let frame = |number: usize| {
            watch.wanted()?;
            let fine = self.parts.pool.install(|| self.parts.network.refine(&clip.narrow(0, number, 1)?))?;
            Ok(canvas::to_picture(&fine)?.ok_or_else(no_picture)?.pixels().to_vec())
        };
        (0..self.call.frames).map(frame).collect()
    }

    fn encoded(&self, frames: &[Vec<u8>], watch: &dyn Watch) -> Result<Made, RunError> {
        let Call { rate, container, .. } = self.call;
        let video = Video { width: VIDEO_SIDE, height: VIDEO_SIDE, fps: f64::from(rate), frames };
        let bytes = video::write(video, container, &mut || watch.wanted().is_ok())?;
        let facts = json!({
            "width": VIDEO_SIDE,
            "height": VIDEO_SIDE,
            "fps": rate,
            "duration": frames.len() as f64 / f64::from(rate),
            "num_frames": frames.len(),
        });
        Ok(Made {
            bytes: bytes.into(),
            content_type: container.content_type(),
            extension: container.extension(),
            facts: facts.as_object().cloned().unwrap_or_default(),
        })
    }
}

//! A call from its text to a file of sound.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use tintype_engine::{Detail, Fields, Invalid, Made, Normal, Output, Place, Plan, RunError, Step, Wanted, Watch};
use tintype_media::wav;

use super::{Speakers, Spoken};

const LONGEST_TEXT: usize = 5000;
const MOST_SECONDS: f64 = 600.0;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub text: String,
    pub speed: f64,
    pub seed: u64,
    pub inline: bool,
}

pub(super) fn read(input: &Map<String, Value>) -> Result<Call, Invalid> {
    let mut fields = Fields::new(input);
    fields.require("text");
    let call = Call {
        text: fields.text("text", LONGEST_TEXT).unwrap_or_default(),
        speed: fields.number("speed", 0.25, 4.0).unwrap_or(1.0),
        seed: fields.whole("seed", 0, u64::MAX).unwrap_or_else(|| u64::from(rand::random::<u32>())),
        inline: fields.flag("sync_mode").unwrap_or(false),
    };
    fields.finish()?;
    Ok(call)
}

pub(super) struct Speaking {
    pub speakers: Arc<Speakers>,
    pub language: String,
    pub call: Call,
}

impl Plan for Speaking {
    fn files(&self) -> Vec<Wanted> {
        Vec::new()
    }

    fn inline(&self) -> bool {
        self.call.inline
    }

    fn run(self: Box<Self>, _: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let Call { text, speed, seed, .. } = &self.call;
        let speaker = self.speakers.speaker(&self.language).map_err(|error| RunError::Computation(error.into()))?;
        let (ids, unknown) = speaker.letters.read(text);
        if ids.is_empty() {
            let message = "The text has no letter that this voice knows: write it in the voice's language";
            return Err(Invalid::from(Detail::new("text", "value_error", message).found(&text.as_str().into())).into());
        }
        if !unknown.is_empty() {
            let told: Vec<String> = unknown.iter().take(20).map(char::to_string).collect();
            watch.note(&format!("the voice does not know these letters and leaves them out: {}", told.join(" ")));
        }
        let most = MOST_SECONDS * f64::from(speaker.config.sampling_rate);
        let noise = &mut Normal::new(*seed);
        let spoken = self.speakers.pool.install(|| speaker.speak(&ids, *speed as f32, noise, most as usize, watch))?;
        let Spoken::Samples(samples) = spoken else {
            let message = format!("The text would take longer than {MOST_SECONDS} seconds to say: shorten it");
            return Err(Invalid::from(Detail::new("text", "string_too_long", message)).into());
        };
        watch.step(Step { done: 1, total: 1, measures: &[], preview: &|| None })?;
        Ok(answer(&samples, speaker.config.sampling_rate, *seed))
    }
}

fn answer(samples: &[f32], rate: u32, seed: u64) -> Output {
    let seconds = samples.len() as f64 / f64::from(rate);
    let facts = [("duration", seconds.into()), ("sample_rate", rate.into()), ("channels", 1.into())];
    let facts = facts.into_iter().map(|(name, value): (_, Value)| (name.to_owned(), value)).collect();
    let bytes = wav(samples.iter().map(|sample| (sample * 32_767.0).round() as i16), rate);
    let made = Made { bytes, content_type: "audio/wav", extension: "wav", facts };
    let fields = Map::from_iter([("seed".to_owned(), seed.into())]);
    Output { files: vec![(Place::Member("audio"), made)], fields, units: Some(seconds) }
}

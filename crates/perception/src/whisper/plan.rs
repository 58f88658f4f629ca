//! A call from its file to its answer.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tintype_engine::{Output, Plan, RunError, Wanted, Watch};

use super::{
    Parts,
    input::{Call, Dialect, Level},
    mel::RATE,
    transcript::{Chunk, Transcript, merged, transcribe},
};
use crate::{
    audio::{Limits, Sound, decode},
    problem::unreadable_sound,
};

const LIMITS: Limits = Limits { max_bytes: 512 << 20, max_seconds: 4.0 * 3600.0 };

pub(super) struct Listening {
    pub dialect: Dialect,
    pub parts: Arc<Parts>,
    pub call: Call,
}

impl Plan for Listening {
    fn files(&self) -> Vec<Wanted> {
        let url = self.call.audio_url.clone();
        vec![Wanted { field: "audio_url".into(), url, max_bytes: LIMITS.max_bytes }]
    }

    fn inline(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let bytes = files.into_iter().next().unwrap_or_default();
        let looker = &mut *watch;
        let sound = self.parts.pool.install(move || decode(&bytes, RATE, LIMITS, &mut || looker.wanted().is_ok()));
        let sound = sound.map_err(|error| unreadable_sound("audio_url", error))?;
        let transcript = self.parts.pool.install(|| transcribe(&self.parts, &self.call, &sound, watch))?;
        Ok(self.answer(transcript, &sound))
    }
}

impl Listening {
    fn answer(&self, transcript: Transcript, sound: &Sound) -> Output {
        let Transcript { text, chunks, language } = transcript;
        let chunks = match self.call.merged {
            Some(longest) => merged(chunks, longest),
            None => chunks,
        };
        let timed = self.call.level != Level::None;
        let told: Vec<Value> = chunks.iter().map(|chunk| told(chunk, timed)).collect();
        let languages: Vec<String> = language.into_iter().collect();
        let mut fields = Map::new();
        fields.insert("text".into(), text.into());
        fields.insert("chunks".into(), told.into());
        match self.dialect {
            Dialect::Whisper => {
                fields.insert("inferred_languages".into(), languages.into());
                fields.insert("diarization_segments".into(), json!([]));
            }
            Dialect::Wizper => {
                fields.insert("languages".into(), languages.into());
            }
        }
        Output { files: Vec::new(), fields, units: Some(sound.seconds()) }
    }
}

fn told(chunk: &Chunk, timed: bool) -> Value {
    let hundredths = |seconds: f64| (seconds * 100.0).round() / 100.0;
    let span = if timed {
        json!([hundredths(chunk.start), hundredths(chunk.end)])
    } else {
        json!([0.0, hundredths(chunk.end)])
    };
    json!({ "timestamp": span, "text": chunk.text })
}

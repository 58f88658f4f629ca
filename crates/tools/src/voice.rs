//! Text to speech, by espeak-ng.
//!
//! The library is Debian's. It reads what strangers wrote, so it speaks in a process of its own, within walls: this
//! program, started again as a speaker.

mod espeak;
mod speaker;

use std::{fs, io, path::PathBuf, time::Duration};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tintype_engine::{Detail, Fields, Invalid, Output, Place, Plan, RunError, Wanted, Watch};
use tintype_programs::Limits;

use self::speaker::{Order, Reply, Voice, WAV};
pub use self::speaker::{SPEAKER, serve};
use crate::{Route, sound::Format};

/// The routes of `voice`.
pub fn routes() -> Vec<Route> {
    vec![Route::new("", speech), Route::new("/voices", |_| Ok(Voices))]
}

const LONGEST: usize = 20_000;
/// Words a minute at which these voices were made.
const PACE: f64 = 175.0;
const LIMIT: Duration = Duration::from_mins(2);

/// A checked call.
struct Speech {
    order: Order,
    format: Format,
    inline: bool,
}

fn speech(input: &Map<String, Value>) -> Result<Speech, Invalid> {
    let mut fields = Fields::new(input);
    fields.require("text");
    let text = fields.text("text", LONGEST).unwrap_or_default();
    if fields.get("text").and_then(Value::as_str).is_some_and(|text| text.trim().is_empty()) {
        let message = "There is nothing to say: give at least one word";
        fields.reject(Detail::new("text", "string_too_short", message).with("min_length", 1));
    }
    let voice = fields.text("voice", 40).unwrap_or_else(|| "en-us".to_owned());
    let variant = fields.text("variant", 40);
    let speed = fields.number("speed", 0.5, 2.5).unwrap_or(1.0);
    let pitch = fields.whole("pitch", 0, 99).unwrap_or(50);
    let gap = fields.number("word_gap", 0.0, 2.0).unwrap_or(0.0);
    let format = Format::read(&mut fields);
    let inline = fields.flag("sync_mode").unwrap_or(false);
    fields.finish()?;
    format.require()?;
    let order = Order {
        text: Some(text),
        voice,
        variant,
        words_per_minute: (PACE * speed).round() as i32,
        pitch: pitch as i32,
        // The library counts in hundredths of a second at the usual pace.
        gap: (gap * 100.0 * speed).round() as i32,
    };
    Ok(Speech { order, format, inline })
}

impl Plan for Speech {
    fn files(&self) -> Vec<Wanted> {
        Vec::new()
    }

    fn inline(&self) -> bool {
        self.inline
    }

    fn run(self: Box<Self>, _files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let Self { order, format, .. } = *self;
        let (reply, wav) = ask(&order, watch)?;
        let (rate, samples, words) = match reply {
            Reply::Spoken { rate, samples, words } => (rate, samples, words),
            Reply::NoVoice { known } => return Err(unknown("voice", &order.voice, known)),
            Reply::NoVariant { known } => {
                return Err(unknown("variant", order.variant.as_deref().unwrap_or_default(), known));
            }
            other => return Err(broken(unexpected(&other))),
        };
        let audio = format.write(wav, (rate, samples), "96k", watch)?;
        let seconds = samples as f64 / f64::from(rate);
        let text = order.text.unwrap_or_default();
        let words: Vec<Value> = speaker::timed(&text, &words, seconds)
            .into_iter()
            .map(|word| json!({ "text": word.text, "start": word.start, "end": word.end }))
            .collect();
        let fields = [("words", Value::from(words)), ("characters", text.chars().count().into())];
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Output { files: vec![(Place::Member("audio"), audio)], fields, units: Some(text.chars().count() as f64) })
    }
}

fn unknown(field: &str, found: &str, known: Vec<String>) -> RunError {
    let message = format!("There is no {field} '{found}'. There are: {}", known.join(", "));
    RunError::Invalid(Detail::new(field, "one_of", message).with("expected", known).found(&found.into()).into())
}

/// All voices, for whoever wants to choose.
struct Voices;

impl Plan for Voices {
    fn files(&self) -> Vec<Wanted> {
        Vec::new()
    }

    fn inline(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, _files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let (voices, variants) = match ask(&Order::default(), watch)?.0 {
            Reply::Voices { voices, variants } => (voices, variants),
            other => return Err(broken(unexpected(&other))),
        };
        let told = |voice: &Voice| json!({ "voice": voice.language, "name": voice.name });
        let voices: Vec<Value> = voices.iter().map(told).collect();
        let fields = [("voices", json!(voices)), ("variants", json!(variants))];
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Output { files: Vec::new(), fields, units: Some(0.0) })
    }
}

#[derive(Debug, thiserror::Error)]
enum SpeakerError {
    #[error("the speaker's folder")]
    Folder(#[source] io::Error),
    #[error("the speaker ended without an answer: {0}")]
    Silent(String),
    #[error("the speaker answered out of turn: {0}")]
    Unexpected(String),
}

fn broken(error: SpeakerError) -> RunError {
    RunError::Computation(Box::new(error))
}

fn unexpected(reply: &Reply) -> SpeakerError {
    SpeakerError::Unexpected(format!("{reply:?}").chars().take(300).collect())
}

/// Starts a speaker, gives it the order and takes what it says of it.
fn ask(order: &Order, watch: &mut dyn Watch) -> Result<(Reply, Bytes), RunError> {
    let folder = |error| broken(SpeakerError::Folder(error));
    let place = tintype_programs::Place::make().map_err(folder)?;
    let order = serde_json::to_vec(order).map_err(|error| folder(error.into()))?;
    fs::write(place.of(speaker::ORDER), order).map_err(folder)?;
    let program: PathBuf = std::env::current_exe().map_err(folder)?;
    let limits = Limits { memory_bytes: 1 << 30, cpu_secs: LIMIT.as_secs(), file_bytes: 256 << 20 };
    let mut command = tintype_programs::command(&program, place.path(), limits)?;
    let ended = tintype_programs::run(command.arg(SPEAKER), LIMIT, &mut || watch.wanted().is_ok())?;
    let reply = fs::read(place.of(speaker::REPLY)).ok();
    let reply = reply.and_then(|reply| serde_json::from_slice(&reply).ok());
    match reply {
        Some(Reply::NoLibrary) => {
            let message =
                "espeak-ng is not installed on the server. Its operator can install it: apt-get install espeak-ng";
            Err(RunError::Invalid(Detail::new("", "feature_not_supported", message).into()))
        }
        Some(reply) => Ok((reply, fs::read(place.of(WAV)).unwrap_or_default().into())),
        None => Err(broken(SpeakerError::Silent(ended.errors))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_checked_before_anybody_speaks() {
        let kinds = |input: Value| -> Vec<String> {
            let found = speech(input.as_object().unwrap()).err().map(|invalid| invalid.0).unwrap_or_default();
            found.into_iter().map(|detail| detail.kind).collect()
        };
        assert_eq!(kinds(json!({})), ["missing"]);
        assert_eq!(kinds(json!({ "text": " \n" })), ["string_too_short"]);
        assert_eq!(kinds(json!({ "text": "x".repeat(LONGEST + 1) })), ["string_too_long"]);
        let many = json!({ "text": 5, "speed": 9, "pitch": -1, "output_format": "aiff" });
        assert_eq!(kinds(many), ["string_type", "less_than_equal", "greater_than_equal", "one_of"]);
        assert_eq!(kinds(json!({ "text": "x", "output_format": "wav" })), [""; 0]);
    }
}

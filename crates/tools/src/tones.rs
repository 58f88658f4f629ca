//! `tintype/tones`: sound effects and plucked notes from words, computed from textbook signals.
//!
//! No model was trained for this: words of a small vocabulary are read one after the other, and each sound is
//! synthesised. What is not understood is said in the log and in the answer.

mod level;
mod read;
mod saying;
mod signals;
mod sounds;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tintype_engine::{Detail, Fields, Invalid, Output, Place, Plan, RunError, Step, Wanted, Watch};
use tintype_media::wav;

use crate::{Route, sound::Format};
use read::Score;

const LONGEST_PROMPT: usize = 2000;
/// Of the sound, in seconds.
const LONGEST: f64 = 60.0;
/// Of each sound. Less would soon be no sample at all, and the answer tells thousandths.
const SHORTEST: f64 = 0.001;
/// Samples a second.
const RATE: u32 = 44_100;

/// The routes of `tones`.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new("", plan)]
}

/// A prompt that was understood.
struct Piece {
    score: Score,
    seed: u64,
    format: Format,
    inline: bool,
    prompt: String,
}

fn plan(input: &Map<String, Value>) -> Result<Piece, Invalid> {
    let mut fields = Fields::new(input);
    fields.require("prompt");
    let prompt = fields.text("prompt", LONGEST_PROMPT).unwrap_or_default();
    let seed = fields.whole("seed", 0, u64::MAX).unwrap_or(0);
    let format = Format::read(&mut fields);
    let inline = fields.flag("sync_mode").unwrap_or(false);
    fields.finish()?;
    let score = read::read(&prompt);
    if score.sounds.is_empty() {
        let known = sounds::words().join(", ");
        let message = format!("The prompt names no sound; this model knows {known}, and notes such as c4 or f#3");
        return Err(Detail::new("prompt", "value_error", message).found(&prompt.into()).into());
    }
    if score.most > read::MOST {
        let message = format!("The prompt asks for a sound {} times; at most {} are made", score.most, read::MOST);
        let detail = Detail::new("prompt", "value_error", message).with("limit", read::MOST);
        return Err(detail.found(&prompt.into()).into());
    }
    if score.seconds() > LONGEST {
        let message = format!("The sound would last {:.0} s; at most {LONGEST} s are made", score.seconds());
        let detail = Detail::new("prompt", "value_error", message).with("max_duration", LONGEST);
        return Err(detail.found(&prompt.into()).into());
    }
    if let Some(short) = score.sounds.iter().find(|sound| sound.seconds < SHORTEST) {
        let name = short.kind.name();
        let message = format!("A {name} would last less than {SHORTEST} s, which is the shortest that is made");
        let detail = Detail::new("prompt", "value_error", message).with("min_duration", SHORTEST);
        return Err(detail.found(&prompt.into()).into());
    }
    format.require()?;
    Ok(Piece { score, seed, format, inline, prompt })
}

impl Plan for Piece {
    fn files(&self) -> Vec<Wanted> {
        Vec::new()
    }

    fn inline(&self) -> bool {
        self.inline
    }

    fn run(self: Box<Self>, _files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let Self { score, seed, format, prompt, .. } = *self;
        if !score.unknown.is_empty() {
            watch.note(&format!("not understood: {}", score.unknown.join(", ")));
        }
        let total = score.sounds.len() as u32;
        let mut mix = vec![0.0; signals::samples(score.seconds())];
        for (number, sound) in score.sounds.iter().enumerate() {
            let made = sounds::make(sound, seed.wrapping_add(number as u64));
            signals::add(&mut mix, &made, signals::samples(sound.at));
            let done = number as u32 + 1;
            watch.step(Step { done, total, measures: &[], preview: &|| None })?;
        }
        let audio = format.write(wav(signals::whole(&mix), RATE), (RATE, mix.len()), "160k", watch)?;
        let told: Vec<Value> = score.sounds.iter().map(read::Sound::described).collect();
        let mut fields = Map::new();
        fields.insert("sounds".into(), told.into());
        fields.insert("not_understood".into(), json!(score.unknown));
        fields.insert("seed".into(), seed.into());
        fields.insert("prompt".into(), prompt.into());
        Ok(Output { files: vec![(Place::Member("audio"), audio)], fields, units: Some(score.seconds()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_lasts_a_thousandth_of_a_second_at_least_and_a_minute_at_most() {
        let limit = |prompt: &str| {
            let found = plan(json!({ "prompt": prompt }).as_object().unwrap()).err()?.0.swap_remove(0);
            found.ctx.into_iter().next()
        };
        for prompt in ["a beep for 0.00001 seconds", "a bell and a beep for 0.9 ms"] {
            assert_eq!(limit(prompt), Some(("min_duration".to_owned(), json!(0.001))), "{prompt}");
        }
        assert_eq!(limit("rain for 61 seconds"), Some(("max_duration".to_owned(), json!(60.0))));
        assert_eq!([limit("a beep for 1 ms"), limit("rain for a minute")], [None, None]);
    }
}

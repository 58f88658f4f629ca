//! What a call may say.

use serde_json::{Map, Value};
use tintype_engine::{Detail, Fields, Invalid};

use super::config::Generation;

const LONGEST_PROMPT: usize = 4096;
/// Long enough for a data URI of the largest file.
const LONGEST_URL: usize = 256 << 20;

/// Which of the two hosted endpoints is spoken: they differ in fields and defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Whisper,
    Wizper,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// One chunk, without times.
    None,
    Segment,
    Word,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub audio_url: String,
    pub translate: bool,
    /// `None` listens for it.
    pub language: Option<String>,
    pub level: Level,
    pub prompt: String,
    /// Chunks that follow each other become one of at most so many seconds.
    pub merged: Option<f64>,
}

pub fn read(dialect: Dialect, input: &Map<String, Value>, rules: &Generation) -> Result<Call, Invalid> {
    let mut fields = Fields::new(input);
    fields.require("audio_url");
    let audio_url = fields.text("audio_url", LONGEST_URL).unwrap_or_default();
    let translate = fields.choice("task", &["transcribe", "translate"]) == Some(1);
    let language = language(&mut fields, dialect, input, rules);
    let levels: &[&str] = if dialect == Dialect::Whisper { &["none", "segment", "word"] } else { &["segment"] };
    let level = fields.choice("chunk_level", levels).map_or("segment", |at| levels[at]);
    let level = match level {
        "none" => Level::None,
        "word" => Level::Word,
        _ => Level::Segment,
    };
    if level == Level::Word && rules.alignment_heads.as_ref().is_none_or(Vec::is_empty) {
        let message = "The installed weights cannot tell when single words are said: use 'segment' or 'none'";
        fields.reject(Detail::new("chunk_level", "one_of", message).with("expected", vec!["none", "segment"]));
    }
    let (mut prompt, mut merged) = (String::new(), None);
    match dialect {
        Dialect::Whisper => {
            prompt = fields.text("prompt", LONGEST_PROMPT).unwrap_or_default();
            fields.whole("batch_size", 1, 64);
            fields.whole("num_speakers", 1, 64);
            if fields.flag("diarize") == Some(true) {
                let message = "Speakers are not told apart by this model: leave diarize out or set it to false";
                fields.reject(Detail::new("diarize", "value_error", message).found(&Value::Bool(true)));
            }
        }
        Dialect::Wizper => {
            fields.choice("version", &["3"]);
            let longest = fields.whole("max_segment_len", 10, 29).unwrap_or(29);
            if fields.flag("merge_chunks").unwrap_or(true) {
                merged = Some(longest as f64);
            }
        }
    }
    fields.finish()?;
    Ok(Call { audio_url, translate, language, level, prompt, merged })
}

/// An explicit `null` listens for the language where there is a default.
fn language(
    fields: &mut Fields<'_>,
    dialect: Dialect,
    input: &Map<String, Value>,
    rules: &Generation,
) -> Option<String> {
    let known: Vec<&str> = rules.languages().into_iter().collect();
    if known.is_empty() {
        return None;
    }
    if let Some(at) = fields.choice("language", &known) {
        return Some(known[at].to_owned());
    }
    let default = dialect == Dialect::Wizper && !input.contains_key("language");
    (default && known.contains(&"en")).then(|| "en".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(heads: &Value) -> Generation {
        serde_json::from_value(json!({
            "decoder_start_token_id": 1, "eos_token_id": 2, "no_timestamps_token_id": 3,
            "lang_to_id": {"<|en|>": 4, "<|haw|>": 5}, "alignment_heads": heads,
        }))
        .unwrap()
    }

    fn call(dialect: Dialect, input: &Value) -> Result<Call, Invalid> {
        read(dialect, input.as_object().unwrap(), &rules(&json!([[0, 1]])))
    }

    #[test]
    fn defaults_are_those_of_the_hosted_endpoints() {
        let audio = json!({ "audio_url": "data:," });
        let whisper = call(Dialect::Whisper, &audio).unwrap();
        assert_eq!((whisper.language, whisper.level, whisper.merged), (None, Level::Segment, None));
        let wizper = call(Dialect::Wizper, &audio).unwrap();
        assert_eq!((wizper.language.as_deref(), wizper.merged), (Some("en"), Some(29.0)));
        let listening = call(Dialect::Wizper, &json!({ "audio_url": "data:,", "language": null })).unwrap();
        assert_eq!(listening.language, None);
    }

    #[test]
    fn what_cannot_be_done_is_named() {
        let input = json!({ "language": "xx", "diarize": true, "task": "sing", "chunk_level": "letter" });
        let found = call(Dialect::Whisper, &input).unwrap_err().0;
        let fields: Vec<&str> = found.iter().map(|detail| detail.loc[1].as_str().unwrap()).collect();
        assert_eq!(fields, ["audio_url", "task", "language", "chunk_level", "diarize"]);
        assert_eq!(found[2].ctx["expected"], json!(["en", "haw"]));
        let words = json!({ "audio_url": "data:,", "chunk_level": "word" });
        let found = read(Dialect::Whisper, words.as_object().unwrap(), &rules(&json!(null))).unwrap_err();
        assert_eq!(found.0[0].loc[1], "chunk_level");
    }
}

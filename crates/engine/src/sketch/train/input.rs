//! What a call may say, and within which limits.

use serde_json::{Map, Value};

use super::{
    super::tokens::{Tokenizer, words},
    archive::EXTENSIONS,
};
use crate::{Detail, Invalid, fields::Fields};

const LONGEST_URL: usize = 512 << 20;
const LONGEST_TRIGGER: usize = 100;
/// It stands beside the words of a caption, in one prompt.
const MOST_TRIGGER_WORDS: usize = 8;
const STEPS: u32 = 400;
const MOST_STEPS: u64 = 5000;
const LEARNING_RATE: f64 = 2e-3;
const RATES: (f64, f64) = (1e-6, 1e-1);
const RANK: usize = 16;
const MOST_RANK: u64 = 64;

/// A call whose input was found good.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub archive: String,
    pub trigger: Option<String>,
    pub steps: u32,
    pub learning_rate: f64,
    pub rank: usize,
    /// The trigger word goes ahead of every caption, so that what they name is told apart from how it is drawn.
    pub is_style: bool,
    pub seed: u64,
}

pub(super) fn read(input: &Map<String, Value>, tokenizer: &Tokenizer) -> Result<Call, Invalid> {
    let mut fields = Fields::new(input);
    fields.require("images_data_url");
    let is_style = fields.flag("is_style").unwrap_or(false);
    if is_style {
        fields.require("trigger_word");
    }
    fields.choice("data_archive_format", &EXTENSIONS.map(|extension| &extension[1..]));
    let call = Call {
        archive: fields.text("images_data_url", LONGEST_URL).unwrap_or_default(),
        trigger: trigger(&mut fields, tokenizer),
        steps: fields.whole("steps", 1, MOST_STEPS).map_or(STEPS, |steps| steps as u32),
        learning_rate: fields.number("learning_rate", RATES.0, RATES.1).unwrap_or(LEARNING_RATE),
        rank: fields.whole("rank", 1, MOST_RANK).map_or(RANK, |rank| rank as usize),
        is_style,
        seed: fields.whole("seed", 0, u64::MAX).unwrap_or_else(|| u64::from(rand::random::<u32>())),
    };
    fields.finish()?;
    Ok(call)
}

fn trigger(fields: &mut Fields<'_>, tokenizer: &Tokenizer) -> Option<String> {
    let text = fields.text("trigger_word", LONGEST_TRIGGER)?;
    if text.trim().is_empty() {
        return None;
    }
    if let Some(fault) = fault(&text, tokenizer) {
        fields.reject(Detail::new("trigger_word", "value_error", fault).found(&text.into()));
        return None;
    }
    Some(text)
}

/// What keeps a prompt from ever holding this trigger word.
fn fault(text: &str, tokenizer: &Tokenizer) -> Option<String> {
    // Any other letter would part the word where it stands.
    let foreign = text.to_lowercase().chars().find(|letter| letter.is_alphanumeric() && !letter.is_ascii());
    if let Some(letter) = foreign {
        return Some(format!(
            "The trigger word holds `{letter}`: the model reads letters a to z and digits, and no others"
        ));
    }
    let count = words(text).count();
    if count == 0 {
        return Some("The trigger word needs letters a to z or digits: the model reads no others".into());
    }
    if count > MOST_TRIGGER_WORDS {
        return Some(format!("The trigger word is {count} words: it may be {MOST_TRIGGER_WORDS} at most"));
    }
    // Words that carry little, such as `the`, are not learned.
    let means = |word: String| tokenizer.id(&word).is_some() || !tokenizer.unknown(&word).is_empty();
    (!words(text).any(means)).then(|| "The model passes over the trigger word in every prompt: choose another".into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(input: &Value) -> Result<Call, Invalid> {
        read(input.as_object().unwrap(), &Tokenizer::load(super::super::VOCABULARY).unwrap())
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let call = call(&json!({ "images_data_url": "https://h/a.zip", "trigger_word": " " })).unwrap();
        assert_eq!((call.steps, call.rank, call.trigger, call.is_style), (400, 16, None, false));
    }

    #[test]
    fn faults_are_told_by_their_fields() {
        let input = json!({ "trigger_word": "写真", "steps": 0, "rank": 65, "learning_rate": 1, "is_style": "x",
                            "data_archive_format": "rar" });
        let Invalid(found) = call(&input).unwrap_err();
        let places: Vec<&str> = found.iter().map(|detail| detail.loc[1].as_str().unwrap()).collect();
        let expected =
            ["images_data_url", "is_style", "data_archive_format", "trigger_word", "steps", "learning_rate", "rank"];
        assert_eq!(places, expected);
        let fault = |trigger: &str| {
            let input = json!({ "images_data_url": "data:,", "trigger_word": trigger });
            call(&input).err().map(|invalid| invalid.0[0].msg.clone())
        };
        for (trigger, words) in
            [("zörp", "`ö`"), ("!?", "letters a to z"), ("the", "passes over"), (&"x ".repeat(9), "9 words")]
        {
            assert!(fault(trigger).unwrap().contains(words), "{trigger}");
        }
        for trigger in ["zorp", "Zorp-Man 7", "the zorp", "circle"] {
            assert_eq!(fault(trigger), None, "{trigger}");
        }
        let style = json!({ "images_data_url": "data:,", "is_style": true });
        assert_eq!(call(&style).unwrap_err().0[0].loc[1], "trigger_word");
    }
}

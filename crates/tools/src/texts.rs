//! Tools for texts: joining, splitting, comparing and replacing.

mod replace;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tintype_engine::{Detail, Fields, Invalid, Output, Plan, RunError, Wanted, Watch};

use self::replace::replace;
use crate::{Route, pictures::texts};

/// Characters of a text.
const LONGEST: usize = 1 << 20;
/// Texts of a list, and parts of a split.
const MOST: usize = 10_000;

/// What texts add to `workflow-utilities`.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new("/merge-text", merge), Route::new("/split-text", split)]
}

/// What texts add to `workflowutils`.
pub(crate) fn older_routes() -> Vec<Route> {
    vec![
        Route::new("/text-concat", concat),
        Route::new("/compare-text", compare),
        Route::new("/insert-text", insert),
        Route::new("/regex-replace", replace),
    ]
}

/// The routes of `text-concat`.
pub(crate) fn concat_routes() -> Vec<Route> {
    vec![Route::new("", concat)]
}

/// An answer that is known as soon as the input is.
#[derive(Debug)]
struct Known(Map<String, Value>);

impl Plan for Known {
    fn files(&self) -> Vec<Wanted> {
        Vec::new()
    }

    fn inline(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, _files: Vec<Bytes>, _watch: &mut dyn Watch) -> Result<Output, RunError> {
        Ok(Output { files: Vec::new(), fields: self.0, units: Some(1.0) })
    }
}

fn known(field: &str, value: Value) -> Known {
    Known(Map::from_iter([(field.to_owned(), value)]))
}

/// Required texts, in the order of their names.
fn required<const COUNT: usize>(input: &Map<String, Value>, names: [&str; COUNT]) -> Result<[String; COUNT], Invalid> {
    let mut fields = Fields::new(input);
    let texts = names.map(|name| {
        fields.require(name);
        fields.text(name, LONGEST).unwrap_or_default()
    });
    fields.finish()?;
    Ok(texts)
}

fn concat(input: &Map<String, Value>) -> Result<Known, Invalid> {
    let [first, second] = required(input, ["text1", "text2"])?;
    Ok(known("results", json!(first + &second)))
}

fn merge(input: &Map<String, Value>) -> Result<Known, Invalid> {
    let mut fields = Fields::new(input);
    let parts = texts(&mut fields, "texts", 1, MOST).unwrap_or_default();
    let separator = fields.text("separator", LONGEST).unwrap_or_default();
    let total = parts.iter().map(|part| part.len() + separator.len()).sum::<usize>();
    if total > LONGEST * 4 {
        let message = format!("The merged text would have {total} bytes: at most {} are allowed", LONGEST * 4);
        fields.reject(Detail::new("texts", "string_too_long", message).with("max_length", LONGEST * 4));
    }
    fields.finish()?;
    Ok(known("text", json!(parts.join(&separator))))
}

/// The first parts of a split have members of their own.
const PARTS: [&str; 6] = ["text1", "text2", "text3", "text4", "text5", "text6"];

/// An empty separator has nothing to split at.
fn split(input: &Map<String, Value>) -> Result<Known, Invalid> {
    let mut fields = Fields::new(input);
    fields.require("text");
    let text = fields.text("text", LONGEST).unwrap_or_default();
    let separator = fields.text("separator", LONGEST).unwrap_or_else(|| "|".to_owned());
    let most = fields.whole("max_parts", 1, PARTS.len() as u64).unwrap_or(PARTS.len() as u64) as usize;
    if separator.is_empty() {
        let message = "String should have at least 1 character";
        fields.reject(Detail::new("separator", "string_too_short", message).with("min_length", 1));
    }
    fields.finish()?;
    let parts: Vec<&str> = text.split(&separator).take(MOST + 1).collect();
    if parts.len() > MOST {
        let message = format!("The text falls into more than {MOST} parts");
        return Err(Detail::new("text", "sequence_too_long", message).with("max_length", MOST).into());
    }
    let named = PARTS.into_iter().zip(&parts).take(most).map(|(name, part)| (name.to_owned(), json!(part)));
    Ok(Known(named.chain([("texts".to_owned(), json!(parts))]).collect()))
}

fn compare(input: &Map<String, Value>) -> Result<Known, Invalid> {
    let [text, other, same, different] = required(input, ["text", "compare_text", "return_text", "fail_text"])?;
    Ok(known("text", json!(if text == other { same } else { different })))
}

/// Every `{}` of the template becomes the text.
fn insert(input: &Map<String, Value>) -> Result<Known, Invalid> {
    let [text, template] = required(input, ["text", "template"])?;
    if template.matches("{}").count() * text.len() > LONGEST * 4 {
        let message = format!("The text would have more than {} bytes", LONGEST * 4);
        return Err(Detail::new("template", "string_too_long", message).with("max_length", LONGEST * 4).into());
    }
    Ok(known("text", json!(template.replace("{}", &text))))
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "inputs are written where they are used")]
mod tests {
    use super::*;

    fn answer(tool: fn(&Map<String, Value>) -> Result<Known, Invalid>, input: Value) -> Value {
        Value::Object(tool(input.as_object().unwrap()).unwrap().0)
    }

    fn refusal(tool: fn(&Map<String, Value>) -> Result<Known, Invalid>, input: Value) -> String {
        tool(input.as_object().unwrap()).unwrap_err().0[0].kind.clone()
    }

    #[test]
    fn texts_are_joined_and_split() {
        assert_eq!(answer(concat, json!({"text1": "a ", "text2": "b"})), json!({"results": "a b"}));
        assert_eq!(answer(merge, json!({"texts": ["a", "b", ""], "separator": ", "})), json!({"text": "a, b, "}));
        assert_eq!(
            answer(split, json!({"text": "a|b|", "separator": null})),
            json!({"text1": "a", "text2": "b", "text3": "", "texts": ["a", "b", ""]})
        );
        let two = answer(split, json!({"text": "a b c", "separator": " ", "max_parts": 2}));
        assert_eq!(two, json!({"text1": "a", "text2": "b", "texts": ["a", "b", "c"]}));
        assert_eq!(answer(insert, json!({"text": "x", "template": "{}-{}"})), json!({"text": "x-x"}));
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert_eq!(refusal(concat, json!({"text1": "a"})), "missing");
        assert_eq!(refusal(merge, json!({"texts": "a"})), "list_type");
        assert_eq!(refusal(merge, json!({"texts": []})), "sequence_too_short");
        assert_eq!(refusal(merge, json!({"texts": ["a", 1]})), "string_type");
        assert_eq!(refusal(split, json!({"text": "a", "separator": ""})), "string_too_short");
    }
}

//! Tools for texts: joining, splitting, comparing and replacing.

use bytes::Bytes;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value, json};
use tintype_engine::{Detail, Fields, Invalid, Output, Plan, RunError, Wanted, Watch};

use crate::{Route, pictures::texts};

/// Characters of a text.
const LONGEST: usize = 1 << 20;
/// Texts of a list, and parts of a split.
const MOST: usize = 10_000;
/// Bytes of a text in which a pattern is looked for, and of what replaces it, which may refer to the text many times.
const LONGEST_SEARCHED: usize = 64 << 10;
const LONGEST_REPLACEMENT: usize = 4 << 10;
/// Bytes that a compiled pattern may take.
const LARGEST_PATTERN: usize = 1 << 20;

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

/// An empty separator has nothing to split at.
fn split(input: &Map<String, Value>) -> Result<Known, Invalid> {
    let mut fields = Fields::new(input);
    fields.require("text");
    let text = fields.text("text", LONGEST).unwrap_or_default();
    let separator = fields.text("separator", LONGEST).unwrap_or_else(|| "\n".to_owned());
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
    Ok(known("texts", json!(parts)))
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

fn replace(input: &Map<String, Value>) -> Result<Replacing, Invalid> {
    let [text, pattern, replacement] = required(input, ["text", "pattern", "replace"])?;
    for (field, found, most) in [("text", &text, LONGEST_SEARCHED), ("replace", &replacement, LONGEST_REPLACEMENT)] {
        if found.len() > most {
            let message = format!("String should have at most {most} bytes");
            return Err(Detail::new(field, "string_too_long", message).with("max_length", most).into());
        }
    }
    let pattern = RegexBuilder::new(&pattern).size_limit(LARGEST_PATTERN).build().map_err(|error| {
        let message = format!("The pattern cannot be used: {error}");
        Detail::new("pattern", "value_error", message).found(&json!(pattern))
    })?;
    Ok(Replacing { text, pattern, replacement: referring(&replacement) })
}

/// Finding one match takes time that is linear in the text; finding all may take its square. So the text is short, the
/// work is done where it holds up nobody else, and it asks after each match whether it is still wanted.
#[derive(Debug)]
struct Replacing {
    text: String,
    pattern: Regex,
    replacement: String,
}

impl Plan for Replacing {
    fn files(&self) -> Vec<Wanted> {
        Vec::new()
    }

    fn inline(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, _files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let Self { text, pattern, replacement } = *self;
        let (mut made, mut end) = (String::new(), 0);
        for found in pattern.captures_iter(&text) {
            watch.wanted()?;
            let Some(whole) = found.get(0) else { continue };
            made.push_str(&text[end..whole.start()]);
            found.expand(&replacement, &mut made);
            end = whole.end();
            if made.len() > LONGEST * 4 {
                let message = format!("The text would have more than {} bytes", LONGEST * 4);
                let detail = Detail::new("replace", "string_too_long", message).with("max_length", LONGEST * 4);
                return Err(Invalid::from(detail).into());
            }
        }
        made.push_str(&text[end..]);
        Ok(Output { units: Some(1.0), fields: Map::from_iter([("text".to_owned(), made.into())]), ..Output::default() })
    }
}

/// A replacement as Python writes it (`\1`, `\g<name>`) in the words of this engine (`${1}`, `${name}`).
fn referring(replacement: &str) -> String {
    let mut words = String::with_capacity(replacement.len());
    let mut rest = replacement;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        let named = after.strip_prefix("g<").and_then(|name| name.split_once('>'));
        let digits = after.len() - after.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        rest = match (letter, named) {
            ('\\', Some((name, rest))) => {
                words.extend(["${", name, "}"]);
                rest
            }
            ('\\', None) if digits > 0 => {
                let digits = digits.min(2);
                words.extend(["${", &after[..digits], "}"]);
                &after[digits..]
            }
            ('\\', None) if after.starts_with('n') => {
                words.push('\n');
                &after[1..]
            }
            ('\\', None) if after.starts_with('\\') => {
                words.push('\\');
                &after[1..]
            }
            ('$', _) => {
                words.push_str("$$");
                after
            }
            _ => {
                words.push(letter);
                after
            }
        };
    }
    words
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "inputs are written where they are used")]
mod tests {
    use super::*;

    struct Quiet;

    impl Watch for Quiet {
        fn note(&mut self, _: &str) {}

        fn step(&mut self, _: tintype_engine::Step<'_>) -> Result<(), tintype_engine::Cancelled> {
            Ok(())
        }
    }

    fn replacing(input: Value) -> Result<Value, Vec<Detail>> {
        let plan = replace(input.as_object().unwrap()).map_err(|invalid| invalid.0)?;
        match Box::new(plan).run(Vec::new(), &mut Quiet) {
            Ok(output) => Ok(output.fields["text"].clone()),
            Err(RunError::Invalid(invalid)) => Err(invalid.0),
            Err(other) => panic!("{other}"),
        }
    }

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
        assert_eq!(answer(split, json!({"text": "a\nb\n", "separator": null})), json!({"texts": ["a", "b", ""]}));
        assert_eq!(answer(insert, json!({"text": "x", "template": "{}-{}"})), json!({"text": "x-x"}));
    }

    #[test]
    fn replacements_are_written_as_in_python() {
        let replaced =
            |pattern, with| replacing(json!({"text": "ab 12", "pattern": pattern, "replace": with})).unwrap();
        assert_eq!(replaced(r"(\w)(\w)", r"\2\1"), "ba 21");
        assert_eq!(replaced(r"(?P<letter>[a-z])", r"<\g<letter>>"), "<a><b> 12");
        assert_eq!(replaced("b", "$0"), "a$0 12");
        assert_eq!(replaced("b", r"\\"), r"a\ 12");
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert_eq!(refusal(concat, json!({"text1": "a"})), "missing");
        assert_eq!(refusal(merge, json!({"texts": "a"})), "list_type");
        assert_eq!(refusal(merge, json!({"texts": []})), "too_short");
        assert_eq!(refusal(merge, json!({"texts": ["a", 1]})), "string_type");
        assert_eq!(refusal(split, json!({"text": "a", "separator": ""})), "string_too_short");
        for pattern in ["(", "((a{1000}){1000}){1000}"] {
            let found = replacing(json!({"text": "a", "pattern": pattern, "replace": ""})).unwrap_err();
            assert_eq!(found[0].kind, "value_error");
        }
    }

    #[test]
    fn a_replacement_that_grows_without_end_is_stopped() {
        let text = "a".repeat(LONGEST_SEARCHED);
        let with = r"\g<0>".repeat(500);
        let whole = json!({"text": text, "pattern": "(?s).+", "replace": with});
        assert_eq!(replacing(whole).unwrap_err()[0].kind, "string_too_long");
        let each = json!({"text": text, "pattern": "a", "replace": "b".repeat(LONGEST_REPLACEMENT)});
        assert_eq!(replacing(each).unwrap_err()[0].kind, "string_too_long");
        let long = json!({"text": "a".repeat(LONGEST_SEARCHED + 1), "pattern": "a", "replace": ""});
        assert_eq!(replacing(long).unwrap_err()[0].loc[1], "text");
    }
}

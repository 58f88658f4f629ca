//! Every place in a text that a pattern fits becomes something else.

use bytes::Bytes;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value, json};
use tintype_engine::{Detail, Invalid, Output, Plan, RunError, Wanted, Watch};

use super::{LONGEST, required};

/// Bytes of a text in which a pattern is looked for, and of what replaces it, which may refer to the text many times.
const LONGEST_SEARCHED: usize = 64 << 10;
const LONGEST_REPLACEMENT: usize = 4 << 10;
/// Bytes that a compiled pattern may take.
const LARGEST_PATTERN: usize = 1 << 20;

pub(super) fn replace(input: &Map<String, Value>) -> Result<Replacing, Invalid> {
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
pub(super) struct Replacing {
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
    fn patterns_that_are_wrong_or_too_large_are_refused() {
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

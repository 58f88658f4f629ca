//! What a field allows, in words: choices and bounds.

use serde_json::Value;

use super::resolve::resolve;

pub(super) fn limits(document: &Value, field: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let alternatives = field["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    let items = resolve(document, &field["items"]);
    for schema in alternatives.iter().chain([field, items]) {
        if let Some(choices) = schema["enum"].as_array() {
            let choices = choices.iter().map(|choice| choice.as_str().map_or_else(|| choice.to_string(), Into::into));
            found.push(format!("one of {}", choices.collect::<Vec<_>>().join(", ")));
        }
        let words = [
            ("minimum", "at least"),
            ("maximum", "at most"),
            ("multipleOf", "a multiple of"),
            ("minLength", "letters at least"),
            ("maxLength", "letters at most"),
            ("minItems", "items at least"),
            ("maxItems", "items at most"),
        ];
        for (member, word) in words {
            let Some(limit) = schema.get(member) else { continue };
            let is_count = word.contains("letters") || word.contains("items");
            let word =
                if *limit == 1 { word.replace("letters", "letter").replace("items", "item") } else { word.to_owned() };
            found.push(if is_count { format!("{limit} {word}") } else { format!("{word} {limit}") });
        }
    }
    found
}

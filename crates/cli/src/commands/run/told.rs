//! What is shown of a result to people: not what would fill their screen.

use serde_json::{Map, Value};

use super::files::is_file;

/// What is left of a text that is too long to show.
const SHOWN: usize = 200;

/// The same without texts that fill the screen.
pub(super) fn shorten(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > 4 * SHOWN && text.starts_with("data:") => {
            let head: String = text.chars().take(SHOWN / 4).collect();
            Value::String(format!("{head}… ({} bytes; -o DIR saves it)", text.len()))
        }
        Value::Array(items) => items.into_iter().map(shorten).collect(),
        Value::Object(members) => members.into_iter().map(|(key, value)| (key, shorten(value))).collect(),
        other => other,
    }
}

/// The members of descriptions of files that a saved file speaks of itself.
const OF_FILES: [&str; 7] = ["url", "file_name", "file_size", "file_data", "content_type", "width", "height"];

/// What a result says beside its files, a line for each of its members.
pub(super) fn beside(result: &Value) -> Vec<String> {
    let told = |(name, value): (&String, &Value)| {
        let text = match without_files(value)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Some(format!("{name}: {}", brief(&text)))
    };
    result.as_object().into_iter().flatten().filter_map(told).collect()
}

fn without_files(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(items) => {
            let items: Vec<_> = items.iter().filter_map(without_files).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(members) => {
            let file = value["url"].as_str().is_some_and(is_file);
            let kept = members.iter().filter(|(name, _)| !(file && OF_FILES.contains(&name.as_str())));
            let kept: Map<_, _> =
                kept.filter_map(|(name, value)| Some((name.clone(), without_files(value)?))).collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        other => Some(other.clone()),
    }
}

pub(super) fn brief(text: &str) -> String {
    let mut line = text.replace(['\n', '\r'], " ");
    if let Some((cut, _)) = line.char_indices().nth(SHOWN) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_file_is_told_briefly() {
        let result = json!({
            "images": [{"url": "http://h/a.png", "width": 8, "content_type": "image/png"}],
            "video": {"url": "data:,", "codec": "h264"},
            "seed": 42, "nothing": null, "summary": "two\nlines", "long": "x".repeat(999),
        });
        let long = format!("long: {}…", "x".repeat(SHOWN));
        let mut told = beside(&result);
        told.sort();
        assert_eq!(told, [long.as_str(), "seed: 42", "summary: two lines", r#"video: {"codec":"h264"}"#]);
    }
}

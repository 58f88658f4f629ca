//! `key=value` words as a JSON object.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// A value that is JSON is taken as JSON, anything else as text; `@FILE` becomes a data URI. A dot in the key reaches
/// into an object: `image_size.width=512`.
pub(super) fn read(words: &[String]) -> Result<Value, Failure> {
    let mut input = Map::new();
    for word in words {
        let Some((key, value)) = word.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            let message = format!("`{word}` is no input: expected `key=value`, such as `prompt=\"a red circle\"`");
            return Err(Failure::new(message).with_code(2));
        };
        put(&mut input, key, parse(value)?).map_err(|taken| {
            Failure::new(format!("`{word}` reaches into `{taken}`, which is no object")).with_code(2)
        })?;
    }
    Ok(Value::Object(input))
}

fn parse(text: &str) -> Result<Value, Failure> {
    if let Some(path) = text.strip_prefix('@') {
        let bytes = fs::read(path).map_err(|error| Failure::new(format!("could not read {path}: {error}")))?;
        let uri = format!("data:{};base64,{}", content_type(path), BASE64_STANDARD.encode(bytes));
        return Ok(Value::String(uri));
    }
    Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())))
}

fn put(object: &mut Map<String, Value>, key: &str, value: Value) -> Result<(), String> {
    match key.split_once('.') {
        None => {
            object.insert(key.to_owned(), value);
            Ok(())
        }
        Some((outer, inner)) => {
            let entry = object.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            put(entry.as_object_mut().ok_or(outer)?, inner, value)
        }
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or("").to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "mp4" => "video/mp4",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "json" => "application/json",
        "txt" => "text/plain",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(words: &[&str]) -> Result<Value, Failure> {
        read(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn values_are_json_where_they_can_be_and_text_otherwise() {
        let input = words(&["prompt=a red = circle", "n=2", "on=true", "image_size.width=512", "text=\"7\""]).unwrap();
        assert_eq!(
            input,
            json!({"prompt": "a red = circle", "n": 2, "on": true, "image_size": {"width": 512}, "text": "7"})
        );
    }

    #[test]
    fn a_file_travels_as_a_data_uri() {
        let path = std::env::temp_dir().join(format!("tintype-input-{}.png", std::process::id()));
        fs::write(&path, b"abc").unwrap();
        let input = words(&[&format!("image_url=@{}", path.display())]).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(input, json!({"image_url": "data:image/png;base64,YWJj"}));
    }

    #[test]
    fn a_word_without_a_value_is_named() {
        assert!(words(&["prompt"]).unwrap_err().message.starts_with("`prompt` is no input"));
        assert!(words(&["a=1", "a.b=2"]).unwrap_err().message.contains("reaches into `a`"));
    }
}

//! `key=value` words as a JSON object.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Map, Value};

use super::upload::unreadable;
use crate::failure::Failure;

/// A value that is JSON is taken as JSON, anything else as text; `@FILE` stays, and names a file that is there. A dot
/// in the key reaches into an object: `image_size.width=512`. A key that is given again makes a list.
pub(super) fn read(words: &[String]) -> Result<Value, Failure> {
    let mut input = Map::new();
    let mut given = BTreeMap::new();
    for word in words {
        let Some((key, value)) = word.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            let message = format!("`{word}` is no input: expected `key=value`, such as `prompt=\"a red circle\"`");
            return Err(Failure::new(message).with_code(2));
        };
        let values: &mut Vec<Value> = given.entry(key).or_default();
        values.push(parse(value)?);
        let value = if let [one] = values.as_slice() { one.clone() } else { Value::Array(values.clone()) };
        put(&mut input, key, value).map_err(|taken| {
            Failure::new(format!("`{word}` reaches into `{taken}`, which is no object")).with_code(2)
        })?;
    }
    Ok(Value::Object(input))
}

fn parse(text: &str) -> Result<Value, Failure> {
    if let Some(path) = text.strip_prefix('@') {
        let found = fs::metadata(path).map_err(|error| unreadable(Path::new(path), &error))?;
        if found.is_dir() {
            return Err(Failure::new(format!("could not read {path}: it is a folder")));
        }
        return Ok(Value::String(text.to_owned()));
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
    fn a_key_that_is_given_again_makes_a_list() {
        let input = words(&["a=x", "b=1", "a=y", "c.d=1", "a=3", "c.d=[2]"]).unwrap();
        assert_eq!(input, json!({"a": ["x", "y", 3], "b": 1, "c": {"d": [1, [2]]}}));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        assert!(words(&["a=@no/such.png"]).unwrap_err().message.starts_with("could not read no/such.png: "));
        assert!(words(&["a=@."]).unwrap_err().message.contains("it is a folder"));
    }

    #[test]
    fn a_word_without_a_value_is_named() {
        assert!(words(&["prompt"]).unwrap_err().message.starts_with("`prompt` is no input"));
        assert!(words(&["a=1", "a.b=2"]).unwrap_err().message.contains("reaches into `a`"));
    }
}

//! An input as an error shows it: a data URI in it, wherever it stands, would only be sent back.

use serde_json::{Map, Value};

/// Letters of one text.
const LONGEST_TEXT: usize = 200;
/// Letters of all texts and names together.
const LONGEST: usize = 4000;
/// Members of one object or list.
const MOST: usize = 50;
const DEEPEST: usize = 8;
const LEFT_OUT: &str = "…";

pub(super) fn shown(input: &Value) -> Value {
    let mut left = LONGEST;
    cut(input, 0, &mut left)
}

fn cut(value: &Value, depth: usize, left: &mut usize) -> Value {
    match value {
        Value::String(text) => shorten(text, left).into(),
        Value::Array(_) | Value::Object(_) if depth == DEEPEST || *left == 0 => LEFT_OUT.into(),
        Value::Array(items) => {
            let mut kept: Vec<Value> = items.iter().take(MOST).map(|item| cut(item, depth + 1, left)).collect();
            if let Some(more) = more(items.len()) {
                kept.push(more.into());
            }
            kept.into()
        }
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, value) in members.iter().take(MOST) {
                kept.insert(shorten(name, left), cut(value, depth + 1, left));
            }
            if let Some(more) = more(members.len()) {
                kept.insert(LEFT_OUT.into(), more.into());
            }
            kept.into()
        }
        plain => plain.clone(),
    }
}

fn more(count: usize) -> Option<String> {
    (count > MOST).then(|| format!("… ({} more)", count - MOST))
}

fn shorten(text: &str, left: &mut usize) -> String {
    let limit = LONGEST_TEXT.min(*left);
    // Letters are counted no further than they matter.
    let end = text.char_indices().nth(limit).map(|(at, _)| at);
    *left -= end.map_or_else(|| text.chars().count(), |_| limit);
    end.map_or_else(|| text.to_owned(), |end| format!("{}… ({} bytes)", &text[..end], text.len()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_text_is_cut_wherever_it_stands() {
        let long = "é".repeat(1000);
        let short = format!("{}… (2000 bytes)", "é".repeat(LONGEST_TEXT));
        assert_eq!(shown(&json!(long)), json!(short));
        let input = json!({"image_url": long, "loras": [{"path": long, "scale": 1.5}], "seed": 7, "prompt": "a cat"});
        let expected =
            json!({"image_url": short, "loras": [{"path": short, "scale": 1.5}], "seed": 7, "prompt": "a cat"});
        assert_eq!(shown(&input), expected);
    }

    #[test]
    fn what_is_wide_or_deep_or_much_in_all_is_cut_too() {
        let wide = shown(&json!(vec![1; 1000]));
        assert_eq!((wide.as_array().unwrap().len(), &wide[MOST]), (MOST + 1, &json!("… (950 more)")));
        let deep = (0..1000).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(shown(&deep).to_string(), r#"[[[[[[[["…"]]]]]]]]"#);
        let row: Map<String, Value> =
            (0..100).map(|n| (format!("{n}{}", "x".repeat(300)), json!("y".repeat(300)))).collect();
        assert!(shown(&json!(vec![row; 100])).to_string().len() < 3 * LONGEST);
    }
}

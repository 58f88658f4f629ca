//! A look at JSON that is passed on unread: is it whole, and not too deep?

use serde::de::IgnoredAny;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    #[error("the body is not valid JSON: {reason}")]
    Malformed { reason: String, position: usize },
    #[error("the body nests too deeply: at most {limit} levels are allowed")]
    TooDeep { limit: u32 },
}

/// Checks that `body` is one JSON value in UTF-8 that nests at most `limit` deep. Reads it, and keeps nothing.
pub fn check(body: &[u8], limit: u32) -> Result<(), JsonError> {
    let text = std::str::from_utf8(body).map_err(|error| JsonError::Malformed {
        reason: "it is not UTF-8".to_owned(),
        position: error.valid_up_to(),
    })?;
    // The depth first: a parser of trees may recurse, so nothing may parse what has not passed here.
    if depth(body) > limit {
        return Err(JsonError::TooDeep { limit });
    }
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| JsonError::Malformed {
        position: offset(text, error.line(), error.column()),
        reason: error.to_string(),
    })?;
    // The parser skips strings that nobody asked for without a look at what their escapes mean.
    lone_surrogate(text).map_or(Ok(()), |position| {
        let escape = text.get(position..position + 6).unwrap_or_default();
        let reason = format!("`{escape}` at byte {position} is half of a surrogate pair, which is no character");
        Err(JsonError::Malformed { reason, position })
    })
}

/// The place of the first `\u` escape in valid JSON that is one half of a pair without the other.
fn lone_surrogate(text: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        let place = at + found;
        at = match unit(text, place) {
            Some(0xd800..=0xdbff) if matches!(unit(text, place + 6), Some(0xdc00..=0xdfff)) => place + 12,
            Some(0xd800..=0xdfff) => return Some(place),
            Some(_) => place + 6,
            // Another escape: a backslash and one byte.
            None => place + 2,
        };
    }
    None
}

/// The UTF-16 code unit of the `\u` escape that begins at `place`.
fn unit(text: &str, place: usize) -> Option<u16> {
    let digits = text.get(place..place + 6)?.strip_prefix("\\u")?;
    u16::from_str_radix(digits, 16).ok()
}

/// The deepest nesting of brackets outside strings. For malformed text it is an upper bound.
fn depth(body: &[u8]) -> u32 {
    let (mut now, mut deepest, mut quoted, mut escaped) = (0_u32, 0_u32, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn any_whole_json_value_passes() {
        for body in ["{}", "[]", "1", "null", " {\"a\": [\"]]]]\\\"[[[\"]} "] {
            assert_eq!(check(body.as_bytes(), 3), Ok(()), "{body}");
        }
    }

    #[test]
    fn truncated_and_trailing_text_is_malformed_at_its_place() {
        for body in ["{\"a\": ", "{} x", "{'a': 1}", "", "nul"] {
            assert!(matches!(check(body.as_bytes(), 8), Err(JsonError::Malformed { .. })), "{body}");
        }
        let Err(JsonError::Malformed { position, .. }) = check(b"{\n  x}", 8) else { panic!() };
        assert_eq!(position, 4);
        assert!(matches!(check(b"\"\xff\"", 8), Err(JsonError::Malformed { position: 1, .. })));
    }

    #[test]
    fn half_of_a_surrogate_pair_is_malformed_at_its_place() {
        for (body, place) in [
            (r#"{"a":"\ud800"}"#, 6),
            (r#"{"a":"x\uDFFF"}"#, 7),
            (r#"{"\ud83d\ud83d":1}"#, 2),
            (r#"["\ud83d\ude00\ude00"]"#, 14),
            (r#"["\ud83d \ude00"]"#, 2),
        ] {
            let Err(JsonError::Malformed { position, reason }) = check(body.as_bytes(), 8) else { panic!("{body}") };
            assert_eq!(position, place, "{body}: {reason}");
            assert!(reason.contains("surrogate pair"), "{reason}");
        }
        for body in [r#"["\ud83d\ude00"]"#, r#"["\\ud800"]"#, r#"["\u00e9\n\\"]"#, r#"["\\\\ud800"]"#] {
            assert_eq!(check(body.as_bytes(), 8), Ok(()), "{body}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_parser_on_escapes(parts in proptest::collection::vec(r"(\\ud83d|\\ude00|\\\\|u|é|\\n)", 0..8)) {
            let text = format!("\"{}\"", parts.concat());
            let parsed = serde_json::from_str::<String>(&text).is_ok();
            prop_assert_eq!(check(text.as_bytes(), 100).is_ok(), parsed, "{}", text);
        }

        #[test]
        fn it_agrees_with_the_parser_on_anything_that_looks_like_json(text in "[\\[\\]{}:,\"a1 \\\\]{0,30}") {
            let parsed = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            prop_assert_eq!(check(text.as_bytes(), 100).is_ok(), parsed);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = check(&bytes, 5);
        }
    }

    #[test]
    fn a_million_brackets_are_too_deep_and_do_not_exhaust_the_stack() {
        let body = vec![b'['; 1_000_000];
        assert_eq!(check(&body, 128), Err(JsonError::TooDeep { limit: 128 }));
        assert_eq!(check(b"[[[]]]", 3), Ok(()));
        assert_eq!(check(b"[[[[]]]]", 3), Err(JsonError::TooDeep { limit: 3 }));
    }
}

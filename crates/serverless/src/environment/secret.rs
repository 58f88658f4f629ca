//! `${NAME}` in requirement lines, and what was put there kept out of every message.

use std::collections::BTreeMap;

use super::error::BuildError;

/// Shorter ones would blot out half of every line.
const SHORTEST: usize = 3;
const COVER: &str = "****";

/// Fills in the secrets of one line.
pub(super) fn fill(line: &str, secrets: &BTreeMap<String, String>, mask: &mut Mask) -> Result<String, BuildError> {
    let (mut filled, mut rest) = (String::new(), line);
    while let Some((before, name, after)) = next(rest) {
        let fault = |reason| BuildError::Secret { line: line.to_owned(), name: name.to_owned(), reason };
        let value =
            secrets.get(name).ok_or_else(|| fault("which is not set in this environment: `fal secrets set`"))?;
        if value.chars().any(char::is_control) {
            return Err(fault("which holds a line break or another control character"));
        }
        mask.add(value);
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// What stands before the first `${NAME}`, its name, and what stands behind it.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(begin) = text[from..].find("${").map(|at| from + at) {
        let inner = &text[begin + 2..];
        if let Some((name, after)) = inner.split_once('}').filter(|(name, _)| is_name(name)) {
            return Some((&text[..begin], name, after));
        }
        from = begin + 2;
    }
    None
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Covers secrets in what a build says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mask {
    values: Vec<String>,
}

impl Mask {
    pub(super) fn add(&mut self, value: &str) {
        for form in [value.to_owned(), percent_encoded(value)] {
            if form.len() >= SHORTEST && !self.values.contains(&form) {
                self.values.push(form);
            }
        }
        // A secret that is part of another must not leave the other's rest behind.
        self.values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    pub(super) fn cover(&self, line: &str) -> String {
        self.values.iter().fold(line.to_owned(), |line, value| line.replace(value, COVER))
    }
}

/// As it would stand in a URL.
fn percent_encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> BTreeMap<String, String> {
        [("USER", "ann"), ("PW", "s3 cret"), ("BAD", "a\nb")].map(|(k, v)| (k.into(), v.into())).into()
    }

    #[test]
    fn names_are_filled_in_and_their_values_covered() {
        let mut mask = Mask::default();
        let line = fill("--index-url https://${USER}:${PW}@x.example/${}/$PW", &secrets(), &mut mask).unwrap();
        assert_eq!(line, "--index-url https://ann:s3 cret@x.example/${}/$PW");
        assert_eq!(mask.cover("GET https://ann:s3%20cret@x 's3 cret'"), "GET https://****:****@x '****'");
    }

    #[test]
    fn a_secret_that_is_not_set_or_not_one_line_is_named() {
        let message = |line: &str| fill(line, &secrets(), &mut Mask::default()).unwrap_err().to_string();
        assert!(message("pkg @ https://${TOKEN}@x").contains("the secret `TOKEN`, which is not set"));
        assert!(message("pkg==${BAD}").contains("line break"));
    }
}

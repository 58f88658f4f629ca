//! Endpoint ids: `owner/alias[/path]`, `workflows/owner/alias[/path]`, and the old `123-alias`.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// First segments that put one more segment before the owner.
const NAMESPACES: [&str; 2] = ["workflows", "comfy"];
const MAX_LENGTH: usize = 512;
const MAX_SEGMENT: usize = 128;

/// An app: an endpoint id without its path. All endpoints of an app share its queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppId(Arc<str>);

impl AppId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment, which is what tokens name in `allowed_apps`.
    pub fn alias(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    pub fn owner(&self) -> &str {
        self.0.rsplit('/').nth(1).unwrap_or("")
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for AppId {
    type Err = EndpointIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let endpoint: EndpointId = text.parse()?;
        match endpoint.path() {
            "" => Ok(endpoint.app),
            _ => Err(EndpointIdError::PathInApp { found: shorten(text) }),
        }
    }
}

/// An endpoint: an app and the path inside it (`""` or `"/sub/path"`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId {
    app: AppId,
    path: Arc<str>,
}

impl EndpointId {
    pub fn app(&self) -> &AppId {
        &self.app
    }

    /// Empty, or begins with `/` and does not end with one.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.app, self.path)
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointIdError {
    #[error("endpoint id `{found}` has no owner: expected `owner/alias`, optionally followed by `/path`")]
    NoOwner { found: String },
    #[error(
        "endpoint id `{found}` is not allowed: segment `{segment}` may hold only letters, digits, `-`, `_`, `.` and `~`"
    )]
    Segment { found: String, segment: String },
    #[error("endpoint id `{found}` is not allowed: a segment must have a name; `{segment}` stands for a place")]
    Dots { found: String, segment: String },
    #[error("endpoint id `{found}` is not allowed: it has an empty segment between two slashes")]
    EmptySegment { found: String },
    #[error("endpoint id is {length} bytes long: at most {MAX_LENGTH} are allowed, {MAX_SEGMENT} in one segment")]
    TooLong { length: usize },
    #[error("`{found}` names an endpoint inside an app: expected `owner/alias` alone")]
    PathInApp { found: String },
}

impl FromStr for EndpointId {
    type Err = EndpointIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim_matches('/');
        if trimmed.len() > MAX_LENGTH || trimmed.split('/').any(|segment| segment.len() > MAX_SEGMENT) {
            return Err(EndpointIdError::TooLong { length: trimmed.len() });
        }
        if let Some(segment) = trimmed.split('/').find(|segment| !is_segment(segment)) {
            return Err(wrong(text, segment));
        }
        split(trimmed).ok_or_else(|| EndpointIdError::NoOwner { found: shorten(text) })
    }
}

fn split(text: &str) -> Option<EndpointId> {
    let first = text.split('/').next()?;
    let app_segments = if NAMESPACES.contains(&first) { 3 } else { 2 };
    match text.match_indices('/').nth(app_segments - 1) {
        Some((end, _)) => Some(EndpointId { app: AppId(text[..end].into()), path: text[end..].into() }),
        None if text.matches('/').count() + 1 == app_segments => {
            Some(EndpointId { app: AppId(text.into()), path: "".into() })
        }
        None if !text.contains('/') => legacy(text),
        None => None,
    }
}

/// `1234-app`, the oldest form: digits, a hyphen, the alias.
fn legacy(text: &str) -> Option<EndpointId> {
    let (owner, alias) = text.split_once('-')?;
    let numeric = !owner.is_empty() && owner.bytes().all(|byte| byte.is_ascii_digit());
    // Cut out of a longer segment, the alias must still be one: `1234-..` would be a place, and not a name.
    (numeric && is_segment(alias))
        .then(|| EndpointId { app: AppId(format!("{owner}/{alias}").into()), path: "".into() })
}

/// What is the matter with a segment that is none.
fn wrong(text: &str, segment: &str) -> EndpointIdError {
    let (found, segment) = (shorten(text), shorten(segment));
    match segment.as_str() {
        // Nothing at all has no owner either.
        "" if found.trim_matches('/').is_empty() => EndpointIdError::NoOwner { found },
        "" => EndpointIdError::EmptySegment { found },
        "." | ".." => EndpointIdError::Dots { found, segment },
        _ => EndpointIdError::Segment { found, segment },
    }
}

fn is_segment(segment: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(allowed)
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String) {
        let id: EndpointId = text.parse().unwrap();
        (id.app().to_string(), id.path().to_owned())
    }

    #[test]
    fn an_app_is_the_first_two_segments_or_three_in_a_namespace() {
        assert_eq!(parts("acme/app"), ("acme/app".into(), String::new()));
        assert_eq!(parts("acme/app/sub/more/"), ("acme/app".into(), "/sub/more".into()));
        assert_eq!(parts("workflows/acme/flow"), ("workflows/acme/flow".into(), String::new()));
        assert_eq!(parts("comfy/acme/flow/x"), ("comfy/acme/flow".into(), "/x".into()));
    }

    #[test]
    fn the_old_form_with_digits_and_a_hyphen_is_the_slash_form() {
        assert_eq!(parts("1234-my-app"), ("1234/my-app".into(), String::new()));
    }

    #[test]
    fn what_is_not_an_endpoint_id_is_refused_with_what_was_found() {
        for text in [
            "",
            "acme",
            "acme-app",
            "workflows/a",
            "1234-..",
            "1234-.",
            "1234-",
            "a//b",
            "a/../b",
            "a/b c",
            "a/%2e%2e",
            "-x",
        ] {
            assert!(text.parse::<EndpointId>().is_err(), "{text}");
        }
        assert!("x/".repeat(300).parse::<EndpointId>().is_err());
    }

    #[test]
    fn a_refused_segment_is_told_what_is_wrong_with_it_and_not_something_else() {
        let told = |text: &str| text.parse::<EndpointId>().unwrap_err().to_string();
        for (text, segment) in [("a/../b", ".."), ("a/./b", "."), ("../a", "..")] {
            let told = told(text);
            assert!(told.contains(&format!("`{segment}` stands for a place")) && !told.contains("letters"), "{told}");
        }
        assert!(told("a//b").contains("empty segment"));
        assert!(told("a/b c").contains("segment `b c` may hold only letters"));
        assert!(told("").contains("no owner"));
    }

    #[test]
    fn an_app_knows_its_alias_and_owner() {
        let app: AppId = "workflows/acme/flow".parse().unwrap();
        assert_eq!((app.owner(), app.alias()), ("acme", "flow"));
    }
}

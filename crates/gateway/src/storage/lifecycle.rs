//! How long a file lives and who may read it, as callers say it in headers.

use std::{collections::HashSet, time::Duration};

use http::HeaderMap;
use serde::Deserialize;
use tintype_store::{Acl, AclDecision, AclRule};

use super::{body::object, caller::Caller, error::Error, files::Files};

/// Clients send one of these, or both with the same content.
const HEADERS: [&str; 2] = ["X-Fal-Object-Lifecycle-Preference", "X-Fal-Object-Lifecycle"];
const MAX_RULES: usize = 1000;
/// A thousand years: beyond it a date no longer fits everywhere.
const MAX_SECONDS: f64 = 31_536_000_000.0;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Lifecycle {
    /// `None`: for ever.
    pub lifetime: Option<Duration>,
    pub acl: Acl,
}

#[derive(Deserialize)]
struct Preference {
    #[serde(default)]
    expiration_duration_seconds: Option<f64>,
    #[serde(default)]
    initial_acl: Option<InitialAcl>,
}

#[derive(Deserialize)]
struct InitialAcl {
    #[serde(default)]
    default: Option<AclDecision>,
    #[serde(default)]
    rules: Option<Vec<AclRule>>,
}

impl Files {
    /// What the headers say, or else what the caller's token says, or else public and for ever.
    pub(crate) async fn lifecycle(&self, headers: &HeaderMap, caller: &Caller) -> Result<Lifecycle, Error> {
        let given = HEADERS.into_iter().find_map(|name| headers.get(name).map(|value| (name, value)));
        let mut lifecycle = match (given, &caller.lifecycle) {
            (Some((name, value)), _) => {
                let text = std::str::from_utf8(value.as_bytes()).unwrap_or("");
                parse(text).map_err(|problem| Error::Header { name, problem })?
            }
            // It was checked when the token was made; an output is worth more than its preference.
            (None, Some(text)) => parse(text).unwrap_or_default(),
            (None, None) => Lifecycle::default(),
        };
        self.drop_unknown_users(&mut lifecycle.acl).await?;
        Ok(lifecycle)
    }

    /// A rule that names nobody says nothing.
    pub(crate) async fn drop_unknown_users(&self, acl: &mut Acl) -> Result<(), Error> {
        if acl.rules.is_empty() {
            return Ok(());
        }
        let keys = self.store.keys().await?;
        let known: HashSet<_> = keys.iter().map(|key| key.account.as_str()).collect();
        acl.rules.retain(|rule| known.contains(rule.user.as_str()));
        Ok(())
    }
}

pub(super) fn parse(text: &str) -> Result<Lifecycle, String> {
    let preference: Preference = object(text.as_bytes()).map_err(|error| {
        format!(
            "expected JSON such as {{\"expiration_duration_seconds\": 3600}}, with `initial_acl` if need be: {error}"
        )
    })?;
    let lifetime = match preference.expiration_duration_seconds {
        // Zero is how clients say "does not expire".
        None | Some(0.0) => None,
        Some(seconds) if (0.0..=MAX_SECONDS).contains(&seconds) => Some(Duration::from_secs_f64(seconds)),
        Some(seconds) => {
            return Err(format!("`expiration_duration_seconds` is {seconds}: expected 0 to {MAX_SECONDS}"));
        }
    };
    let acl = preference.initial_acl.map_or(Ok(Acl::default()), acl)?;
    Ok(Lifecycle { lifetime, acl })
}

fn acl(given: InitialAcl) -> Result<Acl, String> {
    let rules = given.rules.unwrap_or_default();
    if rules.len() > MAX_RULES {
        return Err(format!("`initial_acl.rules` has {} entries: at most {MAX_RULES} are allowed", rules.len()));
    }
    Ok(Acl { default: given.default.unwrap_or(AclDecision::Allow), rules })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_optional() {
        for text in ["{}", r#"{"expiration_duration_seconds": null, "initial_acl": null}"#, r#"{"initial_acl": {}}"#] {
            assert_eq!(parse(text), Ok(Lifecycle::default()), "{text}");
        }
    }

    #[test]
    fn a_whole_preference_is_read() {
        let text = r#"{"expiration_duration_seconds": 3600, "initial_acl":
            {"default": "hide", "rules": [{"user": "friend", "decision": "allow"}]}}"#;
        let rules = vec![AclRule { user: "friend".into(), decision: AclDecision::Allow }];
        let expected =
            Lifecycle { lifetime: Some(Duration::from_secs(3600)), acl: Acl { default: AclDecision::Hide, rules } };
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn zero_means_for_ever() {
        assert_eq!(parse(r#"{"expiration_duration_seconds": 0}"#).unwrap().lifetime, None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("nope", "expected JSON"),
            ("[]", "expected JSON"),
            (r#"{"expiration_duration_seconds": -5}"#, "`expiration_duration_seconds` is -5"),
            (r#"{"expiration_duration_seconds": 1e99}"#, "expected 0 to"),
            (r#"{"initial_acl": {"default": "maybe"}}"#, "unknown variant `maybe`"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }
}

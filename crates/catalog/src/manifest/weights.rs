//! A set of files that a model needs and does not bring: where they are published, and under which terms.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer};

/// The set that an endpoint needs which names none.
pub(crate) const DEFAULT: &str = "default";
/// What an endpoint says that needs one set of the model's, whichever it is: the call names it.
pub(crate) const ANY: &str = "any";

/// One `[[weights]]` table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    #[serde(default = "default_name")]
    pub name: String,
    pub title: String,
    #[serde(deserialize_with = "source")]
    pub source: Source,
    pub licence: String,
    #[serde(default)]
    pub licence_url: Option<String>,
    /// All files together, where known.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Paths in the published folder; `*` stands for any part of a name.
    pub files: Vec<String>,
    /// SHA-256 of files, by path, in hexadecimal: only those that are known for sure.
    #[serde(default)]
    pub digests: BTreeMap<String, String>,
}

/// Where files are published. Written `hub:OWNER/REPOSITORY@REVISION`; without a revision it is `main`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub repository: String,
    pub revision: String,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no source: write `hub:OWNER/REPOSITORY` or `hub:OWNER/REPOSITORY@REVISION`")]
pub struct SourceError(String);

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let wrong = || SourceError(text.to_owned());
        let named = text.strip_prefix("hub:").ok_or_else(wrong)?;
        let (repository, revision) = named.split_once('@').unwrap_or((named, "main"));
        let is_name = |name: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_plain)
        };
        let (owner, name) = repository.split_once('/').ok_or_else(wrong)?;
        if !is_name(owner) || !is_name(name) || !is_name(revision) {
            return Err(wrong());
        }
        Ok(Self { repository: repository.to_owned(), revision: revision.to_owned() })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "hub:{}@{}", self.repository, self.revision)
    }
}

impl Weights {
    /// Whether it is the set that endpoints need which name none.
    pub fn is_default(&self) -> bool {
        self.name == DEFAULT
    }

    /// What is wrong with it, in words.
    pub(crate) fn fault(&self) -> Option<String> {
        let is_inside = |path: &str| {
            !path.is_empty() && !path.contains('\\') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        };
        let is_digest = |digest: &str| {
            digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if self.name.is_empty() || !self.name.bytes().all(is_plain) {
            return Some("its name must be made of small letters, digits, `-` and `_`, for it becomes a folder".into());
        }
        if self.name == ANY {
            return Some(format!("`{ANY}` is what endpoints say that take whichever set there is"));
        }
        if self.files.is_empty() {
            return Some("it lists no `files`".into());
        }
        if let Some(path) = self.files.iter().chain(self.digests.keys()).find(|path| !is_inside(path)) {
            return Some(format!("the path `{path}` does not stay in the folder"));
        }
        let wrong = self.digests.iter().find(|(_, digest)| !is_digest(digest));
        wrong.map(|(path, _)| format!("the digest of `{path}` is not 64 small hexadecimal digits"))
    }
}

fn default_name() -> String {
    DEFAULT.to_owned()
}

fn source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Source, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_names_a_repository_and_a_revision() {
        let source: Source = "hub:acme/net-1.5@v2".parse().unwrap();
        assert_eq!((source.repository.as_str(), source.revision.as_str()), ("acme/net-1.5", "v2"));
        assert_eq!("hub:acme/net".parse::<Source>().unwrap().to_string(), "hub:acme/net@main");
        for wrong in ["acme/net", "hub:net", "hub:a/b/c", "hub:../net", "hub:a/b@", "hub:a/b@x/y", "hub:a/b?x"] {
            assert!(wrong.parse::<Source>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths_that_leave_the_folder_and_odd_digests_are_refused() {
        let weights = |files: &str, digest: &str| {
            let text = format!(
                "title='T'\nlicence='MIT'\nsource='hub:a/b'\nfiles=['{files}']\ndigests={{'a.safetensors'='{digest}'}}"
            );
            toml::from_str::<Weights>(&text).unwrap().fault()
        };
        let digest = "0".repeat(64);
        assert_eq!(weights("unet/*.safetensors", &digest), None);
        assert!(weights("../x", &digest).unwrap().contains("../x"));
        assert!(weights("/x", &digest).is_some());
        assert!(weights("x", "ABC").unwrap().contains("a.safetensors"));
    }
}

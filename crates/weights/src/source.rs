//! Where weights come from.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use url::Url;

use crate::{WeightsError, hub::DEFAULT_BASE};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Folder(PathBuf),
    /// One file, under its own name.
    File(PathBuf),
    Url(Url),
    Hub {
        repository: String,
        revision: Option<String>,
    },
}

impl FromStr for Source {
    type Err = WeightsError;

    fn from_str(text: &str) -> Result<Self, WeightsError> {
        let unknown = || WeightsError::Source { found: text.to_owned() };
        if let Some(name) = text.strip_prefix("hub:") {
            let (repository, revision) =
                name.split_once('@').map_or((name, None), |(name, revision)| (name, Some(revision)));
            let plain = |part: &str| {
                !part.is_empty()
                    && !part.starts_with('.')
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            };
            let parts: Vec<&str> = repository.split('/').collect();
            if parts.len() != 2 || !parts.iter().all(|part| plain(part)) || !revision.is_none_or(plain) {
                return Err(unknown());
            }
            return Ok(Self::Hub { repository: repository.into(), revision: revision.map(Into::into) });
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Url::parse(text).map(Self::Url).map_err(|_| unknown());
        }
        match Path::new(text) {
            path if path.is_dir() => Ok(Self::Folder(path.into())),
            path if path.is_file() => Ok(Self::File(path.into())),
            _ => Err(unknown()),
        }
    }
}

impl Source {
    /// Where people read of it, where it has such a place.
    pub fn page(&self) -> Option<String> {
        match self {
            Self::Hub { repository, .. } => Some(format!("{DEFAULT_BASE}/{repository}")),
            Self::Folder(_) | Self::File(_) | Self::Url(_) => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) | Self::File(path) => write!(f, "{}", path.display()),
            Self::Url(url) => {
                // A query may hold a secret.
                let mut plain = url.clone();
                plain.set_query(None);
                let _ = plain.set_password(None);
                write!(f, "{plain}")
            }
            Self::Hub { repository, revision: None } => write!(f, "hub:{repository}"),
            Self::Hub { repository, revision: Some(revision) } => write!(f, "hub:{repository}@{revision}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_is_named_with_or_without_a_revision() {
        let hub = |text: &str| text.parse::<Source>().map(|source| source.to_string());
        assert_eq!(hub("hub:acme/model").unwrap(), "hub:acme/model");
        assert_eq!(hub("hub:acme/model@v1.0").unwrap(), "hub:acme/model@v1.0");
        let page = |text: &str| text.parse::<Source>().unwrap().page();
        assert!(page("hub:acme/model@v1.0").unwrap().ends_with("/acme/model"));
        assert_eq!(page("https://h.example/a.json"), None);
        for wrong in ["hub:", "hub:acme", "hub:a/b/c", "hub:../b", "hub:a/b@", "hub:a/b@x/y", "nowhere"] {
            assert!(hub(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_of_an_address_are_not_told() {
        let source: Source = "https://u:p@h.example/a.safetensors?token=s".parse().unwrap();
        assert_eq!(source.to_string(), "https://u@h.example/a.safetensors");
    }
}

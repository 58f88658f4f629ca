//! A path below `/data`.

use std::path::{Path, PathBuf};

const MOUNT: &str = "data";
const MAX_LENGTH: usize = 4000;

/// The names on the way from `/data`; none for `/data` itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place(Vec<String>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error("path `{found}` is outside `/data`: only what lies there is kept")]
    Outside { found: String },
    #[error("path `{found}` is not allowed: `..` leads to another place, and no name may be longer than 255 bytes")]
    Name { found: String },
}

impl Place {
    /// An absolute path begins with `/data`; a relative one begins there.
    pub(crate) fn parse(text: &str) -> Result<Self, PlaceError> {
        let found = || text.chars().take(120).collect::<String>();
        let mut names: Vec<&str> = text.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        if text.starts_with('/') {
            if names.first() != Some(&MOUNT) {
                return Err(PlaceError::Outside { found: found() });
            }
            names.remove(0);
        }
        let is_name = |name: &&str| *name != ".." && name.len() <= 255 && !name.contains('\0');
        if text.len() > MAX_LENGTH || !names.iter().all(is_name) {
            return Err(PlaceError::Name { found: found() });
        }
        Ok(Self(names.into_iter().map(str::to_owned).collect()))
    }

    /// As [`parse`](Self::parse), of a path that has to say where it begins.
    pub(crate) fn absolute(text: &str) -> Result<Self, PlaceError> {
        if text.starts_with('/') {
            return Self::parse(text);
        }
        Err(PlaceError::Outside { found: text.chars().take(120).collect() })
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The folder that it lies in, and its name there.
    pub(crate) fn split(&self) -> Option<(Self, &str)> {
        let (name, folder) = self.0.split_last()?;
        Some((Self(folder.to_vec()), name))
    }

    #[must_use]
    pub(crate) fn join(&self, name: &str) -> Self {
        Self(self.0.iter().cloned().chain([name.to_owned()]).collect())
    }

    /// The folders on the way to it and it itself, the outermost first.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Self> {
        (1..=self.0.len()).map(|length| Self(self.0[..length].to_vec()))
    }

    /// Relative to the volume.
    pub(crate) fn to_path(&self) -> PathBuf {
        if self.is_root() { Path::new(".").to_owned() } else { self.0.iter().collect() }
    }
}

/// As runners see it.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/{MOUNT}")?;
        self.0.iter().try_for_each(|name| write!(f, "/{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_a_path_lead_below_data() {
        for text in ["/data/a/b", "//data//a/./b/", "a/b"] {
            assert_eq!(Place::parse(text).unwrap().to_string(), "/data/a/b", "{text}");
        }
        assert!(Place::parse("/data").unwrap().is_root());
        assert_eq!(Place::parse("data/x").unwrap().to_string(), "/data/data/x");
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        assert!(matches!(Place::absolute("x"), Err(PlaceError::Outside { .. })));
        for text in ["/etc/passwd", "/", "/database/x"] {
            assert!(matches!(Place::parse(text), Err(PlaceError::Outside { .. })), "{text}");
        }
        for text in ["/data/../etc", "a/..", "/data/a\0b", &format!("/data/{}", "x".repeat(256))] {
            assert!(matches!(Place::parse(text), Err(PlaceError::Name { .. })), "{text}");
        }
    }
}

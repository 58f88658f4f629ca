//! What the operator of this process decided.

use std::{path::PathBuf, str::FromStr, sync::OnceLock};

/// What becomes of a program around which there should be walls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sandboxing {
    /// Walls where this machine makes them; else a warning, and limits alone.
    #[default]
    Auto,
    /// Walls, or it is not run.
    Required,
    /// Limits alone.
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `auto`, `off` or `required`")]
pub struct UnknownSandboxing;

/// As options and command lines say it.
impl FromStr for Sandboxing {
    type Err = UnknownSandboxing;

    fn from_str(word: &str) -> Result<Self, UnknownSandboxing> {
        let all = [Self::Auto, Self::Required, Self::Off];
        all.into_iter().find(|mode| mode.as_str() == word).ok_or(UnknownSandboxing)
    }
}

impl Sandboxing {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Required => "required",
            Self::Off => "off",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub sandboxing: Sandboxing,
    /// Where the folders of runs are made; one that this user alone may write to. `None` takes the system's own place,
    /// where nobody sweeps what a killed process leaves.
    pub folder: Option<PathBuf>,
    /// Told what the operator must know, once.
    pub warn: fn(&str),
}

impl Default for Settings {
    fn default() -> Self {
        Self { sandboxing: Sandboxing::Auto, folder: None, warn: |message| eprintln!("{message}") }
    }
}

static SET: OnceLock<Settings> = OnceLock::new();

/// Holds for this process from now on; what was set first stays.
pub fn set(settings: Settings) {
    let _ = SET.set(settings);
}

pub(crate) fn settings() -> &'static Settings {
    SET.get_or_init(Settings::default)
}

//! Environments that begin with a container image.
//!
//! podman builds or fetches the image and installs what the harness needs into it; then its files are unpacked, and
//! runners run in them behind the same walls as all others. So podman is needed to build, never to run, and an image
//! gets no rights at run time that an app without one would not have.

mod build;
mod command;
mod file;
pub(super) mod files;
mod podman;

use std::{collections::BTreeMap, path::PathBuf};

pub(super) use build::ImageBuilder;
use serde::{Deserialize, Serialize};

/// The image that an environment begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub source: Source,
    /// What the build may copy: hashes of uploaded files and where they lie.
    pub files: Vec<(String, String)>,
    /// Registry, then user and password.
    pub registries: BTreeMap<String, (String, String)>,
    /// `false`: the image is run as it is, and nothing is installed into it.
    pub python: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Dockerfile {
        text: String,
        args: BTreeMap<String, String>,
        /// Seen while it is built, by those steps that mount them.
        secrets: BTreeMap<String, String>,
    },
    /// A name in a registry, or of an image that podman has.
    Reference(String),
}

impl Image {
    /// What decides the content. Passwords do not: they only open doors.
    pub(super) fn key(&self) -> serde_json::Value {
        match &self.source {
            Source::Dockerfile { text, args, .. } => {
                serde_json::json!(["dockerfile", text, args, self.files, self.python])
            }
            Source::Reference(name) => serde_json::json!(["reference", name, self.python]),
        }
    }

    /// Everything that must not be seen in a log.
    pub(super) fn secrets(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.registries.values().map(|(_, password)| password.as_str()).collect();
        if let Source::Dockerfile { secrets, .. } = &self.source {
            all.extend(secrets.values().map(String::as_str));
        }
        all
    }
}

/// How an image is run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    /// Its files, as the host sees them: they are the root of a runner.
    #[serde(skip)]
    pub root: PathBuf,
    pub env: Vec<(String, String)>,
    /// Its Python, as it is named inside, where the harness is to run in it.
    pub python: Option<PathBuf>,
    pub workdir: PathBuf,
    pub entrypoint: Vec<String>,
    pub cmd: Vec<String>,
}

impl Inside {
    /// What is started, where the app may say otherwise. As with Docker, another entrypoint leaves the image's
    /// arguments behind.
    pub fn command(&self, entrypoint: Option<&[String]>, cmd: Option<&[String]>) -> Vec<String> {
        let own_cmd: &[String] = if entrypoint.is_some() { &[] } else { &self.cmd };
        [entrypoint.unwrap_or(&self.entrypoint), cmd.unwrap_or(own_cmd)].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_entrypoint_leaves_the_images_arguments_behind() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let inside = Inside { entrypoint: words("serve"), cmd: words("--port 80"), ..Inside::default() };
        assert_eq!(inside.command(None, None), words("serve --port 80"));
        assert_eq!(inside.command(None, Some(&words("--port 81"))), words("serve --port 81"));
        assert_eq!(inside.command(Some(&words("sh")), None), words("sh"));
        assert_eq!(inside.command(Some(&words("sh")), Some(&words("-c true"))), words("sh -c true"));
    }

    #[test]
    fn a_password_decides_nothing_about_the_content() {
        let image = |password: &str| Image {
            source: Source::Reference("localhost/x".into()),
            files: Vec::new(),
            registries: [("localhost".to_owned(), ("ann".to_owned(), password.to_owned()))].into(),
            python: true,
        };
        assert_eq!(image("a").key(), image("b").key());
        assert_eq!(image("abc").secrets(), ["abc"]);
    }
}

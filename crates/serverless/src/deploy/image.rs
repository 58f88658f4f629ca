//! A container image as the client describes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{definition::AppFile, error::DeployError};
use crate::environment::{Image, Source};

/// What an app's environment begins with, and how it is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageRecipe {
    origin: Origin,
    /// `false`: it is run as it is, without a class or a function in it.
    pub python: bool,
    pub entrypoint: Option<Vec<String>>,
    pub cmd: Option<Vec<String>>,
    files: Vec<AppFile>,
    /// Both open doors while it is built, and are kept nowhere: a build after the image was dropped does without them.
    #[serde(skip)]
    secrets: BTreeMap<String, String>,
    #[serde(skip)]
    registries: BTreeMap<String, (String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Origin {
    Dockerfile { text: String, args: BTreeMap<String, String> },
    Name(String),
}

impl ImageRecipe {
    pub(crate) fn read(image: &Map<String, Value>) -> Result<Self, DeployError> {
        let args = texts(image, "build_args")?;
        let origin = match (text(image, "dockerfile_str")?, text(image, "image")?) {
            (Some(text), None) => Origin::Dockerfile { text, args },
            (None, Some(name)) => Origin::Name(reference(name)?),
            _ => return Err(wrong("image", "expected either a Dockerfile (`dockerfile_str`) or the name of an image")),
        };
        let names = texts(image, "secrets")?;
        for name in args_of(&origin).chain(names.keys()) {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            if name.is_empty() || !name.chars().all(plain) {
                let text = format!("has the name `{name:.64}`: letters, digits, `_`, `-` and `.` are allowed");
                return Err(wrong("image.build_args or image.secrets", &text));
            }
        }
        Ok(Self {
            origin,
            python: image.get("use_isolate").and_then(Value::as_bool).unwrap_or(true),
            entrypoint: words(image, "entrypoint")?,
            cmd: words(image, "cmd")?,
            files: Vec::new(),
            secrets: names,
            registries: registries(image)?,
        })
    }

    /// What its Dockerfile may copy.
    pub(crate) fn set_files(&mut self, mut files: Vec<AppFile>) {
        files.sort_by(|one, other| one.path.cmp(&other.path));
        self.files = files;
    }

    pub(crate) fn wanted(&self) -> Image {
        let source = match self.origin.clone() {
            Origin::Dockerfile { text, args } => Source::Dockerfile { text, args, secrets: self.secrets.clone() },
            Origin::Name(name) => Source::Reference(name),
        };
        let files = self.files.iter().map(|file| (file.hash.clone(), file.path.clone())).collect();
        Image { source, files, registries: self.registries.clone(), python: self.python }
    }
}

fn args_of(origin: &Origin) -> impl Iterator<Item = &String> {
    match origin {
        Origin::Dockerfile { args, .. } => Some(args.keys()),
        Origin::Name(_) => None,
    }
    .into_iter()
    .flatten()
}

fn wrong(name: &str, why: &str) -> DeployError {
    DeployError::Invalid(format!("`{name}` {why}"))
}

/// Where else podman takes images from: files and daemons of this machine, which are not the deployer's.
const TRANSPORTS: [&str; 10] = [
    "containers-storage",
    "dir",
    "docker",
    "docker-archive",
    "docker-daemon",
    "oci",
    "oci-archive",
    "ostree",
    "sif",
    "tarball",
];

/// It becomes an argument of a program: it must not look like one of its options.
fn reference(name: String) -> Result<String, DeployError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    let elsewhere = name.split_once(':').is_some_and(|(first, _)| TRANSPORTS.contains(&first)) || name.contains(":/");
    if name.is_empty() || name.len() > 512 || name.starts_with('-') || elsewhere || !name.chars().all(plain) {
        return Err(wrong(
            "image.image",
            &format!("is `{name:.80}`: expected a name such as `registry.example/team/app:1`"),
        ));
    }
    Ok(name)
}

fn text(image: &Map<String, Value>, name: &str) -> Result<Option<String>, DeployError> {
    match image.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(found)) if found.is_empty() => Ok(None),
        Some(Value::String(found)) => Ok(Some(found.clone())),
        Some(_) => Err(wrong(&format!("image.{name}"), "is no text")),
    }
}

fn texts(image: &Map<String, Value>, name: &str) -> Result<BTreeMap<String, String>, DeployError> {
    let fault = || wrong(&format!("image.{name}"), "must be an object of texts");
    let members = match image.get(name) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(fault()),
    };
    let line = |(name, value): (&String, &Value)| match value {
        Value::String(text) => Ok((name.clone(), text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok((name.clone(), value.to_string())),
        _ => Err(fault()),
    };
    members.iter().map(line).collect()
}

/// A list of words, or a line for a shell.
fn words(image: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, DeployError> {
    let fault = || wrong(&format!("image.{name}"), "must be a text or a list of texts");
    match image.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(line)) => Ok(Some(["/bin/sh", "-c", line].map(str::to_owned).into())),
        Some(Value::Array(items)) if items.is_empty() => Ok(None),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(fault))
            .collect::<Result<_, _>>()
            .map(Some),
        Some(_) => Err(fault()),
    }
}

fn registries(image: &Map<String, Value>) -> Result<BTreeMap<String, (String, String)>, DeployError> {
    let fault = || wrong("image.registries", "must be an object of hosts, each with `username` and `password`");
    let members = match image.get("registries") {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(fault()),
    };
    let entry = |(host, entry): (&String, &Value)| {
        let part = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(fault);
        Ok((host.clone(), (part("username")?, part("password")?)))
    };
    members.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(image: &Value) -> Result<ImageRecipe, String> {
        ImageRecipe::read(image.as_object().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_opens_doors_is_not_kept() {
        let image = json!({
            "dockerfile_str": "FROM x", "build_args": {"A": "1", "B": 2.0}, "secrets": {"token": "hunter2"},
            "registries": {"r.example": {"username": "ann", "password": "hunter3"}}, "cmd": "serve --all"
        });
        let found = read(&image).unwrap();
        assert_eq!(found.wanted().registries["r.example"].1, "hunter3");
        assert_eq!(found.cmd.as_ref().unwrap(), &["/bin/sh", "-c", "serve --all"]);
        let kept = serde_json::to_string(&found).unwrap();
        assert!(!kept.contains("hunter"), "{kept}");
        let again: ImageRecipe = serde_json::from_str(&kept).unwrap();
        assert_eq!(
            again.wanted().source,
            Source::Dockerfile {
                text: "FROM x".into(),
                args: [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2.0".to_owned())].into(),
                secrets: BTreeMap::new(),
            }
        );
    }

    #[test]
    fn what_is_no_image_is_refused_by_name() {
        for (image, expected) in [
            (json!({}), "`image` expected either a Dockerfile"),
            (json!({"image": "--volume=/:/host"}), "`image.image` is `--volume=/:/host`"),
            (json!({"image": "x y"}), "`image.image`"),
            (json!({"image": "x", "cmd": 7}), "`image.cmd` must be a text or a list"),
            (
                json!({"dockerfile_str": "FROM x", "secrets": {"a,src=/etc/shadow": "b"}}),
                "has the name `a,src=/etc/shadow`",
            ),
            (json!({"image": "x", "registries": {"r": {}}}), "`image.registries` must be"),
        ] {
            let error = read(&image).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}

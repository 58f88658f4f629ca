//! Which files a model may be made of. What can hold code is refused by name and by content.

use std::{
    fs::File,
    io::{self, Read},
    path::{Component, Path},
};

use crate::{WeightsError, validate_safetensors};

const PICKLES: [&str; 9] = ["bin", "ckpt", "pt", "pth", "pkl", "pickle", "joblib", "npy", "npz"];
const PLAIN: [&str; 6] = ["json", "txt", "model", "tiktoken", "md", "jinja"];
const LONGEST_PATH: usize = 512;

/// Whether a name is one of a model's files at all; others are left where they are.
pub(crate) fn is_known(path: &str) -> bool {
    let extension = extension(path);
    extension == "safetensors" || PLAIN.contains(&extension.as_str())
}

/// Refuses what is not data alone.
pub(crate) fn check_file(path: &Path, name: &str) -> Result<(), WeightsError> {
    let extension = extension(name);
    let pickle = |why| WeightsError::Pickle { file: name.into(), why };
    if PICKLES.contains(&extension.as_str()) {
        return Err(pickle("its name says that it is a pickle or may hold one"));
    }
    if !is_known(name) {
        return Err(WeightsError::Kind { file: name.into() });
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(8).read_to_end(&mut start));
    read.map_err(WeightsError::io(path))?;
    match start[..] {
        [0x80, 2..=5, ..] => return Err(pickle("it begins as a pickle does")),
        [b'P', b'K', 3, 4, ..] => return Err(pickle("it is a zip archive, as PyTorch's pickles are")),
        _ => {}
    }
    if extension == "json" {
        let file = File::open(path).map_err(WeightsError::io(path))?;
        serde_json::from_reader::<_, serde::de::IgnoredAny>(std::io::BufReader::new(file))
            .map_err(|source| WeightsError::Json { file: name.into(), source })?;
    }
    if extension == "safetensors" {
        validate_safetensors(path).map_err(|source| WeightsError::Header { file: name.into(), source })?;
    }
    Ok(())
}

/// A relative path that stays where it begins.
pub(crate) fn check_name(name: &str) -> Result<(), WeightsError> {
    let fine = !name.is_empty()
        && name.len() <= LONGEST_PATH
        && !name.contains(['\\', '\0', '\n'])
        && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
        && !name.ends_with('/');
    if fine { Ok(()) } else { Err(WeightsError::Name { name: name.chars().take(80).collect() }) }
}

/// A name of a folder, as sets have.
pub(crate) fn check_set(name: &str) -> Result<(), WeightsError> {
    let fine = !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if fine { Ok(()) } else { Err(WeightsError::Name { name: name.chars().take(80).collect() }) }
}

/// A SHA-256 as it is written here: it becomes the name of a file.
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn extension(name: &str) -> String {
    Path::new(name).extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

pub(crate) fn broken(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(name: &str, content: &[u8]) -> Result<(), WeightsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, content).unwrap();
        check_file(&path, name)
    }

    #[test]
    fn a_pickle_is_refused_by_name_and_by_content() {
        assert!(matches!(checked("a/model.bin", b"{}"), Err(WeightsError::Pickle { .. })));
        assert!(matches!(checked("weights.CKPT", b""), Err(WeightsError::Pickle { .. })));
        assert!(matches!(checked("config.json", b"\x80\x04\x95abc"), Err(WeightsError::Pickle { .. })));
        assert!(matches!(checked("model.safetensors", b"PK\x03\x04rest"), Err(WeightsError::Pickle { .. })));
        assert!(matches!(checked("run.py", b"import os"), Err(WeightsError::Kind { .. })));
        assert!(checked("tokenizer/merges.txt", b"a b").is_ok());
    }

    #[test]
    fn names_stay_inside() {
        for name in ["../a.json", "/etc/passwd", "a/../../b", "", "a//..", "a\\b", "a/\0"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert!(check_name("unet/model.safetensors").is_ok());
        assert!(check_set("dev").is_ok() && check_set("../x").is_err() && check_set("").is_err());
    }
}

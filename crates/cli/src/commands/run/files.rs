//! The files in a result: objects with a `url`, wherever they stand.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use reqwest::{Method, Response};
use serde_json::Value;

use super::{told::brief, types::extension};
use crate::{api::Api, failure::Failure};

/// Some leave out the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What became of the files of a result.
#[derive(Default)]
pub(crate) struct Saved {
    pub(crate) paths: Vec<PathBuf>,
    /// Why others were not saved, a line for each.
    pub(crate) failures: Vec<String>,
}

/// Saves every file under its own name; an existing file of that name is kept, the new one gets a number.
pub(crate) async fn save(api: &Api, result: &Value, folder: &Path) -> Saved {
    let mut saved = Saved::default();
    let files = find(result);
    if let Err(error) = fs::create_dir_all(folder) {
        saved.failures.push(format!("could not make {}: {error}", folder.display()));
        return saved;
    }
    for file in files {
        match save_one(api, &file, folder).await {
            Ok(path) => saved.paths.push(path),
            Err(failure) => {
                let why = failure.to_string().replace('\n', "; ");
                saved.failures.push(format!("could not save {} ({}): {why}", file.name, brief(&file.url)));
            }
        }
    }
    saved
}

async fn save_one(api: &Api, file: &File, folder: &Path) -> Result<PathBuf, Failure> {
    // Before a name is taken: what does not come needs none.
    let content = match file.url.strip_prefix("data:") {
        Some(rest) => Content::Here(decode(rest)?),
        None => Content::Coming(api.send(api.to(Method::GET, &api.own_file(&file.url))).await?),
    };
    let claimed = claim(folder, &file.name).map_err(|error| unwritable(&folder.join(&file.name), &error))?;
    content.fill(claimed).await
}

enum Content {
    Here(Vec<u8>),
    Coming(Response),
}

impl Content {
    async fn fill(self, (target, path): (fs::File, PathBuf)) -> Result<PathBuf, Failure> {
        let written = self.write(target, &path).await;
        if written.is_err() {
            // What is there of it is not the file; if it cannot be taken away, that is told by what follows.
            let _ = fs::remove_file(&path);
        }
        written.map(|()| path)
    }

    async fn write(self, mut target: fs::File, path: &Path) -> Result<(), Failure> {
        let mut write = |piece: &[u8]| target.write_all(piece).map_err(|error| unwritable(path, &error));
        match self {
            Self::Here(bytes) => write(&bytes),
            Self::Coming(mut response) => {
                while let Some(piece) = response.chunk().await? {
                    write(&piece)?;
                }
                Ok(())
            }
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("could not write {}: {error}", path.display()))
}

/// What follows `data:`, as bytes.
fn decode(rest: &str) -> Result<Vec<u8>, Failure> {
    let Some((kind, content)) = rest.split_once(',') else {
        return Err(Failure::new("its data URI was cut off after its type"));
    };
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(content).collect();
    if !kind.to_ascii_lowercase().ends_with(";base64") {
        return Ok(bytes);
    }
    let encoded: Vec<u8> = bytes.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(encoded).map_err(|error| Failure::new(format!("its data URI is no base64: {error}")))
}

#[derive(Debug, PartialEq)]
struct File {
    url: String,
    name: String,
}

fn find(value: &Value) -> Vec<File> {
    match value {
        Value::Array(items) => items.iter().flat_map(find).collect(),
        Value::Object(members) => match value["url"].as_str().filter(|url| is_file(url)) {
            Some(url) => vec![File { url: url.to_owned(), name: name(url, value) }],
            None => members.values().flat_map(find).collect(),
        },
        _ => Vec::new(),
    }
}

pub(super) fn is_file(url: &str) -> bool {
    ["http://", "https://", "data:"].iter().any(|scheme| url.starts_with(scheme))
}

/// The file's own name, made harmless: it comes from elsewhere and must not choose a folder.
fn name(url: &str, file: &Value) -> String {
    let last = || url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or("");
    let given = file["file_name"].as_str().unwrap_or_else(|| if url.starts_with("data:") { "" } else { last() });
    let kept = |letter: &char| letter.is_alphanumeric() || "-_.".contains(*letter);
    let name: String = given.chars().filter(kept).take(100).collect();
    let name = name.trim_start_matches('.');
    let kind = file["content_type"].as_str().or_else(|| url.strip_prefix("data:"));
    let extension = kind.map(extension).unwrap_or_default();
    match name {
        "" => format!("file{extension}"),
        name if name.contains('.') => name.to_owned(),
        name => format!("{name}{extension}"),
    }
}

/// A new file of this name, or of one with a number: what is there is kept, also what another run writes at this moment.
fn claim(folder: &Path, name: &str) -> io::Result<(fs::File, PathBuf)> {
    let (stem, extension) =
        name.rsplit_once('.').map_or((name, String::new()), |(stem, rest)| (stem, format!(".{rest}")));
    let (mut path, mut number) = (folder.join(name), 1_u64);
    loop {
        match fs::File::create_new(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                number += 1;
                path = folder.join(format!("{stem}-{number}{extension}"));
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_found_wherever_they_stand() {
        let result = json!({
            "images": [{"url": "http://h/files/b/x/a.png", "file_name": "a.png"}],
            "video": {"url": "data:image/png;base64,AA=="},
            "site": {"url": "nothing"},
        });
        let names: Vec<_> = find(&result).into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["a.png", "file.png"]);
    }

    #[test]
    fn a_name_cannot_choose_a_folder() {
        let file = json!({"file_name": "../../.bashrc", "content_type": "image/png"});
        assert_eq!(name("http://h/x", &file), "bashrc.png");
        assert_eq!(name("http://h/a/%2e%2e/pic.webp?x=1", &json!({})), "pic.webp");
    }

    #[test]
    fn data_uris_are_decoded_however_they_are_written() {
        let decoded = |rest: &str| decode(rest).map_err(|failure| failure.message);
        assert_eq!(decoded("image/png;base64,AAEC").unwrap(), [0, 1, 2]);
        assert_eq!(decoded("image/png;BASE64,AAE%3D").unwrap(), [0, 1]);
        assert_eq!(decoded("image/png;base64,AA\nE").unwrap(), [0, 1]);
        assert_eq!(decoded(",a%20b").unwrap(), b"a b");
        assert!(decoded("video/mp4;base64").unwrap_err().contains("cut off"));
        assert!(decoded("video/mp4;base64,?").unwrap_err().contains("no base64"));
    }

    #[tokio::test]
    async fn of_a_file_that_cannot_be_written_nothing_is_left() {
        let path = std::env::temp_dir().join(format!("tintype-files-{}.png", std::process::id()));
        fs::write(&path, b"claimed").unwrap();
        // Opened to be read alone.
        let failed = Content::Here(vec![1, 2]).fill((fs::File::open(&path).unwrap(), path.clone())).await;
        assert!(failed.unwrap_err().message.starts_with("could not write"));
        assert!(!path.exists());
    }

    #[test]
    fn an_existing_file_is_kept_and_so_is_one_that_is_being_written() {
        let folder = std::env::temp_dir().join(format!("tintype-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.png"), b"first").unwrap();
        // Each name is taken before anything is in it.
        let claimed = [claim(&folder, "a.png").unwrap(), claim(&folder, "a.png").unwrap()];
        let kept = fs::read(folder.join("a.png")).unwrap();
        let missing = claim(&folder.join("none"), "a.png").map(drop);
        fs::remove_dir_all(&folder).unwrap();
        let names = claimed.map(|(_, path)| path.file_name().unwrap().to_owned());
        assert_eq!((names, kept), (["a-2.png", "a-3.png"].map(Into::into), b"first".to_vec()));
        assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

//! The files in a result: objects with a `url`, wherever they stand.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde_json::Value;

use crate::{api::Api, failure::Failure};

/// What is left of a text that is too long to show.
const SHOWN: usize = 200;

/// Saves every file under its own name; an existing file of that name is kept, the new one gets a number.
pub(crate) async fn save(api: &Api, result: &Value, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    fs::create_dir_all(folder)
        .map_err(|error| Failure::new(format!("could not make {}: {error}", folder.display())))?;
    let mut saved = Vec::new();
    for file in find(result) {
        let bytes = fetch(api, &file.url).await?;
        let path = free_path(folder, &file.name);
        fs::write(&path, bytes)
            .map_err(|error| Failure::new(format!("could not write {}: {error}", path.display())))?;
        saved.push(path);
    }
    Ok(saved)
}

async fn fetch(api: &Api, url: &str) -> Result<Vec<u8>, Failure> {
    if let Some((_, encoded)) = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        return BASE64_STANDARD.decode(encoded).map_err(Failure::from);
    }
    let response = api.send(api.to(Method::GET, url)).await?;
    Ok(response.bytes().await?.into())
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

fn is_file(url: &str) -> bool {
    ["http://", "https://", "data:"].iter().any(|scheme| url.starts_with(scheme))
}

/// The file's own name, made harmless: it comes from elsewhere and must not choose a folder.
fn name(url: &str, file: &Value) -> String {
    let last = || url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or("");
    let given = file["file_name"].as_str().unwrap_or_else(|| if url.starts_with("data:") { "" } else { last() });
    let kept = |letter: &char| letter.is_alphanumeric() || "-_.".contains(*letter);
    let name: String = given.chars().filter(kept).take(100).collect();
    let name = name.trim_start_matches('.');
    let extension = match file["content_type"].as_str().or_else(|| url.strip_prefix("data:")?.split(';').next()) {
        Some("image/png") => ".png",
        Some("image/jpeg") => ".jpg",
        Some("image/webp") => ".webp",
        _ => "",
    };
    match name {
        "" => format!("file{extension}"),
        name if name.contains('.') => name.to_owned(),
        name => format!("{name}{extension}"),
    }
}

fn free_path(folder: &Path, name: &str) -> PathBuf {
    let (stem, extension) =
        name.rsplit_once('.').map_or((name, String::new()), |(stem, rest)| (stem, format!(".{rest}")));
    let numbered = (2..).map(|number| folder.join(format!("{stem}-{number}{extension}")));
    let mut candidates = std::iter::once(folder.join(name)).chain(numbered);
    candidates.find(|path| !path.exists()).unwrap_or_else(|| folder.join(name))
}

/// The same without texts that fill the screen.
pub(super) fn shorten(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > 4 * SHOWN && text.starts_with("data:") => {
            let head: String = text.chars().take(SHOWN / 4).collect();
            Value::String(format!("{head}… ({} bytes; -o DIR saves it)", text.len()))
        }
        Value::Array(items) => items.into_iter().map(shorten).collect(),
        Value::Object(members) => members.into_iter().map(|(key, value)| (key, shorten(value))).collect(),
        other => other,
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
    fn an_existing_file_is_kept() {
        let folder = std::env::temp_dir().join(format!("tintype-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.png"), b"").unwrap();
        let path = free_path(&folder, "a.png");
        fs::remove_dir_all(&folder).unwrap();
        assert!(path.ends_with("a-2.png"), "{}", path.display());
    }
}

//! The files that an input names, on their way to the server.
//!
//! Small ones travel inside of the input. Others go into the server's storage first, as with the official clients: a
//! call's own body may not be large, and a file need never be in memory.

use std::{
    io,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures::{Stream, stream};
use indicatif::HumanBytes;
use reqwest::{
    Body, Method,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use serde_json::{Value, json};
use tokio::{
    fs::{self, File},
    io::{AsyncRead, AsyncReadExt},
};

use super::types::content_type;
use crate::{
    api::Api,
    failure::Failure,
    print::{Output, text},
};

const SMALL: u64 = 1 << 20;
/// Bytes of all files that travel inside of one input.
const MOST_INSIDE: u64 = 8 << 20;
/// Read from the disk at once.
const PIECE: usize = 1 << 18;

/// Puts in the place of each text `@FILE` the address of that file.
pub(super) async fn send(api: &Api, input: &mut Value, output: Output) -> Result<(), Failure> {
    let mut found = Vec::new();
    collect(input, &mut found);
    let mut inside = 0;
    for (place, path) in found {
        let unreadable = |error| unreadable(&path, &error);
        let about = fs::metadata(&path).await.map_err(unreadable)?;
        let bytes = about.len();
        // What is no file, such as a pipe, tells no length ahead.
        let address = if !about.is_file() || (bytes <= SMALL && inside + bytes <= MOST_INSIDE) {
            inside += bytes;
            let content = fs::read(&path).await.map_err(unreadable)?;
            format!("data:{};base64,{}", content_type(&path), BASE64_STANDARD.encode(content))
        } else {
            output.remark(&format!("sending {} ({})", path.display(), HumanBytes(bytes)));
            upload(api, &path, bytes).await.map_err(|failure| Failure {
                message: format!("could not send {}: {failure}", path.display()),
                ..failure
            })?
        };
        *place = Value::String(address);
    }
    Ok(())
}

fn collect<'a>(value: &'a mut Value, found: &mut Vec<(&'a mut Value, PathBuf)>) {
    if let Some(path) = value.as_str().and_then(named) {
        found.push((value, path));
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| collect(item, found)),
        Value::Object(members) => members.values_mut().for_each(|member| collect(member, found)),
        _ => {}
    }
}

/// The file that a text names.
fn named(text: &str) -> Option<PathBuf> {
    let path = PathBuf::from(text.strip_prefix('@')?);
    path.metadata().is_ok_and(|found| !found.is_dir()).then_some(path)
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("could not read {}: {error}", path.display()))
}

async fn upload(api: &Api, path: &Path, bytes: u64) -> Result<String, Failure> {
    let file = File::open(path).await.map_err(|error| unreadable(path, &error))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let wanted = json!({ "file_name": name, "content_type": content_type(path) });
    let initiate = api.request(Method::POST, "/storage/upload/initiate?storage_type=fal-cdn-v3").json(&wanted);
    let begun = api.json(initiate).await?;
    // The length was told: what is appended meanwhile is no part of it.
    let body = Body::wrap_stream(pieces(file.take(bytes)));
    let put = api.to(Method::PUT, &api.local(&text(&begun, "upload_url"), "/files/signed/"));
    api.send(put.header(CONTENT_TYPE, content_type(path)).header(CONTENT_LENGTH, bytes).body(body)).await?;
    Ok(text(&begun, "file_url"))
}

fn pieces(file: impl AsyncRead + Send + Unpin) -> impl Stream<Item = io::Result<Vec<u8>>> + Send {
    stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok((read > 0).then_some((piece, file)))
    })
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    #[test]
    fn files_are_found_wherever_a_text_names_one() {
        let path = std::env::temp_dir().join(format!("tintype-upload-{}.bin", std::process::id()));
        std::fs::write(&path, b"abc").unwrap();
        let at = format!("@{}", path.display());
        let folder = format!("@{}", std::env::temp_dir().display());
        let mut input = json!({"a": [at, {"path": at}], "b": at, "c": "@nobody", "d": folder, "e": "@", "f": 1});
        let mut found = Vec::new();
        collect(&mut input, &mut found);
        let found: Vec<_> = found.into_iter().map(|(_, path)| path).collect();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(found, [path.clone(), path.clone(), path]);
    }

    #[tokio::test]
    async fn a_file_goes_in_pieces() {
        let content = vec![7; 2 * PIECE + 5];
        let sent: Vec<_> = pieces(content.as_slice()).try_collect().await.unwrap();
        assert_eq!((sent.len(), sent.concat() == content), (3, true));
    }
}

//! Bodies into objects.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use tintype_blob::Stored;
use tintype_domain::Timestamp;
use tintype_store::FileRecord;

use super::{caller::Caller, error::Error, files::Files, lifecycle::Lifecycle, name::sanitized};

const FILE_NAME: &str = "x-fal-file-name";
const DEFAULT_TYPE: &str = "application/octet-stream";

/// What is known of a file before its bytes.
pub(crate) struct Announced {
    pub name: String,
    pub content_type: String,
}

impl Announced {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let content_type = content_type(headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()));
        // The name may hold UTF-8, which a header value does not have to be text for.
        let given = headers.get(FILE_NAME).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let name = given.map_or_else(|| default_name(&content_type), |given| sanitized(&given));
        Self { name, content_type }
    }
}

/// The type as it will be served, if it can be a header at all.
pub(crate) fn content_type(given: Option<&str>) -> String {
    let given = given.map(str::trim).filter(|given| given.len() <= 255 && given.contains('/'));
    given.filter(|given| HeaderValue::from_str(given).is_ok()).unwrap_or(DEFAULT_TYPE).to_owned()
}

/// `file.png` for `image/png`.
fn default_name(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or("").trim();
    let extension = match essence {
        "image/jpeg" => "jpg",
        "text/plain" => "txt",
        "audio/mpeg" => "mp3",
        DEFAULT_TYPE => "bin",
        other => other.split_once('/').map_or("bin", |(_, subtype)| subtype),
    };
    sanitized(&format!("file.{extension}"))
}

impl Files {
    /// Writes a body as the object `id`. Nothing is left of a body that breaks off.
    pub(crate) async fn receive(&self, id: &str, headers: &HeaderMap, body: Body) -> Result<Stored, Error> {
        let limit = self.max_upload_bytes;
        refuse_early(headers, limit)?;
        Ok(self.blobs.put(id, timed(body, self.body_idle), limit).await?)
    }

    /// Records a stored object as a file; without its record it could never be reached, so it is removed again.
    pub(crate) async fn keep(&self, file: FileRecord) -> Result<(), Error> {
        let id = file.id.clone();
        let kept = self.store.insert_file(file).await;
        if kept.is_err() {
            // Should this fail as well, the sweeper finds it.
            let _ = self.blobs.delete(&id).await;
        }
        Ok(kept?)
    }

    pub(crate) fn record(&self, stored: &Stored, announced: Announced, caller: &Caller, kept: Lifecycle) -> FileRecord {
        let now = self.now();
        FileRecord {
            id: stored.id.clone(),
            name: announced.name,
            account: caller.account.clone(),
            content_type: announced.content_type,
            size: stored.size,
            digest: stored.digest.clone(),
            acl: kept.acl,
            created_at: now,
            expires_at: expiry(now, kept.lifetime),
        }
    }
}

/// A body that announces its size need not be sent to be refused.
pub(crate) fn refuse_early(headers: &HeaderMap, limit: u64) -> Result<(), Error> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit) { Err(Error::TooLarge { limit }) } else { Ok(()) }
}

pub(crate) fn expiry(now: Timestamp, lifetime: Option<Duration>) -> Option<Timestamp> {
    lifetime.map(|lifetime| now.plus(lifetime))
}

/// A body that falls silent is over, or its connection would be held for ever.
pub(crate) fn timed(body: Body, idle: Duration) -> impl Stream<Item = Result<Bytes, axum::BoxError>> + Send {
    futures::stream::unfold(body.into_data_stream(), move |mut body| async move {
        let next = tokio::time::timeout(idle, body.next()).await;
        let chunk = next.unwrap_or_else(|late| Some(Err(axum::Error::new(late))))?;
        Some((chunk.map_err(Into::into), body))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(headers: &[(&'static str, &[u8])]) -> (String, String) {
        let pair =
            |(name, value): &(&'static str, &[u8])| (name.parse().unwrap(), HeaderValue::from_bytes(value).unwrap());
        let Announced { name, content_type } = Announced::of(&headers.iter().map(pair).collect());
        (name, content_type)
    }

    #[test]
    fn a_file_without_a_name_is_named_by_its_type() {
        assert_eq!(announced(&[("content-type", b"image/png")]), ("file.png".into(), "image/png".into()));
        assert_eq!(announced(&[]), ("file.bin".into(), "application/octet-stream".into()));
        assert_eq!(announced(&[("content-type", b"image/svg+xml; x=1")]).0, "file.svg+xml");
    }

    #[test]
    fn names_and_types_of_strangers_are_made_harmless() {
        let headers: &[(_, &[u8])] = &[("content-type", b"nonsense"), ("x-fal-file-name", b"../../a b.png")];
        assert_eq!(announced(headers), ("a b.png".into(), "application/octet-stream".into()));
        assert_eq!(announced(&[("x-fal-file-name", "é.png".as_bytes())]).0, "é.png");
        assert_eq!(announced(&[("x-fal-file-name", b"\xff\xfe.png")]).0, "__.png");
    }
}

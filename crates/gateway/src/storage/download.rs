//! `GET` and `HEAD /files/b/{id}/{name}`: a file, whole or in part.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tintype_blob::Signature;
use tintype_domain::Timestamp;
use tintype_store::FileRecord;

use super::{
    conditions::{Answer, Current, answer, http_date},
    error::Error,
    files::Files,
    name::disposition,
    policy,
    share::reading,
};

/// Longest time for which a copy may be used without asking: deleting shall mean gone, soon and everywhere.
const MAX_AGE: Duration = Duration::from_secs(3600);
/// Lets a document neither run scripts, nor call home, nor act in this server's name.
const CAGE: HeaderValue = HeaderValue::from_static(
    "sandbox; default-src 'none'; img-src data:; media-src data:; font-src data:; style-src 'unsafe-inline'",
);

pub(crate) async fn serve(
    State(files): State<Files>,
    Path((id, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let file = files.readable(&id, &name, &headers, query.as_deref()).await?;
    let etag = format!("\"{}\"", file.digest);
    let current = Current { etag: &etag, modified: file.created_at, size: file.size };
    let mut response = match answer(&headers, &current) {
        Answer::NotModified => StatusCode::NOT_MODIFIED.into_response(),
        Answer::PreconditionFailed => return Err(Error::Precondition { etag }),
        Answer::Unsatisfiable(found) => return Err(Error::Range { found, size: file.size }),
        Answer::Whole => files.bytes(&file, 0..file.size, &method).await?,
        Answer::Part(part) => {
            let range = format!("bytes {}-{}/{}", part.start, part.end - 1, file.size);
            let mut response = files.bytes(&file, part, &method).await?;
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            set(response.headers_mut(), header::CONTENT_RANGE, &range);
            response
        }
    };
    describe(response.headers_mut(), &file, &etag, files.now());
    Ok(response)
}

impl Files {
    /// The file, if it is there under that name and the reader may have it.
    async fn readable(
        &self,
        id: &str,
        name: &str,
        headers: &HeaderMap,
        query: Option<&str>,
    ) -> Result<FileRecord, Error> {
        let file = self.live(id).await?;
        if file.name != name {
            return Err(Error::NoFile);
        }
        if policy::is_public(&file) || self.is_signed_for_reading(id, query) {
            return Ok(file);
        }
        policy::admit(&file, self.reader(headers).await.as_ref())?;
        Ok(file)
    }

    /// A file whose time has not passed.
    pub(crate) async fn live(&self, id: &str) -> Result<FileRecord, Error> {
        let file = self.store.file(id).await?;
        file.filter(|file| file.expires_at.is_none_or(|end| end > self.now())).ok_or(Error::NoFile)
    }

    fn is_signed_for_reading(&self, id: &str, query: Option<&str>) -> bool {
        let signature = query.and_then(|query| Signature::from_query(query).ok());
        signature.is_some_and(|signature| self.signer.verify(&reading(id), &signature, self.now()).is_ok())
    }

    async fn bytes(&self, file: &FileRecord, part: std::ops::Range<u64>, method: &Method) -> Result<Response, Error> {
        let length = part.end - part.start;
        let body = match *method {
            Method::HEAD => Body::empty(),
            _ => Body::from_stream(self.blobs.read(&file.id, Some(part)).await?),
        };
        let mut response = Response::new(body);
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        Ok(response)
    }
}

fn describe(headers: &mut HeaderMap, file: &FileRecord, etag: &str, now: Timestamp) {
    set(headers, header::CONTENT_TYPE, &file.content_type);
    set(headers, header::ETAG, etag);
    set(headers, header::CONTENT_DISPOSITION, &disposition(&file.name));
    set(headers, header::CACHE_CONTROL, &cache_control(file, now));
    if let Some(date) = http_date(file.created_at) {
        set(headers, header::LAST_MODIFIED, &date);
    }
    if !policy::is_public(file) {
        headers.insert(header::VARY, HeaderValue::from_static("authorization"));
    }
    if !is_inert(&file.content_type) {
        headers.insert(header::CONTENT_SECURITY_POLICY, CAGE);
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // The type is what the sender said; a browser that guesses another could be made to run the file.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("cross-origin"));
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Whatever cannot be a header is left out rather than costing the reader the file.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn cache_control(file: &FileRecord, now: Timestamp) -> String {
    let left = file.expires_at.map_or(MAX_AGE, |end| end.since(now)).min(MAX_AGE);
    let scope = if policy::is_public(file) { "public" } else { "private" };
    format!("{scope}, max-age={}", left.as_secs())
}

/// Kinds that no browser runs. Everything else is shown in a cage, so that a picture with scripts in it cannot act
/// in the name of this server.
fn is_inert(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match essence.split_once('/') {
        Some(("image", subtype)) => !subtype.contains("svg") && !subtype.contains("xml"),
        Some(("audio" | "video" | "font" | "model", subtype)) => !subtype.contains("xml"),
        Some(("application", "pdf" | "octet-stream" | "json" | "zip") | ("text", "plain")) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_caged() {
        for kind in
            ["text/html", "image/svg+xml", "IMAGE/SVG+XML; charset=x", "application/xhtml+xml", "text/xml", "x/y", ""]
        {
            assert!(!is_inert(kind), "{kind}");
        }
        for kind in
            ["image/png", "image/webp", "video/mp4", "audio/mpeg", "text/plain; charset=utf-8", "application/json"]
        {
            assert!(is_inert(kind), "{kind}");
        }
    }
}

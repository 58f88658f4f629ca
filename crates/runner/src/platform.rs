//! The platform's socket, through which a runner's files come and go. The only thing it ever dials.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tintype_engine::{Detail, Invalid, Wanted};
use tokio::net::UnixStream;

use crate::{caller::Caller, problem::Problem};

/// Answers other than files are short.
const MAX_ANSWER: usize = 1 << 20;

#[derive(Clone)]
pub(crate) struct Platform(Option<Arc<Path>>);

type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("this runner was started without the platform's socket (`--platform`)")]
    NoSocket,
    #[error("it answered {status}: {body}")]
    Refused { status: StatusCode, body: String },
    #[error("its answer has no `access_url`")]
    NoUrl,
}

struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl Platform {
    pub fn new(socket: Option<PathBuf>) -> Self {
        Self(socket.map(Into::into))
    }

    /// The bytes behind a URL in the input, as the caller's account may read them.
    pub async fn fetch(&self, caller: &Caller, wanted: &Wanted) -> Result<Bytes, Problem> {
        let body = json!({ "url": wanted.url, "max_bytes": wanted.max_bytes }).to_string();
        let request = Self::request(caller, "/fetch", "application/json").body(Full::from(body));
        let limit = usize::try_from(wanted.max_bytes).unwrap_or(usize::MAX).saturating_add(MAX_ANSWER);
        let answer = self.call(request, limit).await.map_err(|source| Problem::Platform { task: "fetch", source })?;
        match answer.status {
            StatusCode::OK => Ok(answer.body),
            StatusCode::UNPROCESSABLE_ENTITY => Err(Problem::Invalid(about(&wanted.field, &answer.body))),
            status => Err(Problem::Platform { task: "fetch the file", source: refused(status, &answer.body) }),
        }
    }

    /// Stores a file for the caller's account and returns its URL.
    pub async fn upload(&self, caller: &Caller, name: &str, kind: &str, bytes: Bytes) -> Result<String, Problem> {
        self.try_upload(caller, name, kind, bytes)
            .await
            .map_err(|source| Problem::Platform { task: "store the result", source })
    }

    async fn try_upload(&self, caller: &Caller, name: &str, kind: &str, bytes: Bytes) -> Result<String, Cause> {
        let mut request = Self::request(caller, "/files/upload", kind).header("x-fal-file-name", name);
        if let Some(lifecycle) = &caller.lifecycle {
            request = request.header("x-fal-object-lifecycle-preference", lifecycle);
        }
        let answer = self.call(request.body(Full::from(bytes)), MAX_ANSWER).await?;
        if !answer.status.is_success() {
            return Err(refused(answer.status, &answer.body));
        }
        let answer: Value = serde_json::from_slice(&answer.body)?;
        Ok(answer["access_url"].as_str().ok_or(CallError::NoUrl)?.to_owned())
    }

    fn request(caller: &Caller, path: &str, kind: &str) -> http::request::Builder {
        let token = caller.cdn_token.as_deref().unwrap_or_default();
        Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, "platform")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, kind)
    }

    async fn call(&self, request: http::Result<Request<Full<Bytes>>>, limit: usize) -> Result<Answer, Cause> {
        let socket = self.0.as_deref().ok_or(CallError::NoSocket)?;
        let stream = UnixStream::connect(socket).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends when the answer has been read or this call was dropped: both close the connection.
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request?).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), limit).collect().await?.to_bytes();
        connection.abort();
        Ok(Answer { status, body })
    }
}

fn refused(status: StatusCode, body: &[u8]) -> Cause {
    CallError::Refused { status, body: String::from_utf8_lossy(body).chars().take(500).collect() }.into()
}

/// The platform's findings about a URL, moved to the field that held it.
fn about(field: &str, body: &[u8]) -> Invalid {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let details = answer["detail"].as_array().into_iter().flatten().map(|found| {
        let kind = text(&found["type"]).unwrap_or_else(|| "file_download_error".into());
        let mut detail = Detail::new(field, &kind, text(&found["msg"]).unwrap_or_else(|| "Could not download.".into()));
        detail.ctx = found["ctx"].as_object().cloned().unwrap_or_default();
        detail.input = found.get("input").cloned();
        detail
    });
    let details: Vec<Detail> = details.collect();
    if details.is_empty() {
        return Detail::new(field, "file_download_error", "The file could not be downloaded.").into();
    }
    Invalid(details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_platform_finds_wrong_with_a_url_is_said_of_the_field() {
        let body = br#"{"detail":[{"loc":["body","url"],"msg":"m","type":"file_too_large","ctx":{"max_size":5}}]}"#;
        let Invalid(details) = about("mask_url", body);
        assert_eq!(details, [Detail::new("mask_url", "file_too_large", "m").with("max_size", 5)]);
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_still_an_error_about_the_field() {
        let Invalid(details) = about("image_url", b"<html>");
        assert_eq!(details[0].kind, "file_download_error");
    }
}

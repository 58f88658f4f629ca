//! `POST /fetch`, for runners: the bytes behind a URL that a request named.
//!
//! Own files are read directly, as the account on whose behalf the runner works; all others go through the outbound
//! door with its checks. The answer to a bad URL is a model error (422), because the URL is the caller's input.

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tintype_domain::AccountId;
use tintype_outbound::{DownloadError, Limits, TargetError};
use tintype_wire::error::FieldError;

use super::{body::Small, error::Error, files::Files, links::OwnFile, policy};

/// Most bytes that a runner gets when it does not say, and of a foreign file at all: that passes through memory.
const DEFAULT_MAX_BYTES: u64 = 100 << 20;

#[derive(Deserialize)]
struct Wanted {
    url: String,
    #[serde(default)]
    max_bytes: Option<u64>,
}

pub(crate) async fn fetch(State(files): State<Files>, headers: HeaderMap, body: Small) -> Result<Response, Error> {
    let account = files.caller(&headers).await?.account;
    let wanted: Wanted = body.json("url", "{\"url\": \"https://...\", \"max_bytes\": n}")?;
    let limit = wanted.max_bytes.unwrap_or(DEFAULT_MAX_BYTES);
    let got = match files.own_file(&wanted.url) {
        Some(own) => files.read_own(&own, &account, limit, &wanted.url).await,
        None => files.read_foreign(&wanted.url, limit).await,
    };
    Ok(got.unwrap_or_else(|problem| problem.answer(&wanted.url)))
}

/// What the caller is told about their URL.
struct Problem {
    kind: &'static str,
    message: String,
    ctx: Option<Value>,
}

impl Problem {
    fn unreachable(why: impl std::fmt::Display) -> Self {
        let message = format!(
            "Failed to download the file: {why}. Check the URL, upload the file to this server, or send a data URI."
        );
        Self { kind: "file_download_error", message, ctx: None }
    }

    fn too_large(limit: u64) -> Self {
        let message = format!("The file is too large: at most {limit} bytes are allowed.");
        Self { kind: "file_too_large", message, ctx: Some(json!({"max_size": limit})) }
    }

    fn too_large_abroad(limit: u64) -> Self {
        let Self { kind, message, ctx } = Self::too_large(limit);
        let message = message.trim_end_matches('.').to_owned() + " from elsewhere; upload the file to this server.";
        Self { kind, message, ctx }
    }

    fn answer(self, url: &str) -> Response {
        let mut error = FieldError::new(self.kind, &["body", "url"], self.message).input(&url.into());
        error.ctx = self.ctx;
        (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"detail": [error]}))).into_response()
    }
}

impl Files {
    async fn read_own(&self, own: &OwnFile, account: &AccountId, limit: u64, url: &str) -> Result<Response, Problem> {
        let file = match self.live(&own.id).await {
            Ok(file) if file.name == own.name => file,
            // An address of the hosted service may have the same form as ours.
            Ok(_) | Err(Error::NoFile) if !own.certain => return self.read_foreign(url, limit).await,
            Ok(_) => return Err(Problem::unreachable(Error::NoFile)),
            Err(error) => return Err(Problem::unreachable(error)),
        };
        policy::admit(&file, Some(account)).map_err(Problem::unreachable)?;
        if file.size > limit {
            return Err(Problem::too_large(limit));
        }
        let reader = self.blobs.read(&file.id, None).await.map_err(Problem::unreachable)?;
        Ok(answer(Some(&file.content_type), file.size, Body::from_stream(reader)))
    }

    async fn read_foreign(&self, url: &str, wanted: u64) -> Result<Response, Problem> {
        let limits = Limits { max_bytes: wanted.min(DEFAULT_MAX_BYTES), ..Limits::default() };
        match self.outbound.download(url, limits).await {
            Ok(got) => Ok(answer(got.content_type.as_deref(), got.bytes.len() as u64, Body::from(got.bytes))),
            Err(DownloadError::TooLarge { limit }) if limit < wanted => Err(Problem::too_large_abroad(limit)),
            Err(DownloadError::TooLarge { limit }) => Err(Problem::too_large(limit)),
            Err(error @ DownloadError::Target(TargetError::Refused(_))) => {
                Err(Problem::unreachable(format!("{error}, for safety")))
            }
            Err(error) => Err(Problem::unreachable(error)),
        }
    }
}

fn answer(content_type: Option<&str>, length: u64, body: Body) -> Response {
    let mut response = Response::new(body);
    let kind = content_type.and_then(|kind| HeaderValue::from_str(kind).ok());
    let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}

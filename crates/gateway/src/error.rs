//! Every error that a caller can get: one enum, matched once to a status and a stable code.
//!
//! Each code has a page in `docs/errors/`.

mod code;
mod respond;

pub(crate) use respond::{InPlatform, json_response};

use std::borrow::Cow;

use tintype_access::AuthError;
use tintype_dispatch::SubmitError;
use tintype_domain::{EndpointIdError, Failure, RequestIdError};
use tintype_store::StoreError;
use tintype_wire::{error::FieldError, json::JsonError, request::HeaderError};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no key was given: send `Authorization: Key id:secret`, which the clients do when FAL_KEY is set")]
    NoKey,
    #[error("`Authorization` must be `Key id:secret` or `Bearer token`; found the scheme `{found}`")]
    AuthorizationForm { found: String },
    #[error("{0}")]
    Auth(AuthError),
    #[error("the token does not open `{endpoint}`: it was made for {allowed}")]
    TokenScope { endpoint: String, allowed: String },
    #[error(
        "app `{app}` is private: only a key of its owner calls it; `fal deploy --auth shared` opens it to every key"
    )]
    PrivateApp { app: String },
    #[error("this needs a key with the scope ADMIN; `{key}` has the scope API")]
    NotAdmin { key: String },

    #[error("{0}")]
    EndpointForm(EndpointIdError),
    #[error("endpoint `{endpoint}` is not served here{}", did_you_mean(.nearest))]
    UnknownEndpoint { endpoint: String, nearest: Vec<String> },
    #[error("endpoint `{endpoint}` cannot answer, because its weights are not installed: {hint}")]
    NotInstalled { endpoint: String, hint: String },
    #[error("no price is stated for endpoint `{endpoint}`")]
    NoPrice { endpoint: String },
    #[error("what calls of `{endpoint}` used to cost is not recorded here: ask with `estimate_type` `unit_price`")]
    NoHistory { endpoint: String },
    #[error("nothing is served at `{path}`")]
    NoRoute { path: String },
    #[error("method {found} is not allowed here: use {allowed}")]
    Method { found: String, allowed: Cow<'static, str> },

    #[error("{0}")]
    RequestId(RequestIdError),
    #[error("request `{id}` is not known: it never was, it belongs to another account or app, or it has expired")]
    UnknownRequest { id: String },
    #[error("request `{id}` is still in progress: ask its status until it is COMPLETED, then read the result")]
    InProgress { id: String },
    #[error("the result of request `{id}` is no longer kept")]
    ResultGone { id: String },

    #[error("there is no key `{id}` in force: `tintype keys list` shows those that are")]
    UnknownKey { id: String },

    #[error("key `{id}` is the last with the scope ADMIN: make another first, with `tintype keys create --admin`")]
    LastAdminKey { id: String },

    #[error("{0}")]
    Header(HeaderError),
    #[error("query parameter `{name}` is `{found}`: {expected}")]
    Query { name: &'static str, found: String, expected: &'static str },
    /// In the words of whoever read the query string or the path.
    #[error("{detail}")]
    Refused { detail: String },
    #[error("the body is `{found}`: send JSON as `application/json`")]
    ContentType { found: String },
    #[error("the body has the content encoding `{found}`: send it unpacked, without `Content-Encoding`")]
    ContentEncoding { found: String },
    #[error("the body is larger than {limit} bytes, the most that is accepted here: pass large media as URLs")]
    BodyTooLarge { limit: usize },
    #[error("the body ended before all of it had arrived")]
    BodyCutOff,
    #[error("no byte of the body arrived for {secs} s")]
    BodyTooSlow { secs: u64 },
    #[error("{0}")]
    Json(JsonError),
    #[error("{}", .0.msg)]
    Field(Box<FieldError>),
    #[error("header `x-fal-target-url` is missing: it names the address that the proxy is to call")]
    NoTarget,
    #[error("`x-fal-target-url` is `{found}`: expected an address on a fal host or on this server")]
    Target { found: String },
    #[error("a WebSocket handshake is needed here: {missing}")]
    NotASocket { missing: &'static str },

    #[error("{}", submit_detail(.0))]
    Submit(SubmitError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{detail}")]
    Unavailable { detail: String },
    /// The platform could not get an answer. `by_caller`: the caller's own start deadline passed.
    #[error("{failure}")]
    Failure { failure: Failure, by_caller: bool },
    #[error("the server has a fault: it is in its log")]
    Internal,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failure { failure, by_caller: false }
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Store(source) => Self::Store(source),
            other => Self::Auth(other),
        }
    }
}

impl From<SubmitError> for Error {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Store(source) => Self::Store(source),
            other => Self::Submit(other),
        }
    }
}

impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl From<RequestIdError> for Error {
    fn from(error: RequestIdError) -> Self {
        Self::RequestId(error)
    }
}

impl From<Box<FieldError>> for Error {
    fn from(error: Box<FieldError>) -> Self {
        Self::Field(error)
    }
}

/// Dispatch does not know by which header a request came to have its key.
fn submit_detail(error: &SubmitError) -> String {
    match error {
        SubmitError::KeyReused { existing } => format!(
            "this `Idempotency-Key` was used before, for request `{existing}` with another method, endpoint or body: \
             use a fresh key for each distinct request"
        ),
        other => other.to_string(),
    }
}

fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => ": `GET /v1/models` lists what is".to_owned(),
        [only] => format!("; did you mean `{only}`?"),
        [some @ .., last] => format!("; did you mean `{}` or `{last}`?", some.join("`, `")),
    }
}

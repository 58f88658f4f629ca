//! Bodies of calls: read whole within limits, and looked at before anything else sees them.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, Method,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
};
use http_body_util::BodyExt;
use tintype_wire::json;

use crate::{Error, Gateway, room::Share};

/// The input of a call.
pub(crate) struct Input {
    pub bytes: Bytes,
    /// It has been looked at, and is JSON whatever it was declared to be.
    pub is_json: bool,
}

/// Which inputs an app takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taste {
    Json,
    /// The app is someone's own server: what is not JSON is for it to judge.
    Anything,
}

/// Reads the input of a call. A method that carries input and brings none means `{}`.
pub(crate) async fn input(
    gateway: &Gateway,
    method: &Method,
    headers: &HeaderMap,
    body: Body,
    taste: Taste,
) -> Result<Input, Error> {
    unencoded(headers)?;
    let bytes = read(gateway, headers, body).await?;
    if bytes.is_empty() {
        let carries_input = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
        let bytes = if carries_input { Bytes::from_static(b"{}") } else { bytes };
        return Ok(Input { is_json: !bytes.is_empty(), bytes });
    }
    if taste == Taste::Anything && is_of_another_kind(headers) {
        return Ok(Input { bytes, is_json: false });
    }
    match json::check(&bytes, gateway.options.max_json_depth) {
        Ok(()) => Ok(Input { bytes, is_json: true }),
        // The media type decides only what the error says: `curl -d` declares JSON to be a form.
        Err(json::JsonError::Malformed { .. }) if !is_json(headers) && !begins_as_json(&bytes) => match taste {
            Taste::Anything => Ok(Input { bytes, is_json: false }),
            Taste::Json => Err(Error::ContentType { found: content_type(headers).chars().take(80).collect() }),
        },
        Err(error) => Err(Error::Json(error)),
    }
}

/// Declared to be something that nobody sends by mistake.
fn is_of_another_kind(headers: &HeaderMap) -> bool {
    let declared = content_type(headers).split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    !is_json(headers) && !matches!(declared.as_str(), "application/x-www-form-urlencoded" | "text/plain")
}

/// Refuses bodies that are compressed: nothing here unpacks them, and their bytes would be taken for broken JSON.
pub(crate) fn unencoded(headers: &HeaderMap) -> Result<(), Error> {
    let values = headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let found = values.collect::<Vec<_>>().join(", ");
    let mut codings = found.split(',').map(str::trim);
    if codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case("identity")) {
        return Ok(());
    }
    Err(Error::ContentEncoding { found: found.chars().take(80).collect() })
}

/// Reads a small JSON document of a route of the platform's own.
pub(crate) fn document(gateway: &Gateway, bytes: &[u8]) -> Result<(), Error> {
    json::check(bytes, gateway.options.max_json_depth).map_err(Error::Json)
}

async fn read(gateway: &Gateway, headers: &HeaderMap, mut body: Body) -> Result<Bytes, Error> {
    let (limit, idle) = (gateway.options.max_body_bytes, gateway.options.body_idle);
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|declared| declared > limit as u64) {
        return Err(Error::BodyTooLarge { limit });
    }
    // A length that was only declared has taken no memory yet.
    let (mut whole, mut share) = (BytesMut::new(), Share::default());
    loop {
        let frame = tokio::time::timeout(idle, body.frame()).await;
        let frame = frame.map_err(|_| Error::BodyTooSlow { secs: idle.as_secs() })?;
        let Some(frame) = frame else { return Ok(share.hold(whole.freeze())) };
        let Ok(data) = frame.map_err(|_| Error::BodyCutOff)?.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(Error::BodyTooLarge { limit });
        }
        gateway.room.grow(&mut share, whole.len() + data.len())?;
        // Most inputs arrive in one piece, which then needs no copy.
        if whole.is_empty() && declared == Some(data.len() as u64) {
            return Ok(share.hold(data));
        }
        whole.extend_from_slice(&data);
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Whatever its declared type, a body that begins so was meant to be JSON.
fn begins_as_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['))
}

fn is_json(headers: &HeaderMap) -> bool {
    let declared = content_type(headers).split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    declared.is_empty() || declared == "application/json" || declared.ends_with("+json")
}

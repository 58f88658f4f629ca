//! The opening handshake, on both sides.

use axum::{body::Body, response::Response};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use crate::Error;

/// Whether a request asks to become a WebSocket.
pub(crate) fn is_asked(headers: &HeaderMap) -> bool {
    has_word(headers, UPGRADE.as_str(), "websocket")
}

/// The proof that the caller's key was read, or what the handshake lacks.
pub(crate) fn accept(method: &Method, headers: &HeaderMap) -> Result<String, Error> {
    let missing = |missing| Err(Error::NotASocket { missing });
    if *method != Method::GET {
        return missing("its method must be GET");
    }
    if !has_word(headers, UPGRADE.as_str(), "websocket") || !has_word(headers, CONNECTION.as_str(), "upgrade") {
        return missing("`Connection: Upgrade` and `Upgrade: websocket` are needed");
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return missing("`Sec-WebSocket-Version` must be 13");
    }
    match headers.get(SEC_WEBSOCKET_KEY) {
        Some(key) => Ok(derive_accept_key(key.as_bytes())),
        None => missing("`Sec-WebSocket-Key` is missing"),
    }
}

/// The answer that makes the connection a WebSocket. Compression is declined: frames are passed on as they are.
pub(crate) fn switching(accept: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::try_from(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// The headers by which the platform asks a runner for a WebSocket of its own.
pub(crate) fn ask(headers: &mut HeaderMap) {
    headers.remove(SEC_WEBSOCKET_EXTENSIONS);
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    if let Ok(key) = HeaderValue::try_from(generate_key()) {
        headers.insert(SEC_WEBSOCKET_KEY, key);
    }
}

fn has_word(headers: &HeaderMap, name: &str, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    const WHOLE: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn a_whole_handshake_is_accepted_with_its_proof() {
        assert_eq!(accept(&Method::GET, &map(&WHOLE)).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn each_missing_part_is_named() {
        for left_out in 0..WHOLE.len() {
            let mut parts = WHOLE.to_vec();
            parts.remove(left_out);
            assert!(matches!(accept(&Method::GET, &map(&parts)), Err(Error::NotASocket { .. })), "{left_out}");
        }
        assert!(accept(&Method::POST, &map(&WHOLE)).is_err());
    }
}

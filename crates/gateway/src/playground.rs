//! `/playground/{owner}/{alias}[/path]`: a page on which a person tries an endpoint.
//!
//! The page is the same for all: it reads the schema as any client does, with the key that the person types, and it
//! holds no word of the app itself. So it needs no key and tells nothing.

use axum::response::{IntoResponse, Response};
use http::{
    Method,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
};

use crate::{Error, endpoint, front::Placed};

const PAGE: &str = include_str!("playground/page.html");
/// Pictures, sound and films of a result may come from where the app put them; nothing else leaves the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
     img-src * data:; media-src * data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn page(placed: &Placed) -> Result<Response, Error> {
    let method = placed.request.method();
    if method != Method::GET && method != Method::HEAD {
        return Err(Error::Method { found: method.to_string(), allowed: "GET, HEAD".into() });
    }
    // Only to tell a person who mistyped it; the page reads its own address.
    endpoint::parse(&placed.place.path)?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, PAGE).into_response())
}

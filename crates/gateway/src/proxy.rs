//! The route for browsers behind a page of their own: the header names the address, the answer is ours.
//!
//! Only this route reads `x-fal-target-url`. It calls nothing: the address says which of our own surfaces is meant.

use http::{HeaderValue, Method, header::AUTHORIZATION};
use tintype_wire::header::TARGET_URL;
use url::Url;

use crate::{
    Error, Gateway,
    front::Placed,
    place::{Place, Surface, is_hosted_name},
};

/// The request as if it had come to the address that it names.
pub(crate) fn retarget(gateway: &Gateway, mut placed: Placed) -> Result<Placed, Error> {
    let method = placed.request.method();
    if ![Method::GET, Method::POST, Method::PUT, Method::DELETE].contains(method) {
        return Err(Error::Method { found: method.to_string(), allowed: "GET, POST, PUT, DELETE, OPTIONS".into() });
    }
    let target = placed.request.headers_mut().remove(TARGET_URL).ok_or(Error::NoTarget)?;
    let found = String::from_utf8_lossy(target.as_bytes()).into_owned();
    let place = place(&placed, &found).ok_or(Error::Target { found: found.chars().take(200).collect() })?;
    placed.place = place.0;
    *placed.request.uri_mut() = place.1;
    if let Some(key) = &gateway.options.proxy_key
        && !placed.request.headers().contains_key(AUTHORIZATION)
        && let Ok(value) = HeaderValue::try_from(format!("Key {key}"))
    {
        placed.request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(placed)
}

fn place(placed: &Placed, found: &str) -> Option<(Place, http::Uri)> {
    let url = Url::parse(found).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?;
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    if !is_hosted_name(&authority) && authority != placed.origin.authority {
        return None;
    }
    let mut place = Place::of(&authority, url.path());
    // Addresses are minted on our own name, where the queue is found by its prefix.
    if place.surface == Surface::Queue && is_hosted_name(&authority) {
        place.prefix = "/queue";
    }
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let uri = format!("{}{query}", url.path()).parse().ok()?;
    (place.surface != Surface::Proxy).then_some((place, uri))
}

//! Accepts a request into the queue. The answer means that it is on stable storage.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use ring::digest;
use tintype_dispatch::Submitted;
use tintype_domain::{EndpointId, RequestId};
use tintype_store::{Idempotency, NewRequest};
use tintype_wire::submit::{self, Addresses};
use url::Url;

use crate::{
    Error, Gateway,
    body::{self, Input},
    call::named,
    caller::{self, Admitted},
    endpoint,
    error::json_response,
    front::Placed,
    headers::{self, Wishes},
    query::Query,
};

pub(super) async fn submit(gateway: &Gateway, placed: Placed) -> Response {
    let id = gateway.new_request_id();
    let base = placed.origin.base(gateway, placed.place.prefix);
    match accept(gateway, id, placed).await {
        Ok((endpoint, submitted)) => answer(&base, &endpoint, submitted),
        Err(error) => named(error.into_response(), id),
    }
}

fn answer(base: &str, endpoint: &EndpointId, submitted: Submitted) -> Response {
    let id = submitted.id.to_string();
    let addresses = Addresses::new(base, endpoint.app().as_str(), &id);
    let body = submit::Submitted::new(id, addresses, submitted.queue_position);
    named(json_response(StatusCode::OK, &body), submitted.id)
}

async fn accept(gateway: &Gateway, id: RequestId, placed: Placed) -> Result<(EndpointId, Submitted), Error> {
    let named = endpoint::parse(&placed.place.path)?;
    let (parts, body) = placed.request.into_parts();
    let admitted = caller::admit(gateway, &parts.headers, None, &named).await?;
    let now = gateway.clock.now();
    let wishes = Wishes::read(&parts.headers, now, admitted.is_owner())?;
    let query = Query::of(&parts.uri);
    let webhook = query.get("fal_webhook").map(webhook).transpose()?;
    let limit = query.number("fal_max_queue_length", "expected a whole number of waiting requests")?;
    let Input { bytes: body, is_json } =
        body::input(gateway, &parts.method, &parts.headers, body, admitted.taste()).await?;
    let Admitted { account, target, .. } = admitted;
    endpoint::installed(gateway, &target)?;
    let path = format!("{}{}", target.actual.path(), query.for_runner());
    let idempotency = wishes.idempotency_key.map(|key| Idempotency {
        fingerprint: fingerprint(&[parts.method.as_str(), target.actual.app().as_str(), &path], &body),
        expires_at: now.plus(gateway.options.idempotency_retention),
        key,
    });
    let request = NewRequest {
        id,
        account,
        app: target.actual.app().clone(),
        path,
        method: parts.method.to_string(),
        priority: wishes.priority,
        submitted_at: now,
        start_deadline: wishes.start_deadline,
        hint: wishes.hint,
        retry: wishes.retry,
        headers: headers::to_store(&headers::for_runner(&parts.headers, is_json)),
        body,
        webhook,
        keep_payloads: wishes.keep_payloads,
        idempotency,
    };
    Ok((target.named, gateway.dispatch.submit(request, limit).await?))
}

/// Where it may go is the outbound policy's, when the time comes; that it is an address at all is said now.
fn webhook(found: String) -> Result<String, Error> {
    let expected = "expected an absolute address that begins with http:// or https://";
    match Url::parse(&found) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() && found.len() <= 4096 => Ok(found),
        _ => Err(Error::Query { name: "fal_webhook", found: found.chars().take(80).collect(), expected }),
    }
}

/// A digest of what a repeat must share with the first request. Lengths go in, so that no two lists share bytes.
fn fingerprint(parts: &[&str], body: &[u8]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts.iter().map(|part| part.as_bytes()).chain([body]) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_an_absolute_http_address() {
        assert!(webhook("https://example.com/hook?x=1".into()).is_ok());
        for wrong in ["", "example.com/hook", "ftp://example.com", "http://", "javascript:alert(1)"] {
            assert!(webhook(wrong.into()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_fingerprint_tells_apart_where_one_part_ends() {
        assert_ne!(fingerprint(&["POST", "a/b", "/c"], b"{}"), fingerprint(&["POST", "a/b/", "c"], b"{}"));
        assert_ne!(fingerprint(&["POST"], b"1"), fingerprint(&["POST"], b"2"));
    }
}

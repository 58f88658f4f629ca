//! Direct calls: from the caller to a slot to the runner and back, with nothing in between.
//!
//! Dropping the future of a call, or the body of its answer, is how a caller that went away is noticed: the
//! lease goes with it, and dispatch tells the runner.

mod answer;
mod events;
mod relayed;

pub(crate) use answer::relay;

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::{BodyExt, Full};
use tintype_dispatch::{BoxBody, Call, Lease};
use tintype_domain::{AccountId, EndpointId, ErrorType, RequestId};
use tintype_wire::header::REQUEST_ID;

use crate::{
    Error, Gateway, body, caller, endpoint,
    headers::{self, Wishes},
    query::Query,
};

/// A call whose caller is proved and whose body is read.
pub(crate) struct Direct {
    pub id: RequestId,
    pub account: AccountId,
    pub endpoint: EndpointId,
    pub method: Method,
    /// Empty, or begins with `?`.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub wishes: Wishes,
}

/// `/{endpoint}` by any method.
pub(crate) async fn run(gateway: &Gateway, path: &str, request: Request) -> Response {
    let id = gateway.new_request_id();
    let outcome = match admit(gateway, id, path, request).await {
        Ok(direct) => perform(gateway, direct).await,
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| named(error.into_response(), id))
}

async fn admit(gateway: &Gateway, id: RequestId, path: &str, request: Request) -> Result<Direct, Error> {
    let (parts, body) = request.into_parts();
    if parts.method == Method::HEAD {
        return Err(Error::Method { found: "HEAD".into(), allowed: "GET, POST, PUT, PATCH, DELETE, OPTIONS".into() });
    }
    let named = endpoint::parse(path)?;
    let query = Query::of(&parts.uri);
    let admitted = caller::admit(gateway, &parts.headers, query.get("fal_jwt_token").as_deref(), &named).await?;
    let wishes = Wishes::read(&parts.headers, gateway.clock.now(), admitted.is_owner())?;
    let input = body::input(gateway, &parts.method, &parts.headers, body, admitted.taste()).await?;
    endpoint::installed(gateway, &admitted.target)?;
    Ok(Direct {
        id,
        account: admitted.account,
        endpoint: admitted.target.actual,
        query: query.for_runner(),
        method: parts.method,
        headers: headers::for_runner(&parts.headers, input.is_json),
        body: input.bytes,
        wishes,
    })
}

/// Waits for a slot, sends, and relays the answer.
pub(crate) async fn perform(gateway: &Gateway, direct: Direct) -> Result<Response, Error> {
    let Direct { id, account, endpoint, method, query, headers, body, wishes } = direct;
    let mut lease = acquire(gateway, id, account, &endpoint, &wishes).await?;
    let request = to_runner(method, &endpoint, &query, headers, body);
    match lease.send(request).await {
        Ok(response) => answer::relay(gateway, id, lease, response).await,
        Err(failure) => {
            let verdict = lease.verdict();
            lease.finish(verdict);
            Err(failure.into())
        }
    }
}

pub(crate) async fn acquire(
    gateway: &Gateway,
    id: RequestId,
    account: AccountId,
    endpoint: &EndpointId,
    wishes: &Wishes,
) -> Result<Lease, Error> {
    let call = Call {
        id,
        account,
        app: endpoint.app().clone(),
        path: endpoint.path().to_owned(),
        priority: wishes.priority,
        start_deadline: wishes.start_deadline,
        hint: wishes.hint.clone(),
        lifecycle: wishes.lifecycle.clone(),
    };
    gateway.dispatch.acquire(call).await.map_err(|failure| {
        let by_caller = wishes.start_deadline.is_some() && failure.error_type == ErrorType::RequestTimeout;
        Error::Failure { failure, by_caller }
    })
}

/// The request as the runner gets it: the path inside the app alone.
pub(crate) fn to_runner(
    method: Method,
    endpoint: &EndpointId,
    query: &str,
    headers: HeaderMap,
    body: Bytes,
) -> http::Request<BoxBody> {
    let path = if endpoint.path().is_empty() { "/" } else { endpoint.path() };
    let mut request = http::Request::new(Full::new(body).map_err(|never| match never {}).boxed_unsync());
    *request.method_mut() = method;
    // Both halves came out of an address, so together they are one.
    *request.uri_mut() = format!("{path}{query}").parse().unwrap_or_else(|_| http::Uri::from_static("/"));
    *request.headers_mut() = headers;
    request
}

/// Puts the id of the request on an error, which else would get one that nothing else knows.
pub(crate) fn named(mut response: Response, id: RequestId) -> Response {
    let id = HeaderValue::try_from(id.to_string()).expect("a UUID is a header value");
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

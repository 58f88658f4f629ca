//! WebSockets to an app: realtime sessions, and sockets of any other path, passed through frame by frame.
//!
//! The runner is asked first: what it refuses is refused to the caller in the same words, before anything is
//! upgraded. A token counts at the handshake alone; it may expire while the session goes on.

mod flood;
mod frames;
pub(crate) mod handshake;
pub(crate) mod session;

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use hyper::upgrade::OnUpgrade;
use tintype_access::AuthError;
use tintype_dispatch::{Lease, RunnerBody};
use tintype_domain::RequestId;
use tintype_wire::realtime::BUFFERING;

use crate::{
    Error, Gateway, call,
    caller::{self, Admitted},
    endpoint,
    headers::{self, Wishes},
    query::Query,
};
use session::{Dialect, Session};

/// `/{endpoint}` with a WebSocket handshake.
pub(crate) async fn connect(gateway: &Gateway, path: &str, request: Request) -> Response {
    let id = gateway.new_request_id();
    let answer = open(gateway, id, path, request).await.unwrap_or_else(IntoResponse::into_response);
    call::named(answer, id)
}

async fn open(gateway: &Gateway, id: RequestId, path: &str, mut request: Request) -> Result<Response, Error> {
    let accept = handshake::accept(request.method(), request.headers())?;
    let upgrade = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    let query = Query::of(&parts.uri);
    check_buffering(query)?;
    let named = endpoint::parse(path)?;
    let token = query.get("fal_jwt_token");
    let admitted = match caller::admit(gateway, &parts.headers, token.as_deref(), &named).await {
        Ok(admitted) => admitted,
        // Clients take this frame as a call to fetch another token, and connect anew; a refused handshake they do not.
        Err(Error::Auth(AuthError::Expired)) if token.is_some() => return Ok(turn_away(gateway, &accept, upgrade)),
        Err(error) => return Err(error),
    };
    endpoint::installed(gateway, &admitted.target)?;
    let dialect = Dialect::of(&admitted.target.actual, query);
    let (lease, response) = ask_runner(gateway, id, admitted, &parts.headers, query).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return call::relay(gateway, id, lease, response).await;
    }
    let session = Session { gateway: gateway.clone(), lease, dialect };
    gateway.tasks.spawn(session.run(upgrade, hyper::upgrade::on(response)));
    Ok(handshake::switching(&accept))
}

async fn ask_runner(
    gateway: &Gateway,
    id: RequestId,
    admitted: Admitted,
    asked: &HeaderMap,
    query: Query<'_>,
) -> Result<(Lease, http::Response<RunnerBody>), Error> {
    let wishes = Wishes::read(asked, gateway.clock.now(), admitted.is_owner())?;
    let endpoint = &admitted.target.actual;
    let mut lease = call::acquire(gateway, id, admitted.account, endpoint, &wishes).await?;
    let mut passed = headers::for_runner(asked, false);
    handshake::ask(&mut passed);
    let request = call::to_runner(Method::GET, endpoint, &query.for_runner(), passed, Bytes::new());
    match lease.send(request).await {
        Ok(response) => Ok((lease, response)),
        Err(failure) => {
            let verdict = lease.verdict();
            lease.finish(verdict);
            Err(failure.into())
        }
    }
}

/// The runner reads it; what makes no sense is refused here, with the limits.
fn check_buffering(query: Query<'_>) -> Result<(), Error> {
    let expected = "expected a whole number from 1 to 60";
    match query.number("max_buffering", expected)? {
        Some(found) if !BUFFERING.contains(&found) => {
            Err(Error::Query { name: "max_buffering", found: found.to_string(), expected })
        }
        _ => Ok(()),
    }
}

fn turn_away(gateway: &Gateway, accept: &str, upgrade: OnUpgrade) -> Response {
    gateway.tasks.spawn(session::unauthorized(upgrade));
    handshake::switching(accept)
}

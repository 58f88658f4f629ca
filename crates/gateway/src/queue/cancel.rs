//! Cancels a request: at once while it waits, by asking its runner once it runs.

use axum::response::Response;
use http::{HeaderMap, StatusCode};
use tintype_dispatch::CancelAnswer;
use tintype_domain::RequestId;
use tintype_wire::cancel::Cancelled;

use super::found::owned;
use crate::{Error, Gateway, call::named, caller, endpoint, error::json_response};

pub(super) async fn cancel(gateway: &Gateway, headers: &HeaderMap, app: &str, id: &str) -> Result<Response, Error> {
    let app = endpoint::parse(app)?.app().clone();
    let account = caller::asker(gateway, headers, &app).await?;
    let Ok(id) = id.parse::<RequestId>() else {
        return Ok(answer(Cancelled::NOT_FOUND));
    };
    if owned(gateway, &account, &app, id).await?.is_none() {
        return Ok(named(answer(Cancelled::NOT_FOUND), id));
    }
    Ok(named(answer(perform(gateway, id).await?), id))
}

pub(crate) async fn perform(gateway: &Gateway, id: RequestId) -> Result<Cancelled, Error> {
    Ok(match gateway.dispatch.cancel(id).await? {
        CancelAnswer::Removed => Cancelled::Removed,
        CancelAnswer::Requested => Cancelled::Requested,
        CancelAnswer::AlreadyCompleted => Cancelled::ALREADY_COMPLETED,
        CancelAnswer::NotFound => Cancelled::NOT_FOUND,
    })
}

pub(crate) fn answer(cancelled: Cancelled) -> Response {
    json_response(StatusCode::from_u16(cancelled.http_status()).unwrap_or(StatusCode::OK), &cancelled)
}

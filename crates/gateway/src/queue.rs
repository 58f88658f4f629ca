//! The queue: submit, status, status stream, result and cancel.

mod cancel;
mod found;
mod result;
mod route;
mod status;
mod submit;
mod updates;

pub(crate) use cancel::{answer as cancelled, perform as cancel};
pub(crate) use found::shows_logs;
pub(crate) use status::Why;

use axum::response::{IntoResponse, Response};
use http::{Method, request::Parts};

use crate::{Error, Gateway, front::Placed, query::Query};
use route::{Aspect, Route};

/// `/{endpoint}` and `/{app}/requests/{id}/...`.
pub(crate) async fn serve(gateway: &Gateway, placed: Placed) -> Response {
    let Route::Request { app, id, aspect } = Route::parse(&placed.place.path) else {
        return submit::submit(gateway, placed).await;
    };
    let base = placed.origin.base(gateway, placed.place.prefix);
    let (parts, _) = placed.request.into_parts();
    about(gateway, &parts, base, (&app, &id), aspect).await.unwrap_or_else(IntoResponse::into_response)
}

async fn about(
    gateway: &Gateway,
    parts: &Parts,
    base: String,
    (app, id): (&str, &str),
    aspect: Aspect,
) -> Result<Response, Error> {
    check_method(&parts.method, aspect)?;
    if aspect == Aspect::Cancel {
        return cancel::cancel(gateway, &parts.headers, app, id).await;
    }
    let asked = found::find(gateway, &parts.headers, app, id).await?;
    let with_logs = Query::of(&parts.uri).is_on("logs") && asked.shows_logs(gateway);
    match aspect {
        Aspect::Status => status::status(gateway, asked, &base, with_logs).await,
        Aspect::Updates => Ok(updates::stream(gateway, asked, base, with_logs)),
        Aspect::Result | Aspect::Cancel => result::result(gateway, asked).await,
    }
}

fn check_method(method: &Method, aspect: Aspect) -> Result<(), Error> {
    let refused = |allowed: &'static str| Err(Error::Method { found: method.to_string(), allowed: allowed.into() });
    match aspect {
        Aspect::Cancel if *method == Method::PUT || *method == Method::POST => Ok(()),
        Aspect::Cancel => refused("PUT"),
        _ if *method == Method::GET || *method == Method::HEAD => Ok(()),
        _ => refused("GET, HEAD"),
    }
}

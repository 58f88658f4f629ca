//! What a runner is asked beside its requests: to cancel one, and how it is.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Empty};
use tintype_domain::{RequestId, app::Event};
use tokio::time::timeout;

use crate::{actor::Actor, headers, line::without_query, link::Link};

const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);
/// Before each time that a runner is asked.
const CANCEL_PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(20), Duration::from_millis(200), Duration::from_secs(1)];
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// `POST {path}/cancel`; whether the runner took the word. Apps need not know the path.
///
/// A runner that does not know the request is asked again: the cancellation may have overtaken it.
pub(crate) async fn cancel(link: &Link, path: &str, id: RequestId) -> bool {
    for pause in CANCEL_PAUSES {
        tokio::time::sleep(pause).await;
        if ask_to_cancel(link, path, id).await {
            return true;
        }
    }
    false
}

async fn ask_to_cancel(link: &Link, path: &str, id: RequestId) -> bool {
    let target = format!("{}/cancel", without_query(path).trim_end_matches('/'));
    let Ok(uri) = target.parse::<Uri>() else { return false };
    let Ok(id) = HeaderValue::from_str(&id.to_string()) else { return false };
    let mut request = Request::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    (*request.method_mut(), *request.uri_mut()) = (Method::POST, uri);
    request.headers_mut().insert(http::header::HOST, HeaderValue::from_static("runner"));
    request.headers_mut().insert(headers::REQUEST_ID, id);
    let answer = timeout(CANCEL_TIMEOUT, link.send(request)).await;
    matches!(answer, Ok(Ok((answer, _))) if answer.status().is_success())
}

/// The runner asked for a health check: a failure replaces it.
pub(crate) async fn check_health(actor: Arc<Actor>, link: Arc<Link>) {
    let mut request = Request::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *request.uri_mut() = Uri::from_static("/health");
    request.headers_mut().insert(http::header::HOST, HeaderValue::from_static("runner"));
    let detail = match timeout(HEALTH_TIMEOUT, link.send(request)).await {
        Ok(Ok((answer, _))) if answer.status().is_success() => return,
        Ok(Ok((answer, _))) => format!("the health check that it asked for was answered with {}", answer.status()),
        Ok(Err(failure)) => format!("the health check that it asked for failed: {}", failure.detail),
        Err(_) => format!("the health check that it asked for took longer than {} s", HEALTH_TIMEOUT.as_secs()),
    };
    actor.tell(Event::RunnerUnhealthy { runner: link.runner.clone(), detail });
}

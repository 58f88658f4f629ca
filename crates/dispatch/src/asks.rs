//! What a runner is asked beside its requests: to cancel one, and how many it works on.

use std::time::Duration;

use http::{HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Empty};
use tintype_domain::RequestId;
use tokio::time::timeout;

use crate::{headers, line::without_query, link::Link};

const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);
const RUNNING_TIMEOUT: Duration = Duration::from_secs(2);
/// Before each time that a runner is asked.
const CANCEL_PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(20), Duration::from_millis(200), Duration::from_secs(1)];

/// `POST {path}/cancel`; whether the runner took the word. Apps need not know the path.
///
/// A runner that does not know the request is asked again: the cancellation may have overtaken it. But not about one
/// that has ended meanwhile.
pub(crate) async fn cancel(link: &Link, path: &str, id: RequestId, is_open: impl Fn() -> bool) -> bool {
    for pause in CANCEL_PAUSES {
        tokio::time::sleep(pause).await;
        if !is_open() {
            return false;
        }
        if ask_to_cancel(link, path, id).await {
            return true;
        }
    }
    false
}

/// How many requests it works on. An inner `None`: it answers, and does not say.
pub(crate) async fn running(link: &Link) -> Option<Option<u32>> {
    let mut request = Request::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *request.uri_mut() = Uri::from_static("/health");
    request.headers_mut().insert(http::header::HOST, HeaderValue::from_static("runner"));
    request.headers_mut().insert(headers::RUNNING, HeaderValue::from_static("?"));
    let (answer, _sender) = timeout(RUNNING_TIMEOUT, link.send(request)).await.ok()?.ok()?;
    let said = answer.headers().get(headers::RUNNING);
    Some(said.and_then(|said| said.to_str().ok()?.parse().ok()))
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

//! Server-sent events from a runner: whole events, as they come, and a comment in long silences.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use http_body_util::BodyExt;
use tintype_dispatch::{BodyError, Lease, RunnerBody};
use tintype_wire::sse::{Framer, KEEP_ALIVE};

use crate::Gateway;

struct Relay {
    body: RunnerBody,
    framer: Framer,
    keep_alive: Duration,
    /// `None` once the stream has ended. Dropped with the stream when the caller goes away.
    lease: Option<Lease>,
}

pub(super) fn relay(gateway: &Gateway, body: RunnerBody, lease: Lease) -> Body {
    let keep_alive = gateway.options.keep_alive;
    let relay = Relay { body, framer: Framer::default(), keep_alive, lease: Some(lease) };
    Body::from_stream(stream::unfold(relay, |mut relay| async move {
        let chunk = relay.next().await?;
        Some((chunk, relay))
    }))
}

impl Relay {
    async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        while self.lease.is_some() {
            match tokio::time::timeout(self.keep_alive, self.body.frame()).await {
                Err(_) if self.framer.may_comment() => return Some(Ok(Bytes::from_static(KEEP_ALIVE))),
                Err(_) => {}
                Ok(Some(Ok(frame))) => {
                    let events = frame.into_data().ok().and_then(|data| self.framer.push(&data));
                    if let Some(events) = events {
                        return Some(Ok(events));
                    }
                }
                Ok(Some(Err(error))) => {
                    self.finish();
                    return Some(Err(error));
                }
                Ok(None) => {
                    self.finish();
                    return self.framer.finish().map(Ok);
                }
            }
        }
        None
    }

    fn finish(&mut self) {
        if let Some(lease) = self.lease.take() {
            let verdict = lease.verdict();
            lease.finish(verdict);
        }
    }
}

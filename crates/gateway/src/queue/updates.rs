//! The status as a stream: the state at once, then each change, then the end.
//!
//! Each event carries only the log lines that are new, because the client that reads it appends them.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tintype_dispatch::Watch;
use tintype_store::StoreError;
use tintype_wire::sse;

use super::{
    found::Asked,
    status::{MOST_LOGS, describe},
};
use crate::{Gateway, call::named};

struct Updates {
    gateway: Gateway,
    asked: Asked,
    base: String,
    with_logs: bool,
    watch: Watch,
    /// The state that was last told.
    told: Option<u64>,
    /// The last log line that was told.
    logged: i64,
    complete: bool,
}

pub(super) fn stream(gateway: &Gateway, asked: Asked, base: String, with_logs: bool) -> Response {
    let id = asked.id;
    // Listen before the first look: a change in between would be lost.
    let watch = gateway.dispatch.watch(id);
    let gateway = gateway.clone();
    let updates = Updates { gateway, asked, base, with_logs, watch, told: None, logged: 0, complete: false };
    let events = stream::unfold(updates, |mut updates| async move {
        let event = updates.next().await?;
        Some((event, updates))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    named((headers, Body::from_stream(events)).into_response(), id)
}

impl Updates {
    async fn next(&mut self) -> Option<Result<Bytes, StoreError>> {
        while !self.complete {
            match self.look().await {
                Ok(Some(event)) => return Some(Ok(event)),
                Ok(None) => {}
                // The stream must not end before the request does: break it, so that the client sees a fault.
                Err(error) => {
                    self.complete = true;
                    return Some(Err(error));
                }
            }
            let keep_alive = self.gateway.options.keep_alive;
            tokio::select! {
                () = self.watch.changed() => {}
                () = tokio::time::sleep(keep_alive) => return Some(Ok(Bytes::from_static(sse::KEEP_ALIVE))),
                // Broken, not ended: an end would say that the request is complete.
                () = self.gateway.stop.cancelled() => {
                    self.complete = true;
                    return Some(Err(StoreError::Closed));
                }
            }
        }
        None
    }

    /// An event, if there is anything new to tell.
    async fn look(&mut self) -> Result<Option<Bytes>, StoreError> {
        let Some(status) = self.gateway.dispatch.status(self.asked.id).await? else {
            self.complete = true;
            return Ok(None);
        };
        let logs = if self.with_logs {
            Some(self.gateway.dispatch.logs(self.asked.id, self.logged, MOST_LOGS).await?)
        } else {
            None
        };
        let has_new_logs = logs.as_ref().is_some_and(|logs| !logs.is_empty());
        if self.told == Some(status.version) && !has_new_logs {
            return Ok(None);
        }
        self.told = Some(status.version);
        self.logged = logs.iter().flatten().map(|log| log.cursor).fold(self.logged, i64::max);
        let body = describe(status, &self.asked.app, &self.base, logs);
        self.complete = body.is_complete();
        Ok(Some(sse::event(&serde_json::to_string(&body).unwrap_or_default())))
    }
}

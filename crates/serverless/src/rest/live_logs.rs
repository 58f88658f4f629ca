//! `POST /logs/stream`: lines of a runner as they come.
//!
//! All lines are read from the store, in its order and with its times; the live ones only tell when to look. So no line
//! comes twice, and none is lost where the reader is slow.

use std::{collections::VecDeque, time::Duration};

use axum::{
    body::Body,
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::json;
use tintype_domain::Timestamp;
use tintype_store::{RunnerLog, RunnerLogFilter, StoreError};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::Instant,
};

use super::{
    Caller, Problem,
    logs::{self, Asked, describe},
};
use crate::Serverless;

/// Lines are written to the store in batches; one that was heard of is there by then.
const SETTLE: Duration = Duration::from_millis(250);
/// Looked at by then, whatever was heard. Proxies cut streams that are silent for longer.
const SILENCE: Duration = Duration::from_secs(15);
const SINCE: Duration = Duration::from_secs(60);

struct Follow {
    serverless: Serverless,
    filter: RunnerLogFilter,
    heard: Receiver<std::sync::Arc<RunnerLog>>,
    /// Read, not yet sent.
    ready: VecDeque<RunnerLog>,
    spoke: Instant,
    over: bool,
}

pub(super) async fn stream(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let mut filter = logs::filter(&serverless, &account, &asked).await?;
    filter.since = filter.since.or_else(|| Some(serverless.clock.now().minus(SINCE)));
    // Listen before the first look: a line in between would be noticed late.
    let heard = serverless.dispatch.tail();
    let (ready, spoke) = (VecDeque::new(), Instant::now());
    let follow = Follow { serverless, filter, heard, ready, spoke, over: false };
    let events = stream::unfold(follow, |mut follow| async move { Some((follow.next().await?, follow)) });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(events)).into_response())
}

impl Follow {
    async fn next(&mut self) -> Option<Result<Bytes, std::convert::Infallible>> {
        while !self.over {
            if let Some(line) = self.ready.pop_front() {
                self.spoke = Instant::now();
                return Some(Ok(event(None, &describe(&line).to_string())));
            }
            if let Err(error) = self.read().await {
                self.over = true;
                return Some(Ok(event(Some("error"), &json!({"detail": error.to_string()}).to_string())));
            }
            if !self.ready.is_empty() {
                continue;
            }
            if self.filter.until.is_some_and(|until| self.serverless.clock.now() >= until) {
                return None;
            }
            if self.spoke.elapsed() >= SILENCE {
                self.spoke = Instant::now();
                return Some(Ok(Bytes::from_static(b": keep-alive\n\n")));
            }
            self.wait().await;
        }
        None
    }

    /// All lines since the last one that was read, oldest first.
    async fn read(&mut self) -> Result<(), StoreError> {
        let mut filter = self.filter.clone();
        let mut found = Vec::new();
        loop {
            let page = self.serverless.store.runner_logs(filter.clone()).await?;
            let last = page.last().map(|line| line.timestamp);
            let full = page.len() >= filter.limit as usize;
            found.extend(page);
            if !full {
                break;
            }
            filter.until = last;
        }
        if let Some(newest) = found.first() {
            self.filter.since = Some(Timestamp::from_micros(newest.timestamp.as_micros() + 1));
        }
        self.ready.extend(found.into_iter().rev());
        Ok(())
    }

    /// Until there may be something new.
    async fn wait(&mut self) {
        let runner = self.filter.runner.clone();
        let heard = async {
            loop {
                match self.heard.recv().await {
                    Ok(line) if line.runner != runner => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
            tokio::time::sleep(SETTLE).await;
        };
        tokio::select! {
            () = heard => {}
            () = tokio::time::sleep(Duration::from_secs(2)) => {}
            () = self.serverless.stop.cancelled() => self.over = true,
        }
    }
}

fn event(name: Option<&str>, data: &str) -> Bytes {
    let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
    // JSON on one line, so that no line break of an app ends the event.
    Bytes::from(format!("{name}data: {data}\n\n"))
}

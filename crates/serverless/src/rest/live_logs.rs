//! `POST /logs/stream`: lines of a runner as they come.
//!
//! All lines are read from the store, in its order and with its times; the live ones only tell when to look. So no line
//! comes twice, and none is lost where the reader is slow.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::json;
use tintype_domain::{Clock, Timestamp};
use tintype_store::{RunnerLog, RunnerLogFilter, Store, StoreError};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Caller, Problem,
    logs::{self, Asked, describe},
};
use crate::Serverless;

/// Lines are written to the store in batches; one that was heard of is there by then.
const SETTLE: Duration = Duration::from_millis(250);
/// Proxies cut streams that are silent for longer than a minute or less.
const SILENCE: Duration = Duration::from_secs(15);
/// Looked at after this long, whatever was heard.
const LOOK: Duration = Duration::from_secs(2);
const SINCE: Duration = Duration::from_secs(60);

struct Follow {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    filter: RunnerLogFilter,
    heard: Receiver<Arc<RunnerLog>>,
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
    let (store, clock) = (Arc::clone(&serverless.store), Arc::clone(&serverless.clock));
    let follow = Follow::new(store, clock, serverless.stop.clone(), filter, heard);
    let events = stream::unfold(follow, |mut follow| async move { Some((follow.next().await?, follow)) });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(events)).into_response())
}

impl Follow {
    fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        stop: CancellationToken,
        filter: RunnerLogFilter,
        heard: Receiver<Arc<RunnerLog>>,
    ) -> Self {
        Self { store, clock, stop, filter, heard, ready: VecDeque::new(), spoke: Instant::now(), over: false }
    }

    async fn next(&mut self) -> Option<Result<Bytes, Infallible>> {
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
            if self.filter.until.is_some_and(|until| self.clock.now() >= until) {
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
            let page = self.store.runner_logs(filter.clone()).await?;
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
            () = tokio::time::sleep(LOOK) => {}
            () = self.stop.cancelled() => self.over = true,
        }
    }
}

fn event(name: Option<&str>, data: &str) -> Bytes {
    let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
    // JSON on one line, so that no line break of an app ends the event.
    Bytes::from(format!("{name}data: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use tintype_domain::ManualClock;
    use tintype_store::{RunnerHistory, memory::MemoryStore};
    use tokio::sync::broadcast::Sender;

    use super::{
        super::logs::tests::{all, line},
        *,
    };

    struct Case {
        store: Arc<MemoryStore>,
        clock: Arc<ManualClock>,
        lines: Sender<Arc<RunnerLog>>,
        stop: CancellationToken,
        follow: Follow,
    }

    fn case() -> Case {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let (lines, heard) = tokio::sync::broadcast::channel(2);
        let stop = CancellationToken::new();
        let follow = Follow::new(store.clone(), clock.clone(), stop.clone(), all(2), heard);
        Case { store, clock, lines, stop, follow }
    }

    impl Case {
        async fn write(&self, seconds: std::ops::RangeInclusive<i64>) {
            let lines: Vec<_> = seconds.map(|second| line(second, &second.to_string())).collect();
            self.store.append_runner_logs(lines.clone()).await.unwrap();
            for line in lines {
                let _ = self.lines.send(Arc::new(line));
            }
        }

        async fn message(&mut self) -> String {
            let event = String::from_utf8(self.follow.next().await.unwrap().unwrap().to_vec()).unwrap();
            let data = event.strip_prefix("data: ").unwrap_or_else(|| panic!("{event}"));
            let line: serde_json::Value = serde_json::from_str(data).unwrap();
            line["message"].as_str().unwrap().to_owned()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_written_comes_first_in_order_and_then_what_is_written_each_once() {
        let mut case = case();
        case.write(1..=5).await;
        for second in 1..=5 {
            assert_eq!(case.message().await, second.to_string());
        }
        case.write(6..=7).await;
        assert_eq!((case.message().await, case.message().await), ("6".to_owned(), "7".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_runner_gets_comments_and_a_stop_ends_the_stream() {
        let mut case = case();
        assert_eq!(case.follow.next().await.unwrap().unwrap(), ": keep-alive\n\n");
        case.stop.cancel();
        assert!(case.follow.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_with_an_end_ends_there() {
        let mut case = case();
        case.follow.filter.until = Some(Timestamp::from_micros(2_500_000));
        case.write(1..=3).await;
        assert_eq!((case.message().await, case.message().await), ("1".to_owned(), "2".to_owned()));
        case.clock.set(Timestamp::from_micros(3_000_000));
        assert!(case.follow.next().await.is_none());
    }
}

//! `/logs/history`, `/logs/stream` and `/runners/{id}`: what a runner wrote, for the owner of its app.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tintype_domain::{AccountId, LogLevel, RunnerId, Timestamp};
use tintype_store::{RunnerLog, RunnerLogFilter, Store};

use super::{Caller, Problem};
use crate::Serverless;

const PAGE: u32 = 1000;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Asked {
    /// The runner.
    pub job_id: String,
    since: Option<String>,
    until: Option<String>,
    page_size: Option<u32>,
    search: Option<String>,
}

pub(super) async fn history(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Problem> {
    let filter = filter(&serverless, &account, &asked).await?;
    Ok(Json(page(&*serverless.store, filter).await?))
}

/// Lines, newest first, and before which time the next page ends.
async fn page(store: &dyn Store, filter: RunnerLogFilter) -> Result<Value, Problem> {
    let limit = filter.limit;
    let lines = store.runner_logs(filter).await?;
    let full = lines.len() >= limit as usize;
    let next = lines.last().filter(|_| full).map(|line| line.timestamp.to_string());
    let items: Vec<_> = lines.iter().map(describe).collect();
    Ok(json!({"items": items, "next_until": next}))
}

/// What is asked for, of a runner that is the caller's.
pub(super) async fn filter(
    serverless: &Serverless,
    account: &AccountId,
    asked: &Asked,
) -> Result<RunnerLogFilter, Problem> {
    let runner = RunnerId::new(&asked.job_id);
    life(serverless, account, &runner).await?;
    Ok(RunnerLogFilter {
        runner,
        since: asked.since.as_deref().map(|text| time("since", text)).transpose()?,
        until: asked.until.as_deref().map(|text| time("until", text)).transpose()?,
        search: asked.search.clone().filter(|text| !text.is_empty()),
        limit: asked.page_size.unwrap_or(PAGE).clamp(1, PAGE),
    })
}

pub(super) async fn runner(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let (started, ended) = life(&serverless, &account, &RunnerId::new(&id)).await?;
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    Ok(Json(json!({"started_at": text(started), "ended_at": text(ended)})))
}

/// From when to when a runner lived, if it is one of the account's.
async fn life(
    serverless: &Serverless,
    account: &AccountId,
    runner: &RunnerId,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let kept = serverless.store.runner(runner).await?.filter(|record| record.account == *account);
    if let Some(record) = kept {
        // From when its log begins, which is before its process does.
        return Ok((Some(record.created_at), record.ended_at));
    }
    // What began a moment ago may not be written down yet.
    let live = serverless.dispatch.runners();
    let live = live.into_iter().find(|view| view.runner == *runner && view.owner == *account);
    live.map(|view| (Some(view.created_at), None)).ok_or_else(|| unknown(runner))
}

fn unknown(runner: &RunnerId) -> Problem {
    Problem::NotFound { what: "runner", found: runner.to_string().chars().take(80).collect() }
}

/// An instant with an offset.
fn time(name: &str, text: &str) -> Result<Timestamp, Problem> {
    // In a query string, a plus that nobody escaped arrives as a space.
    let read = text.replace(' ', "+").parse::<jiff::Timestamp>();
    let read = read.map(|at| Timestamp::from_micros(at.as_microsecond()));
    read.map_err(|_| {
        Problem::Bad(format!("`{name}` is `{text:.60}`: expected a time with an offset, as 2026-01-02T03:04:05+00:00"))
    })
}

pub(super) fn describe(line: &RunnerLog) -> Value {
    let mut labels = json!({"fal_job_id": line.runner, "isolate_source": line.source});
    if let Some(request) = line.request {
        labels["fal_request_id"] = json!(request);
    }
    if let Some(endpoint) = &line.endpoint {
        labels["fal_endpoint"] = json!(endpoint);
    }
    json!({
        "timestamp": line.timestamp.to_string(),
        "level": level(line.level),
        "message": line.message,
        "app": line.app.alias(),
        "labels": labels,
    })
}

fn level(level: LogLevel) -> String {
    serde_json::to_value(level).ok().and_then(|value| Some(value.as_str()?.to_uppercase())).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use tintype_domain::AppId;
    use tintype_store::{LogSource, RunnerHistory, memory::MemoryStore};

    use super::*;

    pub(in super::super) fn line(second: i64, message: &str) -> RunnerLog {
        RunnerLog {
            seq: 0,
            runner: RunnerId::new("r1"),
            app: "ann/app".parse::<AppId>().unwrap(),
            timestamp: Timestamp::from_micros(second * 1_000_000),
            level: LogLevel::Stdout,
            source: LogSource::User,
            message: message.to_owned(),
            request: None,
            endpoint: Some("/draw".to_owned()),
        }
    }

    pub(in super::super) fn all(limit: u32) -> RunnerLogFilter {
        RunnerLogFilter { runner: RunnerId::new("r1"), since: None, until: None, search: None, limit }
    }

    #[tokio::test]
    async fn pages_go_back_in_time_and_say_where_the_next_one_ends() {
        let store = MemoryStore::new();
        store
            .append_runner_logs((1..=3).map(|second| line(second, &format!("line {second}"))).collect())
            .await
            .unwrap();
        let first = page(&store, all(2)).await.unwrap();
        let messages = |page: &Value| {
            let items = page["items"].as_array().unwrap().iter();
            items.map(|item| item["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(messages(&first), ["line 3", "line 2"]);
        assert_eq!(
            first["items"][0]["labels"],
            json!({"fal_job_id": "r1", "isolate_source": "USER", "fal_endpoint": "/draw"})
        );
        let until = time("until", first["next_until"].as_str().unwrap()).unwrap();
        let second = page(&store, RunnerLogFilter { until: Some(until), ..all(2) }).await.unwrap();
        assert_eq!((messages(&second), &second["next_until"]), (vec!["line 1".to_owned()], &Value::Null));
    }

    #[test]
    fn a_time_is_read_with_its_offset_however_the_plus_arrives() {
        for text in ["2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05 00:00", "2026-01-02T03:04:05Z"] {
            assert_eq!(time("since", text).unwrap().to_string(), "2026-01-02T03:04:05.000000Z", "{text}");
        }
        assert!(time("since", "yesterday").unwrap_err().to_string().contains("`since` is `yesterday`"));
    }
}

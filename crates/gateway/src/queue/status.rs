//! Where a request stands.

use axum::response::Response;
use http::StatusCode;
use tintype_dispatch::Status;
use tintype_domain::AppId;
use tintype_store::{RequestRecord, RequestState, StoredLog};
use tintype_wire::{
    status::{self as wire, Common, Log, Metrics},
    submit::Addresses,
};

use super::found::Asked;
use crate::{Error, Gateway, call::named, error::json_response};

/// Log lines that one answer may hold.
pub(super) const MOST_LOGS: u32 = 10_000;

pub(super) async fn status(gateway: &Gateway, asked: Asked, base: &str, with_logs: bool) -> Result<Response, Error> {
    let logs = if with_logs { Some(gateway.dispatch.logs(asked.id, 0, MOST_LOGS).await?) } else { None };
    let body = describe(asked.status, &asked.app, base, logs);
    let status = StatusCode::from_u16(body.http_status()).unwrap_or(StatusCode::OK);
    Ok(named(json_response(status, &body), asked.id))
}

/// The status in the words of the client API.
pub(super) fn describe(status: Status, app: &AppId, base: &str, logs: Option<Vec<StoredLog>>) -> wire::Status {
    let Status { record, queue_position, waiting, .. } = status;
    let id = record.id.to_string();
    let common = Common {
        gateway_request_id: record.gateway_request_id.to_string(),
        addresses: Addresses::new(base, app.as_str(), &id),
        request_id: id,
        logs: logs.map(|logs| logs.into_iter().map(|log| Log::from(log.entry)).collect()),
        metrics: Metrics { inference_time: inference_time(&record) },
    };
    match record.state {
        RequestState::Waiting => {
            let waiting = waiting.and_then(|waiting| serde_json::to_value(Why::from(waiting)).ok());
            wire::Status::InQueue { queue_position: queue_position.unwrap_or(0), waiting, common }
        }
        RequestState::Running => wire::Status::InProgress { common },
        RequestState::Done(outcome) => wire::Status::Completed {
            outcome: outcome.as_str(),
            error: record.error,
            error_type: record.error_type.map(|kind| kind.as_str().to_owned()),
            common,
        },
    }
}

/// Why it waits, with the time in words that people read.
#[derive(serde::Serialize)]
pub(crate) struct Why {
    cause: tintype_dispatch::Cause,
    since: String,
    detail: String,
    next: String,
}

impl From<tintype_dispatch::Waiting> for Why {
    fn from(waiting: tintype_dispatch::Waiting) -> Self {
        let tintype_dispatch::Waiting { cause, since, detail, next } = waiting;
        Self { cause, since: since.to_string(), detail, next }
    }
}

fn inference_time(record: &RequestRecord) -> Option<f64> {
    Some(record.finished_at?.since(record.started_at?).as_secs_f64())
}

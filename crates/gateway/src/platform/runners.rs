//! `GET /v1/runners`: the runners that live now, for whoever asks why something waits. A key sees those of its
//! account's apps, an ADMIN key sees all.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tintype_dispatch::RunnerView;
use tintype_store::KeyScope;

use crate::{
    Gateway, caller,
    error::{InPlatform, json_response},
};

pub(super) async fn list(State(gateway): State<Gateway>, headers: HeaderMap) -> Result<Response, InPlatform> {
    let identity = caller::identify(&gateway, &headers).await?;
    let all = gateway.dispatch.runners();
    let visible = all.iter().filter(|runner| identity.scope == KeyScope::Admin || runner.owner == identity.account);
    let runners: Vec<_> = visible.map(describe).collect();
    Ok(json_response(StatusCode::OK, &json!({"runners": runners})))
}

pub(super) fn describe(runner: &RunnerView) -> Value {
    let steps = runner.timeline.iter();
    let timeline: Vec<_> =
        steps.map(|step| json!({"stage": step.stage, "at": step.at.to_string(), "detail": step.detail})).collect();
    json!({
        "runner": runner.runner,
        "app": runner.app,
        "owner": runner.owner,
        "revision": runner.revision,
        "machine_type": runner.machine_type,
        "state": runner.state,
        "stage": runner.stage,
        "in_flight": runner.in_flight.len(),
        "created_at": runner.created_at.to_string(),
        "since": runner.since.to_string(),
        "expires_in_seconds": runner.expires_in.map(|left| left.as_secs_f64()),
        "replacement": runner.replacement,
        "timeline": timeline,
        "last_failure": runner.last_failure,
    })
}

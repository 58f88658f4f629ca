//! `GET /v1/runners`: the runners that live now, for whoever asks why something waits.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tintype_dispatch::RunnerView;

use crate::{
    Gateway, caller,
    error::{InPlatform, json_response},
};

pub(super) async fn list(State(gateway): State<Gateway>, headers: HeaderMap) -> Result<Response, InPlatform> {
    caller::identify_admin(&gateway, &headers).await?;
    let runners: Vec<_> = gateway.dispatch.runners().iter().map(describe).collect();
    Ok(json_response(StatusCode::OK, &json!({"runners": runners})))
}

fn describe(runner: &RunnerView) -> Value {
    json!({
        "runner": runner.runner,
        "app": runner.app,
        "state": runner.state,
        "stage": runner.stage,
        "in_flight": runner.in_flight.len(),
        "since": runner.since.to_string(),
    })
}

//! `tintype requests list|show|cancel`

use std::process::ExitCode;

use reqwest::Method;
use serde_json::Value;

use crate::{
    api::Api,
    args::{RequestsAction, RequestsArgs},
    failure::Failure,
    found,
    print::{Output, table, text},
};

pub(crate) async fn requests(args: RequestsArgs, output: Output) -> Result<ExitCode, Failure> {
    let api = Api::new(found::find())?;
    match args.action {
        RequestsAction::List { open, app, limit } => {
            let request = api.request(Method::GET, &path(open, app.as_deref(), limit)?);
            output.result(&api.json(request).await?, list);
        }
        RequestsAction::Show { id } => {
            output.result(&api.get(&format!("/v1/requests/{}", segment(&id)?)).await?, show);
        }
        RequestsAction::Cancel { id } => {
            let cancel = api.request(Method::POST, &format!("/v1/requests/{}/cancel", segment(&id)?));
            output.result(&api.json(cancel).await?, |answer| words(&text(answer, "status")).to_owned());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(open: bool, app: Option<&str>, limit: u32) -> Result<String, Failure> {
    let mut url = url::Url::parse("http://h/v1/requests")?;
    url.query_pairs_mut().append_pair("limit", &limit.to_string());
    if open {
        url.query_pairs_mut().append_pair("open", "1");
    }
    if let Some(app) = app {
        url.query_pairs_mut().append_pair("app", app.trim_matches('/'));
    }
    Ok(url.as_str().trim_start_matches("http://h").to_owned())
}

/// An id goes into a path: what is none must not become one.
fn segment(id: &str) -> Result<&str, Failure> {
    let good = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    good.then_some(id).ok_or_else(|| Failure::new(format!("`{id}` is no request id")).with_code(2))
}

fn words(status: &str) -> &str {
    match status {
        "CANCELLATION_REQUESTED" => "cancellation was asked for",
        "ALREADY_COMPLETED" => "it was complete already",
        "NOT_FOUND" => "there is no such request",
        other => other,
    }
}

fn list(answer: &Value) -> String {
    let requests = answer["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let heading = ["REQUEST", "ENDPOINT", "STATE", "SUBMITTED", "TOOK"].map(Into::into).to_vec();
    let row = |request: &Value| {
        let submitted = text(request, "submitted_at").chars().take(19).collect();
        vec![text(request, "request_id"), text(request, "endpoint_id"), state(request), submitted, took(request)]
    };
    table(&[vec![heading], requests.iter().map(row).collect()].concat())
}

/// The outcome where there is one.
fn state(request: &Value) -> String {
    let outcome = text(request, "outcome");
    if !outcome.is_empty() {
        return outcome;
    }
    match request["status"].as_str() {
        Some("IN_QUEUE") => "waiting".into(),
        Some("IN_PROGRESS") => "running".into(),
        _ => text(request, "status"),
    }
}

fn took(request: &Value) -> String {
    let time = |member| text(request, member).parse::<jiff::Timestamp>().ok();
    match (time("started_at"), time("finished_at")) {
        (Some(started), Some(finished)) => {
            format!("{:.2} s", (finished - started).total(jiff::Unit::Second).unwrap_or(0.0))
        }
        _ => String::new(),
    }
}

fn show(request: &Value) -> String {
    let waiting = &request["waiting"];
    let facts = [
        ("request", text(request, "request_id")),
        ("endpoint", text(request, "endpoint_id")),
        ("state", state(request)),
        ("ahead", text(request, "queue_position")),
        ("waits for", text(waiting, "detail")),
        ("since", text(waiting, "since")),
        ("next", text(waiting, "next")),
        ("submitted", text(request, "submitted_at")),
        ("started", text(request, "started_at")),
        ("finished", text(request, "finished_at")),
        ("attempts", text(request, "attempts")),
        ("runner", text(request, "runner")),
        ("status", text(request, "status_code")),
        ("error", text(request, "error")),
        ("error type", text(request, "error_type")),
        ("kept until", text(request, "expires_at")),
    ];
    let known = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let mut lines: Vec<_> = known.map(|(label, value)| format!("{label:11} {value}")).collect();
    let logs = request["logs"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !logs.is_empty() {
        lines.push(String::new());
        lines.extend(logs.iter().map(|log| format!("{}  {}", text(log, "timestamp"), text(log, "message"))));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_waiting_request_is_shown_with_why_it_waits_and_what_comes_next() {
        let request = json!({
            "request_id": "r", "endpoint_id": "a/b", "status": "IN_QUEUE", "queue_position": 3,
            "waiting": {"cause": "capacity", "detail": "all slots are taken", "next": "a slot becomes free"},
        });
        let shown = show(&request);
        assert!(shown.contains("state       waiting"), "{shown}");
        assert!(shown.contains("waits for   all slots are taken"), "{shown}");
        assert!(shown.contains("next        a slot becomes free"), "{shown}");
        assert!(!shown.contains("finished"), "{shown}");
    }

    #[test]
    fn what_is_no_id_never_becomes_a_path() {
        assert!(segment("../keys").is_err());
        assert_eq!(path(true, Some("a/b"), 5).unwrap(), "/v1/requests?limit=5&open=1&app=a%2Fb");
    }
}

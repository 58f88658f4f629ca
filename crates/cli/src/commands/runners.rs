//! `tintype runners [RUNNER]`

use std::process::ExitCode;

use serde_json::Value;

use super::apps::is_named;
use crate::{
    api::Api,
    args::RunnersArgs,
    failure::Failure,
    found,
    print::{Output, table, text},
};

pub(crate) async fn runners(args: &RunnersArgs, output: Output) -> Result<ExitCode, Failure> {
    let api = Api::new(found::find())?;
    let mut answer = api.get("/v1/runners").await?;
    if let Some(wanted) = &args.runner {
        let found = all(&answer).iter().find(|runner| text(runner, "runner") == *wanted);
        let missing = || Failure::new(format!("there is no runner `{wanted}` now: `tintype runners` lists them"));
        output.result(found.ok_or_else(missing)?, one);
        return Ok(ExitCode::SUCCESS);
    }
    if let (Some(app), Some(runners)) = (&args.app, answer["runners"].as_array_mut()) {
        runners.retain(|runner| is_named(&text(runner, "app"), app.trim_matches('/')));
    }
    output.result(&answer, |answer| list(all(answer)));
    Ok(ExitCode::SUCCESS)
}

fn all(answer: &Value) -> &[Value] {
    answer["runners"].as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn list(runners: &[Value]) -> String {
    if runners.is_empty() {
        return "No runner lives now: the next request starts one.".to_owned();
    }
    let heading = ["RUNNER", "APP", "STATE", "STAGE", "IN FLIGHT", "MACHINE", "SINCE"].map(Into::into).to_vec();
    let row = |runner: &Value| {
        let members = ["runner", "app", "state", "stage", "in_flight", "machine_type"].map(|name| text(runner, name));
        let since = text(runner, "since").chars().take(19).collect();
        [members.to_vec(), vec![since]].concat()
    };
    table(&[vec![heading], runners.iter().map(row).collect()].concat())
}

fn one(runner: &Value) -> String {
    let facts = [
        ("runner", text(runner, "runner")),
        ("app", text(runner, "app")),
        ("revision", text(runner, "revision")),
        ("machine", text(runner, "machine_type")),
        ("state", text(runner, "state")),
        ("stage", text(runner, "stage")),
        ("in flight", text(runner, "in_flight")),
        ("last failure", text(runner, "last_failure")),
    ];
    let known = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let mut lines: Vec<_> = known.map(|(label, value)| format!("{label:13} {value}")).collect();
    let steps = runner["timeline"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !steps.is_empty() {
        lines.extend([String::new(), table(&timeline(steps))]);
    }
    lines.join("\n")
}

/// Each step of a start, and how long it took.
fn timeline(steps: &[Value]) -> Vec<Vec<String>> {
    let times: Vec<Option<jiff::Timestamp>> = steps.iter().map(|step| text(step, "at").parse().ok()).collect();
    let took = |place: usize| {
        // It is ready for as long as it lives: what comes after that is an end, or another server that takes it over.
        if steps[place]["stage"] == "ready" {
            return None;
        }
        let (begun, ended) = (times[place]?, times.get(place + 1).copied().flatten()?);
        Some(format!("{:.3} s", (ended - begun).total(jiff::Unit::Second).ok()?))
    };
    let row = |(place, step): (usize, &Value)| {
        vec![text(step, "stage"), text(step, "at"), took(place).unwrap_or_default(), text(step, "detail")]
    };
    let heading = ["STAGE", "BEGAN", "TOOK", ""].map(Into::into).to_vec();
    [vec![heading], steps.iter().enumerate().map(row).collect()].concat()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_step_of_a_start_shows_how_long_it_took() {
        let steps = [
            json!({"stage": "spawn", "at": "2026-01-02T03:04:05.000000Z", "detail": null}),
            json!({"stage": "ready", "at": "2026-01-02T03:04:05.250000Z"}),
            json!({"stage": "adopted", "at": "2026-01-02T07:00:00.000000Z"}),
            json!({"stage": "ready", "at": "2026-01-02T07:00:00.500000Z"}),
        ];
        let rows = timeline(&steps);
        assert_eq!((rows[1][0].as_str(), rows[1][2].as_str()), ("spawn", "0.250 s"));
        assert_eq!([&rows[2][2], &rows[3][2], &rows[4][2]], ["", "0.500 s", ""]);
    }
}

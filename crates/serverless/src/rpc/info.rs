//! Aliases, revisions and runners as the command line lists them.

use tintype_dispatch::{Replacement, RunnerPhase, RunnerView};
use tintype_domain::Timestamp;
use tintype_store::{AliasRecord, AuthMode, MAIN_ENVIRONMENT, RevisionRecord, RunnerRecord};

use super::teller::wire_time;
use crate::{
    api::controller::{
        AliasInfo, ApplicationAuthMode, ApplicationInfo, RunnerInfo,
        runner_info::{ReplaceState, State},
    },
    deploy::{definition::Definition, error::DeployError, register::read_scaling, scaling::Scaling, structs},
};

pub(crate) fn alias(record: &AliasRecord, runners: usize, is_rolling: bool) -> Result<AliasInfo, DeployError> {
    let scaling = read_scaling(&record.scaling)?;
    Ok(AliasInfo {
        alias: record.app.alias().to_owned(),
        revision: record.revision.to_string(),
        auth_mode: wire_mode(record.auth_mode).into(),
        max_concurrency: count(scaling.max_concurrency),
        max_multiplexing: count(scaling.max_multiplexing),
        keep_alive: count(scaling.keep_alive),
        active_runners: i32::try_from(runners).unwrap_or(i32::MAX),
        min_concurrency: count(scaling.min_concurrency),
        request_timeout: Some(count(scaling.request_timeout)),
        startup_timeout: Some(count(scaling.startup_timeout)),
        concurrency_buffer: Some(count(scaling.concurrency_buffer)),
        concurrency_buffer_perc: Some(count(scaling.concurrency_buffer_perc)),
        scaling_delay_seconds: Some(count(scaling.scaling_delay)),
        request_start_timeout: scaling.request_start_timeout.map(count),
        machine_types: scaling.machine_types,
        valid_regions: scaling.valid_regions,
        environment_name: named(&record.environment),
        is_rolling,
    })
}

pub(crate) fn revision(record: &RevisionRecord, runners: usize) -> Result<ApplicationInfo, DeployError> {
    let definition = Definition::read(&record.definition)?;
    let scaling = Scaling::of_code(&definition.wishes)?;
    Ok(ApplicationInfo {
        application_id: record.id.to_string(),
        max_concurrency: count(scaling.max_concurrency),
        max_multiplexing: count(scaling.max_multiplexing),
        keep_alive: count(scaling.keep_alive),
        active_runners: i32::try_from(runners).unwrap_or(i32::MAX),
        min_concurrency: count(scaling.min_concurrency),
        request_timeout: Some(count(scaling.request_timeout)),
        startup_timeout: Some(count(scaling.startup_timeout)),
        concurrency_buffer: Some(count(scaling.concurrency_buffer)),
        concurrency_buffer_perc: Some(count(scaling.concurrency_buffer_perc)),
        scaling_delay_seconds: Some(count(scaling.scaling_delay)),
        request_start_timeout: scaling.request_start_timeout.map(count),
        machine_types: scaling.machine_types,
        valid_regions: scaling.valid_regions,
        created_at: Some(wire_time(record.created_at)),
        environment_name: named(&record.environment),
    })
}

/// The command line takes what is absent for `main`.
pub(super) fn named(environment: &str) -> Option<String> {
    (environment != MAIN_ENVIRONMENT).then(|| environment.to_owned())
}

pub(crate) fn wire_mode(mode: AuthMode) -> ApplicationAuthMode {
    match mode {
        AuthMode::Private => ApplicationAuthMode::Private,
        AuthMode::Public => ApplicationAuthMode::Public,
        AuthMode::Shared => ApplicationAuthMode::Shared,
    }
}

fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

pub(crate) fn runner(view: &RunnerView, now: Timestamp) -> RunnerInfo {
    let leases: Vec<_> = view
        .in_flight
        .iter()
        .map(|flying| {
            serde_json::json!({
                "request_id": flying.request.to_string(),
                "caller_user_id": flying.account.as_str(),
                "leased_at_epoch": flying.since.as_micros() as f64 / 1e6,
            })
        })
        .collect();
    let mut metadata = serde_json::json!({"present_in_group": true, "leases": leases});
    if let Some(failure) = &view.last_failure {
        metadata["last_failure"] = failure.as_str().into();
    }
    RunnerInfo {
        runner_id: view.runner.to_string(),
        in_flight_requests: i32::try_from(view.in_flight.len()).unwrap_or(i32::MAX),
        expiration_countdown: view.expires_in.map(|left| i32::try_from(left.as_secs()).unwrap_or(i32::MAX)),
        uptime: now.since(view.created_at).as_secs_f32(),
        external_metadata: metadata.as_object().map(structs::struct_of),
        revision: view.revision.as_ref().map(ToString::to_string).unwrap_or_default(),
        alias: view.app.alias().to_owned(),
        state: Some(state(view.state).into()),
        replacement: replacement(view.replacement).into(),
        machine_type: view.machine_type.clone().unwrap_or_default(),
    }
}

fn state(phase: RunnerPhase) -> State {
    match phase {
        RunnerPhase::Pending => State::Pending,
        RunnerPhase::Setup => State::Setup,
        RunnerPhase::Idle => State::Idle,
        RunnerPhase::Running => State::Running,
        RunnerPhase::Draining => State::Draining,
        RunnerPhase::Terminating => State::Terminating,
        RunnerPhase::CrashBackoff => State::FailureDelay,
        RunnerPhase::Gone => State::Terminated,
    }
}

fn replacement(found: Replacement) -> ReplaceState {
    match found {
        Replacement::None => ReplaceState::NoReplace,
        Replacement::Will => ReplaceState::WillReplace,
        Replacement::Did => ReplaceState::DidReplace,
    }
}

/// One that is no more.
pub(crate) fn ended(record: &RunnerRecord) -> RunnerInfo {
    let began = record.started_at.unwrap_or(record.created_at);
    let mut metadata = serde_json::json!({"present_in_group": false, "leases": []});
    if let Some(reason) = &record.reason {
        metadata["last_failure"] = reason.as_str().into();
    }
    RunnerInfo {
        runner_id: record.runner.to_string(),
        uptime: record.ended_at.map_or(0.0, |ended| ended.since(began).as_secs_f32()),
        external_metadata: metadata.as_object().map(structs::struct_of),
        revision: record.revision.as_ref().map(ToString::to_string).unwrap_or_default(),
        alias: record.app.alias().to_owned(),
        state: Some(State::Terminated.into()),
        machine_type: record.machine_type.clone(),
        ..RunnerInfo::default()
    }
}

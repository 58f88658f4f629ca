//! Apps that come, change and go, and what is told of their runners.

use std::{sync::Arc, time::Duration};

use axum::{Router, routing::post};
use tintype_dispatch::{AppDefinition, Replacement, RunnerPhase, Strategy};
use tintype_domain::{
    AccountId, LogLevel, Outcome, RevisionId, RunnerId, Timestamp,
    app::{CrashPause, Spec},
};
use tintype_launch::{
    Address, Command, ExitReason, Launcher, Occurrence, Start, StartError, Started, Stop,
    fake::{FakeLauncher, FakeRunner},
};
use tintype_store::{LogSource, MemoryStore, RequestState, RunnerHistory, RunnerLogFilter, Store};
use tokio::net::UnixListener;

use crate::stage::{Stage, app};

fn revision(name: &str) -> AppDefinition {
    AppDefinition {
        revision: Some(RevisionId::new(name)),
        machine_type: Some("S".into()),
        ..AppDefinition::native(app(), Spec::default(), Command::default(), None)
    }
}

async fn stage() -> (Stage, FakeLauncher) {
    let launcher = FakeLauncher::default();
    let stage = Stage::with(Spec::default(), Arc::new(launcher.clone()), Arc::new(MemoryStore::new())).await;
    (stage, launcher)
}

/// A stage whose one runner is ready.
async fn up() -> (Stage, FakeLauncher, FakeRunner) {
    let (stage, launcher) = stage().await;
    stage.dispatch.retune(&app(), Spec { min_concurrency: 1, ..Spec::default() }).unwrap();
    let runner = launcher.next().await;
    runner.ready().await;
    let ready = |stage: &Stage| stage.dispatch.runners()[0].state == RunnerPhase::Idle;
    until(&stage, ready).await;
    (stage, launcher, runner)
}

/// Waits for something that no watch tells of.
async fn until(stage: &Stage, wanted: impl Fn(&Stage) -> bool) {
    while !wanted(stage) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_rollout_ends_well_when_its_runner_is_ready_and_the_old_one_goes() {
    let (stage, launcher, mut old) = up().await;
    let rollout = stage.dispatch.replace(revision("two"), Strategy::Rolling).unwrap();
    assert!(stage.dispatch.is_rolling(&app()));
    let new = launcher.next().await;
    let replaced: Vec<_> = stage.dispatch.runners().iter().map(|runner| runner.replacement).collect();
    assert_eq!(replaced, [Replacement::Will, Replacement::None]);
    new.ready().await;
    rollout.finished().await.unwrap();
    assert_eq!(old.stopped().await, Stop::Terminate);
    old.exit(ExitReason::Clean).await;
    until(&stage, |stage| stage.dispatch.runners().len() == 1).await;
    let view = &stage.dispatch.runners()[0];
    assert_eq!(view.revision, Some(RevisionId::new("two")));
    assert_eq!(view.machine_type.as_deref(), Some("S"));
}

#[tokio::test]
async fn a_rollout_that_fails_says_why_and_the_old_runner_goes_on() {
    let (stage, launcher, old) = up().await;
    let rollout = stage.dispatch.replace(revision("bad"), Strategy::Rolling).unwrap();
    let new = launcher.next().await;
    for message in ["Traceback (most recent call last):", "ValueError: no weights", "ERROR: startup failed."] {
        let message = message.to_owned();
        new.tell(Occurrence::Log { level: LogLevel::Stderr, message, request: None, endpoint: None }).await;
    }
    new.exit(ExitReason::Code(3)).await;
    let failed = rollout.finished().await.unwrap_err();
    let reason = "no runner of it became ready: the runner exited with status 3; it wrote: ValueError: no weights";
    assert_eq!(failed.reason, reason);
    assert_eq!(old.asked(), Stop::No);
    assert_eq!(stage.dispatch.runners().len(), 1);
    assert_eq!(stage.dispatch.runners()[0].revision, None);
}

#[tokio::test]
async fn a_runner_that_cannot_start_is_one_row_in_back_off_with_the_reason() {
    let (stage, launcher) = stage().await;
    let spec = Spec { min_concurrency: 1, crash_pause: CrashPause::DEPLOYED, ..Spec::default() };
    stage.dispatch.retune(&app(), spec).unwrap();
    launcher.next().await.exit(ExitReason::OutOfMemory { limit_bytes: 1 << 30 }).await;
    until(&stage, |stage| stage.dispatch.runners()[0].state == RunnerPhase::CrashBackoff).await;
    let rows = stage.dispatch.runners();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].last_failure.as_deref(), Some("the runner used more than its memory limit of 1024 MiB"));
    assert!(rows[0].stage.as_deref().unwrap().starts_with("1 in a row came to nothing; the next start is in"));
}

#[tokio::test]
async fn a_start_for_which_the_machine_has_no_room_is_tried_again_without_a_growing_wait() {
    let (stage, launcher) = stage().await;
    launcher.refuse_next(StartError::GpusBusy { runner: RunnerId::new("r"), wanted: 1, free: 0, present: 1 });
    let spec = Spec { min_concurrency: 1, crash_pause: CrashPause::DEPLOYED, ..Spec::default() };
    stage.dispatch.retune(&app(), spec).unwrap();
    until(&stage, |stage| stage.dispatch.runners().iter().any(|row| row.state == RunnerPhase::CrashBackoff)).await;
    let row = &stage.dispatch.runners()[0];
    assert!(row.stage.as_deref().unwrap().ends_with("the next start is in 20 s"), "{row:?}");
}

#[tokio::test]
async fn an_app_that_is_registered_takes_up_what_waits_for_it_and_one_that_is_removed_ends_it() {
    let first = Stage::new(Spec::default()).await;
    let other: tintype_domain::AppId = "ann/other".parse().unwrap();
    let store = first.store.clone();
    let mut request = first.request("/echo");
    request.app = other.clone();
    let id = request.id;
    store.enqueue(request).await.unwrap();
    let launcher = FakeLauncher::default();
    let stage = Stage::with(Spec::default(), Arc::new(launcher.clone()), store).await;
    assert!(!stage.dispatch.knows(&other));
    let definition = AppDefinition::native(other.clone(), Spec::default(), Command::default(), None);
    stage.dispatch.register(definition.clone()).await.unwrap();
    assert!(stage.dispatch.register(definition).await.is_err());
    let mut runner = launcher.next().await;
    assert_eq!(stage.dispatch.queue(&other).unwrap(), [(AccountId::new("ann"), 1)]);
    stage.dispatch.remove(&other).await.unwrap();
    assert!(!stage.dispatch.knows(&other));
    let record = stage.store.request(id).await.unwrap().unwrap();
    assert_eq!(record.state, RequestState::Done(Outcome::Failed));
    assert_eq!(record.error.as_deref(), Some("the app was deleted before the request was done"));
    assert_eq!(runner.stopped().await, Stop::Terminate);
    runner.exit(ExitReason::Clean).await;
    until(&stage, |stage| stage.dispatch.runners().is_empty()).await;
    assert!(stage.dispatch.remove(&other).await.is_err());
}

#[tokio::test]
async fn what_waits_for_an_app_that_is_no_more_is_ended_and_what_waits_for_another_is_kept() {
    let first = Stage::new(Spec::default()).await;
    let mut ids = Vec::new();
    for app in ["ann/gone", "tintype/away"] {
        let mut request = first.request("/echo");
        request.app = app.parse().unwrap();
        ids.push(request.id);
        first.store.enqueue(request).await.unwrap();
    }
    let stage = Stage::with(Spec::default(), Arc::new(FakeLauncher::default()), first.store.clone()).await;
    assert_eq!(stage.dispatch.end_orphans(|app| app.owner() == "ann").await.unwrap(), 1);
    assert_eq!(stage.done(ids[0]).await.record.state, RequestState::Done(Outcome::Failed));
    assert_eq!(stage.store.request(ids[1]).await.unwrap().unwrap().state, RequestState::Waiting);
}

/// A launcher that never comes to an end.
struct Slow;

#[async_trait::async_trait]
impl Launcher for Slow {
    async fn start(&self, _start: Start) -> Result<Started, StartError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_runner_that_is_still_being_prepared_is_given_up_at_once() {
    let mut stage = Stage::with(Spec::default(), Arc::new(Slow), Arc::new(MemoryStore::new())).await;
    stage.dispatch.replace(revision("slow"), Strategy::Rolling).unwrap();
    until(&stage, |stage| stage.dispatch.runners()[0].stage.as_deref() == Some("environment")).await;
    let view = &stage.dispatch.runners()[0];
    assert_eq!(view.state, RunnerPhase::Pending);
    stage.dispatch.kill_runner(&view.runner).unwrap();
    until(&stage, |stage| stage.dispatch.runners().is_empty()).await;
    stage.dispatch.replace(revision("slow"), Strategy::Rolling).unwrap();
    stage.stop().await;
}

#[tokio::test]
async fn a_queue_is_emptied_for_one_account() {
    let (stage, _launcher) = stage().await;
    let mut ids = Vec::new();
    for n in 0..4 {
        let mut request = stage.request("/echo");
        request.account = AccountId::new(if n == 0 { "bob" } else { "ann" });
        ids.push(stage.dispatch.submit(request, None).await.unwrap().id);
    }
    assert_eq!(stage.dispatch.flush(&app(), Some(&AccountId::new("ann"))).await, 3);
    assert_eq!(stage.dispatch.queue(&app()).unwrap(), [(AccountId::new("bob"), 1)]);
    assert_eq!(stage.done(ids[1]).await.record.state, RequestState::Done(Outcome::Cancelled));
    assert_eq!(stage.dispatch.flush(&app(), None).await, 1);
}

#[tokio::test]
async fn a_runner_is_stopped_after_its_replacement_is_ready_and_a_stranger_is_unknown() {
    let (stage, launcher, mut old) = up().await;
    stage.dispatch.stop_runner(&old.start.runner, true).unwrap();
    let new = launcher.next().await;
    assert_eq!(old.asked(), Stop::No);
    new.ready().await;
    assert_eq!(old.stopped().await, Stop::Terminate);
    stage.dispatch.kill_runner(&new.start.runner).unwrap();
    let error = stage.dispatch.kill_runner(&RunnerId::new("nobody")).unwrap_err();
    assert_eq!(error.to_string(), "no runner `nobody` lives here");
}

#[tokio::test]
async fn lines_and_lives_of_runners_are_told_live_and_kept() {
    let (stage, launcher) = stage().await;
    let mut tail = stage.dispatch.tail();
    let rollout = stage.dispatch.replace(revision("one"), Strategy::Rolling).unwrap();
    let runner = launcher.next().await;
    let name = runner.start.runner.clone();
    runner.tell(Occurrence::Stage { name: "setup", detail: None }).await;
    let message = "hello".to_owned();
    let line = Occurrence::Log { level: LogLevel::Stdout, message, request: None, endpoint: Some("/a".into()) };
    runner.tell(line).await;
    runner.ready().await;
    rollout.finished().await.unwrap();
    runner.exit(ExitReason::Signal(11)).await;
    let mut heard = Vec::new();
    while heard.len() < 4 {
        heard.push(tail.recv().await.unwrap());
    }
    assert_eq!((heard[1].message.as_str(), heard[1].source), ("hello", LogSource::User));
    assert_eq!(heard[1].endpoint.as_deref(), Some("/a"));
    assert!(heard[3].message.ends_with("(SIGSEGV, segmentation fault)"), "{}", heard[3].message);
    assert!(heard.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp));
    until(&stage, |stage| stage.dispatch.runners().iter().all(|row| row.runner != name)).await;
    stage.dispatch.flush_runner_logs().await.unwrap();
    let filter = RunnerLogFilter { runner: name.clone(), since: None, until: None, search: None, limit: 10 };
    assert_eq!(stage.store.runner_logs(filter).await.unwrap().len(), 4);
    let record = stage.store.runner(&name).await.unwrap().unwrap();
    assert_eq!(record.revision, Some(RevisionId::new("one")));
    assert!(record.ready_at.is_some() && record.ended_at.is_some());
    let steps: Vec<tintype_dispatch::Step> = serde_json::from_str(&record.timeline).unwrap();
    let stages: Vec<_> = steps.iter().map(|step| step.stage.as_str()).collect();
    assert_eq!(stages, ["queued", "environment", "setup", "ready", "ended"]);
}

#[tokio::test]
async fn a_request_of_the_owner_expires_after_the_apps_own_start_limit_unless_it_says_otherwise() {
    let (stage, _launcher) = stage().await;
    let limit = Some(Duration::from_secs(30));
    stage.dispatch.retune(&app(), Spec { request_start_timeout: limit, ..Spec::default() }).unwrap();
    let own = |stage: &Stage| {
        let mut request = stage.request("/echo");
        request.account = AccountId::new("acme");
        request
    };
    let mut patient = own(&stage);
    patient.start_deadline = Some(Timestamp::from_micros(1_900_000_000_000_000));
    for request in [own(&stage), stage.request("/echo"), patient] {
        stage.dispatch.submit(request, None).await.unwrap();
    }
    let pending = stage.store.pending().await.unwrap();
    let deadlines: Vec<_> = pending.iter().map(|pending| pending.start_deadline.map(Timestamp::as_secs)).collect();
    assert_eq!(deadlines, [Some(1_700_000_030), None, Some(1_900_000_000)]);
}

#[tokio::test]
async fn a_health_check_that_a_runner_asks_for_is_passed_to_the_launcher() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("runner.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let unwell = Router::new().route("/", post(|| async { [("x-fal-runner-health-check", "true")] }));
    tokio::spawn(axum::serve(listener, unwell).into_future());
    let launcher = FakeLauncher::manual(Address::Unix(socket));
    let stage = Stage::with(Spec::default(), Arc::new(launcher.clone()), Arc::new(MemoryStore::new())).await;
    let id = stage.submit("").await;
    let mut runner = launcher.next().await;
    runner.ready().await;
    stage.done(id).await;
    assert!(runner.checked().await);
}

#[tokio::test]
async fn two_hundred_apps_that_nobody_calls_start_nothing() {
    let (stage, _launcher) = stage().await;
    for n in 0..200 {
        let app = format!("ann/app-{n}").parse().unwrap();
        let definition = AppDefinition::native(app, Spec::default(), Command::default(), None);
        stage.dispatch.register(definition).await.unwrap();
    }
    assert_eq!(stage.dispatch.apps().len(), 201);
    assert!(stage.dispatch.runners().is_empty());
}

//! Queued requests, from submission to result.

use std::{sync::atomic::Ordering, time::Duration};

use tintype_dispatch::{CancelAnswer, SubmitError};
use tintype_domain::{ErrorType, LogLevel, Outcome, RequestId, RetryBudget, app::Spec};
use tintype_store::{Idempotency, RequestState, Store, StoreError};

use crate::stage::{Stage, app};

#[tokio::test]
async fn a_request_reaches_its_runner_dressed_and_its_answer_is_kept() {
    let stage = Stage::new(Spec::default()).await;
    let mut request = stage.request("/echo");
    let id = request.id;
    request.headers.extend([
        ("x-custom".into(), "kept".into()),
        ("authorization".into(), "Key a:b".into()),
        ("x-fal-cdn-token".into(), "forged".into()),
        ("x-fal-object-lifecycle-preference".into(), "short".into()),
    ]);
    let submitted = stage.dispatch.submit(request, None).await.unwrap();
    assert!(submitted.new && submitted.queue_position == 0);
    let status = stage.done(id).await;
    assert_eq!(status.record.state, RequestState::Done(Outcome::Succeeded));
    assert_eq!((status.record.attempts, status.record.status_code), (1, Some(200)));
    let result = stage.result(id).await;
    let seen = String::from_utf8(result.body.to_vec()).unwrap();
    for expected in [
        "x-custom=kept",
        &format!("x-fal-request-id={id}"),
        "x-fal-endpoint=/echo",
        "x-fal-cdn-token=token-of-ann-short",
        "|{\"prompt\":\"x\"}",
    ] {
        assert!(seen.contains(expected), "{expected} is not in {seen}");
    }
    assert!(!seen.contains("authorization") && !seen.contains("forged"));
    let header = |name: &str| result.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
    assert_eq!(header("x-fal-billable-units").as_deref(), Some("3"));
    assert!(header("x-fal-stop-runner").is_none() && header("x-fal-served-from").is_some());
}

#[tokio::test]
async fn a_503_is_tried_again_under_another_id_and_a_500_is_not() {
    let stage = Stage::new(Spec::default()).await;
    let id = stage.submit("/flaky").await;
    let status = stage.done(id).await;
    assert_eq!(status.record.state, RequestState::Done(Outcome::Succeeded));
    assert_eq!(status.record.attempts, 2);
    assert_ne!(status.record.gateway_request_id, id);
    let id = stage.submit("/status/500").await;
    let record = stage.done(id).await.record;
    assert_eq!((record.state, record.attempts), (RequestState::Done(Outcome::Failed), 1));
    assert_eq!(record.error.as_deref(), Some("as asked"));
    assert_eq!(record.error_type, Some(ErrorType::RunnerServerError));
    assert_eq!(stage.result(id).await.status, 500);
}

#[tokio::test]
async fn a_request_that_forbids_retries_ends_with_its_first_answer() {
    let stage = Stage::new(Spec::default()).await;
    let mut request = stage.request("/status/503");
    request.retry = RetryBudget { never: true, ..RetryBudget::default() };
    let id = stage.dispatch.submit(request, None).await.unwrap().id;
    let record = stage.done(id).await.record;
    assert_eq!((record.attempts, record.status_code), (1, Some(503)));
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_a_named_failure_and_no_retry() {
    let stage = Stage::new(Spec::default()).await;
    let id = stage.submit("/big").await;
    let record = stage.done(id).await.record;
    assert_eq!((record.attempts, record.error_type), (1, Some(ErrorType::RunnerServerError)));
    assert!(record.error.unwrap().contains("larger than 1048576 bytes"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_tried_again_until_it_is_taken_for_poison() {
    let stage = Stage::new(Spec { poison_after: 2, ..Spec::default() }).await;
    let id = stage.submit("/broken").await;
    let record = stage.done(id).await.record;
    assert_eq!((record.attempts, record.error_type), (2, Some(ErrorType::RunnerIncompleteResponse)));
    assert!(record.error.unwrap().starts_with("2 runners died while they worked on this request"));
    assert_eq!(stage.result(id).await.status, 502);
}

#[tokio::test]
async fn a_cancelled_request_that_waits_is_removed_and_one_that_runs_is_asked_to_stop() {
    let stage = Stage::new(Spec::default()).await;
    let running = stage.submit("/hold").await;
    stage.runner.arrived.notified().await;
    let waiting = stage.submit("/echo").await;
    let status = stage.dispatch.status(waiting).await.unwrap().unwrap();
    assert_eq!(status.queue_position, Some(0));
    assert_eq!(status.waiting.unwrap().next, "it starts when the next slot is free");
    assert_eq!(stage.dispatch.cancel(waiting).await.unwrap(), CancelAnswer::Removed);
    assert_eq!(stage.result(waiting).await.status, 499);
    assert_eq!(stage.dispatch.cancel(waiting).await.unwrap(), CancelAnswer::AlreadyCompleted);
    assert_eq!(stage.dispatch.cancel(running).await.unwrap(), CancelAnswer::Requested);
    let record = stage.done(running).await.record;
    assert_eq!(record.state, RequestState::Done(Outcome::Cancelled));
    assert_eq!(record.error.as_deref(), Some("stopped"));
    assert_eq!(*stage.runner.cancelled.lock().unwrap(), [running.to_string()]);
    assert_eq!(stage.runner.calls.load(Ordering::Relaxed), 1);
    assert_eq!(stage.dispatch.cancel(stage.id()).await.unwrap(), CancelAnswer::NotFound);
}

#[tokio::test]
async fn an_idempotency_key_names_one_request() {
    let stage = Stage::new(Spec::default()).await;
    let mut first = stage.request("/echo");
    let expires_at = first.submitted_at.plus(Duration::from_secs(1000));
    first.idempotency = Some(Idempotency { key: "k".into(), fingerprint: [1; 32], expires_at });
    let mut again = first.clone();
    again.id = stage.id();
    let id = stage.dispatch.submit(first, None).await.unwrap().id;
    let repeated = stage.dispatch.submit(again.clone(), None).await.unwrap();
    assert_eq!((repeated.id, repeated.new), (id, false));
    again.idempotency.as_mut().unwrap().fingerprint = [2; 32];
    let refused = stage.dispatch.submit(again, None).await.unwrap_err();
    assert!(matches!(refused, SubmitError::KeyReused { existing } if existing == id));
}

#[tokio::test]
async fn a_repeat_is_recognised_when_the_queue_is_full() {
    let stage = Stage::new(Spec::default()).await;
    stage.submit("/hold").await;
    stage.runner.arrived.notified().await;
    let mut first = stage.request("/echo");
    let expires_at = first.submitted_at.plus(Duration::from_secs(1000));
    first.idempotency = Some(Idempotency { key: "k".into(), fingerprint: [1; 32], expires_at });
    let mut again = first.clone();
    again.id = stage.id();
    let id = stage.dispatch.submit(first, Some(0)).await.unwrap().id;
    let repeated = stage.dispatch.submit(again, Some(0)).await.unwrap();
    assert_eq!((repeated.id, repeated.new), (id, false));
}

#[tokio::test]
async fn a_full_queue_an_unknown_app_and_a_full_disk_refuse() {
    let stage = Stage::new(Spec::default()).await;
    stage.submit("/hold").await;
    stage.runner.arrived.notified().await;
    stage.submit("/echo").await;
    let refused = stage.dispatch.submit(stage.request("/echo"), Some(0)).await.unwrap_err();
    assert!(matches!(refused, SubmitError::QueueFull { waiting: 1, limit: 0 }));
    assert!(stage.dispatch.submit(stage.request("/echo"), Some(1)).await.is_ok());
    let mut unknown = stage.request("/echo");
    unknown.app = "acme/other".parse().unwrap();
    let refused = stage.dispatch.submit(unknown, None).await.unwrap_err();
    assert_eq!(refused.to_string(), "no app `acme/other` runs here");
    stage.store.set_full(true);
    let refused = stage.dispatch.submit(stage.request("/echo"), None).await.unwrap_err();
    assert!(matches!(refused, SubmitError::Store(StoreError::DiskFull)));
    assert_eq!(stage.dispatch.waiting(&app()), Some(2));
}

#[tokio::test]
async fn what_was_accepted_before_the_disk_was_full_is_finished_when_there_is_room() {
    let stage = Stage::new(Spec::default()).await;
    let id = stage.submit("/hold").await;
    stage.runner.arrived.notified().await;
    stage.store.set_full(true);
    stage.runner.release.add_permits(1);
    // The first try to write the end fails; nobody is told that it ended.
    let status = stage.dispatch.status(id).await.unwrap().unwrap();
    assert_eq!(status.record.state, RequestState::Running);
    stage.store.set_full(false);
    assert_eq!(stage.done(id).await.record.state, RequestState::Done(Outcome::Succeeded));
}

#[tokio::test]
async fn lines_are_seen_before_they_are_written_and_wake_who_watches() {
    use tintype_launch::{Occurrence, fake::FakeLauncher};
    let launcher = std::sync::Arc::new(FakeLauncher::default());
    let stage = Stage::with(Spec::default(), launcher.clone(), std::sync::Arc::default()).await;
    let id = stage.submit("/echo").await;
    let process = launcher.next().await;
    let mut watch = stage.dispatch.watch(id);
    let line = |request: Option<RequestId>, message: &str| Occurrence::Log {
        level: LogLevel::Info,
        message: message.into(),
        request,
        endpoint: None,
    };
    process.tell(line(None, "of the runner")).await;
    process.tell(line(Some(id), "step 1/2")).await;
    watch.changed().await;
    let lines = stage.dispatch.logs(id, 0, 10).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.entry.message.as_str()).collect::<Vec<_>>(), ["step 1/2"]);
    process.tell(line(Some(id), "step 2/2")).await;
    watch.changed().await;
    let lines = stage.dispatch.logs(id, lines[0].cursor, 10).await.unwrap();
    assert_eq!(lines[0].entry.message, "step 2/2");
    assert_eq!(stage.store.logs(id, 0, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_line_that_comes_behind_the_end_of_its_request_is_kept_with_it() {
    use tintype_launch::{Occurrence, fake::FakeLauncher};
    let launcher = std::sync::Arc::new(FakeLauncher::default());
    let stage = Stage::with(Spec::default(), launcher.clone(), std::sync::Arc::default()).await;
    let id = stage.submit("/echo").await;
    let process = launcher.next().await;
    assert_eq!(stage.dispatch.cancel(id).await.unwrap(), CancelAnswer::Removed);
    stage.done(id).await;
    let mut watch = stage.dispatch.watch(id);
    let message = "Traceback (most recent call last):".to_owned();
    process.tell(Occurrence::Log { level: LogLevel::Stderr, message, request: Some(id), endpoint: None }).await;
    watch.changed().await;
    assert_eq!(stage.dispatch.logs(id, 0, 10).await.unwrap().len(), 1);
}

//! Starts, crashes and stops, of runners and of the server.

use std::{sync::Arc, time::Duration};

use tintype_dispatch::{Cause, SubmitError};
use tintype_domain::{ErrorType, Outcome, RetryBudget, app::Spec};
use tintype_launch::{ExitReason, Occurrence, Stop, fake::FakeLauncher};
use tintype_store::{MemoryStore, RequestState, Store};

use crate::stage::{Stage, app};

#[tokio::test]
async fn work_under_way_at_a_stop_goes_back_to_the_queue_and_runs_at_the_next_start() {
    let mut first = Stage::new(Spec::default()).await;
    let id = first.submit("/hold").await;
    first.runner.arrived.notified().await;
    let waiting = first.submit("/echo").await;
    first.stop().await;
    let refused = first.dispatch.submit(first.request("/echo"), None).await.unwrap_err();
    assert!(matches!(refused, SubmitError::Stopping));
    for (id, attempts) in [(id, 1), (waiting, 0)] {
        let record = first.store.request(id).await.unwrap().unwrap();
        assert_eq!((record.state, record.attempts), (RequestState::Waiting, attempts));
    }
    let second = Stage::with(Spec::default(), Arc::new(FakeLauncher::default()), first.store.clone()).await;
    let status = second.dispatch.status(id).await.unwrap().unwrap();
    assert_eq!(status.queue_position, Some(0));
    assert_eq!(second.dispatch.status(waiting).await.unwrap().unwrap().queue_position, Some(1));
    assert_eq!(status.waiting.unwrap().cause, Cause::ColdStart);
}

#[tokio::test]
async fn what_ran_when_the_server_was_killed_runs_again_unless_it_forbids_it() {
    let first = Stage::new(Spec { max_multiplexing: 2, ..Spec::default() }).await;
    let again = first.submit("/hold").await;
    let mut request = first.request("/hold");
    request.retry = RetryBudget { never: true, ..RetryBudget::default() };
    let never = first.dispatch.submit(request, None).await.unwrap().id;
    for id in [again, never] {
        first.until(id, |status| status.record.state == RequestState::Running).await;
    }
    // As a killed server would leave it: the store says running, and nobody runs it.
    let store = first.store.clone();
    let second = Stage::with(Spec::default(), Arc::new(FakeLauncher::default()), store).await;
    let status = second.until(again, |status| status.record.state == RequestState::Waiting).await;
    assert_eq!(status.record.attempts, 1);
    let record = second.done(never).await.record;
    assert_eq!(record.state, RequestState::Done(Outcome::Failed));
    assert_eq!(record.error_type, Some(ErrorType::RunnerDisconnected));
}

#[tokio::test(start_paused = true)]
async fn a_request_says_why_it_waits_while_runners_fail_to_start_and_calls_are_refused() {
    let launcher = Arc::new(FakeLauncher::default());
    let stage = Stage::with(Spec::default(), launcher.clone(), Arc::new(MemoryStore::new())).await;
    let id = stage.submit("/echo").await;
    let process = launcher.next().await;
    process.tell(Occurrence::Stage { name: "setup", detail: Some("loading weights".into()) }).await;
    let status = loop {
        let status = stage.dispatch.status(id).await.unwrap().unwrap();
        if status.waiting.as_ref().is_some_and(|waiting| waiting.detail.contains("loading")) {
            break status;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(status.waiting.unwrap().cause, Cause::ColdStart);
    let line = Occurrence::Log {
        level: tintype_domain::LogLevel::Stderr,
        message: "no GPU".into(),
        request: None,
        endpoint: None,
    };
    process.tell(line).await;
    process.exit(ExitReason::Code(1)).await;
    launcher.next().await.exit(ExitReason::Code(1)).await;
    launcher.next().await.exit(ExitReason::StartupTimeout).await;
    let failure = stage.dispatch.acquire(stage.call("/echo")).await.err().unwrap();
    assert_eq!(failure.error_type, ErrorType::RunnerSchedulingFailure);
    let waiting = stage.dispatch.status(id).await.unwrap().unwrap().waiting.unwrap();
    assert_eq!(waiting.cause, Cause::CrashLoop);
    assert!(waiting.detail.contains("not ready within its startup timeout"), "{}", waiting.detail);
    assert!(waiting.next.starts_with("another runner is started in"), "{}", waiting.next);
}

#[tokio::test(start_paused = true)]
async fn an_idle_runner_is_ended_and_the_next_request_wakes_one() {
    let launcher = Arc::new(FakeLauncher::default());
    let spec = Spec { keep_alive: Duration::from_secs(5), min_concurrency: 0, ..Spec::default() };
    let stage = Stage::with(spec, launcher.clone(), Arc::new(MemoryStore::new())).await;
    assert!(stage.dispatch.runners().is_empty());
    let mut call = Box::pin(stage.dispatch.acquire(stage.call("/echo")));
    assert!(futures::poll!(&mut call).is_pending());
    let mut process = launcher.next().await;
    process.ready().await;
    let lease = call.await.unwrap();
    lease.finish(tintype_domain::Verdict::Answered { status: 200, needs_retry: None, stop_runner: false });
    assert_eq!(process.stopped().await, Stop::Terminate);
    process.exit(ExitReason::Clean).await;
    let _call = tokio::spawn({
        let (dispatch, call) = (stage.dispatch.clone(), stage.call("/echo"));
        async move { dispatch.acquire(call).await.is_ok() }
    });
    launcher.next().await;
}

#[tokio::test(start_paused = true)]
async fn an_unhealthy_runner_is_killed() {
    let launcher = Arc::new(FakeLauncher::default());
    let spec = Spec { min_concurrency: 1, ..Spec::default() };
    let stage = Stage::with(spec, launcher.clone(), Arc::new(MemoryStore::new())).await;
    let mut process = launcher.next().await;
    process.ready().await;
    process.tell(Occurrence::Unhealthy { detail: "three health checks in a row failed".into() }).await;
    assert_eq!(process.stopped().await, Stop::Kill);
    process.exit(ExitReason::Killed).await;
    launcher.next().await;
    assert_eq!(stage.dispatch.waiting(&app()), Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_start_deadline_ends_a_request_as_expired_whatever_the_clock_does() {
    let launcher = Arc::new(FakeLauncher::default());
    let stage = Stage::with(Spec::default(), launcher, Arc::new(MemoryStore::new())).await;
    let mut request = stage.request("/echo");
    request.start_deadline = Some(request.submitted_at.plus(Duration::from_secs(30)));
    let began = tokio::time::Instant::now();
    let id = stage.dispatch.submit(request, None).await.unwrap().id;
    // Somebody sets the clock back by an hour.
    stage.clock.set(tintype_domain::Timestamp::from_micros(1_699_996_400_000_000));
    let record = stage.done(id).await.record;
    assert_eq!(record.state, RequestState::Done(Outcome::Expired));
    assert_eq!(began.elapsed().as_secs(), 30);
    let result = stage.result(id).await;
    assert_eq!(result.status, 504);
    assert!(result.headers.contains(&("x-fal-request-timeout-type".into(), "user".into())));
}

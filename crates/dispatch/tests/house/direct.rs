//! Direct calls: slots, streams, callers who leave.

use std::time::Duration;

use http_body_util::BodyExt;
use tintype_domain::{ErrorType, Outcome, Verdict, app::Spec};
use tintype_store::{RequestFilter, RequestState, Store};

use crate::stage::{Stage, post_request};

#[tokio::test]
async fn a_call_is_answered_and_recorded_behind_its_answer() {
    let mut stage = Stage::new(Spec::default()).await;
    let mut call = stage.call("/echo");
    call.lifecycle = Some("short".into());
    let id = call.id;
    let mut lease = stage.dispatch.acquire(call).await.unwrap();
    let answer = lease.send(post_request("/echo?x=1", "body")).await.unwrap();
    assert!(!answer.headers().contains_key("x-fal-stop-runner"));
    let seen = answer.into_body().collect().await.unwrap().to_bytes();
    let seen = String::from_utf8(seen.to_vec()).unwrap();
    assert!(seen.contains("x-custom=kept") && seen.contains("x-fal-cdn-token=token-of-ann-short"), "{seen}");
    assert!(!seen.contains("authorization") && seen.ends_with("|body"), "{seen}");
    let verdict = lease.verdict();
    assert_eq!(verdict, Verdict::Answered { status: 200, needs_retry: None, stop_runner: false });
    lease.finish(verdict);
    stage.stop().await;
    let record = stage.store.request(id).await.unwrap().unwrap();
    assert_eq!((record.state, record.direct), (RequestState::Done(Outcome::Succeeded), true));
}

#[tokio::test]
async fn a_stream_passes_piece_by_piece() {
    let stage = Stage::new(Spec::default()).await;
    let mut lease = stage.dispatch.acquire(stage.call("/drip")).await.unwrap();
    let mut body = lease.send(post_request("/drip", "")).await.unwrap().into_body();
    for n in 0..3 {
        stage.runner.release.add_permits(1);
        let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(piece, format!("piece {n}"));
    }
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_slot_whose_caller_left_comes_back_when_the_runner_has_ended_the_request() {
    let stage = Stage::new(Spec::default()).await;
    let call = stage.call("/hold");
    let id = call.id;
    let mut lease = stage.dispatch.acquire(call).await.unwrap();
    tokio::select! {
        _ = lease.send(post_request("/hold", "")) => panic!("the runner holds the request"),
        () = stage.runner.arrived.notified() => {}
    }
    drop(lease);
    // There is one slot: this call gets it only after the runner has answered the cancellation with an end.
    let next = stage.dispatch.acquire(stage.call("/echo")).await.unwrap();
    assert_eq!(*stage.runner.cancelled.lock().unwrap(), [id.to_string()]);
    drop(next);
}

#[tokio::test]
async fn a_stream_whose_caller_left_is_read_to_its_end_for_the_slot() {
    let stage = Stage::new(Spec::default()).await;
    let mut lease = stage.dispatch.acquire(stage.call("/drip")).await.unwrap();
    let body = lease.send(post_request("/drip", "")).await.unwrap().into_body();
    // Whichever goes first.
    drop(body);
    drop(lease);
    let mut next = Box::pin(stage.dispatch.acquire(stage.call("/echo")));
    assert!(futures::poll!(&mut next).is_pending());
    stage.runner.release.add_permits(3);
    next.await.unwrap();
}

#[tokio::test]
async fn a_call_that_gives_up_its_place_is_forgotten() {
    let stage = Stage::new(Spec::default()).await;
    let held = stage.dispatch.acquire(stage.call("/hold")).await.unwrap();
    let mut waiting = Box::pin(stage.dispatch.acquire(stage.call("/hold")));
    assert!(futures::poll!(&mut waiting).is_pending());
    assert_eq!(stage.dispatch.waiting(&crate::stage::app()), Some(1));
    drop(waiting);
    assert_eq!(stage.dispatch.waiting(&crate::stage::app()), Some(0));
    drop(held);
    stage.dispatch.acquire(stage.call("/hold")).await.unwrap();
}

#[tokio::test]
async fn an_upgraded_connection_is_handed_over() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let stage = Stage::new(Spec::default()).await;
    let mut lease = stage.dispatch.acquire(stage.call("/upgrade")).await.unwrap();
    let mut request = post_request("/upgrade", "");
    *request.method_mut() = http::Method::GET;
    request.headers_mut().insert("connection", "upgrade".parse().unwrap());
    request.headers_mut().insert("upgrade", "echo".parse().unwrap());
    let answer = lease.send(request).await.unwrap();
    assert_eq!(answer.status(), 101);
    assert_eq!(answer.headers()["upgrade"], "echo");
    let mut io = hyper_util::rt::TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    io.write_all(b"ping").await.unwrap();
    let mut word = [0; 4];
    io.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"ping");
    lease.finish(Verdict::Answered { status: 101, needs_retry: None, stop_runner: false });
    stage.dispatch.acquire(stage.call("/echo")).await.unwrap();
}

#[tokio::test]
async fn a_call_that_exceeds_the_request_timeout_is_told_and_its_runner_replaced() {
    let stage = Stage::new(Spec { request_timeout: Duration::from_millis(50), ..Spec::default() }).await;
    let mut lease = stage.dispatch.acquire(stage.call("/hold")).await.unwrap();
    let first = lease.runner().clone();
    let failure = lease.send(post_request("/hold", "")).await.unwrap_err();
    assert_eq!(failure.error_type, ErrorType::RequestTimeout);
    lease.finish(Verdict::Broken(failure));
    let lease = stage.dispatch.acquire(stage.call("/echo")).await.unwrap();
    assert_ne!(*lease.runner(), first);
}

#[tokio::test]
async fn a_broken_answer_or_connection_costs_the_runner_and_an_unused_slot_does_not() {
    let stage = Stage::new(Spec::default()).await;
    let first = stage.dispatch.acquire(stage.call("/echo")).await.unwrap();
    let runner = first.runner().clone();
    let verdict = first.verdict();
    first.finish(verdict);
    let mut lease = stage.dispatch.acquire(stage.call("/broken")).await.unwrap();
    assert_eq!(*lease.runner(), runner);
    if let Ok(answer) = lease.send(post_request("/broken", "")).await {
        answer.into_body().collect().await.unwrap_err();
    }
    let verdict = lease.verdict();
    assert!(matches!(verdict, Verdict::Broken(_)), "{verdict:?}");
    lease.finish(verdict);
    assert_ne!(*stage.dispatch.acquire(stage.call("/echo")).await.unwrap().runner(), runner);
}

#[tokio::test]
async fn a_call_that_nobody_serves_in_time_is_refused() {
    let stage = Stage::new(Spec::default()).await;
    let held = stage.dispatch.acquire(stage.call("/hold")).await.unwrap();
    let mut call = stage.call("/echo");
    call.start_deadline = Some(tintype_domain::Timestamp::from_micros(1_700_000_000_000_000));
    let failure = stage.dispatch.acquire(call).await.err().unwrap();
    assert_eq!(failure.error_type, ErrorType::RequestTimeout);
    assert!(failure.detail.contains("all 1 slots of 1 runners are in use"), "{}", failure.detail);
    drop(held);
}

#[tokio::test]
async fn a_connection_is_kept_between_calls() {
    let mut stage = Stage::new(Spec::default()).await;
    for _ in 0..20 {
        let mut lease = stage.dispatch.acquire(stage.call("/echo")).await.unwrap();
        let answer = lease.send(post_request("/echo", "x")).await.unwrap();
        answer.into_body().collect().await.unwrap();
        let verdict = lease.verdict();
        lease.finish(verdict);
    }
    stage.stop().await;
    let recorded = stage.store.requests(RequestFilter { limit: 100, ..RequestFilter::default() }).await.unwrap();
    assert_eq!(recorded.len(), 20);
}

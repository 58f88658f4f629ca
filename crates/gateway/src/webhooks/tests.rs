//! Deliveries to real receivers on this machine.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ring::{
    digest::{SHA256, digest},
    signature::{ED25519, UnparsedPublicKey},
};
use serde_json::{Value, json};
use tintype_domain::{
    AccountId, Attempt, Clock as _, ErrorType, ManualClock, Outcome, Priority, RequestId, RetryBudget, RunnerId,
    Timestamp,
};
use tintype_outbound::{Outbound, Policy, Reach};
use tintype_store::{Finish, NewRequest, Store as _, StoredResponse, memory::MemoryStore};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    WebhookKeys,
    courier::{Courier, Desk},
};

struct Bench {
    desk: Desk,
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    url: String,
    /// Answers to come; 200 when there is none.
    answers: Arc<Mutex<Vec<u16>>>,
    got: mpsc::UnboundedReceiver<(HeaderMap, Bytes)>,
}

impl Bench {
    async fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_700_000_000_000_000)));
        let reach = Reach { allow: vec!["127.0.0.1/32".parse().unwrap()], ..Reach::NOWHERE };
        let desk = Desk {
            store: store.clone(),
            clock: clock.clone(),
            outbound: Arc::new(Outbound::new(Policy { deliveries: reach, ..Policy::offline() })),
            keys: Arc::new(WebhookKeys::open(&[3; 32]).unwrap()),
            give_up: Duration::from_secs(7200),
        };
        let answers = Arc::<Mutex<Vec<u16>>>::default();
        let (url, got) = receiver(Arc::clone(&answers)).await;
        Self { desk, store, clock, url, answers, got }
    }

    /// A request that ended, with a webhook to `url`.
    async fn ended(&self, url: &str, finish: Finish) -> RequestId {
        let now = self.clock.now();
        let id = RequestId::new(now, [5; 10]);
        let request = NewRequest {
            id,
            account: AccountId::new("me"),
            app: "acme/app".parse().unwrap(),
            path: String::new(),
            method: "POST".into(),
            priority: Priority::Normal,
            submitted_at: now,
            start_deadline: None,
            hint: None,
            retry: RetryBudget::default(),
            headers: vec![],
            body: Bytes::from("{}"),
            webhook: Some(url.to_owned()),
            keep_payloads: true,
            idempotency: None,
        };
        self.store.enqueue(request).await.unwrap();
        self.store.begin_attempt(id, Attempt(1), id, RunnerId::new("r"), now).await.unwrap();
        assert!(self.store.finish(id, Some(Attempt(1)), finish).await.unwrap());
        id
    }

    fn finish(&self, outcome: Outcome, status: u16, body: &'static str) -> Finish {
        let response = StoredResponse { status, headers: vec![], body: Bytes::from_static(body.as_bytes()) };
        let at = self.clock.now();
        let expires_at = at.plus(Duration::from_secs(86_400));
        Finish { outcome, response, error: None, error_type: None, at, expires_at }
    }

    async fn due(&self) -> usize {
        self.store.due_deliveries(self.clock.now(), &[], 100).await.unwrap().len()
    }

    /// Tries everything that is due, once.
    async fn round(&self) {
        for delivery in self.store.due_deliveries(self.clock.now(), &[], 100).await.unwrap() {
            self.desk.deliver(delivery).await;
        }
    }

    async fn delivered(&mut self, finish: Finish) -> (HeaderMap, Value) {
        let url = self.url.clone();
        self.ended(&url, finish).await;
        self.round().await;
        let (headers, body) = self.got.recv().await.unwrap();
        (headers, serde_json::from_slice(&body).unwrap())
    }
}

async fn receiver(answers: Arc<Mutex<Vec<u16>>>) -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, got) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (answers, sender) = (Arc::clone(&answers), sender.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let (answers, sender) = (Arc::clone(&answers), sender.clone());
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    let status = answers.lock().unwrap().pop().unwrap_or(200);
                    let _ = sender.send((parts.headers, body));
                    let answer = Response::builder().status(status).header("location", "/elsewhere");
                    Ok::<_, Infallible>(answer.body(Full::<Bytes>::default()).unwrap())
                }
            });
            tokio::spawn(async move {
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (url, got)
}

#[tokio::test]
async fn a_success_is_delivered_signed_and_once() {
    let mut bench = Bench::new().await;
    let url = bench.url.clone();
    let id = bench.ended(&url, bench.finish(Outcome::Succeeded, 200, r#"{"seed":  7}"#)).await;
    bench.round().await;
    let (headers, body) = bench.got.recv().await.unwrap();
    let text = format!(
        r#"{{"request_id":"{id}","gateway_request_id":"{id}","status":"OK","payload":{{"seed":  7}},"outcome":"succeeded"}}"#
    );
    assert_eq!(body, text);
    let header = |name: &str| headers[name].to_str().unwrap();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("x-fal-webhook-request-id"), id.to_string());
    assert_eq!(header("x-fal-webhook-user-id"), "me");
    assert_eq!(header("x-fal-webhook-timestamp"), "1700000000");

    let body_digest = hex::encode(digest(&SHA256, &body));
    let message = format!("{id}\nme\n1700000000\n{body_digest}");
    let jwks = bench.desk.keys.jwks();
    let public = BASE64_URL_SAFE_NO_PAD.decode(jwks["keys"][0]["x"].as_str().unwrap()).unwrap();
    let signature = hex::decode(header("x-fal-webhook-signature")).unwrap();
    UnparsedPublicKey::new(&ED25519, public).verify(message.as_bytes(), &signature).unwrap();

    bench.round().await;
    assert!(bench.got.try_recv().is_err(), "it was acknowledged");
}

#[tokio::test]
async fn a_models_error_carries_its_body_and_names_the_status() {
    let mut bench = Bench::new().await;
    let detail = r#"{"detail":[{"loc":["body","prompt"],"msg":"Field required","type":"missing"}]}"#;
    let (_, body) = bench.delivered(bench.finish(Outcome::Failed, 422, detail)).await;
    assert_eq!(body["status"], "ERROR");
    assert_eq!(body["error"], "Invalid status code: 422");
    assert_eq!(body["payload"]["detail"][0]["type"], "missing");
    assert_eq!(body["outcome"], "failed");
}

#[tokio::test]
async fn a_platform_failure_says_what_the_status_says() {
    let mut bench = Bench::new().await;
    let failed = Finish {
        error: Some("the runner did not start".into()),
        error_type: Some(ErrorType::StartupTimeout),
        ..bench.finish(Outcome::Failed, 504, r#"{"detail":"the runner did not start"}"#)
    };
    let (_, body) = bench.delivered(failed).await;
    assert_eq!((&body["status"], &body["error"]), (&json!("ERROR"), &json!("the runner did not start")));
}

#[tokio::test]
async fn an_output_that_is_not_json_is_said_to_be_so() {
    let mut bench = Bench::new().await;
    let (_, body) = bench.delivered(bench.finish(Outcome::Succeeded, 200, "NaN")).await;
    assert_eq!((&body["status"], &body["payload"]), (&json!("OK"), &Value::Null));
    assert_eq!(body["payload_error"], "the output could not be represented as JSON");
    assert!(body.get("error").is_none());
}

#[tokio::test]
async fn a_receiver_that_fails_is_asked_again_later_and_told_the_same() {
    let mut bench = Bench::new().await;
    bench.answers.lock().unwrap().extend([503, 500]);
    let (first, body) = bench.delivered(bench.finish(Outcome::Succeeded, 200, "{}")).await;
    assert_eq!(bench.due().await, 0, "not at once");
    for pause in [1, 2] {
        bench.clock.advance(Duration::from_secs(pause));
        assert_eq!(bench.due().await, 1);
        bench.round().await;
        let (headers, again) = bench.got.recv().await.unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&again).unwrap(), body);
        assert_ne!(headers["x-fal-webhook-timestamp"], first["x-fal-webhook-timestamp"], "signed anew");
    }
    bench.clock.advance(Duration::from_secs(3600));
    assert_eq!(bench.due().await, 0, "the third answer was a 200");
}

#[tokio::test]
async fn a_redirect_ends_it_and_is_not_followed() {
    let mut bench = Bench::new().await;
    bench.answers.lock().unwrap().push(307);
    bench.delivered(bench.finish(Outcome::Succeeded, 200, "{}")).await;
    bench.clock.advance(Duration::from_secs(3600));
    assert_eq!(bench.due().await, 0);
    assert!(bench.got.try_recv().is_err());
}

#[tokio::test]
async fn a_target_that_may_not_be_reached_ends_it() {
    let bench = Bench::new().await;
    bench.ended("http://169.254.169.254/hook", bench.finish(Outcome::Succeeded, 200, "{}")).await;
    bench.round().await;
    bench.clock.advance(Duration::from_secs(3600));
    assert_eq!(bench.due().await, 0);
}

#[tokio::test]
async fn a_receiver_that_never_answers_well_is_given_up() {
    let mut bench = Bench::new().await;
    bench.desk.give_up = Duration::from_secs(5);
    bench.answers.lock().unwrap().extend([500; 40]);
    let url = bench.url.clone();
    bench.ended(&url, bench.finish(Outcome::Succeeded, 200, "{}")).await;
    let mut tries = 0;
    while bench.due().await > 0 {
        bench.round().await;
        tries += 1;
        bench.clock.advance(Duration::from_secs(2));
    }
    assert_eq!(tries, 3, "after 0, 2 and 4 s; the next would come after the end");
}

#[tokio::test]
async fn the_loop_delivers_and_stops_when_it_is_told() {
    let Bench { desk, store, clock, url, answers, mut got } = Bench::new().await;
    let stop = CancellationToken::new();
    let bench = Bench { desk, store, clock, url: url.clone(), answers, got: mpsc::unbounded_channel().1 };
    let id = bench.ended(&url, bench.finish(Outcome::Succeeded, 200, "{}")).await;
    let running = tokio::spawn(Courier::new(bench.desk).run(stop.clone()));
    let (headers, _) = got.recv().await.unwrap();
    assert_eq!(headers["x-fal-webhook-request-id"].to_str().unwrap(), id.to_string());
    stop.cancel();
    running.await.unwrap();
    assert_eq!(bench.store.due_deliveries(bench.clock.now(), &[], 10).await.unwrap().len(), 0, "it was noted");
    assert!(got.try_recv().is_err(), "and sent once");
}

#[tokio::test]
async fn the_loop_hears_of_a_new_webhook_at_once() {
    let Bench { desk, store, clock, url, answers, mut got } = Bench::new().await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(Courier::new(desk_of(&store, &clock, &desk)).run(stop.clone()));
    let bench = Bench { desk, store, clock, url: url.clone(), answers, got: mpsc::unbounded_channel().1 };
    for _ in 0..3 {
        bench.clock.advance(Duration::from_secs(1));
        bench.ended(&url, bench.finish(Outcome::Succeeded, 200, "{}")).await;
        let heard = tokio::time::timeout(super::courier::PERIOD / 2, got.recv()).await;
        heard.expect("it did not wait for the period").unwrap();
    }
    stop.cancel();
    running.await.unwrap();
}

/// A second desk with the same store.
fn desk_of(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>, desk: &Desk) -> Desk {
    Desk {
        store: store.clone(),
        clock: clock.clone(),
        outbound: Arc::clone(&desk.outbound),
        keys: Arc::clone(&desk.keys),
        give_up: desk.give_up,
    }
}

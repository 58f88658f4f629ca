//! How many requests a second the bare store carries from submit to result, each step durable.
//!
//!     cargo run --release -p tintype-store --example store_bench -- [producers] [seconds] [folder]
//!
//! Each producer takes one request at a time through enqueue (1 KiB), begin, finish (512 B) and one read.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tintype_domain::{
    AccountId, Attempt, Clock, Outcome, Priority, RequestId, RetryBudget, RunnerId, SystemClock, Timestamp,
};
use tintype_store::{Enqueued, Finish, NewRequest, SqliteStore, Store, StoredResponse, sqlite};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let producers: u32 = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let folder = arguments.next().map_or_else(|| std::env::temp_dir().join("tintype-store-bench"), PathBuf::from);
    let store = Arc::new(sqlite::open(&folder)?);
    let begun = Instant::now();
    let until = begun + Duration::from_secs(seconds);
    let tasks: Vec<_> = (0..producers).map(|n| tokio::spawn(produce(Arc::clone(&store), n, until))).collect();
    let mut lives = Vec::new();
    for task in tasks {
        lives.extend(task.await?);
    }
    report(producers, begun.elapsed(), lives);
    store.close();
    Ok(())
}

/// How long each step of one request took.
struct Life {
    enqueue: Duration,
    whole: Duration,
}

async fn produce(store: Arc<SqliteStore>, producer: u32, until: Instant) -> Vec<Life> {
    let mut lives = Vec::new();
    for number in 0u32.. {
        let begun = Instant::now();
        if begun > until {
            break;
        }
        let mut random = [0; 10];
        random[0..4].copy_from_slice(&number.to_be_bytes());
        random[4..8].copy_from_slice(&producer.to_be_bytes());
        let now = SystemClock.now();
        let enqueue = run_one(&store, RequestId::new(now, random), now).await;
        lives.push(Life { enqueue, whole: begun.elapsed() });
    }
    lives
}

async fn run_one(store: &SqliteStore, id: RequestId, now: Timestamp) -> Duration {
    let begun = Instant::now();
    assert_eq!(store.enqueue(request(id, now)).await.expect("enqueue"), Enqueued::New);
    let enqueue = begun.elapsed();
    let runner = RunnerId::new("runner-1");
    assert!(store.begin_attempt(id, Attempt(1), id, runner, now).await.expect("begin"));
    assert!(store.finish(id, Some(Attempt(1)), finish(now)).await.expect("finish"));
    assert!(store.result(id).await.expect("result").is_some());
    enqueue
}

fn request(id: RequestId, now: Timestamp) -> NewRequest {
    NewRequest {
        id,
        account: AccountId::new("ann"),
        app: "acme/draw".parse().expect("a good id"),
        path: String::new(),
        method: "POST".into(),
        priority: Priority::Normal,
        submitted_at: now,
        start_deadline: None,
        hint: None,
        retry: RetryBudget::default(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: vec![b'x'; 1024].into(),
        webhook: None,
        keep_payloads: true,
        idempotency: None,
    }
}

fn finish(now: Timestamp) -> Finish {
    let headers = vec![("content-type".into(), "application/json".into())];
    Finish {
        outcome: Outcome::Succeeded,
        response: StoredResponse { status: 200, headers, body: vec![b'y'; 512].into() },
        error: None,
        error_type: None,
        at: now,
        expires_at: now.plus(Duration::from_hours(24)),
    }
}

fn report(producers: u32, elapsed: Duration, lives: Vec<Life>) {
    let per_second = lives.len() as f64 / elapsed.as_secs_f64();
    let (mut enqueues, mut wholes): (Vec<_>, Vec<_>) = lives.into_iter().map(|life| (life.enqueue, life.whole)).unzip();
    println!("{producers} producers: {per_second:.0} requests/s, {:.0} commits asked for/s", per_second * 3.0);
    for (name, times) in [("enqueue", &mut enqueues), ("whole life", &mut wholes)] {
        times.sort();
        let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
        println!("  {name}: p50 {:?}, p99 {:?}", at(0.5), at(0.99));
    }
}

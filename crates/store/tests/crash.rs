//! A process that writes is killed at a random moment; what it had been told was kept is there.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use proptest::{
    prelude::RngExt,
    test_runner::{RngAlgorithm, TestRng},
};
use tintype_domain::{Attempt, Outcome, RequestId};
use tintype_store::{
    EventKind, NewRequest, RequestFilter, RequestState, SqliteStore, Store,
    conformance::sample::{account, app, at, finish, request, runner},
    sqlite,
};

const FOLDER: &str = "TINTYPE_CRASH_FOLDER";
const ROUND: &str = "TINTYPE_CRASH_ROUND";
const ROUNDS: u32 = 25;
const WRITERS: u32 = 32;

/// What a request was last acknowledged to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Accepted,
    Begun,
    Ended,
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut acknowledged = BTreeMap::new();
    for round in 0..ROUNDS {
        let mut child = spawn(folder.path(), round);
        let lines = random.random_range(1..400);
        acknowledged.extend(read_acknowledgements(&mut child, lines));
        let store = sqlite::open(folder.path()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(&store, &acknowledged));
    }
    assert!(acknowledged.len() > ROUNDS as usize, "the rounds wrote something");
}

fn spawn(folder: &Path, round: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_that_is_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the child after so many lines; what it wrote before it died counts too.
fn read_acknowledgements(child: &mut Child, lines: usize) -> BTreeMap<RequestId, Stage> {
    let mut acknowledged = BTreeMap::new();
    let output = BufReader::new(child.stdout.take().unwrap());
    for (number, line) in output.lines().map_while(Result::ok).enumerate() {
        if let Some((id, stage)) = parse(&line) {
            acknowledged.insert(id, stage);
        }
        if number == lines {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    acknowledged
}

/// The kill can cut the last line short.
fn parse(line: &str) -> Option<(RequestId, Stage)> {
    let (id, stage) = line.strip_suffix(';')?.split_once(' ')?;
    let stage = match stage {
        "accepted" => Stage::Accepted,
        "begun" => Stage::Begun,
        "ended" => Stage::Ended,
        _ => return None,
    };
    Some((id.parse().ok()?, stage))
}

async fn check(store: &SqliteStore, acknowledged: &BTreeMap<RequestId, Stage>) {
    for (id, stage) in acknowledged {
        let record = store.request(*id).await.unwrap().unwrap_or_else(|| panic!("{id} was lost"));
        let found = match record.state {
            RequestState::Waiting => Stage::Accepted,
            RequestState::Running => Stage::Begun,
            RequestState::Done(outcome) => {
                assert_eq!(outcome, Outcome::Succeeded);
                assert_eq!(store.result(*id).await.unwrap().unwrap().body, id.to_string());
                Stage::Ended
            }
        };
        assert!(found >= *stage, "{id} was acknowledged as {stage:?} and is {found:?}");
        assert!(store.payload(*id).await.unwrap().is_some());
    }
    check_feed(store).await;
}

/// Every request that is there, acknowledged or not, is there whole: the feed tells of it what the record says.
async fn check_feed(store: &SqliteStore) {
    let mut told: BTreeMap<RequestId, Vec<EventKind>> = BTreeMap::new();
    let feed = store.events(None, 0, u32::MAX).await.unwrap();
    assert!(feed.is_sorted_by(|a, b| a.cursor < b.cursor));
    for event in feed {
        told.entry(event.request).or_default().push(event.kind);
    }
    let records = store.requests(RequestFilter { limit: u32::MAX, ..RequestFilter::default() }).await.unwrap();
    assert_eq!(records.len(), told.len());
    for record in records {
        let life = [EventKind::Submitted, EventKind::Started, EventKind::Finished];
        let expected = match record.state {
            RequestState::Waiting => &life[..1],
            RequestState::Running => &life[..2],
            RequestState::Done(_) => &life[..],
        };
        assert_eq!(told[&record.id], expected, "{}", record.id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is the other process of the test above, and never ends"]
async fn the_process_that_is_killed() {
    let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) else { return };
    let store = Arc::new(sqlite::open(Path::new(&folder)).unwrap());
    let round: u32 = round.parse().unwrap();
    let writers = (0..WRITERS).map(|writer| tokio::spawn(write_for_ever(Arc::clone(&store), round, writer)));
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

async fn write_for_ever(store: Arc<SqliteStore>, round: u32, writer: u32) {
    for number in 0u32.. {
        let mut random = [0; 10];
        random[0..4].copy_from_slice(&number.to_be_bytes());
        random[4..6].copy_from_slice(&(writer as u16).to_be_bytes());
        let id = RequestId::new(at(u64::from(round) * 1000), random);
        let new = NewRequest { id, account: account("ann"), app: app("acme/draw"), ..request(1) };
        store.enqueue(new).await.unwrap();
        acknowledge(id, "accepted");
        assert!(store.begin_attempt(id, Attempt(1), id, runner(), at(1)).await.unwrap());
        acknowledge(id, "begun");
        let mut end = finish(1, 2);
        end.response.body = id.to_string().into();
        assert!(store.finish(id, Some(Attempt(1)), end).await.unwrap());
        acknowledge(id, "ended");
    }
}

/// One call of the system each: nothing is held back in this process.
fn acknowledge(id: RequestId, stage: &str) {
    let line = format!("{id} {stage};\n");
    // The reader is gone when this process is about to be killed.
    let _ = std::io::stdout().write_all(line.as_bytes());
}

//! What is remembered of runners.

use std::sync::Arc;

use super::sample::{account, app, at, ended, living, runner_id};
use crate::{RUNNER_RETENTION, RunnerRecord, Store};

pub async fn a_runner_is_known_as_it_was_last_said_to_be(store: &Arc<dyn Store>) {
    assert_eq!(store.runner(&runner_id(1)).await.unwrap(), None);
    store.put_runner(living(1)).await.unwrap();
    assert_eq!(store.runner(&runner_id(1)).await.unwrap(), Some(living(1)));
    let ready = RunnerRecord { ready_at: Some(at(5)), revision: None, timeline: "[1]".into(), ..living(1) };
    store.put_runner(ready.clone()).await.unwrap();
    assert_eq!(store.runner(&runner_id(1)).await.unwrap(), Some(ready));
    store.put_runner(ended(1, 9)).await.unwrap();
    assert_eq!(store.runner(&runner_id(1)).await.unwrap(), Some(ended(1, 9)));
}

pub async fn a_late_word_does_not_bring_a_runner_back(store: &Arc<dyn Store>) {
    store.put_runner(ended(1, 9)).await.unwrap();
    store.put_runner(living(1)).await.unwrap();
    assert_eq!(store.runner(&runner_id(1)).await.unwrap(), Some(ended(1, 9)));
    let corrected = RunnerRecord { reason: Some("out of memory".into()), ..ended(1, 9) };
    store.put_runner(corrected.clone()).await.unwrap();
    assert_eq!(store.runner(&runner_id(1)).await.unwrap(), Some(corrected));
}

pub async fn ended_runners_are_listed_last_first(store: &Arc<dyn Store>) {
    store.put_runner(living(1)).await.unwrap();
    for (n, secs) in [(2, 30), (3, 20), (4, 40)] {
        store.put_runner(ended(n, secs)).await.unwrap();
    }
    store.put_runner(RunnerRecord { app: app("ann/paint"), ..ended(5, 50) }).await.unwrap();
    store.put_runner(RunnerRecord { account: account("bob"), ..ended(6, 60) }).await.unwrap();
    let list = async |name: Option<&str>, secs| {
        let app = name.map(app);
        let runners = store.ended_runners(&account("ann"), app.as_ref(), at(secs)).await.unwrap();
        runners.iter().map(|runner| runner.runner.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(list(None, 0).await, "runner-5 runner-4 runner-2 runner-3");
    assert_eq!(list(Some("ann/draw"), 30).await, "runner-4 runner-2");
    assert_eq!(list(Some("ann/draw"), 41).await, "");
}

pub async fn what_a_dead_server_left_open_is_closed_once(store: &Arc<dyn Store>) {
    store.put_runner(living(1)).await.unwrap();
    store.put_runner(RunnerRecord { reason: Some("stopping".into()), ..living(2) }).await.unwrap();
    store.put_runner(ended(3, 5)).await.unwrap();
    store.put_runner(living(4)).await.unwrap();
    let lives = [runner_id(4), runner_id(9)];
    assert_eq!(store.close_runners(at(60), "the server ended", &lives).await.unwrap(), 2);
    assert_eq!(store.close_runners(at(70), "again", &lives).await.unwrap(), 0);
    assert_eq!(store.runner(&runner_id(4)).await.unwrap(), Some(living(4)));
    let end = async |n| {
        let runner = store.runner(&runner_id(n)).await.unwrap().unwrap();
        (runner.ended_at.unwrap(), runner.reason.unwrap())
    };
    assert_eq!(end(1).await, (at(60), "the server ended".into()));
    assert_eq!(end(2).await, (at(60), "stopping".into()));
    assert_eq!(end(3).await, (at(5), "idle".into()));
}

pub async fn ended_runners_are_forgotten_after_a_while(store: &Arc<dyn Store>) {
    store.put_runner(living(1)).await.unwrap();
    store.put_runner(ended(2, 10)).await.unwrap();
    store.put_runner(ended(3, 11)).await.unwrap();
    let known = async |n| store.runner(&runner_id(n)).await.unwrap().is_some();
    store.sweep(at(9).plus(RUNNER_RETENTION), 100).await.unwrap();
    assert!(known(2).await);
    assert_eq!(store.sweep(at(10).plus(RUNNER_RETENTION), 100).await.unwrap(), 0);
    assert!(!known(2).await && known(3).await);
    // As many as were allowed went: there may be more.
    assert_eq!(store.sweep(at(99).plus(RUNNER_RETENTION), 1).await.unwrap(), 1);
    assert_eq!(store.sweep(at(99).plus(RUNNER_RETENTION), 1).await.unwrap(), 0);
    assert!(!known(3).await && known(1).await);
}

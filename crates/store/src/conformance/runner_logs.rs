//! Lines of runners.

use std::{sync::Arc, time::Duration};

use tintype_domain::{LogLevel, Timestamp};

use super::sample::{at, id, lines_of, runner_line};
use crate::{LogSource, RUNNER_LOG_LINES, RUNNER_RETENTION, RunnerLog, RunnerLogFilter, Store};

async fn read(store: &Arc<dyn Store>, filter: RunnerLogFilter) -> Vec<String> {
    store.runner_logs(filter).await.unwrap().into_iter().map(|line| line.message).collect()
}

pub async fn a_runners_lines_are_known_with_all_that_was_said(store: &Arc<dyn Store>) {
    let labelled = RunnerLog {
        level: LogLevel::Error,
        source: LogSource::Bridge,
        message: "é\0'\n".into(),
        request: Some(id(7)),
        endpoint: Some("/fast".into()),
        ..runner_line(1, 2, "")
    };
    // Its number is given by the store.
    let plain = RunnerLog { seq: 77, ..runner_line(1, 1, "plain") };
    store.append_runner_logs(vec![plain.clone(), runner_line(2, 1, "of another"), labelled.clone()]).await.unwrap();
    let lines = store.runner_logs(lines_of(1)).await.unwrap();
    assert_eq!(lines, [RunnerLog { seq: 2, ..labelled }, RunnerLog { seq: 1, ..plain }]);
    assert!(store.runner_logs(lines_of(3)).await.unwrap().is_empty());
}

pub async fn a_runners_lines_keep_their_order_whatever_the_clock_does(store: &Arc<dyn Store>) {
    store.append_runner_logs(vec![runner_line(1, 5, "a"), runner_line(1, 5, "b")]).await.unwrap();
    store.append_runner_logs(vec![runner_line(1, 3, "c"), runner_line(1, 6, "d")]).await.unwrap();
    let lines = store.runner_logs(lines_of(1)).await.unwrap();
    let shown: Vec<_> = lines.iter().map(|line| (line.seq, line.message.as_str(), line.timestamp)).collect();
    let after = |micros| at(5).plus(Duration::from_micros(micros));
    assert_eq!(shown, [(4, "d", at(6)), (3, "c", after(2)), (2, "b", after(1)), (1, "a", at(5))]);
}

pub async fn a_runners_lines_are_cut_by_time_and_searched(store: &Arc<dyn Store>) {
    let texts = ["Loading", "50% loaded", "ready_to go", "LOADING again"];
    let lines = (1..).zip(texts).map(|(secs, text)| runner_line(1, secs * 10, text)).collect();
    store.append_runner_logs(lines).await.unwrap();
    let between = |since: Option<u64>, until: Option<u64>| RunnerLogFilter {
        since: since.map(at),
        until: until.map(at),
        ..lines_of(1)
    };
    assert_eq!(read(store, between(Some(20), Some(40))).await, ["ready_to go", "50% loaded"]);
    assert_eq!(read(store, between(Some(21), None)).await, ["LOADING again", "ready_to go"]);
    assert_eq!(read(store, between(None, Some(11))).await, ["Loading"]);
    for (since, until) in [(Some(41), None), (None, Some(10)), (Some(30), Some(20))] {
        assert!(read(store, between(since, until)).await.is_empty());
    }
    let search = |text: &str| RunnerLogFilter { search: Some(text.into()), ..lines_of(1) };
    assert_eq!(read(store, search("loading")).await, ["LOADING again", "Loading"]);
    // No character has a meaning of its own.
    assert_eq!(read(store, search("0%")).await, ["50% loaded"]);
    assert_eq!(read(store, search("y_t")).await, ["ready_to go"]);
    assert!(read(store, search("a_d")).await.is_empty());
    assert_eq!(read(store, search("")).await.len(), 4);
}

pub async fn a_runners_lines_page_backwards_without_loss(store: &Arc<dyn Store>) {
    // All in one moment, as a burst is.
    let lines = (0..25).map(|n| runner_line(1, 5, &n.to_string())).collect();
    store.append_runner_logs(lines).await.unwrap();
    let (mut seen, mut until) = (Vec::new(), None);
    loop {
        let page = store.runner_logs(RunnerLogFilter { until, limit: 4, ..lines_of(1) }).await.unwrap();
        let Some(last) = page.last() else { break };
        until = Some(last.timestamp);
        seen.extend(page.iter().map(|line| line.seq));
    }
    assert_eq!(seen, (1..=25).rev().collect::<Vec<_>>());
}

pub async fn old_lines_of_runners_go_from_the_front(store: &Arc<dyn Store>) {
    let lines = |n| (1..=30).map(move |secs| runner_line(n, secs, "a"));
    store.append_runner_logs(lines(1).chain(lines(2)).collect()).await.unwrap();
    let left = async || {
        let [one, two] = [store.runner_logs(lines_of(1)).await.unwrap(), store.runner_logs(lines_of(2)).await.unwrap()];
        (one.len(), two.len())
    };
    let old = |secs| -> Timestamp { at(secs).plus(RUNNER_RETENTION) };
    assert_eq!(store.sweep(old(0), 100).await.unwrap(), 0);
    assert_eq!(left().await, (30, 30));
    store.sweep(old(5), 100).await.unwrap();
    assert_eq!(left().await, (25, 25));
    // Not all at once; and it says that there is more.
    assert_eq!(store.sweep(old(30), 1).await.unwrap(), 1);
    assert_eq!(left().await, (15, 15));
    let newer = store.runner_logs(RunnerLogFilter { since: Some(at(29)), ..lines_of(1) }).await.unwrap();
    assert_eq!(newer.iter().map(|line| line.seq).collect::<Vec<_>>(), [30, 29]);
    while store.sweep(old(30), 1).await.unwrap() > 0 {}
    assert_eq!(left().await, (0, 0));
}

pub async fn of_a_chatty_runner_the_newest_lines_are_kept(store: &Arc<dyn Store>) {
    let most = u64::from(RUNNER_LOG_LINES);
    let lines = |range: std::ops::Range<u64>| range.map(|secs| runner_line(1, secs, "a")).collect::<Vec<_>>();
    store.append_runner_logs(lines(0..most - 1)).await.unwrap();
    store.append_runner_logs(vec![runner_line(2, 1, "of another")]).await.unwrap();
    store.append_runner_logs(lines(most - 1..most + 5)).await.unwrap();
    let kept = store.runner_logs(lines_of(1)).await.unwrap();
    assert_eq!(kept.len(), RUNNER_LOG_LINES as usize);
    assert_eq!((kept[0].timestamp, kept[kept.len() - 1].timestamp), (at(most + 4), at(5)));
    // Times are still found.
    let early = RunnerLogFilter { since: Some(at(4)), until: Some(at(7)), ..lines_of(1) };
    assert_eq!(read(store, early).await.len(), 2);
    assert_eq!(read(store, lines_of(2)).await, ["of another"]);
}

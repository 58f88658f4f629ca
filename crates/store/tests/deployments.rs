//! Random histories of deployments and runners: SQLite answers as the store in memory does, restarts included.

use std::{fmt::Debug, path::Path, time::Duration};

use proptest::prelude::*;
use tintype_domain::{RunnerId, Timestamp};
use tintype_store::{
    AliasRecord, EnvironmentRecord, MAIN_ENVIRONMENT, MemoryStore, RevisionRecord, RunnerLog, RunnerLogFilter,
    RunnerRecord, SecretRecord, SqliteStore, Store,
    conformance::sample::{
        account, alias, app, at, ended, environment, lines_of, living, revision, revision_id, runner_id, runner_line,
        secret,
    },
    sqlite,
};

/// One call, or a restart. Small numbers, so that calls meet each other.
#[derive(Clone, Debug)]
enum Step {
    Register { n: u8, place: Place },
    Revision { n: u8, place: Place },
    DeleteRevision { n: u8 },
    Alias { n: u8, place: Place },
    DeleteAlias { place: Place },
    Environment { place: Place },
    DeleteEnvironment { place: Place },
    Secret { n: u8, place: Place },
    DeleteSecret { n: u8, place: Place },
    Living { n: u8 },
    Ended { n: u8 },
    Close,
    Lines { n: u8, count: u8, back: u8 },
    Sweep { limit: u32 },
    Wait { hours: u8 },
    Restart,
}

/// Whose, and in which environment.
#[derive(Clone, Copy, Debug)]
struct Place {
    bob: bool,
    environment: &'static str,
}

impl Place {
    fn account(self) -> tintype_domain::AccountId {
        account(if self.bob { "bob" } else { "ann" })
    }

    fn app(self) -> tintype_domain::AppId {
        app(&format!("{}/draw--{}", self.account(), self.environment))
    }

    fn alias(self, n: u8) -> AliasRecord {
        AliasRecord {
            app: self.app(),
            account: self.account(),
            environment: self.environment.into(),
            ..alias("a/b", n)
        }
    }

    fn revision(self, n: u8) -> RevisionRecord {
        RevisionRecord { account: self.account(), app: self.app(), environment: self.environment.into(), ..revision(n) }
    }
}

fn place() -> impl Strategy<Value = Place> + Clone {
    let environment = prop_oneof![Just(MAIN_ENVIRONMENT), Just("dev"), Just("test")];
    (proptest::bool::weighted(0.2), environment).prop_map(|(bob, environment)| Place { bob, environment })
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0..4u8;
    let both = (n.clone(), place());
    prop_oneof![
        4 => both.clone().prop_map(|(n, place)| Step::Register { n, place }),
        2 => both.clone().prop_map(|(n, place)| Step::Revision { n, place }),
        2 => n.clone().prop_map(|n| Step::DeleteRevision { n }),
        3 => both.clone().prop_map(|(n, place)| Step::Alias { n, place }),
        1 => place().prop_map(|place| Step::DeleteAlias { place }),
        4 => place().prop_map(|place| Step::Environment { place }),
        1 => place().prop_map(|place| Step::DeleteEnvironment { place }),
        2 => both.clone().prop_map(|(n, place)| Step::Secret { n, place }),
        1 => both.prop_map(|(n, place)| Step::DeleteSecret { n, place }),
        3 => n.clone().prop_map(|n| Step::Living { n }),
        2 => n.clone().prop_map(|n| Step::Ended { n }),
        1 => Just(Step::Close),
        4 => (n, 1..30u8, 0..3u8).prop_map(|(n, count, back)| Step::Lines { n, count, back }),
        2 => (0..3u32).prop_map(|limit| Step::Sweep { limit }),
        3 => (1..90u8).prop_map(|hours| Step::Wait { hours }),
        1 => Just(Step::Restart),
    ]
}

/// What the step answers, as text: errors have no other equality.
async fn take(store: &dyn Store, step: &Step, now: Timestamp) -> String {
    match *step {
        Step::Register { n, place } => text(store.register(place.revision(n), place.alias(n)).await),
        Step::Revision { n, place } => text(store.insert_revision(place.revision(n)).await),
        Step::DeleteRevision { n } => text(store.delete_revision(&revision_id(n)).await),
        Step::Alias { n, place } => text(store.put_alias(place.alias(n)).await),
        Step::DeleteAlias { place } => text(store.delete_alias(&place.app()).await),
        Step::Environment { place } => {
            let made = EnvironmentRecord { account: place.account(), ..environment(place.environment) };
            text(store.insert_environment(made).await)
        }
        Step::DeleteEnvironment { place } => text(store.delete_environment(&place.account(), place.environment).await),
        Step::Secret { n, place } => {
            let set = SecretRecord { account: place.account(), ..secret(place.environment, &n.to_string()) };
            text(store.put_secret(SecretRecord { created_at: now, ..set }).await)
        }
        Step::DeleteSecret { n, place } => {
            text(store.delete_secret(&place.account(), place.environment, &n.to_string()).await)
        }
        Step::Living { n } => text(store.put_runner(RunnerRecord { ready_at: Some(now), ..living(n) }).await),
        Step::Ended { n } => text(store.put_runner(RunnerRecord { ended_at: Some(now), ..ended(n, 0) }).await),
        Step::Close => text(store.close_runners(now, "gone", &[]).await),
        Step::Lines { n, count, back } => {
            // Of two runners by turns; now and then the clock has stepped back.
            let at = now.minus(Duration::from_secs(u64::from(back)));
            let line = |i: u8| RunnerLog { timestamp: at, ..runner_line((n + i % 2) % 4, 0, &i.to_string()) };
            text(store.append_runner_logs((0..count).map(line).collect()).await)
        }
        Step::Sweep { limit } => text(store.sweep(now, limit).await),
        Step::Wait { .. } | Step::Restart => String::new(),
    }
}

fn text(answer: impl Debug) -> String {
    format!("{answer:?}")
}

/// Everything that can be read.
async fn everything(store: &dyn Store, now: Timestamp) -> Vec<String> {
    let mut all = vec![text(store.aliases(None).await)];
    for name in ["ann", "bob"] {
        let owner = account(name);
        all.push(text(store.aliases(Some(&owner)).await));
        all.push(text(store.environments(&owner).await));
        all.push(text(store.ended_runners(&owner, None, at(0)).await));
        all.push(text(store.ended_runners(&owner, Some(&app("ann/draw")), now.minus(Duration::from_hours(40))).await));
        for environment in [None, Some(MAIN_ENVIRONMENT), Some("dev")] {
            all.push(text(store.revisions(&owner, None, environment).await));
            all.push(text(store.revisions(&owner, Some(&app("ann/draw--dev")), environment).await));
            all.push(text(store.secrets(&owner, environment).await));
        }
    }
    for n in 0..4 {
        all.push(text(store.revision(&revision_id(n)).await));
        all.push(text(store.runner(&runner_id(n)).await));
        all.extend(lines(store, &runner_id(n), now).await);
    }
    all
}

async fn lines(store: &dyn Store, runner: &RunnerId, now: Timestamp) -> Vec<String> {
    let filter = RunnerLogFilter { runner: runner.clone(), ..lines_of(0) };
    let (since, until) = (Some(now.minus(Duration::from_hours(60))), Some(now.minus(Duration::from_hours(2))));
    let search = Some("1".into());
    vec![
        text(store.runner_logs(filter.clone()).await),
        text(store.runner_logs(RunnerLogFilter { since, until, ..filter.clone() }).await),
        text(store.runner_logs(RunnerLogFilter { until, search, limit: 5, ..filter }).await),
    ]
}

async fn compare(folder: &Path, steps: &[Step]) -> Result<(), TestCaseError> {
    let (model, mut store) = (MemoryStore::new(), sqlite::open(folder).unwrap());
    let mut now = at(100);
    for step in steps {
        match step {
            Step::Wait { hours } => now = now.plus(Duration::from_hours(u64::from(*hours))),
            Step::Restart => store = reopen(store, folder),
            _ => {}
        }
        prop_assert_eq!(take(&store, step, now).await, take(&model, step, now).await, "{:?}", step);
    }
    store = reopen(store, folder);
    for (found, expected) in everything(&store, now).await.into_iter().zip(everything(&model, now).await) {
        prop_assert_eq!(found, expected);
    }
    Ok(())
}

fn reopen(store: SqliteStore, folder: &Path) -> SqliteStore {
    drop(store);
    sqlite::open(folder).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_answers_as_memory_does(steps in proptest::collection::vec(step(), 1..80)) {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(compare(folder.path(), &steps))?;
    }
}

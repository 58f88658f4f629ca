//! What stays on the disk, and what goes.

use std::{fs, time::Duration};

use tintype_serverless::environment::Options;

use crate::index::{Bench, options};

/// As little as makes everything too much.
fn poor() -> Options {
    Options { budget_bytes: 1, grace: Duration::ZERO, ..options() }
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_budget_what_is_in_no_use_goes() {
    let Some(bench) = Bench::open(poor()).await else { return };
    let used = bench.built(&[&["greeting==1.0"]]).await;
    let unused = bench.built(&[&["greeting==2.0"]]).await;
    bench.environments.collect(std::slice::from_ref(&used.id)).await;
    assert_eq!(bench.environments.find(&used.id), Some(used));
    assert_eq!(bench.environments.find(&unused.id), None);
    // Its name alone brings it back.
    assert_eq!(bench.built(&[&["greeting==2.0"]]).await.id, unused.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_budget_everything_stays() {
    let Some(bench) = Bench::open(Options { grace: Duration::ZERO, ..options() }).await else { return };
    let built = bench.built(&[&["greeting"]]).await;
    bench.environments.collect(&[]).await;
    assert_eq!(bench.environments.find(&built.id), Some(built));
    assert!(bench.root().join("work/local/cache").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_asked_for_stays_even_beyond_the_budget() {
    let Some(bench) = Bench::open(Options { budget_bytes: 1, ..options() }).await else { return };
    let built = bench.built(&[&["greeting"]]).await;
    bench.environments.collect(&[]).await;
    assert_eq!(bench.environments.find(&built.id), Some(built));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_again_finds_what_is_complete_and_sweeps_the_rest() {
    let Some(mut bench) = Bench::open(options()).await else { return };
    let former = bench.built(&[&["greeting"]]).await;
    let fresh = bench.build(bench.wanted(&[&["greeting"]]), true).await.0.unwrap();
    let half = bench.root().join("work/local/building/half");
    let unmarked = bench.root().join(format!("built/{}.0", "0".repeat(40)));
    fs::create_dir_all(half.join("lib")).unwrap();
    fs::create_dir_all(unmarked.join("bin")).unwrap();
    bench.reopen(options());
    assert_eq!(bench.environments.find(&fresh.id).unwrap().root, fresh.root);
    assert!(!half.exists() && !unmarked.exists() && !former.root.exists());
    assert_eq!(bench.environments.find("../../etc"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_interpreter_went_away_is_built_again() {
    let Some(bench) = Bench::open(options()).await else { return };
    let built = bench.built(&[&["greeting"]]).await;
    fs::remove_file(&built.python).unwrap();
    std::os::unix::fs::symlink("/nonexistent/python", &built.python).unwrap();
    assert_eq!(bench.environments.find(&built.id), None);
    let again = bench.built(&[&["greeting"]]).await;
    assert_eq!(again.id, built.id);
    assert_ne!(again.root, built.root);
}

//! What cannot be built, in words that help.

use std::time::Duration;

use tintype_launch::Network;
use tintype_serverless::environment::{BuildError, Options, Wanted};

use crate::index::{Bench, options, output, python};

async fn failure(bench: &Bench, layers: &[&[&str]]) -> BuildError {
    bench.build(bench.wanted(layers), false).await.0.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_failing_requirement_is_named() {
    let Some(bench) = Bench::open(options()).await else { return };
    for (layers, blamed, why) in [
        (&["greeting", "nosuch-package"][..], "nosuch-package", "was not found"),
        (&["greeting==9.0"], "greeting==9.0", "there is no version of greeting==9.0"),
        (&["fussy", "greeting>=2"], "greeting>=2", "fussy"),
        (&["broken"], "broken", "RuntimeError: no such compiler"),
        (&["greeting", "this is not one"], "this is not one", "Expected one of"),
    ] {
        let error = failure(&bench, &[layers]).await;
        assert!(error.is_callers());
        let BuildError::Requirement { requirement, reason } = &error else { panic!("{layers:?}: {error:?}") };
        assert!(requirement == blamed || layers.contains(&requirement.as_str()), "{error}");
        assert!(reason.contains(why), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    let left = std::fs::read_dir(bench.root().join("work/local/building")).unwrap().count();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_layer_is_told_by_its_number_while_it_is_built() {
    let Some(bench) = Bench::open(options()).await else { return };
    let (failed, said) = bench.build(bench.wanted(&[&["greeting"], &["nosuch-package"]]), false).await;
    assert!(failed.is_err());
    assert!(said.iter().any(|line| line == "installing layer 2 of 2"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_package_runs_sees_nothing_of_the_server() {
    let Some(bench) = Bench::open(options()).await else { return };
    let error = failure(&bench, &[&["nosy"]]).await.to_string();
    assert!(error.contains("seen: ") && error.contains("HOME"), "{error}");
    // Cargo sets this for tests, and so it stands for whatever the server's operator has set.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some() && !error.contains("CARGO_MANIFEST_DIR"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_package_runs_sees_no_file_of_the_server_from_behind_its_walls() {
    if output("bwrap", &["--version"]).is_none() {
        return eprintln!("skipped: there is no bubblewrap");
    }
    for (network, expected) in [(None, "there"), (Some(Network::All), "hidden")] {
        let Some(bench) = Bench::open(Options { network, ..options() }).await else { return };
        std::fs::write(bench.folder.path().join("secret.txt"), "").unwrap();
        let error = failure(&bench, &[&["snoop"]]).await.to_string();
        assert!(error.ends_with(&format!("RuntimeError: {expected}")), "{error}");
        let built = bench.built(&[&["greeting==1.0"]]).await;
        assert_eq!(python(&built, "import greeting; print(greeting.text)"), "1.0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_that_is_not_here_is_named_with_those_that_are() {
    let Some(bench) = Bench::open(options()).await else { return };
    let wanted = Wanted { python: "3.99".into(), ..bench.wanted(&[]) };
    let error = bench.build(wanted, false).await.0.unwrap_err();
    let BuildError::MissingPython { wanted, present, .. } = &error else { panic!("{error:?}") };
    assert_eq!(wanted, "3.99");
    assert!(present.contains(&bench.python), "{present}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_install_that_never_ends_is_ended() {
    let Some(bench) = Bench::open(Options { time_limit: Duration::from_secs(3), ..options() }).await else { return };
    let error = failure(&bench, &[&["endless"]]).await.to_string();
    assert!(error.contains("longer than the server allows"), "{error}");
}

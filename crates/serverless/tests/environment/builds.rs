//! What is built, and how often.

use std::os::unix::fs::MetadataExt;

use tintype_serverless::environment::Wanted;

use crate::index::{Bench, TOKEN, options, output, python};

#[tokio::test(flavor = "multi_thread")]
async fn ten_who_ask_at_once_get_one_build_and_all_hear_it() {
    let Some(bench) = Bench::open(options()).await else { return };
    let asks = (0..10).map(|_| bench.build(bench.wanted(&[&["greeting"]]), false));
    let answers = futures::future::join_all(asks).await;
    let first = answers[0].0.clone().unwrap();
    for (built, said) in &answers {
        assert_eq!(built.as_ref().unwrap(), &first);
        assert!(said.iter().any(|line| line == " + greeting==2.0"), "{said:?}");
    }
    assert_eq!(std::fs::read_dir(bench.root().join("built")).unwrap().count(), 1);
    assert_eq!(bench.environments.find(&first.id), Some(first));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_built_works_from_its_place_and_needs_no_compiling() {
    let Some(bench) = Bench::open(options()).await else { return };
    let built = bench.built(&[&["greeting==1.0"]]).await;
    assert_eq!(python(&built, "import greeting; print(greeting.text)"), "1.0");
    assert_eq!(output(built.root.join("bin/say-greeting").to_str().unwrap(), &[]).as_deref(), Some("hello 1.0"));
    let cached = python(&built, "import greeting, os; print(os.path.exists(greeting.__cached__))");
    assert_eq!(cached, "True");
    let (again, said) = bench.build(bench.wanted(&[&["greeting==1.0"]]), false).await;
    assert_eq!((again.unwrap().root, said.len()), (built.root, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_layer_overrides_an_earlier_one() {
    let Some(bench) = Bench::open(options()).await else { return };
    let built = bench.built(&[&["greeting==1.0"], &["greeting==2.0"]]).await;
    assert_eq!(python(&built, "import greeting; print(greeting.text)"), "2.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_harness_needs_yields_to_what_the_app_pins() {
    let Some(bench) = Bench::open(options()).await else { return };
    let versions = "from importlib.metadata import version as v; print(v('cloudpickle'), v('grpcio'), v('greeting'))";
    let served = |layers: &[&[&str]]| Wanted { served: true, ..bench.wanted(layers) };
    let (plain, _) = bench.build(served(&[&["greeting"]]), false).await;
    assert_eq!(python(&plain.unwrap(), versions), "3.1.2 2.0 2.0");
    // The newest grpcio would want another greeting.
    let (pinned, _) = bench.build(served(&[&["greeting==1.0", "cloudpickle==3.0.0"]]), false).await;
    assert_eq!(python(&pinned.unwrap(), versions), "3.0.0 1.0 1.0");
    let (replaced, said) = bench.build(served(&[&["greeting", "cloudpickle==2.2.1"]]), false).await;
    assert_eq!(python(&replaced.unwrap(), versions), "3.1.2 2.0 2.0");
    assert!(said.iter().any(|line| line.contains("cloudpickle==2.2.1 cannot read")), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_opens_an_index_and_is_seen_nowhere() {
    let Some(bench) = Bench::open(options()).await else { return };
    let index = format!("--find-links http://user:${{TOKEN}}@{}/closed/list.html", bench.address);
    let layers = vec![vec!["--no-index".to_owned(), index, "greeting".to_owned()]];
    let secrets = [("TOKEN".to_owned(), TOKEN.to_owned())].into();
    let wanted = Wanted { layers, secrets, ..bench.wanted(&[]) };
    let (built, said) = bench.build(wanted.clone(), false).await;
    let built = built.unwrap();
    assert!(said.iter().all(|line| !line.contains(TOKEN)), "{said:?}");
    let found = output("grep", &["-rlF", TOKEN, built.root.to_str().unwrap()]);
    assert_eq!(found, None);
    let other = Wanted { secrets: [("TOKEN".to_owned(), "wrong".to_owned())].into(), ..wanted.clone() };
    let (refused, said) = bench.build(other, false).await;
    let refused = refused.unwrap_err().to_string();
    assert!(!refused.contains("wrong") && said.iter().all(|line| !line.contains("wrong")), "{refused} {said:?}");
    let missing = Wanted { secrets: [].into(), ..wanted };
    let refused = bench.build(missing, false).await.0.unwrap_err().to_string();
    assert!(refused.contains("names the secret `TOKEN`, which is not set"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_are_linked_and_not_copied() {
    let Some(bench) = Bench::open(options()).await else { return };
    let one = bench.built(&[&["greeting"]]).await;
    let two = bench.built(&[&["greeting", "fussy"], &["greeting==2.0"]]).await;
    let inode = |root: &std::path::Path| {
        let lib = root.join("lib").join(format!("python{}", bench.python)).join("site-packages/greeting/__init__.py");
        std::fs::metadata(lib).unwrap().ino()
    };
    assert_eq!(inode(&one.root), inode(&two.root));
    assert_ne!(one.id, two.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn force_builds_anew_and_leaves_the_former_to_those_who_run_in_it() {
    let Some(bench) = Bench::open(options()).await else { return };
    let former = bench.built(&[&["greeting"]]).await;
    let before = bench.downloads();
    let (fresh, _) = bench.build(bench.wanted(&[&["greeting"]]), true).await;
    let fresh = fresh.unwrap();
    assert_eq!(fresh.id, former.id);
    assert_ne!(fresh.root, former.root);
    assert!(bench.downloads() > before);
    assert_eq!(python(&former, "import greeting; print(greeting.text)"), "2.0");
    // Asked for without force from now on, the fresh one is found.
    assert_eq!(bench.built(&[&["greeting"]]).await.root, fresh.root);
}

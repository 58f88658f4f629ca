//! Container images, made by the real podman of what this machine has.
//!
//! Skipped, with a word, on a machine without podman.

use std::{fs, sync::Arc};

use tintype_serverless::environment::{BuildError, Image, Source, Wanted};

use crate::index::{Bench, options, output};

const BASE: &str = "localhost/tintype-test/python:latest";
const MAKE: &str = "import sys, pathlib, tempfile; sys.path.insert(0, sys.argv[1]); import images; \
                    images.build(pathlib.Path(tempfile.mkdtemp()))";

async fn bench() -> Option<Bench> {
    if output("podman", &["--version"]).is_none() {
        eprintln!("skipped: there is no podman");
        return None;
    }
    let bench = Bench::open(options()).await?;
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/serverless");
    output("python3", &["-c", MAKE, scripts]).expect("images are made");
    bench.environments.lay_files_with(Arc::new(|account, files, into| {
        assert_eq!((account, files.len()), ("local", 1));
        fs::write(into.join(&files[0].1), "in the box").map_err(|error| error.to_string())
    }));
    Some(bench)
}

fn image(text: String) -> Image {
    let secrets = [("token".to_owned(), "hunter2".to_owned())].into();
    let args = [("COLOUR".to_owned(), "blue".to_owned())].into();
    let source = Source::Dockerfile { text, args, secrets };
    Image { source, files: vec![("0".repeat(64), "box.txt".into())], registries: [].into(), python: true }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_built_filled_and_unpacked_and_keeps_no_secret() {
    let Some(bench) = bench().await else { return };
    let text = format!(
        "FROM {BASE}\nARG COLOUR\nENV COLOUR=$COLOUR\nCOPY box.txt /opt/box.txt\nWORKDIR /opt\n\
         RUN --mount=type=secret,id=token cat /run/secrets/token >/opt/size; echo made >/opt/size\nCMD [\"serve\"]"
    );
    let wanted = Wanted { image: Some(image(text)), ..bench.wanted(&[&["greeting==1.0"]]) };
    let (built, said) = bench.build(wanted.clone(), false).await;
    let built = built.unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let inside = built.image.clone().unwrap();
    assert!(inside.env.contains(&("COLOUR".into(), "blue".into())), "{inside:?}");
    assert_eq!((inside.workdir.to_str(), inside.command(None, None)), (Some("/opt"), vec!["serve".to_owned()]));
    assert_eq!(fs::read_to_string(inside.root.join("opt/box.txt")).unwrap(), "in the box");
    assert!(said.iter().any(|line| line.contains("greeting==1.0")), "{said:?}");
    let packages = output("find", &[inside.root.to_str().unwrap(), "-name", "greeting", "-o", "-name", "cloudpickle"]);
    assert_eq!(packages.unwrap().lines().count(), 2);
    assert!(built.python.is_absolute() && !inside.root.join("tintype").exists());
    assert!(inside.root.join("app").is_dir() && inside.root.join("etc/resolv.conf").is_file());
    assert!(said.iter().all(|line| !line.contains("hunter2")), "{said:?}");
    assert_eq!(output("grep", &["-rlF", "hunter2", bench.root().to_str().unwrap()]), None);
    assert_eq!(bench.environments.find(&built.id), Some(built.clone()));
    assert_eq!(bench.build(wanted, false).await.0.unwrap().root, built.root);
    assert_eq!(fs::read_dir(bench.root().join("work/local.images/building")).unwrap().count(), 0);
    failures(&bench).await;
}

async fn failures(bench: &Bench) {
    let build = async |image: Image, layers: &[&[&str]]| {
        bench.build(Wanted { image: Some(image), ..bench.wanted(layers) }, false).await.0.unwrap_err()
    };
    let step = build(image(format!("FROM {BASE}\nRUN echo so long; exit 7")), &[]).await;
    assert!(matches!(&step, BuildError::Image { reason } if reason.contains("exit status 7")), "{step}");
    let missing = build(image(format!("FROM {BASE}")), &[&["greeting"], &["nosuch-package"]]).await;
    assert!(
        matches!(&missing, BuildError::Requirement { requirement, .. } if requirement == "nosuch-package"),
        "{missing:?}"
    );
    let source = Source::Reference("localhost/tintype-test/nosuch:latest".into());
    let unknown = build(Image { source, files: Vec::new(), registries: [].into(), python: false }, &[]).await;
    assert!(matches!(&unknown, BuildError::Image { .. }), "{unknown}");
}

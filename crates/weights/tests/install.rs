//! Installing, sharing, moving and removing sets, from folders, over HTTP and by bundle.

mod hub;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use hub::Hub;
use tempfile::TempDir;
use tintype_domain::{AppId, Timestamp};
use tintype_weights::{
    DEFAULT_SET, Install, Licence, Progress, Record, Set, Source, Weights, WeightsError, export, import, install,
};

struct Quiet;

impl Progress for Quiet {
    fn begin(&mut self, _: &str, _: Option<u64>) {}
    fn advance(&mut self, _: u64) {}
    fn end(&mut self) {}
}

/// One tensor of `count` numbers.
fn tensors(count: usize) -> Vec<u8> {
    let header = format!(r#"{{"a":{{"dtype":"F32","shape":[{count}],"data_offsets":[0,{}]}}}}"#, 4 * count);
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend((0..count).flat_map(|number| (number as f32).to_le_bytes()));
    bytes
}

struct House {
    data: TempDir,
    from: TempDir,
}

impl House {
    fn new() -> Self {
        let house = Self { data: tempfile::tempdir().unwrap(), from: tempfile::tempdir().unwrap() };
        house.write("unet/config.json", b"{}");
        house.write("unet/model.safetensors", &tensors(3));
        house.write("README.html", b"<p>");
        house
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.from.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn weights(&self) -> Weights {
        Weights::of(self.data.path())
    }

    fn folder(&self) -> Source {
        Source::Folder(self.from.path().into())
    }

    async fn install(&self, name: &str, source: Source, files: &[&str]) -> Result<Record, WeightsError> {
        self.install_with(name, source, files, &[], &|_| None).await
    }

    async fn install_with(
        &self,
        name: &str,
        source: Source,
        files: &[&str],
        digests: &[(&str, &str)],
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Record, WeightsError> {
        let digests: BTreeMap<_, _> =
            digests.iter().map(|(path, digest)| ((*path).to_owned(), (*digest).to_owned())).collect();
        let files = files.iter().map(|file| (*file).to_owned()).collect();
        let set = Set { app: app(name), name: DEFAULT_SET.into(), files, digests };
        self.run(set, source, Timestamp::EPOCH, variable).await
    }

    /// The folder, at a time.
    async fn install_at(&self, now: Timestamp) {
        let set = Set { app: app("acme/net"), name: DEFAULT_SET.into(), files: Vec::new(), digests: BTreeMap::new() };
        self.run(set, self.folder(), now, &|_| None).await.unwrap();
    }

    async fn run(
        &self,
        set: Set,
        source: Source,
        now: Timestamp,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Record, WeightsError> {
        let licence = Some(Licence::accepted("MIT", now));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let task = Install { set, source, licence, now, client, variable };
        install(&self.weights(), task, &mut Quiet).await
    }

    fn blobs(&self) -> Vec<PathBuf> {
        let folder = fs::read_dir(self.data.path().join("weights/blobs/sha256")).unwrap();
        folder.map(|entry| entry.unwrap().path()).collect()
    }
}

fn app(name: &str) -> AppId {
    name.parse().unwrap()
}

fn is_there(folder: &Path, name: &str) -> bool {
    folder.join(name).is_file()
}

#[tokio::test]
async fn a_folder_is_installed_as_it_lies_without_what_is_no_part_of_a_model() {
    let house = House::new();
    assert_eq!(house.weights().installed(&app("acme/net"), DEFAULT_SET), None);
    let record = house.install("acme/net", house.folder(), &[]).await.unwrap();
    let folder = house.weights().installed(&app("acme/net"), DEFAULT_SET).unwrap();
    assert!(is_there(&folder, "unet/config.json") && is_there(&folder, "unet/model.safetensors"));
    assert!(!is_there(&folder, "README.html"));
    assert_eq!((record.files.len(), record.licence.as_ref().unwrap().name.as_str()), (2, "MIT"));
    assert_eq!(house.weights().records(), [record]);
}

#[tokio::test]
async fn equal_files_are_kept_once_and_go_with_the_last_who_has_them() {
    let house = House::new();
    house.install("acme/one", house.folder(), &[]).await.unwrap();
    house.write("unet/config.json", b"{\"other\": 1}");
    house.install("acme/two", house.folder(), &[]).await.unwrap();
    assert_eq!(house.blobs().len(), 3);
    let weights = house.weights();
    weights.remove(&app("acme/one"), None).unwrap();
    assert_eq!(house.blobs().len(), 2);
    let left = weights.installed(&app("acme/two"), DEFAULT_SET).unwrap();
    assert!(is_there(&left, "unet/model.safetensors"));
    weights.remove(&app("acme/two"), Some(DEFAULT_SET)).unwrap();
    assert!(house.blobs().is_empty());
    assert!(matches!(weights.remove(&app("acme/two"), None), Err(WeightsError::NotInstalled { .. })));
}

#[tokio::test]
async fn installing_again_replaces_the_set() {
    let house = House::new();
    house.install("acme/net", house.folder(), &[]).await.unwrap();
    house.write("unet/model.safetensors", &tensors(5));
    house.install("acme/net", house.folder(), &[]).await.unwrap();
    let folder = house.weights().installed(&app("acme/net"), DEFAULT_SET).unwrap();
    assert_eq!(fs::read(folder.join("unet/model.safetensors")).unwrap(), tensors(5));
    assert_eq!(house.blobs().len(), 2);
}

#[tokio::test]
async fn what_is_missing_wrong_or_may_hold_code_installs_nothing() {
    let house = House::new();
    let missing = house.install("acme/net", house.folder(), &["unet/*.json", "vae/*.safetensors"]).await.unwrap_err();
    assert!(
        matches!(&missing, WeightsError::Missing { missing, .. } if missing == "vae/**/*.safetensors"),
        "{missing}"
    );
    let wrong = [("unet/config.json", "0".repeat(64))];
    let wrong: Vec<_> = wrong.iter().map(|(path, digest)| (*path, digest.as_str())).collect();
    let digest = house.install_with("acme/net", house.folder(), &[], &wrong, &|_| None).await.unwrap_err();
    assert!(matches!(digest, WeightsError::Digest { .. }), "{digest}");
    house.write("unet/pytorch_model.bin", b"\x80\x02");
    let pickle = house.install("acme/net", house.folder(), &["unet/pytorch_model.bin"]).await.unwrap_err();
    assert!(matches!(pickle, WeightsError::Pickle { .. }), "{pickle}");
    house.write("unet/config.json", b"{broken");
    let json = house.install("acme/net", house.folder(), &["unet/config.json"]).await.unwrap_err();
    assert!(matches!(json, WeightsError::Json { .. }), "{json}");
    house.write("unet/other.safetensors", &tensors(3)[..20]);
    let lying = house.install("acme/net", house.folder(), &["unet/*.safetensors"]).await.unwrap_err();
    assert!(matches!(lying, WeightsError::Header { .. }), "{lying}");
    assert_eq!(house.weights().installed(&app("acme/net"), DEFAULT_SET), None);
}

#[tokio::test]
async fn a_folder_whose_files_are_cut_otherwise_is_taken_as_it_is() {
    let house = House::new();
    let files = ["unet/config.json", "unet/model-*-of-*.safetensors"];
    let record = house.install("acme/net", house.folder(), &files).await.unwrap();
    let paths: Vec<_> = record.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["unet/config.json", "unet/model.safetensors"]);
}

#[tokio::test]
async fn two_commands_do_not_work_on_the_folder_at_once() {
    let house = House::new();
    house.install("acme/net", house.folder(), &[]).await.unwrap();
    let lock = fs::File::open(house.data.path().join("weights/lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert!(matches!(house.install("acme/net", house.folder(), &[]).await, Err(WeightsError::Busy)));
}

#[tokio::test]
async fn a_repository_is_fetched_at_one_commit_and_checked_against_its_digests() {
    let house = House::new();
    let hub = Hub::start(&[("unet/model.safetensors", &tensors(1000)), ("config.json", b"{}")]).await;
    let source: Source = "hub:acme/net@v1".parse().unwrap();
    let variable = hub.variable();
    let record = house.install_with("acme/net", source.clone(), &["*.json", "unet/*"], &[], &variable).await.unwrap();
    assert_eq!((record.revision.as_deref(), record.source.as_str()), (Some(hub::COMMIT), "hub:acme/net@v1"));
    assert!(house.weights().installed(&app("acme/net"), DEFAULT_SET).is_some());
    let fetched = hub.fetched();
    // What is here by its digest is not fetched again, for whichever model.
    house.install_with("acme/other", source, &["unet/*"], &[], &variable).await.unwrap();
    assert_eq!(hub.fetched(), fetched);
}

#[tokio::test]
async fn a_file_that_the_hub_states_another_digest_of_is_thrown_away() {
    let house = House::new();
    let hub = Hub::start(&[("unet/model.safetensors", &tensors(1000))]).await;
    hub.lie();
    let source: Source = "hub:acme/net".parse().unwrap();
    let error = house.install_with("acme/net", source, &[], &[], &hub.variable()).await.unwrap_err();
    assert!(matches!(error, WeightsError::Digest { .. }), "{error}");
    assert_eq!(fs::read_dir(house.data.path().join("weights/partial")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_transfer_that_broke_off_goes_on_where_it_did() {
    let house = House::new();
    let content = tensors(1_000_000);
    let hub = Hub::start(&[("model.safetensors", &content)]).await;
    hub.break_after(3_000_000);
    let source: Source = "hub:acme/net".parse().unwrap();
    let error = house.install_with("acme/net", source.clone(), &[], &[], &hub.variable()).await.unwrap_err();
    assert!(error.to_string().contains("goes on"), "{error}");
    house.install_with("acme/net", source, &[], &[], &hub.variable()).await.unwrap();
    let ranges = hub.ranges();
    assert!(ranges[0].is_none() && ranges[1].as_deref().is_some_and(|range| range != "bytes=0-"), "{ranges:?}");
    let folder = house.weights().installed(&app("acme/net"), DEFAULT_SET).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), content);
}

#[tokio::test]
async fn a_part_that_was_not_asked_for_is_thrown_away() {
    let house = House::new();
    let content = tensors(1_000_000);
    let hub = Hub::start(&[("model.safetensors", &content)]).await;
    hub.break_after(3_000_000);
    let source: Source = "hub:acme/net".parse().unwrap();
    let variable = hub.variable();
    let install = || house.install_with("acme/net", source.clone(), &[], &[], &variable);
    install().await.unwrap_err();
    hub.answer_elsewhere();
    let error = install().await.unwrap_err();
    assert!(error.to_string().contains("another part"), "{error}");
    // From the beginning it is whole.
    install().await.unwrap();
    assert_eq!(hub.ranges().last().unwrap().as_deref(), None);
}

#[tokio::test]
async fn without_a_network_the_other_ways_are_named() {
    let house = House::new();
    // Nobody listens on the port for what is thrown away.
    let nowhere = |name: &str| (name == "HF_ENDPOINT").then(|| "http://127.0.0.1:9".to_owned());
    let source: Source = "hub:acme/net".parse().unwrap();
    let error = house.install_with("acme/net", source, &[], &[], &nowhere).await.unwrap_err();
    let told = error.to_string();
    for part in ["refused", "--from", "HF_ENDPOINT", "tintype models import"] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn what_is_no_bundle_is_said_to_be_none() {
    let house = House::new();
    fs::write(house.from.path().join("train.zip"), b"PK\x03\x04").unwrap();
    for path in [house.from.path().to_owned(), house.from.path().join("train.zip")] {
        let told = import(&house.weights(), &path, &mut Quiet).unwrap_err().to_string();
        assert!(told.contains("is not a bundle that `tintype models export` wrote"), "{told}");
    }
}

#[tokio::test]
async fn a_list_of_files_that_does_not_end_is_refused() {
    let house = House::new();
    let hub = Hub::start(&[]).await;
    hub.list_without_end();
    let source: Source = "hub:acme/net".parse().unwrap();
    let error = house.install_with("acme/net", source, &[], &[], &hub.variable()).await.unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[tokio::test]
async fn downloads_that_nobody_can_go_on_with_are_swept() {
    let house = House::new();
    let partial = house.data.path().join("weights/partial");
    fs::create_dir_all(&partial).unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH;
    for (name, is_old) in [("kept", false), ("kept.etag", false), ("old", true), ("old.etag", true), ("alone", false)] {
        let file = fs::File::create(partial.join(name)).unwrap();
        if is_old {
            file.set_modified(old).unwrap();
        }
    }
    let now = Timestamp::EPOCH.plus(std::time::Duration::from_secs(15 * 24 * 3600));
    house.install_at(now).await;
    let mut left: Vec<_> = fs::read_dir(&partial).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["kept", "kept.etag"]);
}

#[tokio::test]
async fn an_address_is_installed_under_the_name_of_its_file() {
    let house = House::new();
    let hub = Hub::start(&[("lora.safetensors", &tensors(4))]).await;
    let url = format!("{}acme/net/resolve/{}/lora.safetensors", hub.base, hub::COMMIT);
    house.install("acme/net", url.parse().unwrap(), &["ignored/*"]).await.unwrap();
    let folder = house.weights().installed(&app("acme/net"), DEFAULT_SET).unwrap();
    assert!(is_there(&folder, "lora.safetensors"));
}

#[tokio::test]
async fn a_bundle_carries_sets_to_another_machine() {
    let (house, other) = (House::new(), House::new());
    house.install("acme/one", house.folder(), &[]).await.unwrap();
    house.write("unet/config.json", b"{\"other\": 1}");
    house.install("acme/two", house.folder(), &[]).await.unwrap();
    let bundle = house.data.path().join("bundle.tar");
    export(&house.weights(), &[app("acme/one"), app("acme/two")], &bundle, &mut Quiet).unwrap();
    assert!(fs::metadata(&bundle).unwrap().size() < 10_000, "each file once");
    let imported = import(&other.weights(), &bundle, &mut Quiet).unwrap();
    assert_eq!(imported, house.weights().records());
    let folder = other.weights().installed(&app("acme/two"), DEFAULT_SET).unwrap();
    assert_eq!(fs::read(folder.join("unet/model.safetensors")).unwrap(), tensors(3));
}

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        // `append_data` would refuse the names that an attacker writes.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

#[test]
fn a_bundle_that_was_tampered_with_installs_nothing() {
    let house = House::new();
    let sha256 = "0".repeat(64);
    let record = |app: &str, set: &str, path: &str, sha256: &str| {
        format!(
            r#"[{{"app":"{app}","set":"{set}","source":"x","installed_at":"t","files":[{{"path":"{path}","sha256":"{sha256}","bytes":2}}]}}]"#
        )
    };
    let fine = record("acme/net", "default", "a.json", &sha256);
    let cases: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"no archive at all".to_vec(),
        archive(&[("other.json", b"[]")]),
        archive(&[("records.json", record("acme/net", "../up", "a.json", &sha256).as_bytes())]),
        archive(&[("records.json", record("acme/net", "default", "../../a.json", &sha256).as_bytes())]),
        archive(&[("records.json", record("acme/net", "default", "a.json", "../../key").as_bytes())]),
        archive(&[("records.json", record("../..", "default", "a.json", &sha256).as_bytes())]),
        archive(&[("records.json", fine.as_bytes())]),
        archive(&[("records.json", fine.as_bytes()), (&sha256, b"{}")]),
        archive(&[("records.json", fine.as_bytes()), ("../../../evil", b"{}")]),
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let bundle = house.data.path().join("bundle.tar");
        fs::write(&bundle, case).unwrap();
        assert!(import(&house.weights(), &bundle, &mut Quiet).is_err(), "case {number}");
        assert_eq!(house.weights().records(), []);
    }
    assert!(house.blobs().is_empty());
}

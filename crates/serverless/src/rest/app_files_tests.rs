use std::{os::unix::fs::PermissionsExt, slice::from_ref};

use super::*;

const MODE: &str = "33261";

struct Case {
    _folder: tempfile::TempDir,
    files: AppFiles,
    ann: AccountId,
}

fn case() -> Case {
    let folder = tempfile::tempdir().unwrap();
    let files = AppFiles::open(folder.path().join("app-files")).unwrap();
    Case { _folder: folder, files, ann: AccountId::new("ann") }
}

impl Case {
    fn put(&self, hash: &str, parts: &[&str]) -> Result<(), KeepError> {
        let parcel = self.files.parcels().begin(&self.ann, hash, tintype_domain::Timestamp::EPOCH).unwrap();
        let put = |(number, part): (u32, &&str)| (number, parcel.put(number, part.as_bytes()).unwrap());
        let named: Vec<_> = (1..).zip(parts).map(put).collect();
        self.files.keep(&self.ann, hash, MODE, &parcel, &named)
    }
}

fn hash(content: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, format!("{content}{MODE}").as_bytes()))
}

#[test]
fn a_file_is_kept_under_the_hash_of_its_bytes_and_its_mode_and_laid_out_with_it() {
    let case = case();
    let hash = hash("hello world");
    assert_eq!(case.files.missing(&case.ann, from_ref(&hash)).as_slice(), from_ref(&hash));
    case.put(&hash, &["hello ", "world"]).unwrap();
    assert!(case.files.missing(&case.ann, from_ref(&hash)).is_empty());
    let into = tempfile::tempdir().unwrap();
    let list = [(hash.clone(), "pkg/tool.sh".to_owned()), (hash, "./again".to_owned())];
    case.files.materialize(&case.ann, &list, into.path()).unwrap();
    let laid = into.path().join("pkg/tool.sh");
    assert_eq!(fs::read_to_string(&laid).unwrap(), "hello world");
    assert_eq!(fs::metadata(&laid).unwrap().permissions().mode() & 0o777, 0o755);
    assert!(into.path().join("again").exists());
}

#[test]
fn a_file_that_is_not_what_it_says_is_refused() {
    let case = case();
    let said = hash("hello");
    assert!(matches!(case.put(&said, &["other"]), Err(KeepError::Hash { .. })));
    assert_eq!(case.files.missing(&case.ann, from_ref(&said)), [said]);
}

#[test]
fn another_account_does_not_have_it() {
    let case = case();
    let hash = hash("mine");
    case.put(&hash, &["mine"]).unwrap();
    assert_eq!(case.files.missing(&AccountId::new("bob"), from_ref(&hash)), [hash]);
}

#[test]
fn nothing_is_laid_out_outside_the_folder() {
    let case = case();
    let hash = hash("x");
    case.put(&hash, &["x"]).unwrap();
    let into = tempfile::tempdir().unwrap();
    for path in ["../x", "/etc/x", "a/../../x", "", "."] {
        let laid = case.files.materialize(&case.ann, &[(hash.clone(), path.to_owned())], into.path());
        assert!(matches!(laid, Err(MaterializeError::Path { .. })), "{path}");
    }
    let unknown = case.files.materialize(&case.ann, &[("0".repeat(64), "x".into())], into.path());
    assert!(unknown.unwrap_err().to_string().contains("did not complete"));
}

#[test]
fn what_is_no_hash_names_no_file() {
    let case = case();
    for text in ["", "..", "../../etc/passwd", &"A".repeat(64), &"é".repeat(32)] {
        assert_eq!(case.files.missing(&case.ann, &[text.to_owned()]).len(), 1, "{text}");
    }
}

use std::{fs, io::Write, os::unix::fs::symlink};

use super::*;

struct Case {
    folder: tempfile::TempDir,
    tree: Tree,
}

fn case() -> Case {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::open(&folder.path().join("volume")).unwrap();
    fs::write(folder.path().join("secret"), "of the host").unwrap();
    Case { folder, tree }
}

fn place(text: &str) -> Place {
    Place::parse(text).unwrap()
}

impl Case {
    fn inside(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("volume").join(name)
    }

    fn write(&self, path: &str, text: &str) {
        let mut draft = self.tree.draft(&place(path)).unwrap();
        draft.file.write_all(text.as_bytes()).unwrap();
        draft.keep().unwrap();
    }

    fn read(&self, path: &str) -> Result<String, TreeError> {
        let (mut file, _) = self.tree.read(&place(path))?;
        let mut text = String::new();
        io::Read::read_to_string(&mut file, &mut text).unwrap();
        Ok(text)
    }
}

#[test]
fn what_is_written_is_listed_read_moved_and_removed() {
    let case = case();
    case.write("/data/a/b/x.txt", "hello");
    assert_eq!(case.read("/data/a/b/x.txt").unwrap(), "hello");
    let listed = case.tree.list(&place("/data/a")).unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str(), listed[0].is_file), (1, "b", false));
    assert_eq!(case.tree.list(&place("/data/a/b")).unwrap()[0].size, 5);
    case.tree.rename(&place("/data/a/b"), &place("/data/new/c")).unwrap();
    assert_eq!(case.read("/data/new/c/x.txt").unwrap(), "hello");
    case.tree.remove(&place("/data/new")).unwrap();
    assert!(matches!(case.read("/data/new/c/x.txt"), Err(TreeError::Missing { .. })));
}

#[test]
fn no_link_of_an_app_leads_out_of_the_volume() {
    let case = case();
    symlink("../secret", case.inside("up")).unwrap();
    symlink(case.folder.path().join("secret"), case.inside("absolute")).unwrap();
    symlink("..", case.inside("folder")).unwrap();
    symlink("/proc/self/root", case.inside("proc")).unwrap();
    for path in ["up", "absolute", "folder/secret", "proc/etc/passwd"] {
        assert!(case.read(path).is_err(), "{path}");
    }
    // `folder` leads to the volume's own root at most.
    case.write("/data/folder/secret", "changed");
    assert_eq!(fs::read_to_string(case.folder.path().join("secret")).unwrap(), "of the host");
    case.tree.remove(&place("/data/folder")).unwrap();
    assert!(case.folder.path().join("secret").exists());
}

#[test]
fn links_within_the_volume_are_followed() {
    let case = case();
    case.write("/data/blobs/1", "weights");
    fs::create_dir(case.inside("snapshots")).unwrap();
    symlink("../blobs/1", case.inside("snapshots/model")).unwrap();
    assert_eq!(case.read("/data/snapshots/model").unwrap(), "weights");
    assert_eq!(case.tree.list(&place("/data/snapshots")).unwrap()[0].size, 7);
}

#[test]
fn removing_a_folder_leaves_what_its_links_point_to() {
    let case = case();
    case.write("/data/kept/x", "x");
    fs::create_dir(case.inside("gone")).unwrap();
    symlink("../kept", case.inside("gone/link")).unwrap();
    case.tree.remove(&place("/data/gone")).unwrap();
    assert_eq!(case.read("/data/kept/x").unwrap(), "x");
    assert!(matches!(case.tree.remove(&place("/data/gone")), Err(TreeError::Missing { .. })));
    assert!(matches!(case.tree.remove(&place("/data")), Err(TreeError::Root)));
}

#[test]
fn a_pipe_is_no_file_and_holds_nobody_up() {
    let case = case();
    rustix::fs::mknodat(CWD, case.inside("pipe"), FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    assert!(matches!(case.read("/data/pipe"), Err(TreeError::NotFile { .. })));
    assert!(matches!(case.read("/data"), Err(TreeError::NotFile { .. })));
}

#[test]
fn a_draft_that_is_dropped_leaves_nothing_and_one_that_is_kept_replaces() {
    let case = case();
    case.write("/data/x", "old");
    drop(case.tree.draft(&place("/data/x")).unwrap());
    assert_eq!(case.tree.list(&place("/data")).unwrap().len(), 1);
    case.write("/data/x", "new");
    assert_eq!(case.read("/data/x").unwrap(), "new");
    fs::create_dir(case.inside("folder")).unwrap();
    let draft = case.tree.draft(&place("/data/folder")).unwrap();
    assert!(matches!(draft.keep(), Err(TreeError::IsFolder { .. })));
    assert!(matches!(case.tree.draft(&place("/data/x/below")), Err(TreeError::NotFolder { .. })));
}

#[test]
fn a_kernel_without_the_call_follows_no_links_at_all() {
    let case = case();
    case.write("/data/a/x", "hello");
    symlink("a", case.inside("link")).unwrap();
    let walk = |text: &str| case.tree.walk(&place(text), OFlags::RDONLY);
    assert!(walk("/data/a/x").is_ok() && walk("/data").is_ok());
    assert!(walk("/data/link").is_err() && walk("/data/link/x").is_err());
}

#[test]
fn a_zip_archive_is_laid_below_its_folder_and_nowhere_else() {
    let case = case();
    let archive = |names: &[&str]| {
        let mut writer = zip::ZipWriter::new(tempfile::tempfile().unwrap());
        for name in names {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(b"content").unwrap();
        }
        writer.finish().unwrap()
    };
    super::super::unpack(&case.tree, archive(&["a.txt", "sub/b.txt"]), &place("sync/dir")).unwrap();
    assert_eq!(case.read("/data/sync/dir/sub/b.txt").unwrap(), "content");
    let hostile = super::super::unpack(&case.tree, archive(&["../../up"]), &place("sync"));
    assert!(hostile.unwrap_err().to_string().contains("not allowed"));
}

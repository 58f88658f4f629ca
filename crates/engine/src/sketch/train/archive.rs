//! Reading an archive of pictures and captions that somebody sent.
//!
//! Nothing is written to disk, and what the archive says of sizes is not believed.

use std::io::{Cursor, Read};

use zip::{ZipArchive, result::ZipError};

/// Archives that are read.
pub(super) const EXTENSIONS: [&str; 1] = [".zip"];
const MOST_ENTRIES: usize = 10_000;
const LARGEST_FILE: u64 = 32 << 20;
/// Of everything together, unpacked.
const LARGEST: u64 = 1 << 30;

#[derive(Debug, thiserror::Error)]
pub(super) enum ArchiveError {
    #[error("it is not a zip archive, or is damaged: {0}")]
    Damaged(#[from] ZipError),
    #[error("`{name}` cannot be unpacked: {source}")]
    Entry { name: String, source: std::io::Error },
    #[error("it has {found} entries: at most {MOST_ENTRIES} are read")]
    Entries { found: usize },
    #[error("`{name}` would lie outside the archive's own folder")]
    Outside { name: String },
    #[error("`{name}` is a link: only files are read")]
    Link { name: String },
    #[error("`{name}` unpacks to more than {LARGEST_FILE} bytes")]
    TooLargeFile { name: String },
    #[error("`{name}` is no caption: it should be a short text")]
    Caption { name: String },
    #[error("it unpacks to more than {LARGEST} bytes")]
    TooLarge,
}

/// What the archive's reader does with a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Picture,
    Caption,
    /// Is not unpacked.
    Other,
}

/// Hands each picture and caption to `each`, in the order of the archive, and counts the files that are neither.
pub(super) fn read<E: From<ArchiveError>>(
    bytes: &[u8],
    mut each: impl FnMut(Kind, &str, Vec<u8>) -> Result<(), E>,
) -> Result<usize, E> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(ArchiveError::from)?;
    if archive.len() > MOST_ENTRIES {
        return Err(ArchiveError::Entries { found: archive.len() }.into());
    }
    let (mut left, mut others) = (LARGEST, 0);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(ArchiveError::from)?;
        let name = entry.name().map_err(ArchiveError::from)?.into_owned();
        if entry.is_symlink() {
            return Err(ArchiveError::Link { name }.into());
        }
        if name.starts_with(['/', '\\']) || entry.enclosed_name().is_none() {
            return Err(ArchiveError::Outside { name }.into());
        }
        match kind(&name) {
            _ if entry.is_dir() => {}
            Kind::Other => others += usize::from(!is_litter(&name)),
            kind => {
                let bytes = unpack(&mut entry, &name, &mut left)?;
                each(kind, &name, bytes)?;
            }
        }
    }
    Ok(others)
}

fn unpack(entry: &mut impl Read, name: &str, left: &mut u64) -> Result<Vec<u8>, ArchiveError> {
    let limit = LARGEST_FILE.min(*left);
    let mut bytes = Vec::new();
    let read = entry.take(limit + 1).read_to_end(&mut bytes);
    let read = read.map_err(|source| ArchiveError::Entry { name: name.into(), source })? as u64;
    if read > *left {
        return Err(ArchiveError::TooLarge);
    }
    if read > LARGEST_FILE {
        return Err(ArchiveError::TooLargeFile { name: name.into() });
    }
    *left -= read;
    Ok(bytes)
}

fn kind(name: &str) -> Kind {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        _ if is_litter(name) => Kind::Other,
        Some("png" | "jpg" | "jpeg" | "webp" | "gif") => Kind::Picture,
        Some("txt") => Kind::Caption,
        _ => Kind::Other,
    }
}

/// What file managers leave behind: `__MACOSX/._a.png`, `.DS_Store`.
fn is_litter(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with('.') || part == "__MACOSX" || part == "Thumbs.db")
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn names(bytes: &[u8]) -> Result<(Vec<String>, usize), ArchiveError> {
        let mut names = Vec::new();
        let others = read(bytes, |_, name, _| {
            names.push(name.to_owned());
            Ok::<_, ArchiveError>(())
        })?;
        Ok((names, others))
    }

    #[test]
    fn pictures_and_captions_are_read_and_litter_is_not_counted() {
        let files: [(&str, &[u8]); 6] = [
            ("a/1.PNG", b"x"),
            ("a/1.txt", b"x"),
            ("__MACOSX/a/._1.png", b"x"),
            (".DS_Store", b"x"),
            ("notes.md", b"x"),
            ("2.jpeg", b"x"),
        ];
        assert_eq!(names(&archive(&files)).unwrap(), (vec!["a/1.PNG".into(), "a/1.txt".into(), "2.jpeg".into()], 1));
    }

    #[test]
    fn names_that_climb_and_links_are_refused() {
        for name in ["../1.png", "a/../../1.png", "/etc/1.png"] {
            assert!(matches!(names(&archive(&[(name, b"x")])), Err(ArchiveError::Outside { .. })), "{name}");
        }
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_symlink("1.png", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        let link = writer.finish().unwrap().into_inner();
        assert!(matches!(names(&link), Err(ArchiveError::Link { .. })));
    }

    #[test]
    fn a_small_archive_that_unpacks_without_end_is_refused() {
        let zeros = vec![0_u8; (LARGEST_FILE + 1) as usize];
        let bomb = archive(&[("1.png", &zeros)]);
        assert!(bomb.len() < 1 << 20);
        assert!(matches!(names(&bomb), Err(ArchiveError::TooLargeFile { .. })));
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let whole = archive(&[("1.png", &[7; 500])]);
        for bytes in [&b""[..], b"Rar!\x1a\x07\x00", &whole[..whole.len() - 30]] {
            assert!(matches!(names(bytes), Err(ArchiveError::Damaged(_))));
        }
    }
}

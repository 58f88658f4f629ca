//! A zip archive into a folder of the volume: how a whole folder is sent at once.

use std::{fs::File, io};

use super::{Place, PlaceError, Tree, TreeError};

const MAX_ENTRIES: usize = 200_000;
const MAX_BYTES: u64 = 64 << 30;

#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    #[error("the body is not a zip archive: {0}")]
    Archive(#[from] zip::result::ZipError),
    #[error("the archive holds {found} entries: at most {MAX_ENTRIES} are unpacked")]
    TooMany { found: usize },
    #[error("the archive unpacks to more than {MAX_BYTES} bytes")]
    TooLarge,
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("the archive broke off: {0}")]
    Io(#[from] io::Error),
}

/// Files of the same names are replaced, all others stay. No entry is laid outside the folder.
pub(crate) fn unpack(tree: &Tree, archive: File, into: &Place) -> Result<(), UnpackError> {
    let mut archive = zip::ZipArchive::new(archive)?;
    if archive.len() > MAX_ENTRIES {
        return Err(UnpackError::TooMany { found: archive.len() });
    }
    let mut left = MAX_BYTES;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let place = Place::parse(&format!("{into}/{}", entry.name()?))?;
        if entry.is_dir() {
            tree.make_folder(&place)?;
            continue;
        }
        let mut draft = tree.draft(&place)?;
        // What the archive says of an entry's size is not believed.
        let written = io::copy(&mut io::Read::take(&mut entry, left + 1), &mut draft.file)?;
        left = left.checked_sub(written).ok_or(UnpackError::TooLarge)?;
        draft.keep()?;
    }
    Ok(())
}

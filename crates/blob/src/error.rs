//! Why an object could not be written or read.

use std::{io, path::PathBuf};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
#[error("could not open the object folder {}", path.display())]
pub struct OpenError {
    pub path: PathBuf,
    pub source: io::Error,
}

#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The sender vanished or failed; nothing is left behind.
    #[error("the upload broke off before its end")]
    BrokenOff(#[source] BoxError),
    #[error("the upload is longer than {limit} bytes")]
    TooLarge { limit: u64 },
    /// Objects are never rewritten.
    #[error("object `{id}` exists already with other content")]
    Taken { id: String },
    #[error("`{id}` is not the id of an object")]
    BadId { id: String },
    #[error("the disk that holds the data folder is full")]
    DiskFull,
    #[error("the data folder cannot be written")]
    ReadOnly,
    #[error("the object could not be written")]
    Io(#[source] io::Error),
}

impl From<io::Error> for PutError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly,
            _ => Self::Io(error),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    #[error("the list of parts is empty: name every part that was uploaded")]
    NoParts,
    #[error("part {number} is named twice, with different etags")]
    Ambiguous { number: u32 },
    #[error("part {number} with etag `{etag}` was not uploaded")]
    Missing { number: u32, etag: String },
    #[error(transparent)]
    Put(#[from] PutError),
}

impl From<io::Error> for AssembleError {
    fn from(error: io::Error) -> Self {
        Self::Put(error.into())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("there is no object `{id}`")]
    NotFound { id: String },
    #[error("object `{id}` has {size} bytes: the range {start}..{end} lies outside")]
    OutOfRange { id: String, size: u64, start: u64, end: u64 },
    #[error("the object could not be read")]
    Io(#[from] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_and_a_read_only_disk_are_told_apart_from_other_trouble() {
        let put = |errno| PutError::from(io::Error::from_raw_os_error(errno));
        assert!(matches!(put(28), PutError::DiskFull), "ENOSPC");
        assert!(matches!(put(122), PutError::DiskFull), "EDQUOT");
        assert!(matches!(put(30), PutError::ReadOnly), "EROFS");
        assert!(matches!(put(5), PutError::Io(_)), "EIO");
    }
}

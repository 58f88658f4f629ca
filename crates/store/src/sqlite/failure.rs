//! What an error of SQLite means to the caller.

use rusqlite::{ErrorCode, ffi};

use crate::StoreError;

pub(super) fn store_error(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error() {
        // The latter: the shared-memory file beside the log could not grow.
        Some(
            ffi::Error { code: ErrorCode::DiskFull, .. } | ffi::Error { extended_code: ffi::SQLITE_IOERR_SHMSIZE, .. },
        ) => StoreError::DiskFull,
        Some(ffi::Error { code: ErrorCode::ReadOnly, .. }) => StoreError::ReadOnly,
        _ => StoreError::Database(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32) -> StoreError {
        store_error(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    #[test]
    fn what_the_operator_can_mend_is_told_apart() {
        assert!(matches!(of(ffi::SQLITE_FULL), StoreError::DiskFull));
        assert!(matches!(of(ffi::SQLITE_IOERR_SHMSIZE), StoreError::DiskFull));
        assert!(matches!(of(ffi::SQLITE_READONLY), StoreError::ReadOnly));
        assert!(matches!(of(ffi::SQLITE_READONLY_DBMOVED), StoreError::ReadOnly));
        assert!(matches!(of(ffi::SQLITE_CORRUPT), StoreError::Database(_)));
    }
}

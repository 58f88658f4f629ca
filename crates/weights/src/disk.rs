//! Room on the disk.

use std::path::Path;

use crate::WeightsError;

/// Left for everything else that the server writes.
const RESERVE: u64 = 256 << 20;

/// Says no before anything is fetched.
pub(crate) fn check_room(folder: &Path, needed: u64) -> Result<(), WeightsError> {
    let found = rustix::fs::statvfs(folder).map_err(|error| WeightsError::io(folder)(error.into()))?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let needed = needed.saturating_add(RESERVE);
    if needed > free { Err(WeightsError::DiskFull { needed, free }) } else { Ok(()) }
}

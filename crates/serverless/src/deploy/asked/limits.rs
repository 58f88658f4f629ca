//! Single values of a request, each checked by its name.

use crate::{
    api::controller::File,
    deploy::{definition::AppFile, error::DeployError, name},
};

const LONGEST_GRACE: i32 = 30;
const DEFAULT_GRACE: u32 = 5;

pub(super) fn number(name: &str, found: Option<i32>, least: i32) -> Result<Option<u32>, DeployError> {
    match found {
        None => Ok(None),
        Some(found) if found >= least => Ok(Some(found.unsigned_abs())),
        Some(found) => Err(DeployError::Invalid(format!("`{name}` is {found}: expected {least} or more"))),
    }
}

pub(super) fn port(name: &str, found: Option<i32>) -> Result<Option<u16>, DeployError> {
    let port = |found| match u16::try_from(found) {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(DeployError::Invalid(format!("`{name}` is {found}: expected 1 to 65535"))),
    };
    found.map(port).transpose()
}

pub(crate) fn files(found: Vec<File>) -> Result<Vec<AppFile>, DeployError> {
    let check = |file: File| {
        let hash = file.hash.len() == 64 && file.hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !hash {
            return Err(DeployError::Invalid(format!(
                "an app file has the hash `{:.80}`: expected SHA-256",
                file.hash
            )));
        }
        let path = &file.relative_path;
        let plain = |part: &str| !matches!(part, "" | "." | "..");
        if !path.split('/').all(plain) || path.contains('\0') || path.len() > 1024 {
            return Err(DeployError::Invalid(format!(
                "app file `{path:.120}` is not allowed: expected a relative path without `.` and `..`"
            )));
        }
        Ok(AppFile { hash: file.hash, path: file.relative_path })
    };
    found.into_iter().map(check).collect()
}

/// Paths of the runner onto which the account's volume is laid. The runner's own folders are no places for it.
pub(super) fn data_mounts(found: Vec<String>) -> Result<Vec<String>, DeployError> {
    const TAKEN: [&str; 12] = ["usr", "bin", "sbin", "lib", "lib64", "etc", "proc", "sys", "dev", "run", "tmp", "app"];
    let check = |path: String| {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let plain = |part: &str| !matches!(part, "" | "." | "..");
        let trimmed = path.strip_prefix('/').unwrap_or_default().trim_end_matches('/');
        if trimmed.is_empty() || !trimmed.split('/').all(plain) || path.contains('\0') || TAKEN.contains(&first) {
            return Err(DeployError::Invalid(format!(
                "data mount `{path:.120}` is not allowed: expected an absolute path such as `/data`, outside of the \
                 system's folders"
            )));
        }
        Ok(format!("/{trimmed}"))
    };
    found.into_iter().map(check).collect()
}

pub(super) fn allowed_secrets(names: Option<Vec<String>>) -> Result<Option<Vec<String>>, DeployError> {
    if let Some(names) = &names {
        names.iter().try_for_each(|found| name::secret(found))?;
    }
    Ok(names)
}

pub(super) fn grace(found: Option<i32>) -> Result<u32, DeployError> {
    match found {
        None => Ok(DEFAULT_GRACE),
        Some(found) if (0..=LONGEST_GRACE).contains(&found) => Ok(found.unsigned_abs()),
        Some(found) => Err(DeployError::Invalid(format!(
            "`termination_grace_period_seconds` is {found}: expected 0 to {LONGEST_GRACE}"
        ))),
    }
}

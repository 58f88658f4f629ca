//! The first key: given, found or made; kept for the command line of the same user.

use std::{fs, path::Path};

use tintype_access::{Access, AdminKey, KeyError, LOCAL_ACCOUNT};
use tintype_domain::AccountId;
use tintype_store::KeyScope;

use crate::paths::{key_file, write_private};

#[derive(Debug, thiserror::Error)]
pub enum FirstKeyError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("could not keep the key in the data folder")]
    Keep(#[from] std::io::Error),
}

/// The local key, `id:secret`.
pub(crate) struct FirstKey {
    pub(crate) whole: String,
    /// Made just now, at the first start.
    pub(crate) new: bool,
}

pub(crate) async fn ensure(access: &Access, data: &Path, given: Option<&str>) -> Result<FirstKey, FirstKeyError> {
    let path = key_file(data);
    let key = match (access.ensure_admin_key(given).await?, given) {
        (AdminKey::Given(_), Some(key)) => FirstKey { whole: key.to_owned(), new: false },
        (AdminKey::Created(whole), _) => FirstKey { whole, new: true },
        (AdminKey::Existing(_) | AdminKey::Given(_), _) => match kept(access, &path).await {
            Some(whole) => return Ok(FirstKey { whole, new: false }),
            None => replace(access).await?,
        },
    };
    write_private(&path, format!("{}\n", key.whole).as_bytes())?;
    Ok(key)
}

/// The key in the file, if it still opens anything.
async fn kept(access: &Access, path: &Path) -> Option<String> {
    let key = fs::read_to_string(path).ok()?.trim().to_owned();
    access.key(&key).await.is_ok().then_some(key)
}

/// There are keys, but none whose secret is known here: the file was removed, or its key revoked. Whoever owns the
/// data folder owns everything in it, so the command line gets a key of its own.
async fn replace(access: &Access) -> Result<FirstKey, FirstKeyError> {
    let account = AccountId::new(LOCAL_ACCOUNT);
    let (_, whole) = access.create_key(account, "local command line", KeyScope::Admin).await?;
    Ok(FirstKey { whole, new: true })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tintype_domain::SystemClock;
    use tintype_store::MemoryStore;

    use super::*;

    fn access() -> Access {
        Access::open(Arc::new(MemoryStore::default()), Arc::new(SystemClock), [7; 32])
    }

    #[tokio::test]
    async fn a_key_is_made_once_and_a_lost_one_replaced() {
        let (dir, access) = (tempfile::tempdir().unwrap(), access());
        let first = ensure(&access, dir.path(), None).await.unwrap();
        assert!(first.new);
        let second = ensure(&access, dir.path(), None).await.unwrap();
        assert_eq!((second.whole.as_str(), second.new), (first.whole.as_str(), false));
        fs::remove_file(key_file(dir.path())).unwrap();
        let third = ensure(&access, dir.path(), None).await.unwrap();
        assert!(third.new && third.whole != first.whole);
        assert!(access.key(&third.whole).await.is_ok());
    }

    #[tokio::test]
    async fn a_given_key_is_in_force_and_kept() {
        let (dir, access) = (tempfile::tempdir().unwrap(), access());
        let given = "me:a-long-enough-secret-for-anyone";
        let first = ensure(&access, dir.path(), Some(given)).await.unwrap();
        assert_eq!((first.whole.as_str(), first.new), (given, false));
        assert_eq!(fs::read_to_string(key_file(dir.path())).unwrap().trim(), given);
        assert!(access.key(given).await.is_ok());
    }
}

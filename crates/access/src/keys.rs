//! Keys: made, looked up, revoked.

use std::sync::Arc;

use tintype_domain::{AccountId, Clock, KeyId};
use tintype_store::{KeyRecord, KeyScope, Store};

use crate::{AuthError, Grant, Identity, KeyError};

/// The door: proves keys and tokens, and makes both.
pub struct Access {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    token_secret: [u8; 32],
}

/// What the server tells its operator about the first key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminKey {
    /// The given key, `id:secret`, is in force.
    Given(KeyId),
    /// An admin key was there already; its secret is not known here.
    Existing(KeyId),
    /// Made now; the whole key, `id:secret`, can be shown this once.
    Created(String),
}

impl Access {
    pub fn open(store: Arc<dyn Store>, clock: Arc<dyn Clock>, token_secret: [u8; 32]) -> Self {
        Self { store, clock, token_secret }
    }

    /// Proves a key, `id:secret`.
    pub async fn key(&self, _presented: &str) -> Result<Identity, AuthError> {
        todo!()
    }

    /// Makes a token.
    pub fn mint(&self, _grant: Grant) -> String {
        todo!()
    }

    /// Proves a token: made here, unaltered, not expired.
    pub fn verify(&self, _token: &str) -> Result<Grant, AuthError> {
        todo!()
    }

    /// Makes a key. The second value is the whole key, `id:secret`, which cannot be shown again.
    pub async fn create_key(
        &self,
        _account: AccountId,
        _alias: &str,
        _scope: KeyScope,
    ) -> Result<(KeyRecord, String), KeyError> {
        todo!()
    }

    /// Sees to it that there is an admin key: the given one (`id:secret`), else any, else a fresh one.
    pub async fn ensure_admin_key(&self, _given: Option<&str>) -> Result<AdminKey, KeyError> {
        todo!()
    }

    /// Every key, without secrets, oldest first.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>, KeyError> {
        todo!()
    }

    /// From here on the key opens nothing. `false`: there is no such key in force.
    pub async fn revoke_key(&self, _id: &KeyId) -> Result<bool, KeyError> {
        todo!()
    }
}

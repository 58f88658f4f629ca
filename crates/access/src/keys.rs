//! Keys: made, looked up, revoked.

use std::sync::Arc;

use tintype_domain::{AccountId, Clock, KeyId};
use tintype_store::{KeyRecord, KeyScope, Store, StoreError};

use crate::{
    AuthError, Grant, Identity, KeyError, LOCAL_ACCOUNT, Purpose,
    cache::Cache,
    grant::Tokens,
    secret::{self, Key},
};

const MAX_ALIAS: usize = 255;
/// The id of a key that is no row but a token. No other key can have it.
const RUNNER_KEY: &str = "runner:";

/// The door: proves keys and tokens, and makes both. Every change of a key passes through here.
pub struct Access {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    tokens: Tokens,
    cache: Cache,
    /// One at a time, or two operators could revoke the last two admin keys at once.
    revoking: tokio::sync::Mutex<()>,
}

/// What the server tells its operator about the first key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminKey {
    /// The given key is in force.
    Given(KeyId),
    /// An admin key was there already; its secret is not known here.
    Existing(KeyId),
    /// Made now; the whole key, `id:secret`, can be shown this once.
    Created(String),
}

impl Access {
    pub fn open(store: Arc<dyn Store>, clock: Arc<dyn Clock>, token_secret: [u8; 32]) -> Self {
        let (tokens, cache) = (Tokens::new(&token_secret), Cache::default());
        Self { store, clock, tokens, cache, revoking: tokio::sync::Mutex::default() }
    }

    /// Proves a key, `id:secret`. That of a runner is `runner:` and a token that was minted for it.
    pub async fn key(&self, presented: &str) -> Result<Identity, AuthError> {
        if let Some(token) = presented.strip_prefix(RUNNER_KEY) {
            return self.runner_key(token);
        }
        let key = Key::parse(presented).ok_or(AuthError::Malformed)?;
        let record = self.find(&key.id()).await?.ok_or(AuthError::Unknown)?;
        // Only who knows the secret learns that the key was revoked.
        if !key.opens(&record) {
            return Err(AuthError::Unknown);
        }
        match record.revoked_at {
            Some(_) => Err(AuthError::Revoked { id: key.id.to_owned() }),
            None => Ok(Identity { account: record.account, key: record.id, scope: record.scope }),
        }
    }

    fn runner_key(&self, token: &str) -> Result<Identity, AuthError> {
        let Grant { account, purpose: Purpose::Runner { .. }, .. } = self.verify(token)? else {
            return Err(AuthError::BadToken);
        };
        Ok(Identity { account, key: KeyId::new(RUNNER_KEY.trim_end_matches(':')), scope: KeyScope::Api })
    }

    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        if let Some(record) = self.cache.find(id) {
            return Ok(Some(record));
        }
        let since = self.cache.begin();
        let found = self.store.key(id).await?;
        if let Some(record) = &found {
            self.cache.remember(&since, record.clone());
        }
        Ok(found)
    }

    /// Makes a token.
    #[expect(clippy::needless_pass_by_value, reason = "a grant is made for its token and for nothing else")]
    pub fn mint(&self, grant: Grant) -> String {
        self.tokens.mint(&grant)
    }

    /// Proves a token: made here, unaltered, not expired.
    pub fn verify(&self, token: &str) -> Result<Grant, AuthError> {
        self.tokens.verify(token, self.clock.now())
    }

    /// Makes a key. The second value is the whole key, `id:secret`, which cannot be shown again.
    pub async fn create_key(
        &self,
        account: AccountId,
        alias: &str,
        scope: KeyScope,
    ) -> Result<(KeyRecord, String), KeyError> {
        let found = alias.chars().count();
        if !(1..=MAX_ALIAS).contains(&found) {
            return Err(KeyError::Alias { found });
        }
        let text = secret::generate().ok_or(KeyError::NoRandomness)?;
        let key = Key::parse(&text).ok_or(KeyError::NoRandomness)?;
        let record = self.insert(&key, account, alias, scope).await?;
        Ok((record, text))
    }

    /// Sees to it that there is an admin key: the given one (`id:secret`), else any, else a fresh one.
    pub async fn ensure_admin_key(&self, given: Option<&str>) -> Result<AdminKey, KeyError> {
        if let Some(given) = given {
            return self.ensure_given(given).await;
        }
        if let Some(key) = self.store.keys().await?.into_iter().find(is_admin_in_force) {
            return Ok(AdminKey::Existing(key.id));
        }
        let (_, text) = self.create_key(AccountId::new(LOCAL_ACCOUNT), "first key", KeyScope::Admin).await?;
        Ok(AdminKey::Created(text))
    }

    async fn ensure_given(&self, given: &str) -> Result<AdminKey, KeyError> {
        let key = Key::parse(given).ok_or_else(|| malformed(given))?;
        let taken = |id: &str| KeyError::Taken { id: id.to_owned() };
        if given.starts_with(RUNNER_KEY) {
            return Err(taken(key.id));
        }
        match self.find(&key.id()).await? {
            Some(record) if record.scope != KeyScope::Admin || !key.opens(&record) => Err(taken(key.id)),
            Some(record) if record.revoked_at.is_some() => Err(KeyError::Revoked { id: key.id.to_owned() }),
            Some(record) => Ok(AdminKey::Given(record.id)),
            None => {
                self.insert(&key, AccountId::new(LOCAL_ACCOUNT), "given at start", KeyScope::Admin).await?;
                Ok(AdminKey::Given(key.id()))
            }
        }
    }

    async fn insert(
        &self,
        key: &Key<'_>,
        account: AccountId,
        alias: &str,
        scope: KeyScope,
    ) -> Result<KeyRecord, KeyError> {
        let record = KeyRecord {
            id: key.id(),
            account,
            alias: alias.to_owned(),
            scope,
            secret_hash: key.hash(),
            created_at: self.clock.now(),
            revoked_at: None,
        };
        match self.store.insert_key(record.clone()).await {
            Err(StoreError::Exists { .. }) => Err(KeyError::Taken { id: key.id.to_owned() }),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(record),
        }
    }

    /// Every key, without secrets, oldest first.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>, KeyError> {
        Ok(self.store.keys().await?)
    }

    /// From here on the key opens nothing. `false`: there is no such key in force. The last admin key stays.
    pub async fn revoke_key(&self, id: &KeyId) -> Result<bool, KeyError> {
        let _alone = self.revoking.lock().await;
        let keys = self.store.keys().await?;
        let admins: Vec<_> = keys.iter().filter(|key| is_admin_in_force(key)).collect();
        if admins.len() == 1 && admins[0].id == *id {
            return Err(KeyError::LastAdmin { id: id.to_string() });
        }
        let revoked = self.store.revoke_key(id, self.clock.now()).await;
        // Also where it failed: the store may have carried it out all the same.
        self.cache.forget(id);
        Ok(revoked?)
    }
}

fn is_admin_in_force(key: &KeyRecord) -> bool {
    key.scope == KeyScope::Admin && key.revoked_at.is_none()
}

/// The id half may be shown, the rest might be a secret.
fn malformed(given: &str) -> KeyError {
    let id = given.split(':').next().unwrap_or_default();
    KeyError::Malformed { found: if given.contains(':') { format!("{id:.64}:…") } else { "…".into() } }
}

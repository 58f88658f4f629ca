//! The operations on what deployers put here.

use async_trait::async_trait;
use tintype_domain::{AccountId, AppId, RevisionId};

use crate::{AliasRecord, DeleteRevision, EnvironmentRecord, RevisionRecord, SecretRecord, StoreError};

/// As with [`crate::Store`]: what writes is one transaction.
///
/// Whatever names an environment that its account does not have is refused with [`StoreError::Missing`]: an
/// environment that is deleted meanwhile leaves nothing behind.
#[async_trait]
pub trait Deployments: Send + Sync + 'static {
    // --- revisions ---

    /// A new revision, and the alias that from now on points at it, whatever it pointed at before.
    async fn register(&self, revision: RevisionRecord, alias: AliasRecord) -> Result<(), StoreError>;
    async fn insert_revision(&self, revision: RevisionRecord) -> Result<(), StoreError>;
    async fn revision(&self, id: &RevisionId) -> Result<Option<RevisionRecord>, StoreError>;
    /// Newest first.
    async fn revisions(
        &self,
        account: &AccountId,
        app: Option<&AppId>,
        environment: Option<&str>,
    ) -> Result<Vec<RevisionRecord>, StoreError>;
    async fn delete_revision(&self, id: &RevisionId) -> Result<DeleteRevision, StoreError>;

    // --- aliases ---

    /// Makes the alias or changes it. Its account must have the revision.
    async fn put_alias(&self, alias: AliasRecord) -> Result<(), StoreError>;
    async fn alias(&self, app: &AppId) -> Result<Option<AliasRecord>, StoreError>;
    /// In the order of their names.
    async fn aliases(&self, account: Option<&AccountId>) -> Result<Vec<AliasRecord>, StoreError>;
    /// What it was comes back. Its revisions stay.
    async fn delete_alias(&self, app: &AppId) -> Result<Option<AliasRecord>, StoreError>;

    // --- environments ---

    /// `false`: the account has one with this name.
    async fn insert_environment(&self, environment: EnvironmentRecord) -> Result<bool, StoreError>;
    /// In the order of their names, without `main`.
    async fn environments(&self, account: &AccountId) -> Result<Vec<EnvironmentRecord>, StoreError>;
    /// Its aliases, its secrets and its revisions go with it; a revision that an alias of another environment points
    /// at stays. The aliases that went come back; `None` if there is no such environment.
    async fn delete_environment(&self, account: &AccountId, name: &str)
    -> Result<Option<Vec<AliasRecord>>, StoreError>;

    // --- secrets ---

    /// Sets the secret, in place of one that has its name.
    async fn put_secret(&self, secret: SecretRecord) -> Result<(), StoreError>;
    /// In the order of their environments, then of their names.
    async fn secrets(&self, account: &AccountId, environment: Option<&str>) -> Result<Vec<SecretRecord>, StoreError>;
    async fn delete_secret(&self, account: &AccountId, environment: &str, name: &str) -> Result<bool, StoreError>;
}

//! The seam of deployments, filled by the tables.

use async_trait::async_trait;
use tintype_domain::{AccountId, AppId, RevisionId};

use crate::{
    AliasRecord, DeleteRevision, Deployments, EnvironmentRecord, MemoryStore, RevisionRecord, SecretRecord, StoreError,
};

#[async_trait]
impl Deployments for MemoryStore {
    async fn register(&self, revision: RevisionRecord, alias: AliasRecord) -> Result<(), StoreError> {
        self.write(|tables| tables.register(revision, alias))
    }

    async fn insert_revision(&self, revision: RevisionRecord) -> Result<(), StoreError> {
        self.write(|tables| tables.insert_revision(revision))
    }

    async fn revision(&self, id: &RevisionId) -> Result<Option<RevisionRecord>, StoreError> {
        Ok(self.read(|tables| tables.revisions.get(id).cloned()))
    }

    async fn revisions(
        &self,
        account: &AccountId,
        app: Option<&AppId>,
        environment: Option<&str>,
    ) -> Result<Vec<RevisionRecord>, StoreError> {
        let wanted = |revision: &RevisionRecord| {
            revision.account == *account
                && app.is_none_or(|app| revision.app == *app)
                && environment.is_none_or(|environment| revision.environment == environment)
        };
        Ok(self.read(|tables| tables.revisions(wanted)))
    }

    async fn delete_revision(&self, id: &RevisionId) -> Result<DeleteRevision, StoreError> {
        self.write(|tables| Ok(tables.delete_revision(id)))
    }

    async fn put_alias(&self, alias: AliasRecord) -> Result<(), StoreError> {
        self.write(|tables| tables.put_alias(alias))
    }

    async fn alias(&self, app: &AppId) -> Result<Option<AliasRecord>, StoreError> {
        Ok(self.read(|tables| tables.aliases.get(app).cloned()))
    }

    async fn aliases(&self, account: Option<&AccountId>) -> Result<Vec<AliasRecord>, StoreError> {
        let wanted = |alias: &&AliasRecord| account.is_none_or(|account| alias.account == *account);
        Ok(self.read(|tables| tables.aliases.values().filter(wanted).cloned().collect()))
    }

    async fn delete_alias(&self, app: &AppId) -> Result<Option<AliasRecord>, StoreError> {
        self.write(|tables| Ok(tables.aliases.remove(app)))
    }

    async fn insert_environment(&self, environment: EnvironmentRecord) -> Result<bool, StoreError> {
        self.write(|tables| Ok(tables.insert_environment(environment)))
    }

    async fn environments(&self, account: &AccountId) -> Result<Vec<EnvironmentRecord>, StoreError> {
        let own = |environment: &&EnvironmentRecord| environment.account == *account;
        Ok(self.read(|tables| tables.environments.values().filter(own).cloned().collect()))
    }

    async fn delete_environment(
        &self,
        account: &AccountId,
        name: &str,
    ) -> Result<Option<Vec<AliasRecord>>, StoreError> {
        self.write(|tables| Ok(tables.delete_environment(account, name)))
    }

    async fn put_secret(&self, secret: SecretRecord) -> Result<(), StoreError> {
        self.write(|tables| tables.put_secret(secret))
    }

    async fn secrets(&self, account: &AccountId, environment: Option<&str>) -> Result<Vec<SecretRecord>, StoreError> {
        let wanted = |secret: &&SecretRecord| {
            secret.account == *account && environment.is_none_or(|environment| secret.environment == environment)
        };
        Ok(self.read(|tables| tables.secrets.values().filter(wanted).cloned().collect()))
    }

    async fn delete_secret(&self, account: &AccountId, environment: &str, name: &str) -> Result<bool, StoreError> {
        let key = (account.clone(), environment.to_owned(), name.to_owned());
        self.write(|tables| Ok(tables.secrets.remove(&key).is_some()))
    }
}

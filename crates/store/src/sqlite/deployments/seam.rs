//! The seam of deployments, filled.

use async_trait::async_trait;
use tintype_domain::{AccountId, AppId, RevisionId};

use super::{aliases, environments, revisions, secrets};
use crate::{
    AliasRecord, DeleteRevision, Deployments, EnvironmentRecord, RevisionRecord, SecretRecord, SqliteStore, StoreError,
};

#[async_trait]
impl Deployments for SqliteStore {
    async fn register(&self, revision: RevisionRecord, alias: AliasRecord) -> Result<(), StoreError> {
        self.write(move |writing| revisions::register(writing, &revision, &alias)).await?
    }

    async fn insert_revision(&self, revision: RevisionRecord) -> Result<(), StoreError> {
        self.write(move |writing| revisions::insert(writing, &revision)).await?
    }

    async fn revision(&self, id: &RevisionId) -> Result<Option<RevisionRecord>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| revisions::find(connection, &id)).await
    }

    async fn revisions(
        &self,
        account: &AccountId,
        app: Option<&AppId>,
        environment: Option<&str>,
    ) -> Result<Vec<RevisionRecord>, StoreError> {
        let (account, app, environment) = (account.clone(), app.cloned(), environment.map(str::to_owned));
        let list = move |connection: &_| revisions::list(connection, &account, app.as_ref(), environment.as_deref());
        self.readers.read(list).await
    }

    async fn delete_revision(&self, id: &RevisionId) -> Result<DeleteRevision, StoreError> {
        let id = id.clone();
        self.write(move |writing| revisions::delete(writing, &id)).await
    }

    async fn put_alias(&self, alias: AliasRecord) -> Result<(), StoreError> {
        self.write(move |writing| aliases::put(writing, &alias)).await?
    }

    async fn alias(&self, app: &AppId) -> Result<Option<AliasRecord>, StoreError> {
        let app = app.clone();
        self.readers.read(move |connection| aliases::find(connection, &app)).await
    }

    async fn aliases(&self, account: Option<&AccountId>) -> Result<Vec<AliasRecord>, StoreError> {
        let account = account.cloned();
        self.readers.read(move |connection| aliases::list(connection, account.as_ref())).await
    }

    async fn delete_alias(&self, app: &AppId) -> Result<Option<AliasRecord>, StoreError> {
        let app = app.clone();
        self.write(move |writing| aliases::delete(writing, &app)).await
    }

    async fn insert_environment(&self, environment: EnvironmentRecord) -> Result<bool, StoreError> {
        self.write(move |writing| environments::insert(writing, &environment)).await
    }

    async fn environments(&self, account: &AccountId) -> Result<Vec<EnvironmentRecord>, StoreError> {
        let account = account.clone();
        self.readers.read(move |connection| environments::list(connection, &account)).await
    }

    async fn delete_environment(
        &self,
        account: &AccountId,
        name: &str,
    ) -> Result<Option<Vec<AliasRecord>>, StoreError> {
        let (account, name) = (account.clone(), name.to_owned());
        self.write(move |writing| environments::delete(writing, &account, &name)).await
    }

    async fn put_secret(&self, secret: SecretRecord) -> Result<(), StoreError> {
        self.write(move |writing| secrets::put(writing, &secret)).await?
    }

    async fn secrets(&self, account: &AccountId, environment: Option<&str>) -> Result<Vec<SecretRecord>, StoreError> {
        let (account, environment) = (account.clone(), environment.map(str::to_owned));
        self.readers.read(move |connection| secrets::list(connection, &account, environment.as_deref())).await
    }

    async fn delete_secret(&self, account: &AccountId, environment: &str, name: &str) -> Result<bool, StoreError> {
        let (account, environment, name) = (account.clone(), environment.to_owned(), name.to_owned());
        self.write(move |writing| secrets::delete(writing, &account, &environment, &name)).await
    }
}

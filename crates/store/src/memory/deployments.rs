//! Revisions, aliases, environments and secrets.

use tintype_domain::{AccountId, RevisionId};

use super::Tables;
use crate::{
    AliasRecord, DeleteRevision, EnvironmentRecord, MAIN_ENVIRONMENT, RevisionRecord, SecretRecord, StoreError,
};

impl Tables {
    pub(super) fn register(&mut self, revision: RevisionRecord, alias: AliasRecord) -> Result<(), StoreError> {
        self.require_environment(&alias.account, &alias.environment)?;
        let alias = AliasRecord { revision: revision.id.clone(), ..alias };
        self.insert_revision(revision)?;
        self.aliases.insert(alias.app.clone(), alias);
        Ok(())
    }

    pub(super) fn insert_revision(&mut self, revision: RevisionRecord) -> Result<(), StoreError> {
        self.require_environment(&revision.account, &revision.environment)?;
        if self.revisions.contains_key(&revision.id) {
            return Err(StoreError::Exists { kind: "revision" });
        }
        self.revisions.insert(revision.id.clone(), revision);
        Ok(())
    }

    pub(super) fn revisions(&self, wanted: impl Fn(&RevisionRecord) -> bool) -> Vec<RevisionRecord> {
        let mut revisions: Vec<_> = self.revisions.values().filter(|revision| wanted(revision)).cloned().collect();
        revisions.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        revisions
    }

    pub(super) fn delete_revision(&mut self, id: &RevisionId) -> DeleteRevision {
        if let Some(alias) = self.aliases.values().find(|alias| alias.revision == *id) {
            return DeleteRevision::InUse { app: alias.app.clone() };
        }
        match self.revisions.remove(id) {
            Some(_) => DeleteRevision::Deleted,
            None => DeleteRevision::Unknown,
        }
    }

    pub(super) fn put_alias(&mut self, alias: AliasRecord) -> Result<(), StoreError> {
        self.require_environment(&alias.account, &alias.environment)?;
        if self.revisions.get(&alias.revision).is_none_or(|revision| revision.account != alias.account) {
            return Err(StoreError::Missing { kind: "revision" });
        }
        self.aliases.insert(alias.app.clone(), alias);
        Ok(())
    }

    pub(super) fn insert_environment(&mut self, environment: EnvironmentRecord) -> bool {
        let fresh = !self.has_environment(&environment.account, &environment.name);
        if fresh {
            self.environments.insert((environment.account.clone(), environment.name.clone()), environment);
        }
        fresh
    }

    pub(super) fn delete_environment(&mut self, account: &AccountId, name: &str) -> Option<Vec<AliasRecord>> {
        self.environments.remove(&(account.clone(), name.to_owned()))?;
        let inside = |owner: &AccountId, environment: &str| owner == account && environment == name;
        let gone = self.aliases.extract_if(.., |_, alias| inside(&alias.account, &alias.environment));
        let gone = gone.map(|(_, alias)| alias).collect();
        let Self { aliases, revisions, secrets, .. } = self;
        let in_use = |id: &RevisionId| aliases.values().any(|alias| alias.revision == *id);
        revisions.retain(|id, revision| !inside(&revision.account, &revision.environment) || in_use(id));
        secrets.retain(|_, secret| !inside(&secret.account, &secret.environment));
        Some(gone)
    }

    pub(super) fn put_secret(&mut self, secret: SecretRecord) -> Result<(), StoreError> {
        self.require_environment(&secret.account, &secret.environment)?;
        let key = (secret.account.clone(), secret.environment.clone(), secret.name.clone());
        self.secrets.insert(key, secret);
        Ok(())
    }

    fn require_environment(&self, account: &AccountId, name: &str) -> Result<(), StoreError> {
        let known = self.has_environment(account, name);
        if known { Ok(()) } else { Err(StoreError::Missing { kind: "environment" }) }
    }

    fn has_environment(&self, account: &AccountId, name: &str) -> bool {
        name == MAIN_ENVIRONMENT || self.environments.contains_key(&(account.clone(), name.to_owned()))
    }
}

//! At the start of a server: what was deployed before is taken up again.

use std::{collections::BTreeSet, sync::Arc};

use tintype_domain::{AccountId, AppId};
use tintype_store::AliasRecord;

use super::{definition::Definition, error::DeployError, payload, register::read_scaling};
use crate::{Serverless, launching::Plan};

impl Serverless {
    /// Registers every alias of the store with dispatch, and drops what no revision names. An alias that cannot be
    /// taken up is told of and left for its owner to deploy again: it must not keep the others from being served.
    pub async fn restore(&self) -> Result<usize, tintype_store::StoreError> {
        let aliases = self.store.aliases(None).await?;
        let mut taken = 0;
        for alias in &aliases {
            match self.take_up(alias).await {
                Ok(()) => taken += 1,
                Err(error) => tracing::error!(app = %alias.app, "app {} is not served: {error}", alias.app),
            }
        }
        self.sweep(&aliases).await?;
        self.end_orphans(&aliases).await?;
        Ok(taken)
    }

    /// What waits for an app of an account that has no such alias waits in vain: the server died under its deletion, or
    /// under the run that it was of.
    async fn end_orphans(&self, aliases: &[AliasRecord]) -> Result<(), tintype_store::StoreError> {
        let accounts = self.accounts(aliases).await?;
        let owned = |app: &AppId| accounts.iter().any(|account| account.as_str() == app.owner());
        let gone = |app: &AppId| owned(app) && !aliases.iter().any(|alias| alias.app == *app);
        let ended = self.dispatch.end_orphans(gone).await?;
        if ended > 0 {
            tracing::info!("ended {ended} requests that waited for apps that are no more");
        }
        Ok(())
    }

    async fn take_up(&self, alias: &AliasRecord) -> Result<(), DeployError> {
        let record = self.store.revision(&alias.revision).await?;
        let record = record.ok_or_else(|| DeployError::NotFound(format!("revision `{}`", alias.revision)))?;
        let definition = Arc::new(Definition::read(&record.definition)?);
        self.plan(alias, &definition)?;
        self.dispatch.register(self.app_definition(alias, &definition)?).await?;
        self.publish(alias, &definition);
        Ok(())
    }

    /// From now on runners of the alias' revision can be started.
    pub(crate) fn plan(&self, alias: &AliasRecord, definition: &Arc<Definition>) -> Result<(), DeployError> {
        let share = self.share(definition, &read_scaling(&alias.scaling)?)?;
        self.starter.plans().put(Plan {
            id: alias.revision.to_string(),
            account: alias.account.clone(),
            app: alias.app.clone(),
            environment: alias.environment.clone(),
            folder: self.folder(&alias.revision),
            definition: Arc::clone(definition),
            share,
        });
        Ok(())
    }

    /// Payloads of revisions that never came to be, of runs that ended with the last server.
    async fn sweep(&self, aliases: &[AliasRecord]) -> Result<(), tintype_store::StoreError> {
        let mut known = BTreeSet::new();
        for account in self.accounts(aliases).await? {
            let revisions = self.store.revisions(&account, None, None).await?;
            known.extend(revisions.into_iter().map(|revision| revision.id.to_string()));
        }
        let (revisions, runs) = (self.starter.revisions(), self.options.data.join("runs"));
        let work = move || {
            payload::sweep(&revisions, |name| known.contains(name))?;
            payload::sweep(&runs, |_| false)
        };
        if let Ok(Err(error)) = tokio::task::spawn_blocking(work).await {
            tracing::warn!("could not drop what a former server left: {error}");
        }
        Ok(())
    }

    /// Everybody who has a key, and so may have deployed.
    async fn accounts(&self, aliases: &[AliasRecord]) -> Result<BTreeSet<AccountId>, tintype_store::StoreError> {
        let keys = self.store.keys().await?.into_iter().map(|key| key.account);
        Ok(keys.chain(aliases.iter().map(|alias| alias.account.clone())).collect())
    }
}

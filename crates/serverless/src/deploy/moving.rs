//! An alias comes to point at a revision, and its runners follow.

use std::{pin::pin, sync::Arc};

use tintype_catalog::Deployed as Published;
use tintype_dispatch::{AppDefinition, Rollout};
use tintype_domain::{AppId, RevisionId, app::Strategy};
use tintype_launch::Occurrence;
use tintype_store::{AliasRecord, RevisionRecord};
use tokio::sync::mpsc;

use super::{definition::Definition, error::DeployError, register::read_scaling};
use crate::{
    Serverless,
    launching::{Seen, What},
    rpc::{Line, Teller},
};

pub(crate) struct Move {
    /// As it is to be.
    pub alias: AliasRecord,
    /// As it was.
    pub before: Option<AliasRecord>,
    pub definition: Arc<Definition>,
    pub strategy: Strategy,
    pub attach: Option<bool>,
    /// The revision, where it is not in the store yet.
    pub new: Option<RevisionRecord>,
}

impl Serverless {
    /// The caller holds the alias' lock, and the revision has its plan.
    pub(crate) async fn move_alias<T>(&self, moving: Move, teller: &Teller<T>) -> Result<(), DeployError> {
        let app = moving.alias.app.clone();
        let definition = self.app_definition(&moving.alias, &moving.definition)?;
        let old = moving.before.as_ref().map(|before| before.revision.clone());
        let old = old.filter(|old| *old != moving.alias.revision);
        if moving.before.is_none() || !self.dispatch.knows(&app) {
            self.begin(&moving, definition, teller).await?;
        } else if moving.strategy == Strategy::Rolling && moving.attach != Some(false) {
            self.roll(&moving, definition, teller).await?;
            self.retire(old);
        } else {
            self.keep(&moving).await?;
            let rollout = self.dispatch.replace(definition.clone(), moving.strategy)?;
            self.see_through(rollout, definition, moving.strategy, old);
        }
        self.publish(&moving.alias, &moving.definition);
        Ok(())
    }

    /// No runner of it will start any more.
    fn retire(&self, old: Option<RevisionId>) {
        if let Some(old) = old {
            self.starter.plans().remove(old.as_str());
        }
    }

    /// An app that runs nowhere yet. Its first runner starts with its first request, unless somebody waits for it.
    async fn begin<T>(&self, moving: &Move, definition: AppDefinition, teller: &Teller<T>) -> Result<(), DeployError> {
        let app = moving.alias.app.clone();
        if moving.attach != Some(true) {
            self.keep(moving).await?;
            return Ok(self.dispatch.register(definition).await?);
        }
        let seen = self.starter.watch(&app);
        self.dispatch.register(definition).await?;
        let rollout = self.dispatch.restart(&app, false)?;
        let tried = follow(seen, moving, rollout, teller).await;
        let kept = match tried {
            Ok(()) => self.keep(moving).await,
            Err(error) => Err(error),
        };
        if kept.is_err() {
            let _ = self.dispatch.remove(&app).await;
        }
        kept
    }

    /// The alias moves when the new version serves; until then, and if it does not, the old one does.
    async fn roll<T>(&self, moving: &Move, definition: AppDefinition, teller: &Teller<T>) -> Result<(), DeployError> {
        if let Some(record) = &moving.new {
            self.store.insert_revision(record.clone()).await?;
        }
        let seen = self.starter.watch(&moving.alias.app);
        let rollout = self.dispatch.replace(definition, moving.strategy)?;
        follow(seen, moving, rollout, teller).await?;
        Ok(self.store.put_alias(moving.alias.clone()).await?)
    }

    async fn keep(&self, moving: &Move) -> Result<(), DeployError> {
        match &moving.new {
            Some(record) => self.store.register(record.clone(), moving.alias.clone()).await?,
            None => self.store.put_alias(moving.alias.clone()).await?,
        }
        Ok(())
    }

    /// Nobody waits: a new version that does not start is not taken back.
    fn see_through(&self, rollout: Rollout, definition: AppDefinition, strategy: Strategy, old: Option<RevisionId>) {
        let serverless = self.clone();
        self.tasks.spawn(async move {
            let ended = serverless.stop.clone().run_until_cancelled_owned(rollout.finished()).await;
            let failed = match ended {
                None => return,
                Some(Ok(())) => return serverless.retire_unless_current(&definition.app, old).await,
                Some(Err(failed)) => failed,
            };
            let app = definition.app.clone();
            tracing::warn!(%app, "a new version of app {app} did not start: {failed}");
            // The alias may have moved on meanwhile, and must not while it is looked at.
            let _alone = serverless.lock(&app).await;
            let current = serverless.store.alias(&app).await.ok().flatten().map(|alias| alias.revision);
            if strategy == Strategy::Rolling && current == definition.revision {
                let _ = serverless.dispatch.replace(definition, Strategy::Recreate);
            }
        });
    }

    /// The alias may have come back to it meanwhile.
    async fn retire_unless_current(&self, app: &AppId, old: Option<RevisionId>) {
        let _alone = self.lock(app).await;
        let current = self.store.alias(app).await.ok().flatten().map(|alias| alias.revision);
        self.retire(old.filter(|old| current.as_ref() != Some(old)));
    }

    pub(crate) fn app_definition(
        &self,
        alias: &AliasRecord,
        definition: &Definition,
    ) -> Result<AppDefinition, DeployError> {
        let scaling = read_scaling(&alias.scaling)?;
        let share = self.share(definition, &scaling)?;
        Ok(AppDefinition {
            app: alias.app.clone(),
            owner: alias.account.clone(),
            revision: Some(alias.revision.clone()),
            machine_type: Some(share.name.to_owned()),
            spec: definition.spec(&scaling),
            command: self.starter.placeholder(&alias.app, alias.revision.as_str()),
            memory_limit_bytes: Some(share.memory_bytes),
        })
    }

    /// Callers find it from now on.
    pub(crate) fn publish(&self, alias: &AliasRecord, definition: &Definition) {
        self.catalog.publish(
            alias.app.clone(),
            Published {
                owner: alias.account.clone(),
                auth_mode: alias.auth_mode,
                openapi: definition.openapi(),
                private_logs: definition.private_logs,
                created_at: alias.updated_at,
            },
        );
    }
}

/// Shows what the runners of the new version write until it is decided.
async fn follow<T>(
    mut seen: mpsc::UnboundedReceiver<Seen>,
    moving: &Move,
    rollout: Rollout,
    teller: &Teller<T>,
) -> Result<(), DeployError> {
    let mut rollout = pin!(rollout.finished());
    let ended = loop {
        let seen = tokio::select! {
            biased;
            Some(seen) = seen.recv() => seen,
            ended = &mut rollout => break ended,
        };
        if let What::Happened(occurrence) = seen.what
            && seen.revision == moving.alias.revision.as_str()
        {
            show(occurrence, teller).await;
        }
    };
    let stays = if moving.before.is_some() { "the version before it stays" } else { "nothing was deployed" };
    ended.map_err(|failed| DeployError::Refused(format!("the app did not start, and {stays}: {}", failed.reason)))
}

/// Lines and stages of a runner, for whoever started it.
pub(crate) async fn show<T>(occurrence: Occurrence, teller: &Teller<T>) {
    match occurrence {
        Occurrence::Log { level, message, .. } => teller.line(Line::user(level, message)).await,
        Occurrence::Stage { name, detail } => {
            let text = detail.map_or_else(|| name.to_owned(), |detail| format!("{name}: {detail}"));
            teller.line(Line::bridge(text)).await;
        }
        Occurrence::Ready | Occurrence::Unhealthy { .. } | Occurrence::Exited { .. } => {}
    }
}

//! Aliases: listed, moved, scaled, rolled and deleted.

use std::sync::Arc;

use tintype_domain::{AccountId, AppId, RevisionId};
use tintype_store::AliasRecord;
use tonic::{Request, Response, Status};

use super::{info, register_application::strategy};
use crate::{
    Serverless,
    api::controller::{
        AliasInfo, DeleteAliasRequest, DeleteAliasResult, ListAliasesRequest, ListAliasesResult,
        RolloutApplicationRequest, RolloutApplicationResult, SetAliasRequest, SetAliasResult, UpdateApplicationRequest,
        UpdateApplicationResult,
    },
    deploy::{
        asked::auth_mode,
        definition::Definition,
        error::DeployError,
        moving::Move,
        name,
        register::{read_scaling, write_scaling},
        scaling::Wishes,
    },
    rpc::Teller,
};

pub(crate) async fn list(
    serverless: &Serverless,
    request: Request<ListAliasesRequest>,
) -> Result<Response<ListAliasesResult>, Status> {
    let caller = serverless.caller(&request).await?;
    let wanted = request.into_inner().environment_name.filter(|name| !name.is_empty());
    if let Some(name) = &wanted {
        serverless.check_environment(&caller.account, name).await?;
    }
    let records = serverless.store.aliases(Some(&caller.account)).await.map_err(DeployError::from)?;
    let listed = records.iter().filter(|record| wanted.as_ref().is_none_or(|name| *name == record.environment));
    let aliases = listed.map(|record| serverless.describe(record)).collect::<Result<_, _>>()?;
    Ok(Response::new(ListAliasesResult { aliases }))
}

pub(crate) async fn set(
    serverless: &Serverless,
    request: Request<SetAliasRequest>,
) -> Result<Response<SetAliasResult>, Status> {
    let caller = serverless.caller(&request).await?;
    let SetAliasRequest { alias, revision, auth_mode: mode, deployment_strategy, environment_name } =
        request.into_inner();
    let strategy = strategy(deployment_strategy)?;
    let app = name::app(&caller.account, &alias)?;
    let _alone = serverless.lock(&app).await;
    let (record, definition) = serverless.own_revision(&caller.account, &RevisionId::new(&revision)).await?;
    let before = serverless.store.alias(&app).await.map_err(DeployError::from)?;
    let scaling = match &before {
        Some(before) => read_scaling(&before.scaling)?.inherit(&definition.wishes)?,
        None => crate::deploy::scaling::Scaling::of_code(&definition.wishes)?,
    };
    let environment = before.as_ref().map(|before| before.environment.clone()).or(environment_name);
    let kept = before.as_ref().map_or(tintype_store::AuthMode::Private, |before| before.auth_mode);
    let moved = AliasRecord {
        app,
        account: caller.account,
        environment: environment.filter(|name| !name.is_empty()).unwrap_or(record.environment),
        revision: record.id,
        auth_mode: mode.map(auth_mode).transpose()?.unwrap_or(kept),
        scaling: write_scaling(&scaling),
        updated_at: serverless.clock.now(),
    };
    serverless.check_environment(&moved.account, &moved.environment).await?;
    let definition = Arc::new(definition);
    serverless.plan(&moved, &definition)?;
    // The call has one answer: it does not wait for runners.
    let moving = Move { alias: moved.clone(), before, definition, strategy, attach: Some(false), new: None };
    serverless.move_alias(moving, &Teller::<()>::deaf(serverless)).await?;
    Ok(Response::new(SetAliasResult { alias_info: Some(serverless.describe(&moved)?) }))
}

pub(crate) async fn update(
    serverless: &Serverless,
    request: Request<UpdateApplicationRequest>,
) -> Result<Response<UpdateApplicationResult>, Status> {
    let caller = serverless.caller(&request).await?;
    let request = request.into_inner();
    let app = name::app(&caller.account, &request.application_name)?;
    let _alone = serverless.lock(&app).await;
    let mut alias = serverless.own_alias(&app).await?;
    let mut scaling = read_scaling(&alias.scaling)?;
    scaling.change(&Wishes::from(&request))?;
    alias.scaling = write_scaling(&scaling);
    alias.updated_at = serverless.clock.now();
    let (_, definition) = serverless.own_revision(&caller.account, &alias.revision).await?;
    let definition = Arc::new(definition);
    let tuned = serverless.app_definition(&alias, &definition)?;
    serverless.store.put_alias(alias.clone()).await.map_err(DeployError::from)?;
    // Another machine type counts from the next runner on.
    serverless.plan(&alias, &definition)?;
    serverless.dispatch.retune(&app, tuned.spec).map_err(DeployError::from)?;
    Ok(Response::new(UpdateApplicationResult { alias_info: Some(serverless.describe(&alias)?) }))
}

pub(crate) async fn rollout(
    serverless: &Serverless,
    request: Request<RolloutApplicationRequest>,
) -> Result<Response<RolloutApplicationResult>, Status> {
    let caller = serverless.caller(&request).await?;
    let request = request.into_inner();
    let app = name::app(&caller.account, &request.application_name)?;
    serverless.own_alias(&app).await?;
    // Dropped: it goes on by itself.
    let _rollout = serverless.dispatch.restart(&app, request.force.unwrap_or(false)).map_err(DeployError::from)?;
    Ok(Response::new(RolloutApplicationResult {}))
}

pub(crate) async fn delete(
    serverless: &Serverless,
    request: Request<DeleteAliasRequest>,
) -> Result<Response<DeleteAliasResult>, Status> {
    let caller = serverless.caller(&request).await?;
    let app = name::app(&caller.account, &request.into_inner().alias)?;
    let _alone = serverless.lock(&app).await;
    let gone = serverless.store.delete_alias(&app).await.map_err(DeployError::from)?;
    let gone = gone.ok_or_else(|| unknown(&app))?;
    serverless.take_down(&gone).await;
    Ok(Response::new(DeleteAliasResult { revision: gone.revision.to_string() }))
}

fn unknown(app: &AppId) -> DeployError {
    DeployError::NotFound(format!("app `{}`", app.alias()))
}

impl Serverless {
    fn describe(&self, record: &AliasRecord) -> Result<AliasInfo, DeployError> {
        let runners = self.dispatch.runners();
        let active = runners.iter().filter(|runner| runner.app == record.app && is_active(runner.state)).count();
        info::alias(record, active, self.dispatch.is_rolling(&record.app))
    }

    pub(crate) async fn own_alias(&self, app: &AppId) -> Result<AliasRecord, DeployError> {
        self.store.alias(app).await?.ok_or_else(|| unknown(app))
    }

    pub(crate) async fn own_revision(
        &self,
        account: &AccountId,
        id: &RevisionId,
    ) -> Result<(tintype_store::RevisionRecord, Definition), DeployError> {
        let record = self.store.revision(id).await?.filter(|record| record.account == *account);
        let record = record.ok_or_else(|| DeployError::NotFound(format!("revision `{:.64}`", id.as_str())))?;
        let definition = Definition::read(&record.definition)?;
        Ok((record, definition))
    }

    /// An alias that is no longer in the store is served no longer.
    pub(crate) async fn take_down(&self, alias: &AliasRecord) {
        self.catalog.withdraw(&alias.app);
        if let Err(error) = self.dispatch.remove(&alias.app).await {
            tracing::debug!("an app that was deleted did not run: {error}");
        }
        self.starter.plans().remove(alias.revision.as_str());
    }
}

/// A back-off is shown like a runner and is none.
pub(super) fn is_active(phase: tintype_dispatch::RunnerPhase) -> bool {
    use tintype_dispatch::RunnerPhase::{CrashBackoff, Gone};
    !matches!(phase, CrashBackoff | Gone)
}

//! Runners: listed, stopped and killed.

use std::time::Duration;

use tintype_domain::{AccountId, AppId, RunnerId, Timestamp};
use tonic::{Request, Response, Status};

use super::info;
use crate::{
    Serverless,
    api::controller::{
        KillRunnerRequest, KillRunnerResponse, ListAliasRunnersRequest, ListAliasRunnersResponse, ListRunnersRequest,
        ListRunnersResponse, RunnerInfo, StopRunnerRequest, StopRunnerResponse,
    },
    deploy::{error::DeployError, name},
};

/// Further back, runners that ended are not listed.
const LONGEST_AGO: Duration = Duration::from_hours(24);

pub(crate) async fn of_alias(
    serverless: &Serverless,
    request: Request<ListAliasRunnersRequest>,
) -> Result<Response<ListAliasRunnersResponse>, Status> {
    let caller = serverless.caller(&request).await?;
    let request = request.into_inner();
    let app = name::app(&caller.account, &request.alias)?;
    if !serverless.dispatch.knows(&app) {
        serverless.own_alias(&app).await?;
    }
    let runners = list(serverless, &caller.account, Some(&app), request.start_time).await?;
    Ok(Response::new(ListAliasRunnersResponse { runners }))
}

pub(crate) async fn all(
    serverless: &Serverless,
    request: Request<ListRunnersRequest>,
) -> Result<Response<ListRunnersResponse>, Status> {
    let caller = serverless.caller(&request).await?;
    let runners = list(serverless, &caller.account, None, request.into_inner().start_time).await?;
    Ok(Response::new(ListRunnersResponse { runners }))
}

async fn list(
    serverless: &Serverless,
    account: &AccountId,
    app: Option<&AppId>,
    since: Option<prost_types::Timestamp>,
) -> Result<Vec<RunnerInfo>, DeployError> {
    let now = serverless.clock.now();
    let views = serverless.dispatch.runners();
    let own = views.iter().filter(|view| view.owner == *account && app.is_none_or(|app| view.app == *app));
    let mut runners: Vec<_> = own.map(|view| info::runner(view, now)).collect();
    if let Some(since) = since {
        let asked = Timestamp::from_micros(since.seconds.saturating_mul(1_000_000) + i64::from(since.nanos) / 1000);
        let ended = serverless.store.ended_runners(account, app, asked.max(now.minus(LONGEST_AGO))).await?;
        runners.extend(ended.iter().map(info::ended));
    }
    Ok(runners)
}

pub(crate) async fn stop(
    serverless: &Serverless,
    request: Request<StopRunnerRequest>,
) -> Result<Response<StopRunnerResponse>, Status> {
    let caller = serverless.caller(&request).await?;
    let StopRunnerRequest { runner_id, replace_first } = request.into_inner();
    let runner = own(serverless, &caller.account, &runner_id)?;
    serverless.dispatch.stop_runner(&runner, replace_first).map_err(DeployError::from)?;
    Ok(Response::new(StopRunnerResponse {}))
}

pub(crate) async fn kill(
    serverless: &Serverless,
    request: Request<KillRunnerRequest>,
) -> Result<Response<KillRunnerResponse>, Status> {
    let caller = serverless.caller(&request).await?;
    let runner = own(serverless, &caller.account, &request.into_inner().runner_id)?;
    serverless.dispatch.kill_runner(&runner).map_err(DeployError::from)?;
    Ok(Response::new(KillRunnerResponse {}))
}

/// A runner of the account; that of another is as unknown as one that never was.
pub(super) fn own(serverless: &Serverless, account: &AccountId, id: &str) -> Result<RunnerId, DeployError> {
    let views = serverless.dispatch.runners();
    let found = views.into_iter().find(|view| view.runner.as_str() == id && view.owner == *account);
    found.map(|view| view.runner).ok_or_else(|| DeployError::NotFound(format!("runner `{id:.64}`")))
}

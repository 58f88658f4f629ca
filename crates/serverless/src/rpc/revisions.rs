//! Revisions: listed and deleted.

use tintype_domain::RevisionId;
use tintype_store::DeleteRevision;
use tonic::{Request, Response, Status};

use super::{aliases::is_active, info};
use crate::{
    Serverless,
    api::controller::{
        DeleteApplicationRequest, DeleteApplicationResult, ListApplicationsRequest, ListApplicationsResult,
    },
    deploy::{error::DeployError, name, payload},
};

pub(crate) async fn list(
    serverless: &Serverless,
    request: Request<ListApplicationsRequest>,
) -> Result<Response<ListApplicationsResult>, Status> {
    let caller = serverless.caller(&request).await?;
    let ListApplicationsRequest { application_name, environment_name } = request.into_inner();
    let app = application_name.filter(|alias| !alias.is_empty());
    let app = app.map(|alias| name::app(&caller.account, &alias)).transpose()?;
    let environment = environment_name.filter(|name| !name.is_empty());
    let found = serverless.store.revisions(&caller.account, app.as_ref(), environment.as_deref()).await;
    let runners = serverless.dispatch.runners();
    let describe = |record: &tintype_store::RevisionRecord| {
        let own = runners.iter().filter(|runner| runner.revision.as_ref() == Some(&record.id));
        info::revision(record, own.filter(|runner| is_active(runner.state)).count())
    };
    let applications = found.map_err(DeployError::from)?.iter().map(describe).collect::<Result<_, _>>()?;
    Ok(Response::new(ListApplicationsResult { applications }))
}

pub(crate) async fn delete(
    serverless: &Serverless,
    request: Request<DeleteApplicationRequest>,
) -> Result<Response<DeleteApplicationResult>, Status> {
    let caller = serverless.caller(&request).await?;
    let id = RevisionId::new(request.into_inner().application_id);
    serverless.own_revision(&caller.account, &id).await?;
    match serverless.store.delete_revision(&id).await.map_err(DeployError::from)? {
        DeleteRevision::Deleted => {}
        DeleteRevision::Unknown => return Err(DeployError::NotFound(format!("revision `{id}`")).into()),
        DeleteRevision::InUse { app } => {
            let alias = app.alias();
            let text =
                format!("revision `{id}` is what app `{alias}` serves: deploy or set another, or delete the app");
            return Err(DeployError::Refused(text).into());
        }
    }
    serverless.starter.plans().remove(id.as_str());
    let folder = serverless.folder(&id);
    let _ = tokio::task::spawn_blocking(move || payload::remove(&folder)).await;
    Ok(Response::new(DeleteApplicationResult {}))
}

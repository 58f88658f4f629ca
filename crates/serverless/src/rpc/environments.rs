//! Deployment environments: listed, made, and deleted with all that is in them.

use std::collections::BTreeSet;

use tintype_domain::Timestamp;
use tintype_store::{EnvironmentRecord, MAIN_ENVIRONMENT};
use tonic::{Request, Response, Status};

use super::teller::wire_time;
use crate::{
    Serverless,
    api::controller::{
        CreateEnvironmentRequest, CreateEnvironmentResponse, DeleteEnvironmentRequest, DeleteEnvironmentResponse,
        EnvironmentInfo, ListEnvironmentsRequest, ListEnvironmentsResponse,
    },
    deploy::{error::DeployError, name, payload},
};

pub(crate) async fn list(
    serverless: &Serverless,
    request: Request<ListEnvironmentsRequest>,
) -> Result<Response<ListEnvironmentsResponse>, Status> {
    let caller = serverless.caller(&request).await?;
    let records = serverless.store.environments(&caller.account).await.map_err(DeployError::from)?;
    let main = info(MAIN_ENVIRONMENT.to_owned(), None, Timestamp::EPOCH);
    let made = records.into_iter().map(|record| info(record.name, record.description, record.created_at));
    Ok(Response::new(ListEnvironmentsResponse { environments: std::iter::once(main).chain(made).collect() }))
}

fn info(name: String, description: Option<String>, created_at: Timestamp) -> EnvironmentInfo {
    EnvironmentInfo { is_default: name == MAIN_ENVIRONMENT, name, description, created_at: Some(wire_time(created_at)) }
}

pub(crate) async fn create(
    serverless: &Serverless,
    request: Request<CreateEnvironmentRequest>,
) -> Result<Response<CreateEnvironmentResponse>, Status> {
    let caller = serverless.caller(&request).await?;
    let CreateEnvironmentRequest { name, description } = request.into_inner();
    name::new_environment(&name)?;
    let created_at = serverless.clock.now();
    let record =
        EnvironmentRecord { account: caller.account, name: name.clone(), description: description.clone(), created_at };
    if !serverless.store.insert_environment(record).await.map_err(DeployError::from)? {
        return Err(DeployError::Exists(format!("environment `{name}`")).into());
    }
    let environment = Some(info(name, description, created_at));
    Ok(Response::new(CreateEnvironmentResponse { environment }))
}

pub(crate) async fn delete(
    serverless: &Serverless,
    request: Request<DeleteEnvironmentRequest>,
) -> Result<Response<DeleteEnvironmentResponse>, Status> {
    let caller = serverless.caller(&request).await?;
    let name = request.into_inner().name;
    if name == MAIN_ENVIRONMENT {
        return Err(DeployError::Refused(format!("environment `{name}` cannot be deleted")).into());
    }
    let store = &serverless.store;
    let revisions = store.revisions(&caller.account, None, Some(&name)).await.map_err(DeployError::from)?;
    let gone = store.delete_environment(&caller.account, &name).await.map_err(DeployError::from)?;
    let gone = gone.ok_or_else(|| DeployError::NotFound(format!("environment `{name:.64}`")))?;
    for alias in &gone {
        serverless.take_down(alias).await;
    }
    let left = store.revisions(&caller.account, None, None).await.map_err(DeployError::from)?;
    let left: BTreeSet<_> = left.into_iter().map(|record| record.id).collect();
    let folders: Vec<_> = revisions
        .iter()
        .filter(|record| !left.contains(&record.id))
        .map(|record| serverless.folder(&record.id))
        .collect();
    let _ = tokio::task::spawn_blocking(move || folders.iter().for_each(|folder| payload::remove(folder))).await;
    Ok(Response::new(DeleteEnvironmentResponse {}))
}

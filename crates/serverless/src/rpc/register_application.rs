//! `RegisterApplication`: a deploy. The client leaves as soon as it has seen the result; the deploy does not mind.

use tintype_domain::app::Strategy;
use tonic::{Request, Response, Status};

use super::{
    teller::{Answers, answer},
    urls::service_urls,
};
use crate::{
    Serverless,
    api::{
        Log,
        controller::{
            DeploymentStrategy, RegisterApplicationRequest, RegisterApplicationResult, RegisterApplicationResultType,
        },
    },
    deploy::{asked::Asked, error::DeployError, register::Deploy},
    rpc::Teller,
};

type Said = Teller<RegisterApplicationResult>;

pub(crate) async fn register(
    serverless: &Serverless,
    request: Request<RegisterApplicationRequest>,
) -> Result<Response<Answers<RegisterApplicationResult>>, Status> {
    let caller = serverless.caller(&request).await?;
    let request = request.into_inner();
    let strategy = strategy(request.deployment_strategy)?;
    let attach = request.attach_to_deployment;
    let deploy = Deploy { owner: caller.account, asked: Asked::read(request)?, strategy, attach };
    let work = move |serverless: Serverless, teller: Said| async move {
        let deployed = serverless.deploy(deploy, &teller).await;
        let last = deployed.map(|deployed| RegisterApplicationResult {
            logs: Vec::new(),
            result: Some(RegisterApplicationResultType { application_id: deployed.revision.to_string() }),
            service_urls: Some(service_urls(&caller.bases, &deployed.app)),
            env_id: Some(deployed.env_id),
        });
        (teller, last)
    };
    Ok(Response::new(answer(serverless, line, work)))
}

fn line(log: Log) -> RegisterApplicationResult {
    RegisterApplicationResult { logs: vec![log], ..RegisterApplicationResult::default() }
}

/// Rolling where nothing is said, as the command line does.
pub(crate) fn strategy(found: Option<i32>) -> Result<Strategy, DeployError> {
    match found.map(DeploymentStrategy::try_from) {
        None | Some(Ok(DeploymentStrategy::Rolling)) => Ok(Strategy::Rolling),
        Some(Ok(DeploymentStrategy::Recreate)) => Ok(Strategy::Recreate),
        Some(Err(_)) => Err(DeployError::Invalid(format!(
            "`deployment_strategy` is {}: expected recreate (0) or rolling (1)",
            found.unwrap_or_default()
        ))),
    }
}

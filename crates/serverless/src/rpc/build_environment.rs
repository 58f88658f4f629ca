//! `BuildEnvironment`: finds or builds, and shows the build.

use tonic::{Request, Response, Status};

use super::teller::{Answers, answer};
use crate::{
    Serverless,
    api::{
        Log,
        controller::{BuildEnvironmentRequest, BuildEnvironmentResult, HostedRunStatus, hosted_run_status::State},
    },
    deploy::{asked, build::For, recipe::Recipe},
    rpc::Teller,
};

type Said = Teller<BuildEnvironmentResult>;

pub(crate) async fn build(
    serverless: &Serverless,
    request: Request<BuildEnvironmentRequest>,
) -> Result<Response<Answers<BuildEnvironmentResult>>, Status> {
    let caller = serverless.caller(&request).await?;
    let request = request.into_inner();
    asked::check_machine(request.machine_requirements.as_ref())?;
    let environment = asked::environment(request.environment_name.as_deref());
    serverless.check_environment(&caller.account, &environment).await?;
    let force = request.environments.iter().any(|definition| definition.force);
    let mut recipe = Recipe::read(request.environments)?;
    // What is left is the app's own, which no environment needs.
    let _ = recipe.take_files(asked::files(request.files)?);
    let allowed = request.secrets.map(|secrets| secrets.names);
    let work = move |serverless: Serverless, teller: Said| async move {
        let whose = For { account: &caller.account, environment: &environment, allowed: allowed.as_deref() };
        let built = serverless.build(&recipe, whose, force, &teller).await;
        (teller, built.map(|built| finished(built.id)))
    };
    Ok(Response::new(answer(serverless, line, work)))
}

fn line(log: Log) -> BuildEnvironmentResult {
    BuildEnvironmentResult { logs: vec![log], ..BuildEnvironmentResult::default() }
}

fn finished(env_id: String) -> BuildEnvironmentResult {
    let status = Some(HostedRunStatus { state: State::Success.into() });
    BuildEnvironmentResult { env_id, status, logs: Vec::new() }
}

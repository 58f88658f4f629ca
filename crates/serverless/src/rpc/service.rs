//! The service: each call proves its caller and goes to its own file.

use std::pin::Pin;

use futures::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::{
    Serverless,
    api::controller::{isolate_controller_server::IsolateController, *},
};

/// What a streaming call answers with.
pub(crate) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

pub(crate) struct Controller(pub(crate) Serverless);

#[tonic::async_trait]
impl IsolateController for Controller {
    type RunStream = Answers<HostedRunResult>;

    async fn run(&self, _request: Request<HostedRun>) -> Result<Response<Self::RunStream>, Status> {
        todo!()
    }

    type BuildEnvironmentStream = Answers<BuildEnvironmentResult>;

    async fn build_environment(&self, _request: Request<BuildEnvironmentRequest>) -> Result<Response<Self::BuildEnvironmentStream>, Status> {
        todo!()
    }

    type RegisterApplicationStream = Answers<RegisterApplicationResult>;

    async fn register_application(&self, _request: Request<RegisterApplicationRequest>) -> Result<Response<Self::RegisterApplicationStream>, Status> {
        todo!()
    }

    async fn list_aliases(&self, _request: Request<ListAliasesRequest>) -> Result<Response<ListAliasesResult>, Status> {
        todo!()
    }

    async fn list_applications(&self, _request: Request<ListApplicationsRequest>) -> Result<Response<ListApplicationsResult>, Status> {
        todo!()
    }

    async fn set_alias(&self, _request: Request<SetAliasRequest>) -> Result<Response<SetAliasResult>, Status> {
        todo!()
    }

    async fn delete_alias(&self, _request: Request<DeleteAliasRequest>) -> Result<Response<DeleteAliasResult>, Status> {
        todo!()
    }

    async fn delete_application(&self, _request: Request<DeleteApplicationRequest>) -> Result<Response<DeleteApplicationResult>, Status> {
        todo!()
    }

    async fn update_application(&self, _request: Request<UpdateApplicationRequest>) -> Result<Response<UpdateApplicationResult>, Status> {
        todo!()
    }

    async fn rollout_application(&self, _request: Request<RolloutApplicationRequest>) -> Result<Response<RolloutApplicationResult>, Status> {
        todo!()
    }

    async fn list_alias_runners(&self, _request: Request<ListAliasRunnersRequest>) -> Result<Response<ListAliasRunnersResponse>, Status> {
        todo!()
    }

    async fn list_runners(&self, _request: Request<ListRunnersRequest>) -> Result<Response<ListRunnersResponse>, Status> {
        todo!()
    }

    async fn stop_runner(&self, _request: Request<StopRunnerRequest>) -> Result<Response<StopRunnerResponse>, Status> {
        todo!()
    }

    async fn kill_runner(&self, _request: Request<KillRunnerRequest>) -> Result<Response<KillRunnerResponse>, Status> {
        todo!()
    }

    type ShellRunnerStream = Answers<ShellRunnerOutput>;

    async fn shell_runner(&self, _request: Request<Streaming<ShellRunnerInput>>) -> Result<Response<Self::ShellRunnerStream>, Status> {
        todo!()
    }

    async fn set_secret(&self, _request: Request<SetSecretRequest>) -> Result<Response<SetSecretResponse>, Status> {
        todo!()
    }

    async fn list_secrets(&self, _request: Request<ListSecretsRequest>) -> Result<Response<ListSecretsResponse>, Status> {
        todo!()
    }

    async fn create_user_key(&self, _request: Request<CreateUserKeyRequest>) -> Result<Response<CreateUserKeyResponse>, Status> {
        todo!()
    }

    async fn list_user_keys(&self, _request: Request<ListUserKeysRequest>) -> Result<Response<ListUserKeysResponse>, Status> {
        todo!()
    }

    async fn revoke_user_key(&self, _request: Request<RevokeUserKeyRequest>) -> Result<Response<RevokeUserKeyResponse>, Status> {
        todo!()
    }

    async fn list_environments(&self, _request: Request<ListEnvironmentsRequest>) -> Result<Response<ListEnvironmentsResponse>, Status> {
        todo!()
    }

    async fn create_environment(&self, _request: Request<CreateEnvironmentRequest>) -> Result<Response<CreateEnvironmentResponse>, Status> {
        todo!()
    }

    async fn delete_environment(&self, _request: Request<DeleteEnvironmentRequest>) -> Result<Response<DeleteEnvironmentResponse>, Status> {
        todo!()
    }

    type MapStream = Answers<HostedRunResult>;

    async fn map(&self, _request: Request<HostedMap>) -> Result<Response<Self::MapStream>, Status> {
        todo!()
    }

    type InteractiveRunStream = Answers<InteractiveRunResponse>;

    async fn interactive_run(&self, _request: Request<Streaming<InteractiveRunRequest>>) -> Result<Response<Self::InteractiveRunStream>, Status> {
        todo!()
    }
}

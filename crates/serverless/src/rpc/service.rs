//! The service: each call goes to its own file, which first proves its caller.

use tonic::{Request, Response, Status, Streaming};

use super::{
    aliases, build_environment, environments, keys, register_application, revisions, run, runners, secrets, shell,
    teller::Answers,
};
#[expect(clippy::wildcard_imports, reason = "each call has two messages of its own")]
use crate::api::controller::*;
use crate::{Serverless, api::controller::isolate_controller_server::IsolateController};

pub(crate) struct Controller(pub(crate) Serverless);

#[tonic::async_trait]
impl IsolateController for Controller {
    type RunStream = Answers<HostedRunResult>;

    async fn run(&self, request: Request<HostedRun>) -> Result<Response<Self::RunStream>, Status> {
        run::run(&self.0, request).await
    }

    type BuildEnvironmentStream = Answers<BuildEnvironmentResult>;

    async fn build_environment(
        &self,
        request: Request<BuildEnvironmentRequest>,
    ) -> Result<Response<Self::BuildEnvironmentStream>, Status> {
        build_environment::build(&self.0, request).await
    }

    type RegisterApplicationStream = Answers<RegisterApplicationResult>;

    async fn register_application(
        &self,
        request: Request<RegisterApplicationRequest>,
    ) -> Result<Response<Self::RegisterApplicationStream>, Status> {
        register_application::register(&self.0, request).await
    }

    async fn list_aliases(&self, request: Request<ListAliasesRequest>) -> Result<Response<ListAliasesResult>, Status> {
        aliases::list(&self.0, request).await
    }

    async fn list_applications(
        &self,
        request: Request<ListApplicationsRequest>,
    ) -> Result<Response<ListApplicationsResult>, Status> {
        revisions::list(&self.0, request).await
    }

    async fn set_alias(&self, request: Request<SetAliasRequest>) -> Result<Response<SetAliasResult>, Status> {
        aliases::set(&self.0, request).await
    }

    async fn delete_alias(&self, request: Request<DeleteAliasRequest>) -> Result<Response<DeleteAliasResult>, Status> {
        aliases::delete(&self.0, request).await
    }

    async fn delete_application(
        &self,
        request: Request<DeleteApplicationRequest>,
    ) -> Result<Response<DeleteApplicationResult>, Status> {
        revisions::delete(&self.0, request).await
    }

    async fn update_application(
        &self,
        request: Request<UpdateApplicationRequest>,
    ) -> Result<Response<UpdateApplicationResult>, Status> {
        aliases::update(&self.0, request).await
    }

    async fn rollout_application(
        &self,
        request: Request<RolloutApplicationRequest>,
    ) -> Result<Response<RolloutApplicationResult>, Status> {
        aliases::rollout(&self.0, request).await
    }

    async fn list_alias_runners(
        &self,
        request: Request<ListAliasRunnersRequest>,
    ) -> Result<Response<ListAliasRunnersResponse>, Status> {
        runners::of_alias(&self.0, request).await
    }

    async fn list_runners(
        &self,
        request: Request<ListRunnersRequest>,
    ) -> Result<Response<ListRunnersResponse>, Status> {
        runners::all(&self.0, request).await
    }

    async fn stop_runner(&self, request: Request<StopRunnerRequest>) -> Result<Response<StopRunnerResponse>, Status> {
        runners::stop(&self.0, request).await
    }

    async fn kill_runner(&self, request: Request<KillRunnerRequest>) -> Result<Response<KillRunnerResponse>, Status> {
        runners::kill(&self.0, request).await
    }

    type ShellRunnerStream = Answers<ShellRunnerOutput>;

    async fn shell_runner(
        &self,
        request: Request<Streaming<ShellRunnerInput>>,
    ) -> Result<Response<Self::ShellRunnerStream>, Status> {
        shell::shell(&self.0, request).await
    }

    async fn set_secret(&self, request: Request<SetSecretRequest>) -> Result<Response<SetSecretResponse>, Status> {
        secrets::set(&self.0, request).await
    }

    async fn list_secrets(
        &self,
        request: Request<ListSecretsRequest>,
    ) -> Result<Response<ListSecretsResponse>, Status> {
        secrets::list(&self.0, request).await
    }

    async fn create_user_key(
        &self,
        request: Request<CreateUserKeyRequest>,
    ) -> Result<Response<CreateUserKeyResponse>, Status> {
        keys::create(&self.0, request).await
    }

    async fn list_user_keys(
        &self,
        request: Request<ListUserKeysRequest>,
    ) -> Result<Response<ListUserKeysResponse>, Status> {
        keys::list(&self.0, request).await
    }

    async fn revoke_user_key(
        &self,
        request: Request<RevokeUserKeyRequest>,
    ) -> Result<Response<RevokeUserKeyResponse>, Status> {
        keys::revoke(&self.0, request).await
    }

    async fn list_environments(
        &self,
        request: Request<ListEnvironmentsRequest>,
    ) -> Result<Response<ListEnvironmentsResponse>, Status> {
        environments::list(&self.0, request).await
    }

    async fn create_environment(
        &self,
        request: Request<CreateEnvironmentRequest>,
    ) -> Result<Response<CreateEnvironmentResponse>, Status> {
        environments::create(&self.0, request).await
    }

    async fn delete_environment(
        &self,
        request: Request<DeleteEnvironmentRequest>,
    ) -> Result<Response<DeleteEnvironmentResponse>, Status> {
        environments::delete(&self.0, request).await
    }

    type MapStream = Answers<HostedRunResult>;

    async fn map(&self, _request: Request<HostedMap>) -> Result<Response<Self::MapStream>, Status> {
        Err(Status::unimplemented("no client calls this, and neither is it answered"))
    }

    type InteractiveRunStream = Answers<InteractiveRunResponse>;

    async fn interactive_run(
        &self,
        _request: Request<Streaming<InteractiveRunRequest>>,
    ) -> Result<Response<Self::InteractiveRunStream>, Status> {
        Err(Status::unimplemented("no client calls this, and neither is it answered"))
    }
}

//! The service: each call goes to its own file, which first proves its caller.

use tonic::{Request, Response, Status, Streaming};

use super::{
    aliases, build_environment, environments, keys, register_application, revisions, run, runners, secrets, shell,
    teller::Answers,
};
use crate::{
    Serverless,
    api::controller::{self as wire, isolate_controller_server::IsolateController},
};

pub(crate) struct Controller(pub(crate) Serverless);

#[tonic::async_trait]
impl IsolateController for Controller {
    type RunStream = Answers<wire::HostedRunResult>;

    async fn run(&self, request: Request<wire::HostedRun>) -> Result<Response<Self::RunStream>, Status> {
        run::run(&self.0, request).await
    }

    type BuildEnvironmentStream = Answers<wire::BuildEnvironmentResult>;

    async fn build_environment(
        &self,
        request: Request<wire::BuildEnvironmentRequest>,
    ) -> Result<Response<Self::BuildEnvironmentStream>, Status> {
        build_environment::build(&self.0, request).await
    }

    type RegisterApplicationStream = Answers<wire::RegisterApplicationResult>;

    async fn register_application(
        &self,
        request: Request<wire::RegisterApplicationRequest>,
    ) -> Result<Response<Self::RegisterApplicationStream>, Status> {
        register_application::register(&self.0, request).await
    }

    async fn list_aliases(
        &self,
        request: Request<wire::ListAliasesRequest>,
    ) -> Result<Response<wire::ListAliasesResult>, Status> {
        aliases::list(&self.0, request).await
    }

    async fn list_applications(
        &self,
        request: Request<wire::ListApplicationsRequest>,
    ) -> Result<Response<wire::ListApplicationsResult>, Status> {
        revisions::list(&self.0, request).await
    }

    async fn set_alias(
        &self,
        request: Request<wire::SetAliasRequest>,
    ) -> Result<Response<wire::SetAliasResult>, Status> {
        aliases::set(&self.0, request).await
    }

    async fn delete_alias(
        &self,
        request: Request<wire::DeleteAliasRequest>,
    ) -> Result<Response<wire::DeleteAliasResult>, Status> {
        aliases::delete(&self.0, request).await
    }

    async fn delete_application(
        &self,
        request: Request<wire::DeleteApplicationRequest>,
    ) -> Result<Response<wire::DeleteApplicationResult>, Status> {
        revisions::delete(&self.0, request).await
    }

    async fn update_application(
        &self,
        request: Request<wire::UpdateApplicationRequest>,
    ) -> Result<Response<wire::UpdateApplicationResult>, Status> {
        aliases::update(&self.0, request).await
    }

    async fn rollout_application(
        &self,
        request: Request<wire::RolloutApplicationRequest>,
    ) -> Result<Response<wire::RolloutApplicationResult>, Status> {
        aliases::rollout(&self.0, request).await
    }

    async fn list_alias_runners(
        &self,
        request: Request<wire::ListAliasRunnersRequest>,
    ) -> Result<Response<wire::ListAliasRunnersResponse>, Status> {
        runners::of_alias(&self.0, request).await
    }

    async fn list_runners(
        &self,
        request: Request<wire::ListRunnersRequest>,
    ) -> Result<Response<wire::ListRunnersResponse>, Status> {
        runners::all(&self.0, request).await
    }

    async fn stop_runner(
        &self,
        request: Request<wire::StopRunnerRequest>,
    ) -> Result<Response<wire::StopRunnerResponse>, Status> {
        runners::stop(&self.0, request).await
    }

    async fn kill_runner(
        &self,
        request: Request<wire::KillRunnerRequest>,
    ) -> Result<Response<wire::KillRunnerResponse>, Status> {
        runners::kill(&self.0, request).await
    }

    type ShellRunnerStream = Answers<wire::ShellRunnerOutput>;

    async fn shell_runner(
        &self,
        request: Request<Streaming<wire::ShellRunnerInput>>,
    ) -> Result<Response<Self::ShellRunnerStream>, Status> {
        shell::shell(&self.0, request).await
    }

    async fn set_secret(
        &self,
        request: Request<wire::SetSecretRequest>,
    ) -> Result<Response<wire::SetSecretResponse>, Status> {
        secrets::set(&self.0, request).await
    }

    async fn list_secrets(
        &self,
        request: Request<wire::ListSecretsRequest>,
    ) -> Result<Response<wire::ListSecretsResponse>, Status> {
        secrets::list(&self.0, request).await
    }

    async fn create_user_key(
        &self,
        request: Request<wire::CreateUserKeyRequest>,
    ) -> Result<Response<wire::CreateUserKeyResponse>, Status> {
        keys::create(&self.0, request).await
    }

    async fn list_user_keys(
        &self,
        request: Request<wire::ListUserKeysRequest>,
    ) -> Result<Response<wire::ListUserKeysResponse>, Status> {
        keys::list(&self.0, request).await
    }

    async fn revoke_user_key(
        &self,
        request: Request<wire::RevokeUserKeyRequest>,
    ) -> Result<Response<wire::RevokeUserKeyResponse>, Status> {
        keys::revoke(&self.0, request).await
    }

    async fn list_environments(
        &self,
        request: Request<wire::ListEnvironmentsRequest>,
    ) -> Result<Response<wire::ListEnvironmentsResponse>, Status> {
        environments::list(&self.0, request).await
    }

    async fn create_environment(
        &self,
        request: Request<wire::CreateEnvironmentRequest>,
    ) -> Result<Response<wire::CreateEnvironmentResponse>, Status> {
        environments::create(&self.0, request).await
    }

    async fn delete_environment(
        &self,
        request: Request<wire::DeleteEnvironmentRequest>,
    ) -> Result<Response<wire::DeleteEnvironmentResponse>, Status> {
        environments::delete(&self.0, request).await
    }

    type MapStream = Answers<wire::HostedRunResult>;

    async fn map(&self, _request: Request<wire::HostedMap>) -> Result<Response<Self::MapStream>, Status> {
        Err(Status::unimplemented("no client calls this, and neither is it answered"))
    }

    type InteractiveRunStream = Answers<wire::InteractiveRunResponse>;

    async fn interactive_run(
        &self,
        _request: Request<Streaming<wire::InteractiveRunRequest>>,
    ) -> Result<Response<Self::InteractiveRunStream>, Status> {
        Err(Status::unimplemented("no client calls this, and neither is it answered"))
    }
}

//! Secrets: set, listed without their values, unset.

use tintype_store::SecretRecord;
use tonic::{Request, Response, Status};

use super::{info::named, teller::wire_time};
use crate::{
    Serverless,
    api::controller::{ListSecretsRequest, ListSecretsResponse, Secret, SetSecretRequest, SetSecretResponse},
    deploy::{
        asked,
        error::DeployError,
        name,
        sealing::{self, Place},
    },
};

/// The whole environment of a process has a limit of a few times that.
const LONGEST_VALUE: usize = 64 << 10;

pub(crate) async fn set(
    serverless: &Serverless,
    request: Request<SetSecretRequest>,
) -> Result<Response<SetSecretResponse>, Status> {
    let caller = serverless.caller(&request).await?;
    let SetSecretRequest { name, value, environment_name, default_exposed } = request.into_inner();
    name::secret(&name)?;
    let environment = asked::environment(environment_name.as_deref());
    serverless.check_environment(&caller.account, &environment).await?;
    let account = caller.account;
    let Some(value) = value else {
        let gone = serverless.store.delete_secret(&account, &environment, &name).await.map_err(DeployError::from)?;
        return if gone {
            Ok(Response::new(SetSecretResponse {}))
        } else {
            Err(DeployError::NotFound(format!("secret `{name}` in environment `{environment}`")).into())
        };
    };
    check_value(&name, &value)?;
    let place = Place { account: &account, environment: &environment, name: &name };
    let sealed = sealing::seal(&serverless.options.sealing_key, place, &value)?;
    let record = SecretRecord {
        account: account.clone(),
        environment: environment.clone(),
        name: name.clone(),
        sealed: sealed.into(),
        default_exposed: default_exposed.unwrap_or(true),
        created_at: serverless.clock.now(),
    };
    serverless.store.put_secret(record).await.map_err(DeployError::from)?;
    Ok(Response::new(SetSecretResponse {}))
}

fn check_value(name: &str, value: &str) -> Result<(), DeployError> {
    if value.len() > LONGEST_VALUE || value.contains('\0') {
        return Err(DeployError::Invalid(format!(
            "the value of secret `{name}` is not allowed: expected at most {LONGEST_VALUE} bytes without a zero byte"
        )));
    }
    Ok(())
}

pub(crate) async fn list(
    serverless: &Serverless,
    request: Request<ListSecretsRequest>,
) -> Result<Response<ListSecretsResponse>, Status> {
    let caller = serverless.caller(&request).await?;
    let environment = request.into_inner().environment_name.filter(|name| !name.is_empty());
    if let Some(name) = &environment {
        serverless.check_environment(&caller.account, name).await?;
    }
    let records = serverless.store.secrets(&caller.account, environment.as_deref()).await.map_err(DeployError::from)?;
    let describe = |record: SecretRecord| Secret {
        name: record.name,
        created_time: Some(wire_time(record.created_at)),
        environment_name: named(&record.environment),
        default_exposed: Some(record.default_exposed),
    };
    Ok(Response::new(ListSecretsResponse { secrets: records.into_iter().map(describe).collect() }))
}

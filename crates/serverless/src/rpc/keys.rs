//! Keys of the caller's account: made, listed, revoked.

use tintype_domain::KeyId;
use tintype_store::{KeyRecord, KeyScope};
use tonic::{Request, Response, Status};

use super::teller::wire_time;
use crate::{
    Serverless,
    api::controller::{
        CreateUserKeyRequest, CreateUserKeyResponse, ListUserKeysRequest, ListUserKeysResponse, RevokeUserKeyRequest,
        RevokeUserKeyResponse, UserKeyInfo, create_user_key_request::Scope,
    },
    deploy::error::DeployError,
};

pub(crate) async fn create(
    serverless: &Serverless,
    request: Request<CreateUserKeyRequest>,
) -> Result<Response<CreateUserKeyResponse>, Status> {
    let caller = serverless.caller(&request).await?;
    let request = request.into_inner();
    let scope = scope(&request)?;
    let alias = request.alias.filter(|alias| !alias.is_empty()).unwrap_or_else(|| "unnamed".into());
    let made = serverless.access.create_key(caller.account, &alias, scope).await.map_err(DeployError::from)?;
    let (key_id, key_secret) = made.1.split_once(':').unwrap_or_default();
    Ok(Response::new(CreateUserKeyResponse { key_secret: key_secret.to_owned(), key_id: key_id.to_owned() }))
}

/// Two kinds of keys exist here. What asks for another kind is refused: a key that may do more than was asked for
/// would be worse than none.
fn scope(request: &CreateUserKeyRequest) -> Result<KeyScope, DeployError> {
    if let Some(policy) = &request.policy {
        let count = policy.permissions.len();
        return Err(DeployError::Invalid(format!(
            "keys with single permissions ({count} were given) are not made here: choose the preset FULL or API"
        )));
    }
    match (request.policy_preset.as_deref(), request.scope) {
        // Old clients say nothing and mean everything.
        (Some("FULL"), _) | (None, None) => Ok(KeyScope::Admin),
        (Some("API"), _) => Ok(KeyScope::Api),
        (Some(other), _) => Err(DeployError::Invalid(format!(
            "the preset `{other:.32}` is not known here: choose FULL (everything) or API (call apps, keep files)"
        ))),
        (None, Some(scope)) => match Scope::try_from(scope) {
            Ok(Scope::Admin) => Ok(KeyScope::Admin),
            Ok(Scope::Api) => Ok(KeyScope::Api),
            Err(_) => Err(DeployError::Invalid(format!("`scope` is {scope}: expected ADMIN (0) or API (1)"))),
        },
    }
}

pub(crate) async fn list(
    serverless: &Serverless,
    request: Request<ListUserKeysRequest>,
) -> Result<Response<ListUserKeysResponse>, Status> {
    let caller = serverless.caller(&request).await?;
    let keys = serverless.access.keys().await.map_err(DeployError::from)?;
    let own = keys.into_iter().filter(|key| key.account == caller.account && key.revoked_at.is_none());
    Ok(Response::new(ListUserKeysResponse { user_keys: own.map(describe).collect() }))
}

fn describe(key: KeyRecord) -> UserKeyInfo {
    UserKeyInfo {
        key_id: key.id.to_string(),
        created_at: Some(wire_time(key.created_at)),
        scope: match key.scope {
            KeyScope::Admin => Scope::Admin.into(),
            KeyScope::Api => Scope::Api.into(),
        },
        alias: key.alias,
    }
}

pub(crate) async fn revoke(
    serverless: &Serverless,
    request: Request<RevokeUserKeyRequest>,
) -> Result<Response<RevokeUserKeyResponse>, Status> {
    let caller = serverless.caller(&request).await?;
    let id = KeyId::new(request.into_inner().key_id);
    let unknown = || DeployError::NotFound(format!("key `{:.64}`", id.as_str()));
    let keys = serverless.access.keys().await.map_err(DeployError::from)?;
    if !keys.iter().any(|key| key.id == id && key.account == caller.account) {
        return Err(unknown().into());
    }
    let revoked = serverless.access.revoke_key(&id).await.map_err(DeployError::from)?;
    if revoked { Ok(Response::new(RevokeUserKeyResponse {})) } else { Err(unknown().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_that_cannot_be_kept_is_refused() {
        let preset =
            |name: &str| CreateUserKeyRequest { policy_preset: Some(name.into()), ..CreateUserKeyRequest::default() };
        assert_eq!(scope(&preset("FULL")).unwrap(), KeyScope::Admin);
        assert_eq!(scope(&preset("API")).unwrap(), KeyScope::Api);
        assert!(scope(&preset("BILLING")).unwrap_err().to_string().contains("choose FULL"));
        assert_eq!(scope(&CreateUserKeyRequest::default()).unwrap(), KeyScope::Admin);
        let api = CreateUserKeyRequest { scope: Some(1), ..CreateUserKeyRequest::default() };
        assert_eq!(scope(&api).unwrap(), KeyScope::Api);
    }
}

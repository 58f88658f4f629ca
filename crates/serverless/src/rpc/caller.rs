//! Who calls.

use axum::{
    extract::{self, State},
    middleware::Next,
    response::Response,
};
use tintype_access::{AuthError, Identity};
use tintype_domain::{AccountId, with_causes};
use tintype_store::KeyScope;
use tintype_wire::bases::Bases;
use tonic::{Request, Status, metadata::MetadataMap};

use crate::{Serverless, deploy::error::DeployError};

/// A caller who may deploy, and the addresses by which it reached this server.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub account: AccountId,
    pub bases: Bases,
}

impl Serverless {
    pub(crate) async fn caller<T>(&self, request: &Request<T>) -> Result<Caller, DeployError> {
        let identity = self.deployer(request.metadata()).await?;
        let bases = request.extensions().get::<Bases>().cloned().unwrap_or_else(|| self.own_bases());
        Ok(Caller { account: identity.account, bases })
    }

    async fn deployer(&self, metadata: &MetadataMap) -> Result<Identity, DeployError> {
        let identity = self.identify(metadata).await?;
        if identity.scope != KeyScope::Admin {
            return Err(DeployError::Denied(format!(
                "key `{}` may call apps and no more: to deploy, use an admin key (`tintype keys create --scope admin`)",
                identity.key
            )));
        }
        Ok(identity)
    }

    async fn identify(&self, metadata: &MetadataMap) -> Result<Identity, DeployError> {
        let key = presented(metadata).ok_or_else(|| {
            DeployError::Unauthenticated("no key was sent: set FAL_KEY to a key of this server (`id:secret`)".into())
        })?;
        self.access.key(&key).await.map_err(|error| match error {
            AuthError::Store(_) => DeployError::Internal(with_causes(&error)),
            other => DeployError::Unauthenticated(other.to_string()),
        })
    }

    fn own_bases(&self) -> Bases {
        let own = self.options.url.clone();
        Bases {
            run: own.clone(),
            queue: format!("{own}/queue"),
            ws: format!("{}/ws", own.replacen("http", "ws", 1)),
            own,
        }
    }
}

/// Before a message is read: it may be large, and only who may deploy may cost the server so much memory.
pub(super) async fn prove(State(serverless): State<Serverless>, request: extract::Request, next: Next) -> Response {
    let metadata = MetadataMap::from_headers(request.headers().clone());
    match serverless.deployer(&metadata).await {
        Ok(_) => next.run(request).await,
        Err(error) => Status::from(error).into_http(),
    }
}

/// The two halves of a key as clients of this protocol send them, or the whole as those of REST do.
fn presented(metadata: &MetadataMap) -> Option<String> {
    let text = |name| metadata.get(name).and_then(|value| value.to_str().ok());
    if let (Some(id), Some(secret)) = (text("auth-key-id"), text("auth-key")) {
        return Some(format!("{id}:{secret}"));
    }
    let (scheme, credential) = text("authorization")?.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("key") || scheme.eq_ignore_ascii_case("bearer");
    known.then(|| credential.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_in_halves_or_whole() {
        let mut metadata = MetadataMap::new();
        assert_eq!(presented(&metadata), None);
        metadata.insert("authorization", "Key a:b".parse().unwrap());
        assert_eq!(presented(&metadata).as_deref(), Some("a:b"));
        metadata.insert("auth-key-id", "id".parse().unwrap());
        assert_eq!(presented(&metadata).as_deref(), Some("a:b"));
        metadata.insert("auth-key", "secret".parse().unwrap());
        assert_eq!(presented(&metadata).as_deref(), Some("id:secret"));
    }
}

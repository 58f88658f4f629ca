//! The request that a caller asks about: its own, under the app that it named.

use http::HeaderMap;
use tintype_access::Identity;
use tintype_dispatch::Status;
use tintype_domain::{AppId, RequestId};

use crate::{Error, Gateway, caller, endpoint};

/// A request, and the name under which its caller knows the app.
pub(crate) struct Asked {
    pub app: AppId,
    pub id: RequestId,
    pub status: Status,
}

pub(crate) async fn find(gateway: &Gateway, headers: &HeaderMap, app: &str, id: &str) -> Result<Asked, Error> {
    let identity = caller::identify(gateway, headers).await?;
    let app = endpoint::parse(app)?.app().clone();
    let id: RequestId = id.parse()?;
    match owned(gateway, &identity, &app, id).await? {
        Some(status) => Ok(Asked { app, id, status }),
        None => Err(Error::UnknownRequest { id: id.to_string() }),
    }
}

/// `None` also for what belongs to someone else: no answer tells that it exists.
pub(crate) async fn owned(
    gateway: &Gateway,
    identity: &Identity,
    app: &AppId,
    id: RequestId,
) -> Result<Option<Status>, Error> {
    let status = gateway.dispatch.status(id).await?;
    Ok(status.filter(|status| {
        status.record.account == identity.account && gateway.catalog.stands_for(app, &status.record.app)
    }))
}

//! The request that a caller asks about: its own, under the app that it named.

use http::HeaderMap;
use tintype_dispatch::Status;
use tintype_domain::{AccountId, AppId, RequestId};

use crate::{Error, Gateway, caller, endpoint};

/// A request, and the name under which its caller knows the app.
pub(crate) struct Asked {
    pub app: AppId,
    pub id: RequestId,
    pub status: Status,
}

impl Asked {
    /// Whether the log lines of the request are for its caller: an app may keep them to its owner.
    pub(crate) fn shows_logs(&self, gateway: &Gateway) -> bool {
        shows_logs(gateway, &self.status.record.app, &self.status.record.account)
    }
}

pub(crate) fn shows_logs(gateway: &Gateway, app: &AppId, reader: &AccountId) -> bool {
    gateway.catalog.deployed(app).is_none_or(|deployed| !deployed.private_logs || deployed.owner == *reader)
}

pub(crate) async fn find(gateway: &Gateway, headers: &HeaderMap, app: &str, id: &str) -> Result<Asked, Error> {
    let app = endpoint::parse(app)?.app().clone();
    let account = caller::asker(gateway, headers, &app).await?;
    let id: RequestId = id.parse()?;
    match owned(gateway, &account, &app, id).await? {
        Some(status) => Ok(Asked { app, id, status }),
        None => Err(Error::UnknownRequest { id: id.to_string() }),
    }
}

/// `None` also for what belongs to someone else: no answer tells that it exists.
pub(crate) async fn owned(
    gateway: &Gateway,
    account: &AccountId,
    app: &AppId,
    id: RequestId,
) -> Result<Option<Status>, Error> {
    let status = gateway.dispatch.status(id).await?;
    Ok(status.filter(|status| status.record.account == *account && gateway.catalog.stands_for(app, &status.record.app)))
}

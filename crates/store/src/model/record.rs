//! How the record of a request begins.

use tintype_domain::{AccountId, AppId, Priority, RequestId, Timestamp};

use crate::{NewRequest, Pending, RequestRecord, RequestState};

impl RequestRecord {
    /// Of a request that has just been accepted.
    pub fn waiting(request: &NewRequest) -> Self {
        let (account, app) = (request.account.clone(), request.app.clone());
        let path = request.path.clone();
        let record = Self::fresh(request.id, account, app, path, request.priority, request.submitted_at);
        Self { keep_payloads: request.keep_payloads, ..record }
    }

    /// Of a request that a fresh server took up. Whether its payloads are to be kept is not known from that: the
    /// record says that they are.
    pub fn pending(pending: &Pending) -> Self {
        let (account, app) = (pending.account.clone(), pending.app.clone());
        let path = pending.path.clone();
        let record = Self::fresh(pending.id, account, app, path, pending.priority, pending.submitted_at);
        let state = if pending.running { RequestState::Running } else { RequestState::Waiting };
        Self { state, attempts: pending.attempts, ..record }
    }

    fn fresh(
        id: RequestId,
        account: AccountId,
        app: AppId,
        path: String,
        priority: Priority,
        submitted_at: Timestamp,
    ) -> Self {
        Self {
            id,
            account,
            app,
            path,
            priority,
            state: RequestState::Waiting,
            attempts: 0,
            gateway_request_id: id,
            runner: None,
            submitted_at,
            started_at: None,
            finished_at: None,
            status_code: None,
            error: None,
            error_type: None,
            expires_at: None,
            direct: false,
            keep_payloads: true,
        }
    }
}

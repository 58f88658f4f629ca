//! One request as it is held: how it begins, and what is read off it.

use tintype_domain::{Attempt, Priority, RetryBudget};

use super::Row;
use crate::{DIRECT_RETENTION, DirectCall, NewRequest, Pending, RequestRecord, RequestState, StoredRequest};

impl Row {
    pub(super) fn waiting(request: NewRequest) -> Self {
        let record = RequestRecord::waiting(&request);
        let payload =
            StoredRequest { method: request.method, path: request.path, headers: request.headers, body: request.body };
        Self {
            record,
            arrival: 0,
            start_deadline: request.start_deadline,
            hint: request.hint,
            retry: request.retry,
            crashes: 0,
            payload: Some(payload),
            response: None,
            forgotten: false,
            webhook: request.webhook,
            keep_payloads: request.keep_payloads,
            key_expires_at: request.idempotency.map(|key| key.expires_at),
            sweep_at: None,
        }
    }

    pub(super) fn direct(call: DirectCall) -> Self {
        let record = RequestRecord {
            id: call.id,
            account: call.account,
            app: call.app,
            path: call.path,
            priority: Priority::Normal,
            state: RequestState::Done(call.outcome),
            attempts: 1,
            gateway_request_id: call.id,
            runner: call.runner,
            submitted_at: call.started_at,
            started_at: Some(call.started_at),
            finished_at: Some(call.finished_at),
            status_code: call.status_code,
            error: None,
            error_type: call.error_type,
            expires_at: None,
            direct: true,
            keep_payloads: true,
        };
        Self {
            record,
            arrival: 0,
            start_deadline: None,
            hint: None,
            retry: RetryBudget::default(),
            crashes: 0,
            payload: None,
            response: None,
            forgotten: false,
            webhook: None,
            keep_payloads: true,
            key_expires_at: None,
            sweep_at: Some(call.finished_at.plus(DIRECT_RETENTION)),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.record.state, RequestState::Done(_))
    }

    /// The fence: the reporter must be what is held to be under way.
    pub(super) fn may_finish(&self, by: Option<Attempt>) -> bool {
        match (self.record.state, by) {
            (RequestState::Waiting, None) => true,
            (RequestState::Running, Some(attempt)) => self.record.attempts == attempt.0,
            _ => false,
        }
    }

    pub(super) fn pending(&self) -> Pending {
        Pending {
            id: self.record.id,
            account: self.record.account.clone(),
            app: self.record.app.clone(),
            path: self.record.path.clone(),
            priority: self.record.priority,
            submitted_at: self.record.submitted_at,
            start_deadline: self.start_deadline,
            hint: self.hint.clone(),
            retry: self.retry,
            attempts: self.record.attempts,
            crashes: self.crashes,
            running: self.record.state == RequestState::Running,
        }
    }
}

//! The life of a request.

use tintype_domain::{Attempt, RequestId, RunnerId, Timestamp};

use super::{DueDelivery, Row, Tables, UsedKey};
use crate::{
    DELIVERY_LIFE, DirectCall, EnqueueError, Enqueued, EventKind, Finish, NewRequest, Pending, RequestFilter,
    RequestRecord, RequestState, StoreError, StoredRequest,
};

impl Tables {
    pub(super) fn enqueue(&mut self, request: NewRequest) -> Result<Enqueued, EnqueueError> {
        if self.full {
            return Err(StoreError::DiskFull.into());
        }
        if let Some(existing) = self.earlier_use(&request)? {
            return Ok(Enqueued::Existing(existing));
        }
        if self.requests.contains_key(&request.id) {
            return Err(StoreError::Exists { kind: "request" }.into());
        }
        if let Some(key) = &request.idempotency {
            let used = UsedKey { fingerprint: key.fingerprint, request: request.id, expires_at: key.expires_at };
            self.idempotency.insert((request.account.clone(), key.key.clone()), used);
        }
        let row = Row::waiting(request);
        let id = row.record.id;
        let arrival = self.publish(&row.record, EventKind::Submitted, None, row.record.submitted_at);
        self.requests.insert(id, Row { arrival, ..row });
        Ok(Enqueued::New)
    }

    pub(super) fn earlier_use(&self, request: &NewRequest) -> Result<Option<RequestId>, EnqueueError> {
        let Some(key) = &request.idempotency else { return Ok(None) };
        match self.idempotency.get(&(request.account.clone(), key.key.clone())) {
            Some(used) if used.expires_at <= request.submitted_at => Ok(None),
            Some(used) if used.fingerprint == key.fingerprint => Ok(Some(used.request)),
            Some(used) => Err(EnqueueError::KeyReused { existing: used.request }),
            None => Ok(None),
        }
    }

    pub(super) fn begin_attempt(
        &mut self,
        id: RequestId,
        attempt: Attempt,
        gateway_request_id: RequestId,
        runner: RunnerId,
        now: Timestamp,
    ) -> bool {
        let Some(row) = self.requests.get_mut(&id) else { return false };
        if row.record.state != RequestState::Waiting || row.record.attempts + 1 != attempt.0 {
            return false;
        }
        row.record.state = RequestState::Running;
        row.record.attempts = attempt.0;
        row.record.gateway_request_id = gateway_request_id;
        row.record.runner = Some(runner);
        row.record.started_at = Some(now);
        let record = row.record.clone();
        self.publish(&record, EventKind::Started, Some(attempt), now);
        true
    }

    pub(super) fn requeue(&mut self, id: RequestId, attempt: Attempt, crashed: bool, now: Timestamp) -> bool {
        let Some(row) = self.requests.get_mut(&id) else { return false };
        if row.record.state != RequestState::Running || row.record.attempts != attempt.0 {
            return false;
        }
        row.record.state = RequestState::Waiting;
        row.record.runner = None;
        row.record.started_at = None;
        row.crashes += u32::from(crashed);
        let record = row.record.clone();
        self.publish(&record, EventKind::Requeued, Some(attempt), now);
        true
    }

    pub(super) fn finish(&mut self, id: RequestId, by: Option<Attempt>, finish: Finish) -> bool {
        let Some(row) = self.requests.get_mut(&id).filter(|row| row.may_finish(by)) else { return false };
        row.record.state = RequestState::Done(finish.outcome);
        row.record.finished_at = Some(finish.at);
        row.record.status_code = Some(finish.response.status);
        row.record.error = finish.error;
        row.record.error_type = finish.error_type;
        row.record.expires_at = Some(finish.expires_at);
        row.sweep_at = Some(finish.expires_at);
        row.response = Some(finish.response);
        if !row.keep_payloads {
            row.payload = None;
        }
        if let Some(url) = row.webhook.take() {
            let give_up_at = finish.at.plus(DELIVERY_LIFE);
            self.deliveries.insert(id, DueDelivery { url, tries: 0, next_at: finish.at, give_up_at });
        }
        let record = row.record.clone();
        self.publish(&record, EventKind::Finished, by, finish.at);
        true
    }

    pub(super) fn pending(&self) -> Vec<Pending> {
        let mut open: Vec<_> = self.requests.values().filter(|row| row.is_open()).collect();
        open.sort_by_key(|row| row.arrival);
        open.into_iter().map(Row::pending).collect()
    }

    pub(super) fn payload(&self, id: RequestId) -> Option<StoredRequest> {
        self.requests.get(&id)?.payload.clone()
    }

    pub(super) fn requests(&self, filter: &RequestFilter) -> Vec<RequestRecord> {
        let wanted = |row: &&Row| {
            filter.account.as_ref().is_none_or(|account| row.record.account == *account)
                && filter.app.as_ref().is_none_or(|app| row.record.app == *app)
                && filter.before.is_none_or(|before| row.record.id < before)
                && (!filter.open || row.is_open())
        };
        let newest_first = self.requests.values().rev().filter(wanted);
        newest_first.take(filter.limit as usize).map(|row| row.record.clone()).collect()
    }

    pub(super) fn forget_payloads(&mut self, id: RequestId) {
        let under_way = self.deliveries.contains_key(&id);
        let Some(row) = self.requests.get_mut(&id).filter(|row| !row.is_open() && !row.keep_payloads) else { return };
        row.forgotten = true;
        row.payload = None;
        if !under_way {
            row.response = None;
        }
    }

    pub(super) fn record_direct(&mut self, calls: Vec<DirectCall>) {
        for call in calls {
            // A repeat of a batch whose answer was lost must not count twice.
            if self.requests.contains_key(&call.id) {
                continue;
            }
            let row = Row::direct(call);
            let at = row.record.finished_at.unwrap_or(row.record.submitted_at);
            let arrival = self.publish(&row.record, EventKind::Finished, None, at);
            self.requests.insert(row.record.id, Row { arrival, ..row });
        }
    }
}

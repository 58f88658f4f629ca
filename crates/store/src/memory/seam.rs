//! The seam, filled by the tables.

mod deployments;
mod runners;

use async_trait::async_trait;
use tintype_domain::{AccountId, AppId, Attempt, KeyId, LogEntry, RequestId, RunnerId, Timestamp};
use tokio::sync::watch;

use super::MemoryStore;
use crate::{
    Acl, Delivery, DirectCall, EnqueueError, Enqueued, Event, FileRecord, Finish, KeyRecord, NewRequest, Pending,
    RequestFilter, RequestRecord, Store, StoreError, StoredLog, StoredRequest, StoredResponse, Upload,
};

#[async_trait]
impl Store for MemoryStore {
    async fn enqueue(&self, request: NewRequest) -> Result<Enqueued, EnqueueError> {
        self.tables.lock().enqueue(request)
    }

    async fn begin_attempt(
        &self,
        id: RequestId,
        attempt: Attempt,
        gateway_request_id: RequestId,
        runner: RunnerId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(|tables| Ok(tables.begin_attempt(id, attempt, gateway_request_id, runner, now)))
    }

    async fn requeue(
        &self,
        id: RequestId,
        attempt: Attempt,
        crashed: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(|tables| Ok(tables.requeue(id, attempt, crashed, now)))
    }

    async fn finish(&self, id: RequestId, by: Option<Attempt>, finish: Finish) -> Result<bool, StoreError> {
        let (finished, delivery_made) = self.write(|tables| {
            let finished = tables.finish(id, by, finish);
            Ok((finished, finished && tables.deliveries.contains_key(&id)))
        })?;
        if delivery_made {
            self.deliveries_made.send_modify(|made| *made += 1);
        }
        Ok(finished)
    }

    async fn pending(&self) -> Result<Vec<Pending>, StoreError> {
        Ok(self.read(super::Tables::pending))
    }

    async fn earlier_use(&self, request: &NewRequest) -> Result<Option<RequestId>, EnqueueError> {
        self.read(|tables| tables.earlier_use(request))
    }

    async fn payload(&self, id: RequestId) -> Result<Option<StoredRequest>, StoreError> {
        Ok(self.read(|tables| tables.payload(id)))
    }

    async fn request(&self, id: RequestId) -> Result<Option<RequestRecord>, StoreError> {
        Ok(self.read(|tables| tables.requests.get(&id).map(|row| row.record.clone())))
    }

    async fn requests(&self, filter: RequestFilter) -> Result<Vec<RequestRecord>, StoreError> {
        Ok(self.read(|tables| tables.requests(&filter)))
    }

    async fn result(&self, id: RequestId) -> Result<Option<StoredResponse>, StoreError> {
        Ok(self.read(|tables| tables.requests.get(&id).filter(|row| !row.forgotten)?.response.clone()))
    }

    async fn forget_payloads(&self, id: RequestId) -> Result<(), StoreError> {
        self.write(|tables| {
            tables.forget_payloads(id);
            Ok(())
        })
    }

    async fn record_direct(&self, calls: Vec<DirectCall>) -> Result<(), StoreError> {
        self.write(|tables| {
            tables.record_direct(calls);
            Ok(())
        })
    }

    async fn append_logs(&self, lines: Vec<(RequestId, LogEntry)>) -> Result<(), StoreError> {
        self.write(|tables| {
            tables.append_logs(lines);
            Ok(())
        })
    }

    async fn logs(&self, id: RequestId, after: i64, limit: u32) -> Result<Vec<StoredLog>, StoreError> {
        Ok(self.read(|tables| tables.logs(id, after, limit)))
    }

    async fn events(&self, account: Option<AccountId>, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        Ok(self.read(|tables| tables.events(account.as_ref(), after, limit)))
    }

    async fn apps(&self) -> Result<Vec<AppId>, StoreError> {
        let mut apps: Vec<_> = self.read(|tables| tables.requests.values().map(|row| row.record.app.clone()).collect());
        apps.sort();
        apps.dedup();
        Ok(apps)
    }

    async fn due_deliveries(
        &self,
        now: Timestamp,
        except: &[RequestId],
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        Ok(self.read(|tables| tables.due_deliveries(now, except, limit)))
    }

    async fn next_delivery(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.read(|tables| tables.next_delivery(now)))
    }

    fn deliveries_made(&self) -> watch::Receiver<u64> {
        self.deliveries_made.subscribe()
    }

    async fn delivery_tried(
        &self,
        id: RequestId,
        next: Option<Timestamp>,
        _error: Option<String>,
    ) -> Result<(), StoreError> {
        self.write(|tables| {
            tables.delivery_tried(id, next);
            Ok(())
        })
    }

    async fn insert_key(&self, key: KeyRecord) -> Result<(), StoreError> {
        self.write(|tables| tables.insert_key(key))
    }

    async fn key(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        Ok(self.read(|tables| tables.keys.get(id).cloned()))
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        Ok(self.read(super::Tables::keys))
    }

    async fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<bool, StoreError> {
        self.write(|tables| Ok(tables.revoke_key(id, now)))
    }

    async fn insert_file(&self, file: FileRecord) -> Result<(), StoreError> {
        self.write(|tables| tables.insert_file(file))
    }

    async fn file(&self, id: &str) -> Result<Option<FileRecord>, StoreError> {
        Ok(self.read(|tables| tables.files.get(id).cloned()))
    }

    async fn set_acl(&self, id: &str, acl: Acl) -> Result<bool, StoreError> {
        self.write(|tables| Ok(tables.set_acl(id, acl)))
    }

    async fn delete_file(&self, id: &str) -> Result<bool, StoreError> {
        self.write(|tables| Ok(tables.files.remove(id).is_some()))
    }

    async fn expired_files(&self, now: Timestamp, limit: u32) -> Result<Vec<FileRecord>, StoreError> {
        Ok(self.read(|tables| tables.expired_files(now, limit)))
    }

    async fn insert_upload(&self, upload: Upload) -> Result<(), StoreError> {
        self.write(|tables| tables.insert_upload(upload))
    }

    async fn upload(&self, id: &str) -> Result<Option<Upload>, StoreError> {
        Ok(self.read(|tables| tables.uploads.get(id).cloned()))
    }

    async fn finish_upload(&self, id: &str, file: FileRecord) -> Result<bool, StoreError> {
        self.write(|tables| tables.finish_upload(id, file))
    }

    async fn expired_uploads(&self, now: Timestamp, limit: u32) -> Result<Vec<Upload>, StoreError> {
        Ok(self.read(|tables| tables.expired_uploads(now, limit)))
    }

    async fn delete_upload(&self, id: &str) -> Result<(), StoreError> {
        self.write(|tables| {
            tables.uploads.remove(id);
            Ok(())
        })
    }

    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.write(|tables| Ok(tables.sweep(now, limit)))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

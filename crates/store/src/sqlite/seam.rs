//! The seam, filled: each write goes to the writer, each read to the readers.

use async_trait::async_trait;
use tintype_domain::{AccountId, AppId, Attempt, KeyId, LogEntry, RequestId, RunnerId, Timestamp};
use tokio::sync::watch;

use super::{
    SqliteStore, feed, files, keys, requests, requests::Accepted, sweep, uploads, uploads::Completed, webhooks,
};
use crate::{
    Acl, Delivery, DirectCall, EnqueueError, Enqueued, Event, FileRecord, Finish, KeyRecord, NewRequest, Pending,
    RequestFilter, RequestRecord, Store, StoreError, StoredLog, StoredRequest, StoredResponse, Upload,
};

#[async_trait]
impl Store for SqliteStore {
    async fn enqueue(&self, request: NewRequest) -> Result<Enqueued, EnqueueError> {
        match self.write(move |writing| requests::enqueue(writing, &request)).await? {
            Accepted::Yes(enqueued) => Ok(enqueued),
            Accepted::KeyReused(existing) => Err(EnqueueError::KeyReused { existing }),
            Accepted::IdTaken => Err(StoreError::Exists { kind: "request" }.into()),
        }
    }

    async fn begin_attempt(
        &self,
        id: RequestId,
        attempt: Attempt,
        gateway_request_id: RequestId,
        runner: RunnerId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |writing| requests::begin(writing, id, attempt, gateway_request_id, &runner, now)).await
    }

    async fn requeue(
        &self,
        id: RequestId,
        attempt: Attempt,
        crashed: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |writing| requests::requeue(writing, id, attempt, crashed, now)).await
    }

    async fn finish(&self, id: RequestId, by: Option<Attempt>, finish: Finish) -> Result<bool, StoreError> {
        self.write(move |writing| requests::finish(writing, id, by, &finish)).await
    }

    async fn pending(&self) -> Result<Vec<Pending>, StoreError> {
        self.readers.read(requests::pending).await
    }

    async fn earlier_use(&self, request: &NewRequest) -> Result<Option<RequestId>, EnqueueError> {
        let Some(key) = request.idempotency.clone() else { return Ok(None) };
        let (account, now) = (request.account.clone(), request.submitted_at);
        let used = self.readers.read(move |connection| requests::earlier_use(connection, &account, &key, now)).await?;
        match used {
            Some(Accepted::Yes(Enqueued::Existing(existing))) => Ok(Some(existing)),
            Some(Accepted::KeyReused(existing)) => Err(EnqueueError::KeyReused { existing }),
            _ => Ok(None),
        }
    }

    async fn payload(&self, id: RequestId) -> Result<Option<StoredRequest>, StoreError> {
        self.readers.read(move |connection| requests::payload(connection, id)).await
    }

    async fn request(&self, id: RequestId) -> Result<Option<RequestRecord>, StoreError> {
        self.readers.read(move |connection| requests::record(connection, id)).await
    }

    async fn requests(&self, filter: RequestFilter) -> Result<Vec<RequestRecord>, StoreError> {
        self.readers.read(move |connection| requests::list(connection, &filter)).await
    }

    async fn result(&self, id: RequestId) -> Result<Option<StoredResponse>, StoreError> {
        self.readers.read(move |connection| requests::response(connection, id)).await
    }

    async fn forget_payloads(&self, id: RequestId) -> Result<(), StoreError> {
        self.write(move |writing| requests::forget_payloads(writing, id)).await
    }

    async fn record_direct(&self, calls: Vec<DirectCall>) -> Result<(), StoreError> {
        self.write(move |writing| requests::record_direct(writing, &calls)).await
    }

    async fn append_logs(&self, lines: Vec<(RequestId, LogEntry)>) -> Result<(), StoreError> {
        self.write(move |writing| feed::append_logs(writing, &lines)).await
    }

    async fn logs(&self, id: RequestId, after: i64, limit: u32) -> Result<Vec<StoredLog>, StoreError> {
        self.readers.read(move |connection| feed::logs(connection, id, after, limit)).await
    }

    async fn events(&self, account: Option<AccountId>, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.readers.read(move |connection| feed::events(connection, account.as_ref(), after, limit)).await
    }

    async fn apps(&self) -> Result<Vec<AppId>, StoreError> {
        self.readers.read(requests::apps).await
    }

    async fn due_deliveries(
        &self,
        now: Timestamp,
        except: &[RequestId],
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let except = except.to_vec();
        self.readers.read(move |connection| webhooks::due(connection, now, &except, limit)).await
    }

    async fn next_delivery(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.readers.read(move |connection| webhooks::next(connection, now)).await
    }

    fn deliveries_made(&self) -> watch::Receiver<u64> {
        self.deliveries_made.clone()
    }

    async fn delivery_tried(
        &self,
        id: RequestId,
        next: Option<Timestamp>,
        error: Option<String>,
    ) -> Result<(), StoreError> {
        self.write(move |writing| webhooks::tried(writing, id, next, error.as_deref())).await
    }

    async fn insert_key(&self, key: KeyRecord) -> Result<(), StoreError> {
        fresh("key", self.write(move |writing| keys::insert(writing, &key)).await?)
    }

    async fn key(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| keys::find(connection, &id)).await
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        self.readers.read(keys::list).await
    }

    async fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |writing| keys::revoke(writing, &id, now)).await
    }

    async fn insert_file(&self, file: FileRecord) -> Result<(), StoreError> {
        fresh("file", self.write(move |writing| files::insert(writing, &file)).await?)
    }

    async fn file(&self, id: &str) -> Result<Option<FileRecord>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |connection| files::find(connection, &id)).await
    }

    async fn set_acl(&self, id: &str, acl: Acl) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |writing| files::set_acl(writing, &id, &acl)).await
    }

    async fn delete_file(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |writing| files::delete(writing, &id)).await
    }

    async fn expired_files(&self, now: Timestamp, limit: u32) -> Result<Vec<FileRecord>, StoreError> {
        self.readers.read(move |connection| files::expired(connection, now, limit)).await
    }

    async fn insert_upload(&self, upload: Upload) -> Result<(), StoreError> {
        fresh("upload", self.write(move |writing| uploads::insert(writing, &upload)).await?)
    }

    async fn upload(&self, id: &str) -> Result<Option<Upload>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |connection| uploads::find(connection, &id)).await
    }

    async fn finish_upload(&self, id: &str, file: FileRecord) -> Result<bool, StoreError> {
        let id = id.to_owned();
        match self.write(move |writing| uploads::complete(writing, &id, &file)).await? {
            Completed::Yes => Ok(true),
            Completed::NoUpload => Ok(false),
            Completed::FileExists => Err(StoreError::Exists { kind: "file" }),
        }
    }

    async fn expired_uploads(&self, now: Timestamp, limit: u32) -> Result<Vec<Upload>, StoreError> {
        self.readers.read(move |connection| uploads::expired(connection, now, limit)).await
    }

    async fn delete_upload(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |writing| uploads::delete(writing, &id)).await
    }

    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.write(move |writing| sweep::sweep(writing, now, limit)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        if !self.writable() {
            return Err(StoreError::Closed);
        }
        self.readers.read(|connection| connection.query_row("SELECT 1", [], |_| Ok(()))).await
    }
}

fn fresh(kind: &'static str, inserted: bool) -> Result<(), StoreError> {
    if inserted { Ok(()) } else { Err(StoreError::Exists { kind }) }
}

//! The operations that the rest of the house asks for.

mod deployments;
mod runners;

use async_trait::async_trait;
use tintype_domain::{AccountId, AppId, Attempt, KeyId, LogEntry, RequestId, RunnerId, Timestamp};
use tokio::sync::watch;

use crate::{
    Delivery, DirectCall, EnqueueError, Enqueued, Event, FileRecord, Finish, KeyRecord, NewRequest, Pending,
    RequestFilter, RequestRecord, StoreError, StoredLog, StoredRequest, StoredResponse, Upload,
};

pub use self::{deployments::Deployments, runners::RunnerHistory};

/// Every method that writes is one transaction (it may share a commit with others), durable when it returns.
/// Those that return `bool` say whether the record was in the state that the caller believed.
#[async_trait]
pub trait Store: Deployments + RunnerHistory + Send + Sync + 'static {
    // --- requests ---

    /// Accepts a request: the request, its idempotency key and its event together. A key whose time has passed by
    /// `submitted_at` counts as never used.
    async fn enqueue(&self, request: NewRequest) -> Result<Enqueued, EnqueueError>;
    /// What `enqueue` would say of the request's idempotency key; accepts nothing.
    async fn earlier_use(&self, request: &NewRequest) -> Result<Option<RequestId>, EnqueueError>;
    /// Waiting to running. `attempt` must be the next one (attempts so far + 1). `false` if it is not, or if the
    /// request no longer waits (cancelled, finished).
    async fn begin_attempt(
        &self,
        id: RequestId,
        attempt: Attempt,
        gateway_request_id: RequestId,
        runner: RunnerId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Running to waiting, after `attempt` came to nothing. `crashed`: its runner died.
    async fn requeue(&self, id: RequestId, attempt: Attempt, crashed: bool, now: Timestamp)
    -> Result<bool, StoreError>;
    /// To the end. `by` is the attempt that reports, or `None` for a request that ends while it waits; it must be
    /// what the store holds. Writes the result, the event and, where asked for, the webhook delivery together.
    async fn finish(&self, id: RequestId, by: Option<Attempt>, finish: Finish) -> Result<bool, StoreError>;
    /// Every request that is not terminal, in order of arrival.
    async fn pending(&self) -> Result<Vec<Pending>, StoreError>;
    async fn payload(&self, id: RequestId) -> Result<Option<StoredRequest>, StoreError>;
    async fn request(&self, id: RequestId) -> Result<Option<RequestRecord>, StoreError>;
    async fn requests(&self, filter: RequestFilter) -> Result<Vec<RequestRecord>, StoreError>;
    /// `None` while there is no result, and once the sweep has dropped it or its reader asked to forget it.
    async fn result(&self, id: RequestId) -> Result<Option<StoredResponse>, StoreError>;
    /// The caller has read the result of a request whose payloads are not to be kept; changes nothing for others.
    /// A webhook that is still under way takes its copy with it.
    async fn forget_payloads(&self, id: RequestId) -> Result<(), StoreError>;
    async fn record_direct(&self, calls: Vec<DirectCall>) -> Result<(), StoreError>;
    async fn append_logs(&self, lines: Vec<(RequestId, LogEntry)>) -> Result<(), StoreError>;
    async fn logs(&self, id: RequestId, after: i64, limit: u32) -> Result<Vec<StoredLog>, StoreError>;
    /// The feed after `cursor`, oldest first.
    async fn events(&self, account: Option<AccountId>, after: i64, limit: u32) -> Result<Vec<Event>, StoreError>;
    /// Apps that have requests in the store.
    async fn apps(&self) -> Result<Vec<AppId>, StoreError>;

    // --- webhooks ---

    /// `except`: those that the caller has at hand.
    async fn due_deliveries(
        &self,
        now: Timestamp,
        except: &[RequestId],
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;
    /// When the first delivery falls due that is not due at `now`.
    async fn next_delivery(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;
    /// Changes after a commit with which a webhook became due. Of what was due before, it says nothing.
    fn deliveries_made(&self) -> watch::Receiver<u64>;
    /// Counts a try. `next`: when to try again; `None` ends the delivery.
    async fn delivery_tried(
        &self,
        id: RequestId,
        next: Option<Timestamp>,
        error: Option<String>,
    ) -> Result<(), StoreError>;

    // --- keys ---

    async fn insert_key(&self, key: KeyRecord) -> Result<(), StoreError>;
    async fn key(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError>;
    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError>;
    async fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<bool, StoreError>;

    // --- files ---

    async fn insert_file(&self, file: FileRecord) -> Result<(), StoreError>;
    async fn file(&self, id: &str) -> Result<Option<FileRecord>, StoreError>;
    async fn set_acl(&self, id: &str, acl: crate::Acl) -> Result<bool, StoreError>;
    async fn delete_file(&self, id: &str) -> Result<bool, StoreError>;
    async fn expired_files(&self, now: Timestamp, limit: u32) -> Result<Vec<FileRecord>, StoreError>;
    async fn insert_upload(&self, upload: Upload) -> Result<(), StoreError>;
    async fn upload(&self, id: &str) -> Result<Option<Upload>, StoreError>;
    /// The upload becomes a file, in one step.
    async fn finish_upload(&self, id: &str, file: FileRecord) -> Result<bool, StoreError>;
    async fn expired_uploads(&self, now: Timestamp, limit: u32) -> Result<Vec<Upload>, StoreError>;
    async fn delete_upload(&self, id: &str) -> Result<(), StoreError>;

    // --- upkeep ---

    /// Drops results, logs, events, idempotency keys, runners and their lines whose time has passed; at most `limit` of
    /// each a call (of lines, more). A request stays known while its idempotency key or its webhook lives. Tells how
    /// many requests it dealt with; `limit` if it is to be called again for anything else.
    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError>;
    /// A read that proves that the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

//! A store in memory: the seam's meaning in its plainest form, for simulations and as the yardstick
//! that the conformance suite and the property test hold the real stores against. It keeps nothing.

mod deployments;
mod feed;
mod files;
mod requests;
mod row;
mod runners;
mod seam;
mod sweep;
mod webhooks;

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;
use tintype_domain::{AccountId, AppId, KeyId, RequestId, RetryBudget, RevisionId, RunnerId, Timestamp};
use tokio::sync::watch;

use crate::{
    AliasRecord, EnvironmentRecord, Event, FileRecord, KeyRecord, RequestRecord, RevisionRecord, RunnerLog,
    RunnerRecord, SecretRecord, StoreError, StoredLog, StoredRequest, StoredResponse, Upload,
};

#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    /// Counts the deliveries that were made.
    deliveries_made: watch::Sender<u64>,
}

impl MemoryStore {
    pub fn new() -> Self {
        Self::default()
    }

    /// A full disk, for tests: until it is told otherwise, everything that writes fails with `DiskFull`.
    pub fn set_full(&self, full: bool) {
        self.tables.lock().full = full;
    }

    fn write<T>(&self, work: impl FnOnce(&mut Tables) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut tables = self.tables.lock();
        if tables.full {
            return Err(StoreError::DiskFull);
        }
        work(&mut tables)
    }

    fn read<T>(&self, work: impl FnOnce(&Tables) -> T) -> T {
        work(&self.tables.lock())
    }
}

#[derive(Debug, Default)]
struct Tables {
    full: bool,
    requests: BTreeMap<RequestId, Row>,
    idempotency: BTreeMap<(AccountId, String), UsedKey>,
    events: BTreeMap<i64, Event>,
    /// Cursor of the newest event ever written.
    cursor: i64,
    logs: BTreeMap<RequestId, Vec<StoredLog>>,
    deliveries: BTreeMap<RequestId, DueDelivery>,
    keys: BTreeMap<KeyId, KeyRecord>,
    files: BTreeMap<String, FileRecord>,
    uploads: BTreeMap<String, Upload>,
    revisions: BTreeMap<RevisionId, RevisionRecord>,
    aliases: BTreeMap<AppId, AliasRecord>,
    environments: BTreeMap<(AccountId, String), EnvironmentRecord>,
    secrets: BTreeMap<(AccountId, String, String), SecretRecord>,
    runners: BTreeMap<RunnerId, RunnerRecord>,
    runner_logs: BTreeMap<RunnerId, VecDeque<RunnerLog>>,
}

/// A request with all that is known of it.
#[derive(Debug)]
struct Row {
    record: RequestRecord,
    /// Cursor of its first event: the order of arrival.
    arrival: i64,
    start_deadline: Option<Timestamp>,
    hint: Option<String>,
    retry: RetryBudget,
    crashes: u32,
    payload: Option<StoredRequest>,
    response: Option<StoredResponse>,
    /// Its reader has the result; only a webhook may still need it.
    forgotten: bool,
    webhook: Option<String>,
    keep_payloads: bool,
    key_expires_at: Option<Timestamp>,
    /// When the sweep looks at it next; `None` while it is open.
    sweep_at: Option<Timestamp>,
}

#[derive(Debug)]
struct UsedKey {
    fingerprint: [u8; 32],
    request: RequestId,
    expires_at: Timestamp,
}

#[derive(Debug)]
struct DueDelivery {
    url: String,
    tries: u32,
    next_at: Timestamp,
    give_up_at: Timestamp,
}

//! The handle and the service.

use tintype_domain::{AppId, Failure, RequestId};
use tintype_store::{NewRequest, StoreError, StoredLog};
use tokio_util::sync::CancellationToken;

use crate::{
    AppDefinition, Call, CancelAnswer, Lease, OpenError, Parts, RunnerView, Status, SubmitError, Submitted, Watch,
};

/// Everything that runs in the background.
pub struct Service {}

impl Service {
    /// Takes up what the last server left.
    pub async fn open(parts: Parts, apps: Vec<AppDefinition>) -> Result<(Self, Dispatch), OpenError> {
        todo!("{} {}", parts.options.max_result_bytes, apps.len())
    }

    /// Runs until `stop`, then drains.
    pub async fn run(self, stop: CancellationToken) {
        stop.cancelled().await;
    }
}

/// The way in.
#[derive(Clone)]
pub struct Dispatch {}

impl Dispatch {
    pub fn apps(&self) -> Vec<AppId> {
        todo!()
    }

    pub fn knows(&self, app: &AppId) -> bool {
        todo!("{app}")
    }

    /// Accepts a request: when this returns `Ok`, it is on stable storage.
    pub async fn submit(&self, request: NewRequest, max_queue_length: Option<u32>) -> Result<Submitted, SubmitError> {
        todo!("{request:?} {max_queue_length:?}")
    }

    pub async fn status(&self, id: RequestId) -> Result<Option<Status>, StoreError> {
        todo!("{id}")
    }

    pub fn watch(&self, id: RequestId) -> Watch {
        todo!("{id}")
    }

    pub async fn cancel(&self, id: RequestId) -> Result<CancelAnswer, StoreError> {
        todo!("{id}")
    }

    /// Waits for a slot; dropping the future gives up the place in the queue. `Err(RequestTimeout)` means that the
    /// start deadline of the call passed.
    pub async fn acquire(&self, call: Call) -> Result<Lease, Failure> {
        todo!("{call:?}")
    }

    /// Log lines after the cursor `after` (0: from the first), those not yet written included.
    pub async fn logs(&self, id: RequestId, after: i64, limit: u32) -> Result<Vec<StoredLog>, StoreError> {
        todo!("{id} {after} {limit}")
    }

    pub fn runners(&self) -> Vec<RunnerView> {
        todo!()
    }
}

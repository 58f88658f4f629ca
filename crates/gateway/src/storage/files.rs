//! What the storage routes work with: the part of the gateway that they need.

use std::{sync::Arc, time::Duration};

use axum::extract::FromRef;
use tintype_access::Access;
use tintype_blob::{Blobs, Signer};
use tintype_domain::{Clock, Timestamp};
use tintype_outbound::Outbound;
use tintype_store::Store;
use tokio::sync::Semaphore;
use url::Url;

use crate::Gateway;

/// An upload that is not finished by then is dropped, with its parts.
pub(crate) const UPLOAD_LIFETIME: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone)]
pub(crate) struct Files {
    pub store: Arc<dyn Store>,
    pub access: Arc<Access>,
    pub blobs: Arc<Blobs>,
    pub signer: Arc<Signer>,
    pub outbound: Arc<Outbound>,
    pub clock: Arc<dyn Clock>,
    pub storage_url: Url,
    pub max_upload_bytes: u64,
    /// Longest silence within an upload.
    pub body_idle: Duration,
    /// Places for bodies that arrive from apps at the same time.
    pub uploads: Arc<Semaphore>,
}

impl Files {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl FromRef<Gateway> for Files {
    fn from_ref(gateway: &Gateway) -> Self {
        Self {
            store: Arc::clone(&gateway.store),
            access: Arc::clone(&gateway.access),
            blobs: Arc::clone(&gateway.blobs),
            signer: Arc::clone(&gateway.signer),
            outbound: Arc::clone(&gateway.outbound),
            clock: Arc::clone(&gateway.clock),
            storage_url: gateway.options.storage_url.clone(),
            max_upload_bytes: gateway.options.max_upload_bytes,
            body_idle: gateway.options.body_idle,
            uploads: Arc::clone(&gateway.uploads),
        }
    }
}

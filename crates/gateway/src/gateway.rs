//! What every route works with.

use std::{ops::Deref, sync::Arc};

use axum::Router;
use tintype_access::Access;
use tintype_blob::{Blobs, Signer};
use tintype_catalog::Catalog;
use tintype_dispatch::Dispatch;
use tintype_domain::{AppId, Clock, RequestId};
use tintype_outbound::Outbound;
use tintype_store::Store;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Options, WebhookKeys, random, room::Room};

/// The names of the sets of weights that are installed for an app. Asked at each call, so that what was installed
/// meanwhile counts.
pub type Installed = Arc<dyn Fn(&AppId) -> Vec<String> + Send + Sync>;

/// The surroundings, as the server hands them over.
pub struct Parts {
    pub dispatch: Dispatch,
    pub store: Arc<dyn Store>,
    pub access: Arc<Access>,
    pub blobs: Arc<Blobs>,
    pub signer: Arc<Signer>,
    pub outbound: Arc<Outbound>,
    pub catalog: Arc<Catalog>,
    pub installed: Installed,
    pub clock: Arc<dyn Clock>,
    pub webhook_keys: Arc<WebhookKeys>,
    pub options: Options,
    /// What the deployment tools speak with. It gets the [`Bases`](tintype_wire::bases::Bases) of each request.
    pub deployment: Router,
    /// Set when the server stops: open sockets and status streams end in order.
    pub stop: CancellationToken,
    /// Holds the sockets that outlive their handshake, so that the server can wait for them.
    pub tasks: TaskTracker,
}

/// A cheap clone of all that.
#[derive(Clone)]
pub struct Gateway {
    parts: Arc<Parts>,
    /// Memory for the bodies of calls.
    pub(crate) room: Room,
    /// Places for files that apps put at the same time; they come again where there is none.
    pub(crate) uploads: Arc<Semaphore>,
}

const UPLOADS: usize = 64;

impl Gateway {
    pub fn new(parts: Parts) -> Self {
        let room = Room::new(parts.options.body_memory_bytes);
        Self { room, uploads: Arc::new(Semaphore::new(UPLOADS)), parts: Arc::new(parts) }
    }

    pub(crate) fn new_request_id(&self) -> RequestId {
        RequestId::new(self.clock.now(), random::bytes())
    }
}

impl Deref for Gateway {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

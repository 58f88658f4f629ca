//! What every route works with.

use std::{collections::HashMap, ops::Deref, path::PathBuf, sync::Arc};

use parking_lot::Mutex;
use tintype_access::Access;
use tintype_blob::Blobs;
use tintype_catalog::Catalog;
use tintype_dispatch::Dispatch;
use tintype_domain::{AppId, Clock};
use tintype_outbound::Outbound;
use tintype_store::Store;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{AppFiles, Starter, environment::Environments};

/// What the server says of deployments.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data folder of the server: revisions, volumes and app files lie below it.
    pub data: PathBuf,
    /// Where clients reach this server when a request does not tell, without a trailing slash.
    pub url: String,
    /// Seals secrets at rest.
    pub sealing_key: [u8; 32],
    pub host: Host,
}

/// What this machine has to give to runners.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    pub cpus: f32,
    pub memory_bytes: u64,
    pub gpus: u32,
}

/// The surroundings, as the server hands them over.
pub struct Parts {
    pub dispatch: Dispatch,
    pub store: Arc<dyn Store>,
    pub access: Arc<Access>,
    pub catalog: Arc<Catalog>,
    pub blobs: Arc<Blobs>,
    pub outbound: Arc<Outbound>,
    pub clock: Arc<dyn Clock>,
    /// Starts what is deployed; dispatch was given the same.
    pub starter: Arc<Starter>,
    pub environments: Arc<Environments>,
    pub files: Arc<AppFiles>,
    pub options: Options,
    /// Set when the server stops: open streams end in order.
    pub stop: CancellationToken,
    /// Holds what outlives its call, so that the server can wait for it.
    pub tasks: TaskTracker,
}

/// A cheap clone of all that.
#[derive(Clone)]
pub struct Serverless(Arc<Inner>);

struct Inner {
    parts: Parts,
    /// Bounded by the apps that were ever deployed to a running server.
    locks: Mutex<HashMap<AppId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Serverless {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, locks: Mutex::default() }))
    }

    /// Changes of one alias come one after the other.
    pub(crate) async fn lock(&self, app: &AppId) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = Arc::clone(self.0.locks.lock().entry(app.clone()).or_default());
        lock.lock_owned().await
    }
}

impl Deref for Serverless {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

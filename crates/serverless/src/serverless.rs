//! What every route works with.

use std::{ops::Deref, path::PathBuf, sync::Arc};

use tintype_access::Access;
use tintype_blob::Blobs;
use tintype_catalog::Catalog;
use tintype_dispatch::Dispatch;
use tintype_domain::Clock;
use tintype_launch::Launcher;
use tintype_store::Store;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{AppFiles, environment::Environments};

/// What the server says of deployments.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data folder of the server: revisions, volumes and app files lie below it.
    pub data: PathBuf,
    /// Where clients reach this server, without a trailing slash.
    pub url: String,
    /// Where runners reach this server, without a trailing slash.
    pub runner_url: String,
    /// Seals secrets at rest.
    pub sealing_key: [u8; 32],
    /// The socket on which [`crate::uploader_routes`] is served; runners see it as `/run/fal/api.sock`.
    pub uploader_socket: PathBuf,
}

/// The surroundings, as the server hands them over.
pub struct Parts {
    pub dispatch: Dispatch,
    pub store: Arc<dyn Store>,
    pub access: Arc<Access>,
    pub catalog: Arc<Catalog>,
    pub blobs: Arc<Blobs>,
    pub clock: Arc<dyn Clock>,
    pub launcher: Arc<dyn Launcher>,
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
pub struct Serverless(Arc<Parts>);

impl Serverless {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Serverless {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

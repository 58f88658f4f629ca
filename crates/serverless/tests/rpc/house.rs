//! A deployment API with everything behind it but processes.

use std::{path::PathBuf, sync::Arc};

use axum::Router;
use tempfile::TempDir;
use tintype_access::{Access, LOCAL_ACCOUNT};
use tintype_blob::Blobs;
use tintype_catalog::Catalog;
use tintype_dispatch::{Dispatch, Service};
use tintype_domain::{AccountId, Clock, SystemClock};
use tintype_launch::{Launcher, fake::FakeLauncher};
use tintype_outbound::{Outbound, Policy};
use tintype_serverless::{
    AppFiles, Host, Options, Parts, Serverless, Starter, StarterParts, Walls,
    api::controller::isolate_controller_client::IsolateControllerClient,
    environment::{self, Environments},
};
use tintype_store::{KeyScope, MemoryStore, Store};
use tonic::{Request, metadata::MetadataValue};

pub(crate) const ADMIN: &str = "admin:secret";

pub(crate) struct House {
    pub client: IsolateControllerClient<Router>,
    pub store: Arc<dyn Store>,
    pub access: Arc<Access>,
    pub data: PathBuf,
    _folder: TempDir,
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_owned();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let access = Arc::new(Access::open(Arc::clone(&store), Arc::clone(&clock), [3; 32]));
        access.ensure_admin_key(Some(ADMIN)).await.unwrap();
        let launcher: Arc<dyn Launcher> = Arc::new(FakeLauncher::default());
        let building = environment::Options { uv: Some("/nonexistent/uv".into()), ..environment::Options::default() };
        let environments = Environments::open(&data.join("environments"), building, Arc::clone(&launcher)).unwrap();
        let environments = Arc::new(environments);
        let starter = Starter::open(StarterParts {
            store: Arc::clone(&store),
            access: Arc::clone(&access),
            clock: Arc::clone(&clock),
            environments: Arc::clone(&environments),
            launcher,
            data: data.clone(),
            sealing_key: [7; 32],
            uploader_socket: data.join("uploader.sock"),
            authority: String::new(),
            proxy: None,
            walls: Walls::None,
        });
        let starter = Arc::new(starter.unwrap());
        let dispatch = dispatch(&store, &starter, &clock).await;
        let serverless = Serverless::new(Parts {
            dispatch,
            store: Arc::clone(&store),
            access: Arc::clone(&access),
            catalog: Arc::new(Catalog::open(&tintype_catalog::Options::default()).unwrap()),
            blobs: Arc::new(Blobs::open(data.join("files")).unwrap()),
            outbound: Arc::new(Outbound::new(Policy::default())),
            clock,
            starter,
            environments,
            files: Arc::new(AppFiles::open(data.join("app-files")).unwrap()),
            options: Options {
                data: data.clone(),
                url: "http://localhost:8700".into(),
                sealing_key: [7; 32],
                host: Host { cpus: 2.0, memory_bytes: 8 << 30, gpus: 0 },
            },
            stop: tokio_util::sync::CancellationToken::new(),
            tasks: tokio_util::task::TaskTracker::new(),
        });
        let client = IsolateControllerClient::new(tintype_serverless::routes(serverless));
        Self { client, store, access, data, _folder: folder }
    }

    /// A key of the local account that may call and no more.
    pub(crate) async fn api_key(&self) -> String {
        self.key_of(LOCAL_ACCOUNT, KeyScope::Api).await
    }

    pub(crate) async fn key_of(&self, account: &str, scope: KeyScope) -> String {
        self.access.create_key(AccountId::new(account), "test", scope).await.unwrap().1
    }
}

async fn dispatch(store: &Arc<dyn Store>, starter: &Arc<Starter>, clock: &Arc<dyn Clock>) -> Dispatch {
    let parts = tintype_dispatch::Parts {
        store: Arc::clone(store),
        launcher: Arc::clone(starter) as Arc<dyn Launcher>,
        clock: Arc::clone(clock),
        options: tintype_dispatch::Options::default(),
        cdn_token: Arc::new(|_, _| String::new()),
    };
    Service::open(parts, Vec::new()).await.unwrap().1
}

/// As the client sends it: the two halves of the key.
pub(crate) fn by<T>(key: &str, message: T) -> Request<T> {
    let (id, secret) = key.split_once(':').unwrap();
    let mut request = Request::new(message);
    request.metadata_mut().insert("auth-key-id", MetadataValue::try_from(id).unwrap());
    request.metadata_mut().insert("auth-key", MetadataValue::try_from(secret).unwrap());
    request
}

pub(crate) fn admin<T>(message: T) -> Request<T> {
    by(ADMIN, message)
}

//! Putting the parts together, from the bottom of the house to the top.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use tintype_access::{Access, Grant, Purpose};
use tintype_blob::{Blobs, Signer};
use tintype_catalog::Catalog;
use tintype_dispatch::{Dispatch, Parts as DispatchParts, Service};
use tintype_domain::{AccountId, Clock};
use tintype_gateway::{Gateway, Sweeper, WebhookKeys, Webhooks};
use tintype_launch::{LocalLauncher, Shepherds, Templates};
use tintype_outbound::{Outbound, Policy};
use tintype_serverless::Starter;
use tintype_store::Store;
use tintype_weights::Weights;
use tokio::net::UnixListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Options, apps,
    deployment::{Sockets, Workshop},
    key::{self, FirstKey},
    limits, paths,
    port::{self, Egress, Port},
    secrets,
    shelf::Shelf,
    tls::{Authority, Certificates, Names},
};

/// What mints the token by which a runner acts for a caller.
type Mint = Arc<dyn Fn(&AccountId, Option<&str>) -> String + Send + Sync>;

/// A runner acts for a caller as long as its request may run, and a little longer.
const TOKEN_MARGIN: Duration = Duration::from_secs(3600);

/// What the parts are made from.
pub(crate) struct Assembly {
    pub(crate) options: Options,
    pub(crate) program: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tasks: Tasks,
    pub(crate) stops: Stops,
}

/// Where what runs is tracked.
#[derive(Clone, Default)]
pub(crate) struct Tasks {
    /// Connections and what hangs on them.
    pub(crate) front: TaskTracker,
    pub(crate) dispatch: TaskTracker,
    /// The rest: a failure there is logged by the task itself.
    pub(crate) background: TaskTracker,
}

/// What several parts share.
pub(crate) struct Common {
    pub(crate) access: Arc<Access>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) blobs: Arc<Blobs>,
    /// Certificate (PEM) of the server's own authority.
    pub(crate) authority: String,
}

/// What ends in which order. Requests come in through the port; runners need their socket until they are done.
#[derive(Clone, Default)]
pub(crate) struct Stops {
    /// No new work: port, queue, sockets of callers.
    pub(crate) intake: CancellationToken,
    /// Everything that the last running work still needs.
    pub(crate) support: CancellationToken,
}

pub(crate) struct Assembled {
    pub(crate) key: FirstKey,
    pub(crate) policy: Policy,
    pub(crate) models: Vec<String>,
    pub(crate) authority: String,
    pub(crate) port: Port,
}

impl Assembly {
    /// `url` is where clients reach the server.
    pub(crate) async fn assemble(&self, url: &str) -> anyhow::Result<Assembled> {
        let options = &self.options;
        let certificates = self.certificates()?;
        let access = Arc::new(Access::open(Arc::clone(&self.store), Arc::clone(&self.clock), self.secret("tokens")?));
        let key = key::ensure(&access, &options.data, options.admin_key.as_deref()).await?;
        let catalog = Arc::new(Catalog::open(&limits::catalog(options))?);
        let blobs = Arc::new(Blobs::open(options.data.join("files"))?);
        let authority = certificates.authority().pem().to_owned();
        let common = Common {
            access: Arc::clone(&access),
            catalog: Arc::clone(&catalog),
            blobs: Arc::clone(&blobs),
            authority: authority.clone(),
        };
        let run_dir = paths::run_dir(&options.data).context("could not make the folder for sockets")?;
        let platform = run_dir.join("platform.sock");
        // In a folder that apps are given whole: a socket that this server makes anew is seen by those who live on.
        let uploader = run_dir.join("apps/api.sock");
        paths::private_dir(&run_dir.join("apps")).context("could not make the folder of the apps' socket")?;
        let egress = run_dir.join("egress.sock");
        let templates = Templates { most: options.templates, ..Templates::default() };
        apps::sweep(&options.data);
        let launcher = LocalLauncher::new(run_dir)
            .with_sandbox(options.sandbox, options.data.join("scratch"))
            .with_templates(templates);
        let launcher = if options.adopt_within.is_zero() {
            launcher
        } else {
            let (program, patience) = (self.program.clone(), options.adopt_within);
            launcher.with_shepherds(Shepherds { program, args: vec!["shepherd".into()], patience })
        };
        let sockets = Sockets { uploader: uploader.clone(), egress: egress.clone() };
        let workshop = Workshop::open(self, &common, Arc::new(launcher), sockets, url)?;
        let (dispatch, weights) = self.dispatch(&common, Arc::clone(&workshop.starter), &platform).await?;
        let outbound = Arc::new(Outbound::new(options.policy()));
        let serverless = workshop.serverless(self, &common, dispatch.clone(), Arc::clone(&outbound), url)?;
        let parts = tintype_gateway::Parts {
            dispatch,
            store: Arc::clone(&self.store),
            access,
            blobs,
            signer: Arc::new(Signer::new(self.secret("links")?)),
            outbound,
            catalog: Arc::clone(&catalog),
            installed: weights.installed(),
            clock: Arc::clone(&self.clock),
            webhook_keys: Arc::new(WebhookKeys::open(&self.secret("webhooks")?)?),
            options: limits::gateway(options, url, &key.whole)?,
            deployment: tintype_serverless::routes(serverless.clone()),
            stop: self.stops.intake.clone(),
            tasks: self.tasks.front.clone(),
        };
        let gateway = Gateway::new(parts);
        self.serve_socket(tintype_gateway::runner_router(gateway.clone()), &platform)?;
        self.serve_socket(tintype_gateway::uploader_router(gateway.clone()), &uploader)?;
        serverless.restore().await.context("could not read what was deployed")?;
        gateway.dispatch.dismiss_survivors();
        self.work_in_the_background(&gateway, &certificates);
        let port = self.port(gateway, &certificates)?;
        Egress::new(&port, options.app_reach.clone()).serve(listen(&egress)?);
        let models = apps::callable(&catalog, &options.data);
        Ok(Assembled { key, policy: options.policy(), models, authority, port })
    }

    pub(crate) fn secret(&self, name: &str) -> anyhow::Result<[u8; 32]> {
        let shown = || format!("could not read or make the secret `{name}`");
        secrets::load_or_make(&self.options.data, name).with_context(shown)
    }

    fn certificates(&self) -> anyhow::Result<Arc<Certificates>> {
        let options = &self.options;
        let names = Names::new(&options.names, options.listen.ip());
        let authority = Authority::open(&options.data, names, self.clock.now())?;
        let given = options.tls_cert.as_deref().zip(options.tls_key.as_deref());
        Ok(Certificates::open(authority, Arc::clone(&self.clock), given)?)
    }

    /// What runs the models of the gallery, and what watches over their weights.
    async fn dispatch(
        &self,
        common: &Common,
        launcher: Arc<Starter>,
        platform: &Path,
    ) -> anyhow::Result<(Dispatch, Shelf)> {
        let access = &common.access;
        let apps = apps::definitions(&common.catalog, &self.options, &self.program, platform);
        let longest = apps.iter().map(|app| app.spec.request_timeout).max().unwrap_or_default();
        let parts = DispatchParts {
            store: Arc::clone(&self.store),
            launcher,
            clock: Arc::clone(&self.clock),
            options: limits::dispatch(&self.options),
            cdn_token: cdn_token(Arc::clone(access), Arc::clone(&self.clock), longest + TOKEN_MARGIN),
        };
        let (service, dispatch) = Service::open(parts, apps.clone()).await?;
        let weights = Shelf::new(Weights::of(&self.options.data), dispatch.clone(), apps);
        self.tasks.dispatch.spawn(service.run(self.stops.intake.clone()));
        Ok((dispatch, weights))
    }

    /// A socket by which runners bring and fetch files.
    fn serve_socket(&self, router: Router, path: &Path) -> anyhow::Result<()> {
        port::serve_runners(router, listen(path)?, self.stops.support.clone(), &self.tasks.background);
        Ok(())
    }

    fn work_in_the_background(&self, gateway: &Gateway, certificates: &Arc<Certificates>) {
        let (tasks, stop) = (&self.tasks.background, &self.stops.support);
        tasks.spawn(Webhooks::new(gateway).run(stop.clone()));
        tasks.spawn(Sweeper::new(gateway).run(stop.clone()));
        tasks.spawn(Arc::clone(certificates).renew(stop.clone()));
    }

    fn port(&self, gateway: Gateway, certificates: &Arc<Certificates>) -> anyhow::Result<Port> {
        let router = own_routes(certificates.authority().pem().to_owned()).merge(tintype_gateway::router(gateway));
        let tls = TlsAcceptor::from(Arc::new(certificates.server_config()?));
        let options = &self.options;
        let tunnel = options.tunnel && options.listen.ip().is_loopback();
        let (stop, tasks) = (self.stops.intake.clone(), self.tasks.front.clone());
        let upstream_proxy = options.upstream_proxy.as_deref().map(str::parse).transpose();
        let upstream_proxy = upstream_proxy.context("`upstream_proxy` is no host and port")?;
        Ok(Port { router, tls, require_tls: options.encrypted(), tunnel, upstream_proxy, stop, tasks })
    }
}

fn listen(path: &Path) -> anyhow::Result<UnixListener> {
    // The folder is locked: what lies there is the socket of a server that died.
    let _ = std::fs::remove_file(path);
    UnixListener::bind(path).with_context(|| format!("could not make the socket {}", path.display()))
}

fn cdn_token(access: Arc<Access>, clock: Arc<dyn Clock>, life: Duration) -> Mint {
    Arc::new(move |account: &AccountId, lifecycle: Option<&str>| {
        let purpose = Purpose::Cdn { lifecycle: lifecycle.map(ToOwned::to_owned) };
        access.mint(Grant { account: account.clone(), purpose, expires_at: clock.now().plus(life) })
    })
}

/// The certificate of the own authority, for `tintype exec` and for people who want to trust it. It is public.
fn own_routes(authority: String) -> Router {
    let answer = move || async move { ([(CONTENT_TYPE, "application/x-pem-file")], authority) };
    Router::new().route("/.well-known/tintype/authority.pem", get(answer))
}

//! What users deploy here: environments, the starter of their runners, and the API by which they come.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use tintype_dispatch::Dispatch;
use tintype_domain::{AccountId, AppId};
use tintype_launch::{Capability, Launcher, Network, Sandboxing};
use tintype_outbound::Outbound;
use tintype_serverless::{
    AppFiles, Host, Serverless, Starter, StarterParts, Walls,
    environment::{self, Environments},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Options,
    assembly::{Assembly, Common},
    options::AppNetwork,
};

/// How often environments that nobody needs are looked for.
const COLLECT: Duration = Duration::from_secs(600);

/// Sockets of this server that runners are given.
pub(crate) struct Sockets {
    /// To which apps put their files.
    pub(crate) uploader: PathBuf,
    /// By which they leave this machine.
    pub(crate) egress: PathBuf,
}

/// What must exist before dispatch, which starts runners by it.
pub(crate) struct Workshop {
    pub(crate) starter: Arc<Starter>,
    environments: Arc<Environments>,
    capability: Capability,
    sealing_key: [u8; 32],
}

impl Workshop {
    /// `launcher` starts processes.
    pub(crate) fn open(
        assembly: &Assembly,
        common: &Common,
        launcher: Arc<dyn Launcher>,
        sockets: Sockets,
        url: &str,
    ) -> anyhow::Result<Self> {
        let options = &assembly.options;
        let capability = tintype_launch::capability();
        let walls = walls(options, &capability, sockets.egress)?;
        let building = environment::Options {
            network: matches!(walls, Walls::Sandbox { .. }).then_some(Network::All),
            budget_bytes: options.environments_bytes,
            ..environment::Options::default()
        };
        let root = options.data.join("environments");
        let environments = Environments::open(&root, building, Arc::clone(&launcher))
            .with_context(|| format!("could not open the environments in {}", root.display()))?;
        let environments = Arc::new(environments);
        let sealing_key = assembly.secret("deployments")?;
        let starter = Starter::open(StarterParts {
            store: Arc::clone(&assembly.store),
            access: Arc::clone(&common.access),
            clock: Arc::clone(&assembly.clock),
            environments: Arc::clone(&environments),
            launcher,
            data: options.data.clone(),
            sealing_key,
            uploader_socket: sockets.uploader,
            authority: common.authority.clone(),
            proxy: proxy(options, url),
            walls,
        })?;
        Ok(Self { starter: Arc::new(starter), environments, capability, sealing_key })
    }

    /// The whole, once dispatch is there.
    pub(crate) fn serverless(
        self,
        assembly: &Assembly,
        common: &Common,
        dispatch: Dispatch,
        outbound: Arc<Outbound>,
        url: &str,
    ) -> anyhow::Result<Serverless> {
        let data = &assembly.options.data;
        let files = Arc::new(AppFiles::open(data.join("app-files"))?);
        self.environments.lay_files_with(context_of(Arc::clone(&files)));
        let serverless = Serverless::new(tintype_serverless::Parts {
            dispatch,
            store: Arc::clone(&assembly.store),
            access: Arc::clone(&common.access),
            catalog: Arc::clone(&common.catalog),
            blobs: Arc::clone(&common.blobs),
            outbound,
            clock: Arc::clone(&assembly.clock),
            starter: self.starter,
            environments: self.environments,
            files,
            options: tintype_serverless::Options {
                data: data.clone(),
                url: url.to_owned(),
                sealing_key: self.sealing_key,
                host: host(self.capability.gpus),
            },
            stop: assembly.stops.intake.clone(),
            tasks: assembly.tasks.front.clone(),
        });
        let work = collect(serverless.clone(), assembly.stops.support.clone());
        assembly.tasks.background.spawn(work);
        Ok(serverless)
    }
}

/// Without what it takes to make a sandbox, apps run as plain processes, and the operator is told.
fn walls(options: &Options, capability: &Capability, proxy: PathBuf) -> anyhow::Result<Walls> {
    const BARE: &str = "deployed apps run WITHOUT A SANDBOX, with all rights of this user";
    match (options.sandbox, &capability.sandbox) {
        (Sandboxing::Off, _) => tracing::warn!("{BARE}: the option `sandbox` is `off`"),
        (Sandboxing::Auto, Err(obstacle)) => tracing::warn!("{BARE}: {obstacle}"),
        (Sandboxing::Required, Err(obstacle)) => {
            anyhow::bail!("the option `sandbox` is `required`, and this machine makes none: {obstacle}")
        }
        (Sandboxing::Auto | Sandboxing::Required, Ok(_)) => {
            tracing::info!("deployed apps run in sandboxes; their limits are kept {}", capability.limits);
            let networks = options.app_network.clone();
            let network = move |app: &AppId| match networks.of(app) {
                AppNetwork::None => Network::None,
                AppNetwork::Internet => Network::Internet { proxy: proxy.clone() },
                AppNetwork::All => Network::All,
            };
            let network = Arc::new(network);
            let (processes, scratch_bytes) = (options.app_processes, options.app_scratch_bytes);
            return Ok(Walls::Sandbox { network, processes, scratch_bytes });
        }
    }
    Ok(Walls::None)
}

/// The server itself leads fal's names back to itself, for callers on this machine who come in plain text.
fn proxy(options: &Options, url: &str) -> Option<String> {
    let open = options.tunnel && options.listen.ip().is_loopback() && url.starts_with("http://");
    open.then(|| url.to_owned())
}

async fn collect(serverless: Serverless, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(COLLECT)).await.is_some() {
        serverless.collect_environments().await;
    }
}

/// What this machine has to give, as far as it says.
fn host(gpus: u32) -> Host {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Host { cpus: cpus as f32, memory_bytes: memory(), gpus }
}

fn memory() -> u64 {
    let total = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kib << 10)
    });
    total.unwrap_or(u64::MAX)
}

/// Lays what Dockerfiles copy from where the client has put it.
fn context_of(files: Arc<AppFiles>) -> environment::Lay {
    Arc::new(move |account, wanted, into| {
        files.materialize(&AccountId::new(account), wanted, into).map_err(|error| error.to_string())
    })
}

//! A launcher that knows revisions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tintype_access::{Access, Grant, Purpose};
use tintype_domain::{AccountId, AppId, Clock, RunnerId, with_causes};
use tintype_launch::{Command, Exec, ExecError, Launcher, Network, Session, Start, StartError, Started, Survivor};
use tintype_store::Store;
use tokio::sync::mpsc;

use super::{
    command::{HARNESS_FILE, Recipe, TRUST_FILE},
    job::Job,
    plan::{Plan, Plans},
    watch::{Seen, Watchers},
};
use crate::{
    deploy::{
        error::DeployError,
        payload,
        sealing::{self, Place},
    },
    environment::{Environment, Environments},
};

const HARNESS: &str = include_str!("../../harness/harness.py");
/// A runner lives as long as there is work for it; its key must not end before.
const KEY_LIFE: Duration = Duration::from_hours(366 * 24);

/// Where systems keep the roots that they trust.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// What stands between a runner and this machine.
#[derive(Clone)]
pub enum Walls {
    /// The operator wants none, or the machine can make none.
    None,
    Sandbox {
        /// What an app may reach.
        network: Arc<dyn Fn(&AppId) -> Network + Send + Sync>,
        processes: u32,
        scratch_bytes: u64,
    },
}

impl fmt::Debug for Walls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::None) { "None" } else { "Sandbox" })
    }
}

pub struct StarterParts {
    pub store: Arc<dyn Store>,
    pub access: Arc<Access>,
    pub clock: Arc<dyn Clock>,
    pub environments: Arc<Environments>,
    /// Starts processes.
    pub launcher: Arc<dyn Launcher>,
    /// The data folder of the server.
    pub data: PathBuf,
    pub sealing_key: [u8; 32],
    pub uploader_socket: PathBuf,
    /// Certificate (PEM) of the server's own authority, which runners trust beside those that the system trusts.
    pub authority: String,
    /// Where this server answers, for whoever shares the host's loopback interface, as a proxy for fal's names.
    pub proxy: Option<String>,
    pub walls: Walls,
}

/// Starts runners of revisions, and hands everything else on.
pub struct Starter {
    parts: StarterParts,
    harness: PathBuf,
    plans: Plans,
    watchers: Watchers,
}

impl Starter {
    /// Lays the harness into the data folder.
    pub fn open(parts: StarterParts) -> io::Result<Self> {
        let harness = parts.data.join("harness");
        payload::make_private(&harness)?;
        let draft = harness.join("draft");
        fs::write(&draft, HARNESS)?;
        fs::rename(&draft, harness.join(HARNESS_FILE))?;
        fs::write(&draft, format!("{}\n{}", system_roots(), parts.authority))?;
        fs::rename(&draft, harness.join(TRUST_FILE))?;
        Ok(Self { parts, harness, plans: Plans::default(), watchers: Watchers::default() })
    }

    /// Where payloads of revisions lie, each in a folder with the revision's name.
    pub(crate) fn revisions(&self) -> PathBuf {
        self.parts.data.join("revisions")
    }

    pub(crate) fn plans(&self) -> &Plans {
        &self.plans
    }

    pub(crate) fn watch(&self, app: &AppId) -> mpsc::UnboundedReceiver<Seen> {
        self.watchers.watch(app)
    }

    /// Stands for the real command until a runner is started. It tells apart what would be started differently.
    pub(crate) fn placeholder(&self, app: &AppId, id: &str) -> Command {
        let args = match &self.parts.walls {
            Walls::None => vec![format!("no walls, proxy {:?}", self.parts.proxy)],
            Walls::Sandbox { network, processes, scratch_bytes } => {
                let network = network(app);
                let proxy = self.parts.proxy.as_ref().filter(|_| network == Network::All);
                vec![format!("{network:?}, proxy {proxy:?}, {processes} processes, {scratch_bytes} bytes")]
            }
        };
        Command { program: self.revisions().join(id), args, ..Command::default() }
    }

    /// Calls a function once.
    pub(crate) async fn run(&self, plan: &Plan, job: &Job, start: Start) -> Result<Started, StartError> {
        let command = self.command(plan, &start.runner, Some(job)).await?;
        self.parts.launcher.start(Start { command, ..start }).await
    }

    /// The values of the secrets that an app is given: those that it names, else those that are exposed by default.
    pub(crate) async fn secrets(
        &self,
        account: &AccountId,
        environment: &str,
        allowed: Option<&[String]>,
    ) -> Result<BTreeMap<String, String>, DeployError> {
        let records = self.parts.store.secrets(account, Some(environment)).await?;
        let allowed: Option<BTreeSet<&String>> = allowed.map(|names| names.iter().collect());
        let given = records.iter().filter(|record| match &allowed {
            Some(names) => names.contains(&record.name),
            None => record.default_exposed,
        });
        let open = |record: &tintype_store::SecretRecord| {
            let place = Place { account, environment, name: &record.name };
            let value = sealing::open(&self.parts.sealing_key, place, &record.sealed).ok_or_else(|| {
                DeployError::Refused(format!(
                    "the secret `{}` cannot be opened with this server's key: set it again",
                    record.name
                ))
            })?;
            Ok((record.name.clone(), value))
        };
        given.map(open).collect()
    }

    async fn start_revision(&self, id: &str, start: Start) -> Result<Started, StartError> {
        let Some(plan) = self.plans.find(id) else {
            let reason = format!("revision `{id}` is gone");
            return Err(StartError::Prepare { runner: start.runner, reason });
        };
        let command = self.command(&plan, &start.runner, None).await?;
        let memory_limit_bytes = Some(plan.share.memory_bytes);
        self.parts.launcher.start(Start { command, memory_limit_bytes, ..start }).await
    }

    async fn command(&self, plan: &Plan, runner: &RunnerId, job: Option<&Job>) -> Result<Command, StartError> {
        let refuse =
            |error: &dyn std::error::Error| StartError::Prepare { runner: runner.clone(), reason: with_causes(error) };
        let allowed = plan.definition.secrets.as_deref();
        let secrets = self.secrets(&plan.account, &plan.environment, allowed).await.map_err(|error| refuse(&error))?;
        let environment = self.environment(plan).await.map_err(|error| refuse(&error))?;
        if environment.image.is_some() && matches!(self.parts.walls, Walls::None) {
            let reason =
                "a container image runs only in a sandbox, and this server makes none: `tintype doctor` tells why";
            return Err(StartError::Prepare { runner: runner.clone(), reason: reason.to_owned() });
        }
        let volume = crate::volume::folder(&self.parts.data, &plan.account);
        payload::make_private(&volume).map_err(|error| refuse(&error))?;
        let recipe = Recipe {
            plan,
            runner,
            environment: &environment,
            walls: &self.parts.walls,
            harness: &self.harness,
            volume: &volume,
            uploader: &self.parts.uploader_socket,
            proxy: self.parts.proxy.as_deref(),
            key: self.key(plan),
            secrets,
            job,
        };
        Ok(recipe.command())
    }

    /// What was built at the deploy; built again where it was dropped since.
    async fn environment(&self, plan: &Plan) -> Result<Environment, DeployError> {
        if let Some(found) = self.parts.environments.find(&plan.definition.env_id) {
            return Ok(found);
        }
        let names: Vec<_> = plan.definition.recipe.secret_names().into_iter().collect();
        let secrets = self.secrets(&plan.account, &plan.environment, Some(&names)).await?;
        // Nobody reads the lines of this build; its error names what was wrong.
        let (lines, _) = mpsc::unbounded_channel();
        Ok(self.parts.environments.build(plan.definition.recipe.wanted(&plan.account, secrets), false, lines).await?)
    }

    fn key(&self, plan: &Plan) -> String {
        let purpose = Purpose::Runner { app: plan.app.to_string() };
        let expires_at = self.parts.clock.now().plus(KEY_LIFE);
        format!("runner:{}", self.parts.access.mint(Grant { account: plan.account.clone(), purpose, expires_at }))
    }
}

/// What programs of this system trust.
fn system_roots() -> String {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let candidates = named.into_iter().chain(SYSTEM_ROOTS.map(PathBuf::from));
    candidates.into_iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default()
}

#[async_trait]
impl Launcher for Starter {
    async fn start(&self, start: Start) -> Result<Started, StartError> {
        let id = start.command.program.strip_prefix(self.revisions()).ok().and_then(|id| id.to_str());
        let Some(id) = id.map(ToOwned::to_owned) else { return self.parts.launcher.start(start).await };
        let (app, runner) = (start.app.clone(), start.runner.clone());
        match self.start_revision(&id, start).await {
            Ok(started) => Ok(self.watchers.show(&app, runner, id, started)),
            Err(error) => {
                self.watchers.failed(&app, &runner, &id, &with_causes(&error));
                Err(error)
            }
        }
    }

    async fn adopt(&self) -> Vec<Survivor> {
        self.parts.launcher.adopt().await
    }

    async fn exec(&self, runner: &RunnerId, exec: Exec) -> Result<Session, ExecError> {
        self.parts.launcher.exec(runner, exec).await
    }
}

//! The command of a runner: which program, in which environment, within which walls.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use http::Method;
use tintype_domain::RunnerId;
use tintype_launch::{
    Bind, Command, Confinement, Copy, HealthCheck, NODE_TRUST_VARIABLE, Network, Readiness, Rooted, Sandbox,
    TRUST_VARIABLES, Template,
};

use super::{
    job::{Job, RESULT},
    plan::Plan,
    starter::Walls,
};
use crate::{
    deploy::{
        definition::{Callable, Definition, Health},
        payload::{FILES, FUNCTION, SETUP},
    },
    environment::Environment,
};

/// Where things lie inside.
const HARNESS: &str = "/run/fal/harness";
const REVISION: &str = "/run/fal/revision";
const JOB: &str = "/run/fal/job";
/// A folder, and the socket in it: the server may make that anew.
const UPLOADER_FOLDER: &str = "/run/fal/api";
const UPLOADER: &str = "/run/fal/api/api.sock";
const APP: &str = "/app";
/// The account's volume, where the app names no other place.
const DATA: &str = "/data";

pub(super) const HARNESS_FILE: &str = "harness.py";
/// Beside it: certificates that runners trust.
pub(super) const TRUST_FILE: &str = "trust.pem";
/// What a template has imported before it is asked for a runner; what an environment lacks is left out.
///
/// Beside what every app imports these are what its server asks for when it begins.
const IMPORTS: [&str; 25] = [
    "cloudpickle",
    "fastapi",
    "fastapi.middleware.cors",
    "fastapi.responses",
    "pydantic",
    "pydantic.v1",
    "starlette",
    "starlette.middleware.base",
    "starlette_exporter",
    "structlog",
    "structlog.stdlib",
    "uvicorn",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
    "websockets",
    "msgpack",
    "anyio._backends._asyncio",
    "httpx",
    "grpc.aio",
    "tblib.pickling_support",
    "packaging",
    "tomli",
    "tomli_w",
    "importlib.metadata",
];

/// What a command is made of.
pub(super) struct Recipe<'a> {
    pub plan: &'a Plan,
    pub runner: &'a RunnerId,
    pub environment: &'a Environment,
    pub walls: &'a Walls,
    pub harness: &'a Path,
    pub volume: &'a Path,
    pub uploader: &'a Path,
    /// The server as a proxy, for runners that share the host's network.
    pub proxy: Option<&'a str>,
    /// A key for the account, `id:secret`.
    pub key: String,
    pub secrets: BTreeMap<String, String>,
    pub job: Option<&'a Job>,
}

impl Recipe<'_> {
    pub(super) fn command(self) -> Command {
        let definition = &self.plan.definition;
        let confined = matches!(self.walls, Walls::Sandbox { .. });
        let image = self.environment.image.as_ref();
        let (program, args) = self.words(definition);
        Command {
            program,
            args,
            env: self.env(),
            workdir: Some(match image {
                Some(image) => image.workdir.clone(),
                None => self.inside(APP, &self.plan.folder.join(FILES)),
            }),
            readiness: if self.job.is_some() { Readiness::Never } else { Readiness::Accept },
            health: definition.health.as_ref().filter(|_| self.job.is_none()).map(health_check),
            confinement: self.confinement(),
            gpus: self.plan.share.gpus,
            template: (confined && self.job.is_none() && image.is_none()).then(|| self.template()),
        }
    }

    fn words(&self, definition: &Definition) -> (PathBuf, Vec<String>) {
        let (Callable::Image, Some(inside)) = (&definition.callable, &self.environment.image) else {
            return (self.environment.python.clone(), self.args(definition));
        };
        let wish = definition.recipe.image.as_ref();
        let entrypoint = wish.and_then(|image| image.entrypoint.as_deref());
        let mut words = inside.command(entrypoint, wish.and_then(|image| image.cmd.as_deref())).into_iter();
        // Nothing to start is told by what fails to start.
        (words.next().unwrap_or_else(|| "/bin/sh".to_owned()).into(), words.collect())
    }

    /// A path as the runner sees it.
    fn inside(&self, inside: &str, outside: &Path) -> PathBuf {
        match self.walls {
            Walls::Sandbox { .. } => inside.into(),
            Walls::None => outside.to_owned(),
        }
    }

    fn args(&self, definition: &Definition) -> Vec<String> {
        let folder = self.inside(REVISION, &self.plan.folder);
        let mut args = vec![self.inside(HARNESS, self.harness).join(HARNESS_FILE).display().to_string()];
        let mut say = |name: &str, value: String| args.extend([name.to_owned(), value]);
        match &definition.callable {
            Callable::Function { method } => {
                say("--function", format!("{method}:{}", folder.join(FUNCTION).display()));
            }
            Callable::Entrypoint { path } => say("--entrypoint", path.clone()),
            Callable::Image => {}
        }
        if let Some(method) = &definition.setup {
            say("--setup", format!("{method}:{}", folder.join(SETUP).display()));
        }
        match self.job {
            Some(job) => say("--result", self.inside(JOB, &job.folder).join(RESULT).display().to_string()),
            None => say("--socket", "{socket}".to_owned()),
        }
        if let Some(port) = definition.exposed_port {
            say("--app-port", port.to_string());
        }
        if let Some(port) = definition.metrics_port {
            say("--app-metrics-port", port.to_string());
        }
        args
    }

    /// The whole environment; secrets come last and win.
    fn env(&self) -> Vec<(String, String)> {
        let Plan { app, account, id, .. } = self.plan;
        let (key_id, key_secret) = self.key.split_once(':').unwrap_or_default();
        let bin = self.environment.root.join("bin");
        let mut env: BTreeMap<String, String> = [
            ("IS_ISOLATE_AGENT", "1".to_owned()),
            ("PYTHONUNBUFFERED", "1".to_owned()),
            ("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display())),
            ("VIRTUAL_ENV", self.environment.root.display().to_string()),
            ("LANG", "C.UTF-8".to_owned()),
            ("FAL_KEY", self.key.clone()),
            ("FAL_KEY_ID", key_id.to_owned()),
            ("FAL_KEY_SECRET", key_secret.to_owned()),
            ("FAL_APP_NAME", app.alias().to_owned()),
            ("FAL_APP_ID", id.clone()),
            ("FAL_USER_NICKNAME", account.to_string()),
            ("FAL_JOB_ID", self.runner.to_string()),
            ("FAL_REGION", "local".to_owned()),
            ("HF_HOME", format!("{}/.cache/huggingface", self.inside(DATA, self.volume).display())),
            ("FAL_USE_LOCAL_UPLOADER", "1".to_owned()),
            ("FAL_API_SOCKET", self.inside(UPLOADER, self.uploader).display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some(image) = &self.environment.image {
            env.retain(|name, _| !["PATH", "VIRTUAL_ENV", "LANG"].contains(&name.as_str()));
            for (name, value) in &image.env {
                env.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let trust = self.inside(HARNESS, self.harness).join(TRUST_FILE).display().to_string();
        let trusted = TRUST_VARIABLES.into_iter().chain([NODE_TRUST_VARIABLE]);
        env.extend(trusted.map(|name| (name.to_owned(), trust.clone())));
        env.extend(self.proxied());
        if matches!(self.walls, Walls::None) {
            // There is no `/app` of its own, so its modules are found by another way.
            env.insert("PYTHONPATH".into(), self.plan.folder.join(FILES).display().to_string());
            env.insert("FAL_PERSISTENT_DIR".into(), self.volume.display().to_string());
            env.insert("HOME".into(), self.volume.display().to_string());
        }
        env.extend(self.secrets.clone());
        env.into_iter().collect()
    }

    /// Calls of fal's names come back to this server. A runner with a network of its own is led there by its walls.
    fn proxied(&self) -> Vec<(String, String)> {
        let shares = match self.walls {
            Walls::None => true,
            Walls::Sandbox { network, .. } => network(&self.plan.app) == Network::All,
        };
        let Some(proxy) = self.proxy.filter(|_| shares) else { return Vec::new() };
        let direct = "localhost,127.0.0.1,::1";
        [("HTTPS_PROXY", proxy), ("https_proxy", proxy), ("NO_PROXY", direct), ("no_proxy", direct)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn confinement(&self) -> Confinement {
        let Walls::Sandbox { network, processes, scratch_bytes } = self.walls else { return Confinement::None };
        Confinement::Sandbox(Sandbox {
            binds: self.binds(),
            copies: match &self.environment.image {
                Some(_) => Vec::new(),
                None => vec![Copy { from: self.plan.folder.join(FILES), to: APP.into() }],
            },
            network: network(&self.plan.app),
            cpus: Some(self.plan.share.cpus),
            processes: *processes,
            scratch_bytes: *scratch_bytes,
            image: self.environment.image.as_ref().map(|image| self.rooted(&image.root)),
        })
    }

    fn binds(&self) -> Vec<Bind> {
        let bind = |from: &Path, to: &Path, writable| Bind { from: from.to_owned(), to: to.to_owned(), writable };
        let Environment { root, base, .. } = self.environment;
        // Scripts of an environment name their interpreter by its path, so both lie where they lie outside.
        let mut binds = match &self.environment.image {
            Some(_) => Vec::new(),
            None => vec![bind(root, root, false), bind(base, base, false)],
        };
        binds.push(bind(self.harness, Path::new(HARNESS), false));
        // Read-only is enough to connect; nobody may put another socket in its place.
        binds.extend(self.uploader.parent().map(|folder| bind(folder, Path::new(UPLOADER_FOLDER), false)));
        let payload = [
            (FUNCTION, matches!(self.plan.definition.callable, Callable::Function { .. })),
            (SETUP, self.plan.definition.setup.is_some()),
        ];
        let payload = payload.into_iter().filter(|(_, there)| *there);
        binds.extend(
            payload.map(|(name, _)| bind(&self.plan.folder.join(name), &Path::new(REVISION).join(name), false)),
        );
        if let Some(job) = self.job {
            binds.push(bind(&job.folder, Path::new(JOB), true));
        }
        let named = &self.plan.definition.data_mounts;
        let mounts = if named.is_empty() { vec![DATA.to_owned()] } else { named.clone() };
        binds.extend(mounts.iter().map(|mount| bind(self.volume, Path::new(mount), true)));
        binds
    }

    fn rooted(&self, root: &Path) -> Rooted {
        let definition = &self.plan.definition;
        let serves = definition.exposed_port.filter(|_| definition.callable == Callable::Image);
        Rooted { root: root.to_owned(), serves }
    }

    fn template(&self) -> Template {
        let key = format!("{}/{}", self.environment.id, self.plan.account);
        Template { key, imports: IMPORTS.map(ToOwned::to_owned).into(), late: vec![REVISION.into()] }
    }
}

fn health_check(health: &Health) -> HealthCheck {
    HealthCheck {
        method: if health.post { Method::POST } else { Method::GET },
        path: health.path.clone(),
        start_period: Duration::from_secs(health.start_period_secs.into()),
        timeout: Duration::from_secs(health.timeout_secs.into()),
        failure_threshold: health.failure_threshold,
        regularly: health.regularly,
    }
}

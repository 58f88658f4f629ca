//! A server from start to stop.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use tintype_domain::Clock;
use tintype_outbound::Policy;
use tintype_store::{Store, sqlite::SqliteStore};
use tokio::time::timeout;

use crate::{
    Options,
    assembly::{Assembled, Assembly, Stops, Tasks},
    key::FirstKey,
    listen,
    notice::Notice,
    port,
};

/// After the grace period, so long for answers to be written and connections to end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is not for an operator to say.
pub struct Surroundings {
    /// The program that is run again as a runner.
    pub program: PathBuf,
    pub clock: Arc<dyn Clock>,
}

/// A server that answers.
pub struct Server {
    url: String,
    address: SocketAddr,
    key: FirstKey,
    policy: Policy,
    models: Vec<String>,
    authority: String,
    stopping: Stopping,
}

struct Stopping {
    grace: Duration,
    stops: Stops,
    tasks: Tasks,
    store: Arc<SqliteStore>,
    notice: Notice,
}

impl Server {
    /// Starts everything; when this returns, the port answers.
    pub async fn start(options: Options, surroundings: Surroundings) -> anyhow::Result<Self> {
        options.validate()?;
        listen::raise_descriptor_limit();
        // The store first: it finds out whether another server uses the folder.
        let store = open_store(&options.data)?;
        let listeners = listen::bind(options.listen)?;
        let address = listeners[0].local_addr().context("could not read the address of the port")?;
        let url = listen::base_url(&options, address);
        let Surroundings { program, clock } = surroundings;
        let (tasks, stops, grace) = (Tasks::default(), Stops::default(), options.stop_grace);
        let assembly = Assembly {
            options,
            program,
            clock,
            store: Arc::clone(&store) as Arc<dyn Store>,
            tasks: tasks.clone(),
            stops: stops.clone(),
        };
        let Assembled { key, policy, models, authority, port } = assembly.assemble(&url).await?;
        port::serve(&Arc::new(port), listeners);
        let notice = Notice::publish(&assembly.options.data, &url, address, assembly.options.encrypted())?;
        let stopping = Stopping { grace, stops, tasks, store, notice };
        Ok(Self { url, address, key, policy, models, authority, stopping })
    }

    /// Where clients reach it, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The local key, `id:secret`.
    pub fn key(&self) -> &str {
        &self.key.whole
    }

    /// Whether the key was made at this start, which is when to show it.
    pub fn key_is_new(&self) -> bool {
        self.key.new
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Ids of the models that could answer when it started.
    pub fn models(&self) -> &[String] {
        &self.models
    }

    /// The certificate (PEM) of the server's own authority.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Takes no more work, lets what is under way end within the grace period, and hands the rest to the next start.
    pub async fn stop(self) {
        self.stopping.run().await;
    }
}

impl Stopping {
    async fn run(self) {
        let Self { grace, stops, tasks, store, notice } = self;
        let Tasks { front, dispatch, background } = tasks;
        drop(notice);
        stops.intake.cancel();
        for tracker in [&front, &dispatch, &background] {
            tracker.close();
        }
        // Dispatch keeps to the grace period by itself and then ends what is left.
        if timeout(grace + LAST_WORDS, dispatch.wait()).await.is_err() {
            tracing::warn!("dispatch did not stop within its grace period");
        }
        if timeout(LAST_WORDS, front.wait()).await.is_err() {
            tracing::info!("some connections were still open and are cut");
        }
        stops.support.cancel();
        let _ = timeout(LAST_WORDS, background.wait()).await;
        // Closing waits for the writer, which is a thread of its own.
        let _ = tokio::task::spawn_blocking(move || store.close()).await;
        tracing::info!("stopped");
    }
}

fn open_store(data: &Path) -> anyhow::Result<Arc<SqliteStore>> {
    let shown = || format!("could not make the data folder {}", data.display());
    crate::paths::private_dir(data).with_context(shown)?;
    Ok(Arc::new(tintype_store::sqlite::open(data)?))
}

//! `tintype serve`: the server, until it is told to stop.

use std::{env, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use tintype_server::{Options, Server, Surroundings, logging, options::PREFIX};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};

use super::welcome;
use crate::{args::ServeArgs, failure::Failure, print::line};

const SAME_KEYSTROKE: Duration = Duration::from_millis(500);

pub(crate) fn serve(args: ServeArgs) -> Result<ExitCode, Failure> {
    let variable = |name: &str| env::var(name).ok();
    let flag = |key: &str| args.flags.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
    let options = Options::read(flag, variable, args.config)?;
    logging::init(&options)?;
    warn_of_unknown_variables();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(until_told(options, args.welcome))?;
    // What is left are threads that wait for nothing in particular.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

async fn until_told(options: Options, welcomes: bool) -> anyhow::Result<()> {
    // Before anything is started: a signal that comes during the start must not leave it half done.
    let mut signals = Signals::listen()?;
    let program = env::current_exe().context("could not find out where this program lies")?;
    let data = options.data.clone();
    let server = Server::start(options, Surroundings { program, clock: Arc::new(tintype_server::SystemClock) }).await?;
    announce(&server);
    let welcome = welcomes.then(|| tokio::spawn(welcome::welcome(server.url().into(), server.key().into(), data)));
    signals.next().await;
    line("stopping: what is under way may end, what waits is kept for the next start (once more to stop at once)");
    if let Some(welcome) = welcome {
        welcome.abort();
    }
    tokio::select! {
        () = server.stop() => {}
        () = signals.again() => tracing::warn!("stopped at once; the next start recovers"),
    }
    Ok(())
}

fn announce(server: &Server) {
    let (url, models) = (server.url(), server.models().join(", "));
    tracing::info!("ready: {url} (models: {models})");
    let policy = server.policy();
    tracing::info!(
        "leaves this machine: downloads of inputs to {}; webhooks to {}",
        policy.downloads,
        policy.deliveries
    );
    if server.key_is_new() {
        // Not through the log: logs are kept and copied.
        line(&format!(
            "\nThe key of this server, shown this once (the command line of this user finds it by itself):\n\n    FAL_KEY={}\n",
            server.key()
        ));
    }
}

/// SIGINT and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("could not listen for signals");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// A second signal that a person sent: some wrappers pass one Ctrl-C on twice.
    async fn again(&mut self) {
        let first = Instant::now();
        loop {
            self.next().await;
            if first.elapsed() > SAME_KEYSTROKE {
                return;
            }
        }
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// A variable with a typing error would otherwise say nothing.
fn warn_of_unknown_variables() {
    let settings = tintype_server::options::SETTINGS;
    let elsewhere = ["TINTYPE_CONFIG", "TINTYPE_URL", "TINTYPE_BIN"];
    let known = |name: &str| elsewhere.contains(&name) || settings.iter().any(|setting| setting.variable() == name);
    for (name, _) in env::vars_os() {
        if let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX) && !known(name)) {
            tracing::warn!("there is no setting for the environment variable {name}");
        }
    }
}

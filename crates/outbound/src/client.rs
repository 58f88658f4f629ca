//! The two clients, one for each reach.

use std::{
    error::Error as _,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{Client, redirect};
use tokio::sync::Semaphore;

use crate::{Policy, Reach, Refusal, resolve::Guard};

/// Downloads held in memory at one time.
const CONCURRENT_DOWNLOADS: usize = 32;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_CONNECTION: Duration = Duration::from_secs(15);

/// The door. A cheap handle: clone it.
#[derive(Clone)]
pub struct Outbound {
    pub(crate) downloads: Arc<Side>,
    pub(crate) deliveries: Arc<Side>,
    pub(crate) permits: Arc<Semaphore>,
}

/// A reach and the client that keeps to it. The client is made when it is first needed: reading the machine's
/// certificates takes time that a start-up should not pay for.
pub(crate) struct Side {
    pub(crate) reach: Arc<Reach>,
    client: OnceLock<Option<Client>>,
}

impl Outbound {
    pub fn new(policy: Policy) -> Self {
        Self {
            downloads: Arc::new(Side::new(policy.downloads)),
            deliveries: Arc::new(Side::new(policy.deliveries)),
            permits: Arc::new(Semaphore::new(CONCURRENT_DOWNLOADS)),
        }
    }

    /// What goes where, for the operator.
    pub fn policy(&self) -> Policy {
        Policy { downloads: Reach::clone(&self.downloads.reach), deliveries: Reach::clone(&self.deliveries.reach) }
    }
}

impl Side {
    fn new(reach: Reach) -> Self {
        Self { reach: Arc::new(reach), client: OnceLock::new() }
    }

    /// `None`: this machine's TLS set-up is unusable.
    pub(crate) fn client(&self) -> Option<&Client> {
        self.client.get_or_init(|| build(&self.reach)).as_ref()
    }
}

/// A machine without certificates can still speak plain HTTP; HTTPS then fails at the handshake.
fn build(reach: &Arc<Reach>) -> Option<Client> {
    // Fails when the process has chosen its provider already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let warn = |error: &reqwest::Error| {
        tracing::warn!(error = %chain(error), "this machine's certificates are unusable: no HTTPS server can be verified");
    };
    let built = settings(reach).build().inspect_err(warn);
    built.or_else(|_| settings(reach).tls_certs_only([]).build()).ok()
}

fn settings(reach: &Arc<Reach>) -> reqwest::ClientBuilder {
    Client::builder()
        .dns_resolver(Guard(Arc::clone(reach)))
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(8)
        .user_agent(concat!("tintype/", env!("CARGO_PKG_VERSION")))
}

/// The refusal inside an error of the client, if that is what it was.
pub(crate) fn refusal_in(error: &reqwest::Error) -> Option<Refusal> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(refusal) = inner.downcast_ref::<Refusal>() {
            return Some(refusal.clone());
        }
        cause = inner.source();
    }
    None
}

/// An error with all its causes, without the URL: its query may hold a secret.
pub(crate) fn chain(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    if causes.is_empty() { "the connection failed".to_owned() } else { causes.join(": ") }
}

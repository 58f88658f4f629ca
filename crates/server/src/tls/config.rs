//! The TLS side of the port: which certificate for which name, renewed while the server runs.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::ring::{Ticketer, default_provider, sign::any_supported_type},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tintype_domain::Clock;
use tokio_util::sync::CancellationToken;

use super::{Authority, AuthorityError, Names, authority::Leaves};

const RENEWED_EVERY: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("could not read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} holds no usable PEM: expected {expected}")]
    Pem { path: PathBuf, expected: &'static str },
    #[error("TLS refuses the certificate or its key")]
    Refused(#[from] rustls::Error),
}

/// Picks the certificate: the operator's for the operator's names, that of the own authority for the rest.
pub(crate) struct Certificates {
    authority: Authority,
    clock: Arc<dyn Clock>,
    leaves: RwLock<Leaves>,
    given: Option<Arc<CertifiedKey>>,
}

impl Certificates {
    pub(crate) fn open(
        authority: Authority,
        clock: Arc<dyn Clock>,
        given: Option<(&Path, &Path)>,
    ) -> Result<Arc<Self>, ConfigError> {
        let leaves = RwLock::new(authority.issue(clock.now())?);
        let given = given.map(|(chain, key)| read_pair(chain, key)).transpose()?.map(Arc::new);
        Ok(Arc::new(Self { authority, clock, leaves, given }))
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(crate) fn server_config(self: &Arc<Self>) -> Result<ServerConfig, ConfigError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = Ticketer::new()?;
        // A ticket is sent behind the handshake, unasked. A client that reads on one thread and writes on another (Python's
        // synchronous WebSocket) then works on one connection from both at once, and now and then loses what it wrote.
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// Issues a new certificate every week, until stopped.
    pub(crate) async fn renew(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(RENEWED_EVERY)).await.is_some() {
            match self.authority.issue(self.clock.now()) {
                Ok(leaves) => *self.leaves.write().unwrap_or_else(PoisonError::into_inner) = leaves,
                Err(error) => tracing::error!(%error, "could not renew the certificate of this server"),
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name();
        if let Some(given) = self.given.as_ref().filter(|_| !name.is_some_and(Names::impersonates)) {
            return Some(Arc::clone(given));
        }
        let leaves = self.leaves.read().unwrap_or_else(PoisonError::into_inner);
        // A caller who uses an address sends no name.
        Some(Arc::clone(if name.is_some() { &leaves.named } else { &leaves.addressed }))
    }
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificates")
    }
}

fn read_pair(chain: &Path, key: &Path) -> Result<CertifiedKey, ConfigError> {
    let read = |path: &Path| fs::read(path).map_err(|source| ConfigError::Read { path: path.into(), source });
    let pem = |path: &Path, expected| ConfigError::Pem { path: path.into(), expected };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&read(chain)?)
        .collect::<Result<_, _>>()
        .map_err(|_| pem(chain, "a certificate chain"))?;
    if certificates.is_empty() {
        return Err(pem(chain, "a certificate chain"));
    }
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| pem(key, "a private key"))?;
    let pair = CertifiedKey::new(certificates, any_supported_type(&private)?);
    pair.keys_match()?;
    Ok(pair)
}

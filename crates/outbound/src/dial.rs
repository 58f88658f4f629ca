//! Plain connections under the same rules, for those who speak for themselves: the way out of deployed apps.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{net::TcpStream, sync::Semaphore, time::timeout};

use crate::{Reach, Refusal, resolve::permitted};

const PATIENCE: Duration = Duration::from_secs(15);
/// Each look-up holds one of the threads that wait for disks and databases too: apps must not occupy all of them.
static LOOKUPS: Semaphore = Semaphore::const_new(64);

#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the name `{host}` is not known")]
    Unknown { host: String, source: io::Error },
    #[error("`{host}` could not be reached")]
    Unreachable { host: String, source: io::Error },
}

/// Connects to `host`, a name or an address, at one of its addresses that are permitted.
pub async fn dial(reach: &Reach, host: &str, port: u16) -> Result<TcpStream, DialError> {
    let addresses: Vec<_> = lookup(reach, host).await?.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
    let connected = timeout(PATIENCE, TcpStream::connect(addresses.as_slice())).await;
    let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let stream = connected.map_err(|source| DialError::Unreachable { host: short(host), source })?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The addresses of `host` that are permitted; at least one.
pub async fn lookup(reach: &Reach, host: &str) -> Result<Vec<IpAddr>, DialError> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let found = match host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, 0)],
        Err(_) => ask(host).await.map_err(|source| DialError::Unknown { host: short(host), source })?,
    };
    Ok(permitted(reach, host, found)?.into_iter().map(|address| address.ip()).collect())
}

async fn ask(host: &str) -> io::Result<Vec<SocketAddr>> {
    let host = host.to_owned();
    let asking = async {
        let place = LOOKUPS.acquire().await.map_err(io::Error::other)?;
        // A task of its own: a name server that is silent holds a thread for longer than anybody waits here, and the
        // place with it.
        let asked = tokio::spawn(async move {
            let _place = place;
            tokio::net::lookup_host((host, 0)).await.map(Iterator::collect::<Vec<_>>)
        });
        asked.await.map_err(io::Error::other)?
    };
    let found = timeout(PATIENCE, asking).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    if found.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(found) }
}

/// What is shown of a name that somebody else chose.
fn short(host: &str) -> String {
    host.chars().take(255).collect()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_inner_address_is_refused_in_every_spelling() {
        for host in ["127.0.0.1", "[::1]", "::ffff:10.0.0.1", "169.254.169.254", "localhost"] {
            let refused = dial(&Reach::PUBLIC, host, 80).await;
            assert!(matches!(refused, Err(DialError::Refused(_))), "{host}: {refused:?}");
        }
    }

    #[tokio::test]
    async fn what_is_permitted_is_connected_to() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let reach = Reach { loopback: true, ..Reach::NOWHERE };
        assert!(dial(&reach, "localhost", listener.local_addr().unwrap().port()).await.is_ok());
        let gone = dial(&reach, "127.0.0.1", 1).await;
        assert!(matches!(gone, Err(DialError::Unreachable { .. })), "{gone:?}");
    }
}

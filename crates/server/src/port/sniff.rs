//! What a connection speaks, by its first byte: a TLS handshake begins with 22, HTTP with a letter.

use std::{net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{Io, Origin, Port, http, rewind::Rewind};

const TLS_HANDSHAKE: u8 = 22;
/// A caller that opens a connection and says nothing is let go.
const SILENCE: Duration = Duration::from_secs(60);
const HANDSHAKE: Duration = Duration::from_secs(15);

const TLS_NEEDED: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n\
    x-fal-error-type: bad_request\r\ncontent-length: 117\r\n\r\n\
    {\"detail\":\"this server answers callers from other machines over TLS alone: use https\",\"error_type\":\"bad_request\"}\n   ";

/// Serves one connection to its end. Boxed, because what comes through a tunnel begins here again.
pub(super) fn connection<I: Io>(port: Arc<Port>, io: I, peer: SocketAddr) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(sniff(port, io, peer))
}

async fn sniff<I: Io>(port: Arc<Port>, mut io: I, peer: SocketAddr) {
    let Ok(Ok(first)) = timeout(SILENCE, io.read_u8()).await else { return };
    let io = Rewind::new(first, io);
    if first == TLS_HANDSHAKE {
        match timeout(HANDSHAKE, port.tls.accept(io)).await {
            Ok(Ok(stream)) => http::serve(port, stream, Origin { peer, encrypted: true }).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    } else if port.require_tls && !peer.ip().to_canonical().is_loopback() {
        refuse(io).await;
    } else {
        http::serve(port, io, Origin { peer, encrypted: false }).await;
    }
}

async fn refuse(mut io: impl Io) {
    // The caller may be gone already.
    let _ = io.write_all(TLS_NEEDED).await;
    let _ = io.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canned_refusal_is_as_long_as_it_says() {
        let text = std::str::from_utf8(TLS_NEEDED).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
    }
}

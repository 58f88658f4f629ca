//! Connections of a runner to the server's proxy.

use std::{io, net::SocketAddr, path::Path, path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
};

use crate::local::crowd::Crowd;

const BREATH: Duration = Duration::from_millis(100);
const LONGEST_HEAD: usize = 4096;

/// How a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// By a program that knows that it speaks to a proxy.
    Told,
    /// By one that means to speak to somebody in the world.
    Untold,
}

pub(super) async fn accept(listener: TcpListener, proxy: &Path, kind: Kind) {
    let mut open = Crowd::default();
    loop {
        open.room().await;
        match listener.accept().await {
            Ok((near, _)) => {
                let proxy = proxy.to_owned();
                // Either side may hang up at any time.
                open.admit(async move { drop(join(near, proxy, kind).await) });
            }
            Err(error) => {
                tracing::debug!(%error, "could not accept a connection of a runner");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn join(mut near: TcpStream, proxy: PathBuf, kind: Kind) -> io::Result<()> {
    near.set_nodelay(true)?;
    let mut far = UnixStream::connect(proxy).await?;
    if kind == Kind::Untold {
        // Where it arrived is where it was sent to.
        let meant = near.local_addr()?;
        if let Err(refusal) = ask(&mut far, meant).await? {
            // Who speaks plain HTTP can read why.
            if meant.port() == 80 {
                near.write_all(&refusal).await?;
                copy_bidirectional(&mut near, &mut far).await?;
            }
            return Ok(());
        }
    }
    copy_bidirectional(&mut near, &mut far).await.map(drop)
}

/// Asks the proxy for a tunnel. What it says instead is returned.
async fn ask(proxy: &mut UnixStream, target: SocketAddr) -> io::Result<Result<(), Vec<u8>>> {
    proxy.write_all(format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n").as_bytes()).await?;
    let mut head = Vec::new();
    // Byte by byte: what follows the head belongs to the tunnel.
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST_HEAD {
        head.push(proxy.read_u8().await?);
    }
    let accepted = head.starts_with(b"HTTP/1.1 2");
    Ok(if accepted { Ok(()) } else { Err(head) })
}

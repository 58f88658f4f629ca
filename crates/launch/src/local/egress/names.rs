//! Questions for names: carried to the proxy as they are, in the form of DNS over HTTP.

use std::{io, net::SocketAddr, path::Path, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UdpSocket, UnixStream},
    task::JoinSet,
    time::timeout,
};

/// A question is short; so is an answer that fits into one datagram.
const LONGEST: usize = 1232;
const LONGEST_REPLY: u64 = 8192;
const MOST: usize = 64;
const PATIENCE: Duration = Duration::from_secs(10);
const BREATH: Duration = Duration::from_millis(100);

pub(super) async fn answer(socket: UdpSocket, proxy: &Path) {
    let socket = Arc::new(socket);
    let mut open = JoinSet::new();
    let mut question = [0; LONGEST];
    loop {
        while open.len() >= MOST {
            open.join_next().await;
        }
        while open.try_join_next().is_some() {}
        match socket.recv_from(&mut question).await {
            Ok((length, from)) => {
                let work = reply(Arc::clone(&socket), question[..length].to_vec(), from, proxy.to_owned());
                open.spawn(timeout(PATIENCE, work));
            }
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}

async fn reply(socket: Arc<UdpSocket>, question: Vec<u8>, from: SocketAddr, proxy: PathBuf) -> io::Result<()> {
    let mut far = UnixStream::connect(proxy).await?;
    let head = format!(
        "POST /dns-query HTTP/1.1\r\nhost: names\r\ncontent-type: application/dns-message\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        question.len()
    );
    far.write_all(head.as_bytes()).await?;
    far.write_all(&question).await?;
    let mut answer = Vec::new();
    far.take(LONGEST_REPLY).read_to_end(&mut answer).await?;
    let ends = answer.windows(4).position(|window| window == b"\r\n\r\n");
    match ends {
        Some(at) if answer.starts_with(b"HTTP/1.1 200") => socket.send_to(&answer[at + 4..], from).await.map(drop),
        // Silence would be asked again and again; but there is nothing true to say.
        _ => Ok(()),
    }
}

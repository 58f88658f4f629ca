//! Bytes to and from a process, until it ends or nobody listens.

use std::{io, os::fd::OwnedFd, os::unix::process::ExitStatusExt, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, unix::AsyncFd},
    process::{Child, ChildStdin},
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};

use super::resize;
use crate::{Input, Output, Session, local::spawn::kill_group};

const PIECES: usize = 64;
const PIECE: usize = 16 * 1024;
/// Something that left the process' group may hold its output open for ever.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// What a terminal reads as the end of input.
const END: &[u8] = b"\x04";

type Terminal = Arc<AsyncFd<OwnedFd>>;

pub(super) fn session(mut child: Child, terminal: Option<OwnedFd>) -> Session {
    let (input, asked) = mpsc::channel(PIECES);
    let (sink, output) = mpsc::channel(PIECES);
    let mut readers = JoinSet::new();
    let terminal = terminal.and_then(open_terminal);
    if let Some(terminal) = &terminal {
        readers.spawn(read_terminal(Arc::clone(terminal), sink.clone()));
    }
    child.stdout.take().map(|stream| readers.spawn(read(stream, Output::Stdout, sink.clone())));
    child.stderr.take().map(|stream| readers.spawn(read(stream, Output::Stderr, sink.clone())));
    let stdin = child.stdin.take();
    tokio::spawn(async move {
        let writer = async {
            match terminal {
                Some(terminal) => write_terminal(&terminal, asked).await,
                None => write(stdin, asked).await,
            }
            // The end of input is not the end of the process.
            std::future::pending::<()>().await;
        };
        let code = tokio::select! {
            code = end(&mut child) => code,
            () = writer => 0,
            () = sink.closed() => {
                if let Some(group) = child.id() {
                    kill_group(group);
                }
                end(&mut child).await
            }
        };
        let _ = timeout(LAST_WORDS, async { while readers.join_next().await.is_some() {} }).await;
        readers.shutdown().await;
        let _ = sink.send(Output::Exited(code)).await;
    });
    Session { input, output }
}

/// Waits for the end, and takes what it started along.
async fn end(child: &mut Child) -> i32 {
    let group = child.id();
    let status = child.wait().await;
    if let Some(group) = group {
        kill_group(group);
    }
    status.ok().map_or(1, |status| status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
}

async fn read(mut stream: impl AsyncRead + Unpin, kind: fn(Vec<u8>) -> Output, sink: mpsc::Sender<Output>) {
    let mut buffer = vec![0; PIECE];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        if sink.send(kind(buffer[..length].to_vec())).await.is_err() {
            return;
        }
    }
}

async fn write(mut stdin: Option<ChildStdin>, mut asked: mpsc::Receiver<Input>) {
    while let Some(input) = asked.recv().await {
        match (input, &mut stdin) {
            (Input::Data(bytes), Some(open)) => {
                // It reads no more; what it writes is still wanted.
                if open.write_all(&bytes).await.is_err() {
                    stdin = None;
                }
            }
            (Input::Close, _) => stdin = None,
            (Input::Data(_) | Input::Resize { .. }, _) => {}
        }
    }
}

#[expect(unsafe_code, reason = "tokio asks for a promise about the descriptor")]
fn open_terminal(terminal: OwnedFd) -> Option<Terminal> {
    rustix::io::ioctl_fionbio(&terminal, true).ok()?;
    // SAFETY: the registration owns the descriptor, which is open until the registration is dropped.
    unsafe { AsyncFd::register(terminal) }.ok().map(Arc::new)
}

async fn read_terminal(terminal: Terminal, sink: mpsc::Sender<Output>) {
    let mut buffer = vec![0; PIECE];
    while let Ok(mut ready) = terminal.readable().await {
        match ready.try_io(|terminal| rustix::io::read(terminal.get_ref(), &mut buffer).map_err(io::Error::from)) {
            Ok(Ok(length @ 1..)) if sink.send(Output::Stdout(buffer[..length].to_vec())).await.is_ok() => {}
            Err(_would_block) => {}
            // The last process that held the far end is gone.
            Ok(_) => return,
        }
    }
}

async fn write_terminal(terminal: &Terminal, mut asked: mpsc::Receiver<Input>) {
    while let Some(input) = asked.recv().await {
        match input {
            Input::Data(bytes) => write_all(terminal, &bytes).await,
            Input::Close => write_all(terminal, END).await,
            Input::Resize { rows, columns } => resize(terminal.get_ref(), rows, columns),
        }
    }
}

async fn write_all(terminal: &Terminal, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let Ok(mut ready) = terminal.writable().await else { return };
        match ready.try_io(|terminal| rustix::io::write(terminal.get_ref(), bytes).map_err(io::Error::from)) {
            Ok(Ok(written)) => bytes = &bytes[written..],
            Err(_would_block) => {}
            Ok(Err(_)) => return,
        }
    }
}

//! A runner's process as its supervisor sees it: a child of this process, or of a shepherd.

use std::{
    fs::{self, File},
    io::{self, Cursor},
    os::{
        fd::OwnedFd,
        unix::{
            net::{UnixListener, UnixStream},
            process::ExitStatusExt,
        },
    },
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{
        UnixStream as Line,
        unix::{OwnedReadHalf, OwnedWriteHalf, pipe},
    },
    process::Child,
    sync::oneshot,
};

use super::spawn::{Program, Spawner, kill_group, set_free};
use crate::{
    Shepherds,
    shepherd::{
        Plan,
        words::{self, EXITED, Heard, Hello, Order},
    },
};

/// For a shepherd to say its first word, which it does before anything else. A server that starts waits for it.
const PATIENCE: Duration = Duration::from_secs(10);
const KILLED: i32 = 9;

pub(super) type Stream = Box<dyn AsyncRead + Send + Sync + Unpin>;

/// Ends with its owner, unless it has a shepherd that was told to keep it and this whole process dies.
pub(super) struct Process {
    pid: u32,
    pub(super) streams: [Option<Stream>; 2],
    /// Bytes of output that were dropped before anybody here listened.
    pub(super) lost: u64,
    body: Body,
}

enum Body {
    Child(Child),
    Tended(Tended),
}

struct Tended {
    line: OwnedWriteHalf,
    exit: oneshot::Receiver<ExitStatus>,
    /// Once it was heard.
    status: Option<ExitStatus>,
    socket: PathBuf,
}

impl Process {
    pub(super) fn of(mut child: Child) -> Self {
        let out = child.stdout.take().map(|stream| Box::new(stream) as Stream);
        let err = child.stderr.take().map(|stream| Box::new(stream) as Stream);
        Self { pid: child.id().unwrap_or(0), streams: [out, err], lost: 0, body: Body::Child(child) }
    }

    /// Starts a shepherd that listens at `socket`, and the program under it.
    pub(super) async fn tended(
        shepherds: &Shepherds,
        spawner: &Spawner,
        mut program: Program,
        socket: PathBuf,
    ) -> io::Result<Self> {
        if let Some(folder) = socket.parent() {
            fs::create_dir_all(folder)?;
        }
        let _ = fs::remove_file(&socket);
        let listener = OwnedFd::from(UnixListener::bind(&socket)?);
        let plan = Plan::new(&program, &listener, socket.clone()).write()?;
        let mut command = Command::new(&shepherds.program);
        command.args(&shepherds.args);
        let mut inherited = std::mem::take(&mut program.inherited);
        inherited.extend(program.groups.drain(..).map(Arc::new));
        inherited.push(Arc::new(listener));
        let begun = spawner.run(move || set_free(command, plan, inherited)).await.flatten();
        let mut shepherd = begun.inspect_err(|_| _ = fs::remove_file(&socket))?;
        // So that nothing is left of it once it ends.
        tokio::spawn(async move { shepherd.wait().await });
        let (process, hello) = Self::join(socket).await?;
        match hello.error {
            Some(0) => Err(io::Error::other("its shepherd could not start it")),
            Some(error) => Err(io::Error::from_raw_os_error(error)),
            None => Ok(process),
        }
    }

    /// Becomes the server of the shepherd that listens at `socket`.
    pub(super) async fn join(socket: PathBuf) -> io::Result<(Self, Hello)> {
        let path = socket.clone();
        let heard = tokio::task::spawn_blocking(move || greeting(&path)).await.map_err(io::Error::other)?;
        let (line, Heard { hello, held: [out, err], streams: [stdout, stderr] }) = heard?;
        let (read, write) = Line::from_std(line)?.into_split();
        let (told, exit) = oneshot::channel();
        match hello.exit {
            Some(status) => _ = told.send(ExitStatus::from_raw(status)),
            None => _ = tokio::spawn(await_exit(read, told)),
        }
        let tended = Tended { line: write, exit, status: None, socket };
        let streams = [stream(out, stdout)?, stream(err, stderr)?].map(Some);
        Ok((Self { pid: hello.pid, streams, lost: hello.lost, body: Body::Tended(tended) }, hello))
    }

    /// Stays its number as long as this lives.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn is_tended(&self) -> bool {
        matches!(self.body, Body::Tended(_))
    }

    /// May be dropped and begun again.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        match &mut self.body {
            Body::Child(child) => child.wait().await,
            Body::Tended(tended) => {
                if let Some(status) = tended.status {
                    return Ok(status);
                }
                // Without its shepherd it is dead: the kernel sees to that.
                let status = (&mut tended.exit).await.unwrap_or(ExitStatus::from_raw(KILLED));
                tended.status = Some(status);
                Ok(status)
            }
        }
    }

    pub(super) fn is_alive(&mut self) -> bool {
        match &mut self.body {
            Body::Child(child) => matches!(child.try_wait(), Ok(None)),
            Body::Tended(tended) => {
                if tended.status.is_none() {
                    tended.status = match tended.exit.try_recv() {
                        Ok(status) => Some(status),
                        Err(oneshot::error::TryRecvError::Empty) => None,
                        Err(oneshot::error::TryRecvError::Closed) => Some(ExitStatus::from_raw(KILLED)),
                    };
                }
                tended.status.is_none()
            }
        }
    }

    /// From now on it outlives this process by `patience`, and the next server finds `record`.
    pub(super) async fn keep(&mut self, patience: Duration, record: String) -> io::Result<()> {
        self.order(Order::Keep { patience, record }).await
    }

    /// From now on it ends with this process.
    pub(super) async fn let_go(&mut self) {
        // A shepherd that does not hear is gone, and the runner with it.
        let _ = self.order(Order::Drop).await;
    }

    async fn order(&mut self, order: Order) -> io::Result<()> {
        match &mut self.body {
            Body::Child(_) => Ok(()),
            Body::Tended(tended) => tended.line.write_all(&words::order(&order)).await,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A child is killed with its handle.
        if let Body::Tended(tended) = &self.body {
            let _ = tended.line.try_write(&words::order(&Order::Drop));
            kill_group(self.pid);
            let _ = fs::remove_file(&tended.socket);
        }
    }
}

fn greeting(socket: &Path) -> io::Result<(UnixStream, Heard)> {
    let line = UnixStream::connect(socket)?;
    line.set_read_timeout(Some(PATIENCE))?;
    let heard = words::hear(&line)?;
    line.set_nonblocking(true)?;
    Ok((line, heard))
}

async fn await_exit(mut line: OwnedReadHalf, told: oneshot::Sender<ExitStatus>) {
    let mut word = [0; 5];
    if line.read_exact(&mut word).await.is_ok() && word[0] == EXITED {
        let [_, status @ ..] = word;
        // Perhaps nobody wants to know any more.
        let _ = told.send(ExitStatus::from_raw(i32::from_be_bytes(status)));
    }
}

/// What was held, and then what comes.
fn stream(held: Vec<u8>, live: OwnedFd) -> io::Result<Stream> {
    let live = pipe::Receiver::from_file(File::from(live))?;
    Ok(Box::new(Cursor::new(held).chain(live)))
}

//! Everything that must be there before a runner is started.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tintype_programs::Sandboxing;

use super::{
    LocalLauncher,
    cgroup::{Group, Limits},
    gpu::{Lease, Short},
    sandbox::{self, RUN, Scratch, Signs, Within},
    spawn::Program,
    supervise::Settled,
};
use crate::{Address, Command, Confinement, Network, Sandbox, Start, StartError};

/// `sockaddr_un` holds 108 bytes, the last of them a zero.
const LONGEST_SOCKET_PATH: usize = 107;
pub(super) const SOCKET: &str = "http.sock";

pub(super) struct Prepared {
    pub(super) address: Address,
    pub(super) program: Program,
    pub(super) keep: Keep,
}

/// What a runner needs as long as it lives. The order is that of the end: the group is empty before the files go.
#[derive(Default)]
pub(super) struct Keep {
    pub(super) walls: Option<Walls>,
    pub(super) group: Option<Arc<Group>>,
    pub(super) scratch: Option<Arc<Scratch>>,
    pub(super) limits: KeptLimits,
    pub(super) gpus: Option<Lease>,
}

pub(super) enum Walls {
    Begun {
        signs: Signs,
        /// The socket of the proxy, for those who have a way out.
        proxy: Option<PathBuf>,
    },
    Made(Settled),
    /// Made for an earlier server: what it served inside is to be served again.
    Standing {
        first: u32,
        proxy: Option<PathBuf>,
    },
}

/// What is watched from here, because nothing else holds it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct KeptLimits {
    pub(super) scratch_bytes: Option<u64>,
    pub(super) processes: Option<u32>,
    pub(super) memory_bytes: Option<u64>,
}

impl LocalLauncher {
    pub(super) async fn prepare(&self, start: &mut Start) -> Result<Prepared, StartError> {
        let lease = self.lend(start)?;
        let confinement = std::mem::take(&mut start.command.confinement);
        match confinement {
            Confinement::None => self.unconfined(start, lease),
            Confinement::Sandbox(sandbox) => {
                let prepared = self.confined(start, &sandbox, lease).await;
                start.command.confinement = Confinement::Sandbox(sandbox);
                prepared
            }
        }
    }

    fn lend(&self, start: &Start) -> Result<Lease, StartError> {
        let (runner, wanted) = (start.runner.clone(), start.command.gpus);
        self.gpus.lend(wanted).map_err(|short| match short {
            Short::Never { present } => StartError::TooFewGpus { runner, wanted, present },
            Short::Now { free, present } => StartError::GpusBusy { runner, wanted, free, present },
        })
    }

    fn unconfined(&self, start: &mut Start, lease: Lease) -> Result<Prepared, StartError> {
        let socket = self.run_dir.join(format!("{}.sock", start.runner));
        fs::create_dir_all(&self.run_dir).map_err(|source| spawn_error(start, source))?;
        let address = bind(start, &socket, &socket)?;
        start.command.env.extend(lease.variables(false));
        let limits = KeptLimits { memory_bytes: start.memory_limit_bytes, ..KeptLimits::default() };
        let keep = Keep { limits, gpus: Some(lease), ..Keep::default() };
        Ok(Prepared { address, program: plain(&start.command), keep })
    }

    async fn confined(&self, start: &mut Start, sandbox: &Sandbox, lease: Lease) -> Result<Prepared, StartError> {
        let bubblewrap = self.bubblewrap(start)?;
        let run = self.run_dir.join(start.runner.to_string());
        if bubblewrap.is_none() && sandbox.image.is_some() {
            let text =
                "a container image runs only in a sandbox, and this server makes none: `tintype doctor` tells why";
            return Err(spawn_error(start, io::Error::new(io::ErrorKind::Unsupported, text)));
        }
        let scratch = self.scratch(start, sandbox, &run).await?;
        let inside = if bubblewrap.is_some() { Path::new(RUN) } else { run.as_path() };
        let address = bind(start, &run.join(SOCKET), &inside.join(SOCKET))?;
        if bubblewrap.is_some() && matches!(address, Address::Tcp(_)) && sandbox.network != Network::All {
            let text = "a sandboxed runner has a network of its own: it is reached by its socket, not by a port";
            return Err(spawn_error(start, io::Error::new(io::ErrorKind::InvalidInput, text)));
        }
        start.command.env.extend(lease.variables(bubblewrap.is_some()));
        let group = self.group(start, sandbox)?;
        let mut within = Within::new(&scratch, lease.devices());
        let (mut program, walls) = if let Some(bubblewrap) = bubblewrap {
            start.command.env = sandbox::environment(&start.command, sandbox);
            self.walled(&bubblewrap, start, sandbox, within)?
        } else {
            within.devices.clear();
            start.command = sandbox::plain(&start.command, sandbox, &within);
            (plain(&start.command), None)
        };
        if let Some(group) = &group {
            program.groups = group.doors().map_err(|source| spawn_error(start, source))?;
        }
        let limits = self.watched(start, sandbox, group.is_some());
        let keep = Keep { walls, group, scratch: Some(scratch), limits, gpus: Some(lease) };
        Ok(Prepared { address, program, keep })
    }

    /// `None`: no walls, and that is allowed.
    fn bubblewrap(&self, start: &Start) -> Result<Option<PathBuf>, StartError> {
        match (self.sandboxing, self.sandboxing == Sandboxing::Off) {
            (_, true) => Ok(None),
            (sandboxing, false) => match (&self.machine().bubblewrap, sandboxing) {
                (Ok(program), _) => Ok(Some(program.clone())),
                (Err(_), Sandboxing::Auto) => Ok(None),
                (Err(obstacle), _) => {
                    let (runner, obstacle) = (start.runner.clone(), obstacle.clone());
                    Err(StartError::NoSandbox { runner, problem: obstacle.problem, advice: obstacle.advice })
                }
            },
        }
    }

    async fn scratch(&self, start: &Start, sandbox: &Sandbox, run: &Path) -> Result<Arc<Scratch>, StartError> {
        let (root, run, copies) = (self.scratch.join(start.runner.to_string()), run.to_owned(), sandbox.copies.clone());
        let made = tokio::task::spawn_blocking(move || Scratch::make(root, run, &copies)).await;
        let made = made.map_err(io::Error::other).flatten();
        made.map(Arc::new).map_err(|source| spawn_error(start, source))
    }

    fn group(&self, start: &Start, sandbox: &Sandbox) -> Result<Option<Arc<Group>>, StartError> {
        let limits =
            Limits { memory: start.memory_limit_bytes, cpus: sandbox.cpus, processes: Some(sandbox.processes) };
        let name = format!("tintype-{}-{}", std::process::id(), start.runner);
        let group = self.machine().cgroups.make(&name, limits);
        group.map(|made| made.map(Arc::new)).map_err(|source| spawn_error(start, source))
    }

    fn walled(
        &self,
        bubblewrap: &Path,
        start: &Start,
        sandbox: &Sandbox,
        within: Within,
    ) -> Result<(Program, Option<Walls>), StartError> {
        let (system, etc) = (&self.machine().system, self.run_dir.join("etc"));
        let walled = sandbox::walled(bubblewrap, &start.command, sandbox, system, within, &etc);
        let sandbox::Walled { program, signs } = walled.map_err(|source| spawn_error(start, source))?;
        Ok((program, Some(Walls::Begun { signs, proxy: proxy(sandbox) })))
    }

    fn watched(&self, start: &Start, sandbox: &Sandbox, grouped: bool) -> KeptLimits {
        let cgroups = &self.machine().cgroups;
        KeptLimits {
            scratch_bytes: Some(sandbox.scratch_bytes),
            processes: (!grouped || !cgroups.holds_processes()).then_some(sandbox.processes),
            memory_bytes: start.memory_limit_bytes.filter(|_| !grouped || !cgroups.holds_memory()),
        }
    }
}

/// The socket by which those leave who may.
pub(super) fn proxy(sandbox: &Sandbox) -> Option<PathBuf> {
    match &sandbox.network {
        Network::Internet { proxy } => Some(proxy.clone()),
        Network::None | Network::All => None,
    }
}

/// Puts the address into the arguments. `inside` is where the runner sees the socket that lies at `socket`.
pub(super) fn bind(start: &mut Start, socket: &Path, inside: &Path) -> Result<Address, StartError> {
    let mentions = |mark: &str| start.command.args.iter().any(|arg| arg.contains(mark));
    let (mark, text, address) = if mentions("{port}") {
        let address = free_port().map_err(|source| spawn_error(start, source))?;
        ("{port}", address.port().to_string(), Address::Tcp(address))
    } else {
        let length = socket.as_os_str().len();
        if length > LONGEST_SOCKET_PATH {
            return Err(StartError::SocketPath { path: socket.display().to_string(), length });
        }
        ("{socket}", inside.display().to_string(), Address::Unix(socket.to_owned()))
    };
    for arg in &mut start.command.args {
        *arg = arg.replace(mark, &text);
    }
    Ok(address)
}

fn plain(command: &Command) -> Program {
    Program {
        path: command.program.clone(),
        args: command.args.clone(),
        env: command.env.clone(),
        workdir: command.workdir.clone(),
        ..Program::default()
    }
}

/// A port that nobody listens on now. Another process may take it first; then the runner fails to bind and is
/// started again with another one.
fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}

pub(super) fn spawn_error(start: &Start, source: io::Error) -> StartError {
    let program = start.command.program.display().to_string();
    StartError::Spawn { runner: start.runner.clone(), program, source }
}

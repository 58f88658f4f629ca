//! What a shepherd is told when it begins: the program of its runner, and what it was handed for it.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    path::PathBuf,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::local::{Program, in_memory};

/// Descriptors go by number: they are open in the shepherd under the same ones.
#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    path: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    workdir: Option<PathBuf>,
    inherited: Vec<RawFd>,
    groups: Vec<RawFd>,
    listener: RawFd,
    /// Where it listens.
    pub(crate) socket: PathBuf,
}

impl Plan {
    pub(crate) fn new(program: &Program, listener: &OwnedFd, socket: PathBuf) -> Self {
        let Program { path, args, env, workdir, inherited, groups } = program;
        Self {
            path: path.clone(),
            args: args.clone(),
            env: env.clone(),
            workdir: workdir.clone(),
            inherited: inherited.iter().map(AsRawFd::as_raw_fd).collect(),
            groups: groups.iter().map(AsRawFd::as_raw_fd).collect(),
            listener: listener.as_raw_fd(),
            socket,
        }
    }

    /// A file in memory: neither a command line nor a disk may show what is in it.
    pub(crate) fn write(&self) -> io::Result<File> {
        Ok(in_memory(&serde_json::to_vec(self)?)?.into())
    }

    pub(super) fn read(from: impl Read) -> io::Result<Self> {
        Ok(serde_json::from_reader(from)?)
    }

    /// The listener, and what is to be run.
    pub(super) fn unpack(self) -> (OwnedFd, Program) {
        let Self { path, args, env, workdir, inherited, groups, listener, socket: _ } = self;
        let inherited = inherited.into_iter().map(|number| Arc::new(own(number))).collect();
        let groups = groups.into_iter().map(own).collect();
        (own(listener), Program { path, args, env, workdir, inherited, groups })
    }
}

#[expect(unsafe_code, reason = "what a process is handed by the one that started it is known by number alone")]
fn own(number: RawFd) -> OwnedFd {
    // SAFETY: whoever wrote the plan handed this over to this process, which owns it alone.
    unsafe { OwnedFd::from_raw_fd(number) }
}

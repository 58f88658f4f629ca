//! Walls around a runner, made by bubblewrap.
//!
//! bubblewrap is a small program that the distributions ship and that needs no rights of its own: it makes the
//! namespaces, mounts what it is told, and starts the command. It stays as the parent, so that its end is the end
//! of everything inside. What it is told travels in a file in memory, not on a command line that others can read;
//! its own environment is empty, because a variable such as `LD_PRELOAD` would act on it outside the walls.

mod arguments;
mod bring;
mod plain;
mod scratch;
pub(super) mod seccomp;
mod system;

use std::{
    io::{self, Read, Write},
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
};

pub(super) use arguments::{EGRESS, RUN, environment};
use rustix::{fs::MemfdFlags, pipe::PipeFlags};
pub(super) use scratch::{Scratch, remove};
use serde::Deserialize;
pub(super) use system::System;

use super::spawn::Program;
use crate::{Command, Network, Sandbox};

/// What one runner brings along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Within {
    pub(super) run: PathBuf,
    pub(super) tmp: PathBuf,
    pub(super) copies: Vec<PathBuf>,
    /// A name in `/etc` and the file that stands for it.
    pub(super) etc: Vec<(PathBuf, PathBuf)>,
    pub(super) devices: Vec<PathBuf>,
}

impl Within {
    pub(super) fn new(scratch: &Scratch, devices: Vec<PathBuf>) -> Self {
        let Scratch { run, tmp, copies, .. } = scratch;
        Self { run: run.clone(), tmp: tmp.clone(), copies: copies.clone(), etc: Vec::new(), devices }
    }
}

/// A program that is ready to be started inside walls.
pub(super) struct Walled {
    pub(super) program: Program,
    pub(super) signs: Signs,
}

/// Through these bubblewrap tells what it made, and waits for a word before it starts the command.
pub(super) struct Signs {
    info: OwnedFd,
    go: Option<OwnedFd>,
}

/// `etc` is a folder for small files that all runners share.
pub(super) fn walled(
    bubblewrap: &Path,
    command: &Command,
    sandbox: &Sandbox,
    system: &System,
    mut within: Within,
    etc: &Path,
) -> io::Result<Walled> {
    within.etc = system::write_etc(etc, sandbox.network == Network::All)?;
    let image = sandbox.image.as_ref().map(|image| System::of_image(&image.root)).transpose()?;
    let mut words = arguments::arguments(command, sandbox, image.as_ref().unwrap_or(system), &within);
    let mut inherited = Vec::new();
    let (info, told) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    let mut pass = |flag: &str, fd: OwnedFd| {
        words.extend([flag.to_owned(), fd.as_raw_fd().to_string()]);
        inherited.push(Arc::new(fd));
    };
    pass("--info-fd", told);
    if let Some(filter) = seccomp::filter() {
        pass("--seccomp", in_memory(&filter)?);
    }
    let mut go = None;
    if matches!(sandbox.network, Network::Internet { .. }) {
        let (waits, says) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        pass("--block-fd", waits);
        go = Some(says);
    }
    let words = in_memory(&separated(&words))?;
    let mut args = vec!["--args".to_owned(), words.as_raw_fd().to_string(), "--".to_owned()];
    args.push(command.program.display().to_string());
    args.extend(command.args.iter().cloned());
    inherited.push(Arc::new(words));
    let program = Program { path: bubblewrap.into(), args, inherited, ..Program::default() };
    Ok(Walled { program, signs: Signs { info, go } })
}

/// The command as a plain child, its paths translated.
pub(super) fn plain(command: &Command, sandbox: &Sandbox, within: &Within) -> Command {
    plain::translate(command, sandbox, within)
}

fn separated(words: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in words {
        // A zero byte would begin another argument; the operating system knows no such words either.
        bytes.extend(word.bytes().filter(|byte| *byte != 0));
        bytes.push(0);
    }
    bytes
}

pub(crate) fn in_memory(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = std::fs::File::from(rustix::fs::memfd_create("tintype", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
    Ok(file.into())
}

#[derive(Deserialize)]
struct Info {
    #[serde(rename = "child-pid")]
    child_pid: u32,
}

impl Signs {
    /// Waits until the namespaces are made; the first process in them, by its number outside. `None`: bubblewrap
    /// ended before, and says why on its standard error.
    pub(super) async fn first_process(&mut self) -> io::Result<Option<u32>> {
        let info = self.info.try_clone()?;
        let read = move || {
            let mut text = String::new();
            std::fs::File::from(info).take(4096).read_to_string(&mut text).map(|_| text)
        };
        let text = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
        Ok(serde_json::from_str::<Info>(&text).ok().map(|info| info.child_pid))
    }

    /// Lets the command begin.
    pub(super) fn release(&mut self) {
        if let Some(go) = self.go.take() {
            let _ = rustix::io::write(&go, b"1");
        }
    }
}

/// The process that the command became: the first that the reaper of a sandbox started. `None`: it is not there yet,
/// or not any more.
pub(super) fn command_process(first: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).ok()?;
    children.split_whitespace().filter_map(|pid| pid.parse().ok()).find(|pid| number_inside(*pid) == Some(2))
}

fn number_inside(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_byte_cannot_smuggle_an_argument_in() {
        let words = ["--setenv".to_owned(), "A".to_owned(), "b\0--bind".to_owned()];
        assert_eq!(separated(&words), b"--setenv\0A\0b--bind\0");
    }
}

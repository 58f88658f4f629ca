//! A small process between a server and one of its runners, so that a runner may outlive a server that dies.
//!
//! It is this same program under another name. It is the parent of the runner and holds the far ends of its output; the
//! server reads them as long as it lives. Between two servers the shepherd reads in its place, within a bound, and
//! ends the runner when nobody comes for it in time. What the next server must know of the runner to go on where the
//! last one stopped the shepherd keeps for it, in memory alone, because there are secrets in it.
//!
//! One thread, no runtime: there is one of these for each runner.

mod held;
mod plan;
mod watch;
pub(crate) mod words;

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixListener,
    },
    process::Child,
    time::Duration,
};

pub(crate) use plan::Plan;
use rustix::pipe::PipeFlags;
use watch::Watch;

use crate::local::{Program, keep_to_this_process, prepare_command};

/// How runners come to have shepherds.
#[derive(Clone, Debug)]
pub struct Shepherds {
    /// What is started, with these arguments; it calls [`tend`].
    pub program: std::path::PathBuf,
    pub args: Vec<String>,
    /// How long a runner lives on without a server.
    pub patience: Duration,
}

/// The life of a shepherd; returns when its runner has ended and the end was told, or nobody wanted to know.
///
/// The plan comes by standard input, from the server that started this process.
#[cfg(target_os = "linux")]
pub fn tend() -> io::Result<()> {
    keep_to_this_process();
    let plan = Plan::read(io::stdin())?;
    let path = plan.socket.clone();
    let (listener, program) = plan.unpack();
    let flags = PipeFlags::CLOEXEC | PipeFlags::NONBLOCK;
    // The runner's ends must block as those of any program: what blocks is a property of each end by itself.
    let (out, err) = (rustix::pipe::pipe_with(flags)?, rustix::pipe::pipe_with(flags)?);
    for end in [&out.1, &err.1] {
        rustix::io::ioctl_fionbio(end, false)?;
    }
    let begun = begin(program, [out.1, err.1]);
    let done = Watch::new(UnixListener::from(listener), begun, [out.0, err.0]).and_then(Watch::run);
    let _ = std::fs::remove_file(path);
    done
}

#[cfg(not(target_os = "linux"))]
pub fn tend() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whatever of its output and of what it was handed is open here is closed when this returns.
#[cfg(target_os = "linux")]
fn begin(program: Program, output: [OwnedFd; 2]) -> io::Result<Child> {
    let mut command = prepare_command(&program)?;
    let [out, err] = output;
    command.stdout(out).stderr(err);
    let child = command.spawn()?;
    drop((command, program));
    let _ = std::fs::write(format!("/proc/{}/oom_score_adj", child.id()), "500");
    Ok(child)
}

/// Waits until one of these can be read, at most so long.
#[cfg(target_os = "linux")]
fn wait(on: &[impl AsFd], patience: Option<Duration>) -> io::Result<Vec<bool>> {
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        io::Errno,
    };
    let mut fds: Vec<_> = on.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    let patience = patience
        .map(|time| Timespec { tv_sec: time.as_secs().min(1 << 30) as i64, tv_nsec: i64::from(time.subsec_nanos()) });
    match poll(&mut fds, patience.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(fds.iter().map(|fd| !fd.revents().is_empty()).collect())
}

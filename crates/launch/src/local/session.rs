//! A second process inside a runner, for a person at a terminal.

use std::{
    ffi::CString,
    io,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    },
    path::Path,
    process::Stdio,
    sync::Arc,
};

use rustix::{
    fs::OFlags,
    pty::{OpenptFlags, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use tintype_domain::RunnerId;
use tokio::process::{Child, Command as Process};

use super::{
    inside::Inside,
    namespace::Namespaces,
    sandbox::seccomp::Filter,
    spawn::{Spawner, tie_to_this_process},
};
use crate::{Exec, ExecError, Session};

mod carry;

const SHELL: &str = "if command -v bash >/dev/null 2>&1; then exec bash -l; else exec sh -l; fi";
/// A process that entered a list of processes stays outside of it; its children are inside. So a shell goes ahead,
/// and what follows the command keeps it from becoming the command.
const AHEAD: &str = "\"$@\"; exit $?";

pub(super) async fn open(
    spawner: &Spawner,
    runner: &RunnerId,
    inside: Arc<Inside>,
    exec: Exec,
) -> Result<Session, ExecError> {
    let program = exec.argv.first().cloned().unwrap_or_else(|| "a shell".into());
    let begun = spawner.run(move || begin(&inside, exec)).await.flatten();
    let (child, terminal) = begun.map_err(|source| ExecError::Spawn { runner: runner.to_string(), program, source })?;
    Ok(carry::session(child, terminal))
}

/// The process, and its terminal if it has one.
fn begin(inside: &Inside, exec: Exec) -> io::Result<(Child, Option<OwnedFd>)> {
    let first = *inside.first.get().ok_or_else(|| io::Error::other("the runner is still being made"))?;
    let mut process = command(&exec.argv);
    process.env_clear().envs(inside.env.iter().cloned()).env("TERM", "xterm-256color").envs(exec.env);
    process.kill_on_drop(true);
    let terminal = if let Some(size) = exec.tty {
        Some(attach(&mut process, size)?)
    } else {
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        None
    };
    tie_to_this_process(process.as_std_mut());
    go_inside(&mut process, inside, first)?;
    Ok((process.spawn()?, terminal))
}

fn command(argv: &[String]) -> Process {
    let mut process = Process::new("/bin/sh");
    process.args(["-c", AHEAD, "sh"]);
    if argv.is_empty() {
        process.args(["/bin/sh", "-c", SHELL]);
    } else {
        process.args(argv);
    }
    process
}

/// Makes a terminal and gives the process its far end.
#[expect(unsafe_code, reason = "a terminal becomes one's own only between fork and exec")]
fn attach(process: &mut Process, (rows, columns): (u16, u16)) -> io::Result<OwnedFd> {
    let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    unlockpt(&near)?;
    resize(&near, rows, columns);
    let name = ptsname(&near, Vec::new())?;
    let path = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
    // Or it would become the terminal of the server, where that leads a session without one, and end it when it closes.
    let own = OFlags::NOCTTY.bits().cast_signed();
    let far = std::fs::OpenOptions::new().read(true).write(true).custom_flags(own).open(path)?;
    process.stdin(far.try_clone()?).stdout(far.try_clone()?).stderr(far);
    // SAFETY: the closure runs in the forked child and makes two system calls.
    unsafe {
        process.pre_exec(|| {
            rustix::process::setsid()?;
            Ok(rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?)
        });
    }
    Ok(near)
}

pub(super) fn resize(terminal: &OwnedFd, rows: u16, columns: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let _ = tcsetwinsize(terminal, size);
}

/// The same walls and limits as the runner's, and no more rights than it has.
#[expect(unsafe_code, reason = "only a process with one thread can enter a user namespace")]
fn go_inside(process: &mut Process, inside: &Inside, first: u32) -> io::Result<()> {
    let doors = inside.group.as_ref().map(|group| group.doors()).transpose()?.unwrap_or_default();
    let namespaces = inside.walled.then(|| Namespaces::of(first)).transpose()?;
    let filter = inside.walled.then(Filter::new).flatten();
    let workdir = inside.workdir.as_deref().unwrap_or(Path::new("/"));
    let workdir = CString::new(workdir.as_os_str().as_bytes()).map_err(io::Error::other)?;
    // SAFETY: the closure runs in the forked child. It makes system calls on descriptors and strings that were made
    // before the fork, allocates nothing and takes no lock.
    unsafe {
        process.pre_exec(move || {
            for door in &doors {
                rustix::io::write(door, b"0")?;
            }
            if let Some(namespaces) = &namespaces {
                namespaces.enter()?;
                rustix::thread::set_no_new_privs(true)?;
            }
            rustix::process::chdir(workdir.as_c_str())?;
            filter.as_ref().map_or(Ok(()), Filter::take_on)
        });
    }
    Ok(())
}

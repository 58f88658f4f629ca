//! Creating the process.

use std::{io, process::Stdio, sync::mpsc, thread};

use rustix::process::{Pid, Resource, Rlimit, Signal};
use tokio::{
    process::{Child, Command as Process},
    runtime::Handle,
    sync::oneshot,
};

use crate::Command;

/// A thread that forks all runners.
///
/// The kernel sends the parent-death signal when the *thread* that forked ends. The threads of a runtime may come
/// and go; this one lives as long as the launcher.
pub(super) struct Spawner {
    jobs: mpsc::Sender<Job>,
}

struct Job {
    command: Command,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Child>>,
}

impl Spawner {
    pub(super) fn start() -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let work = move || {
            for job in queue {
                let _runtime = job.runtime.enter();
                // A caller that went away drops the child, which kills it.
                let _ = job.reply.send(spawn(&job.command));
            }
        };
        if let Err(error) = thread::Builder::new().name("launch".into()).spawn(work) {
            tracing::error!(%error, "could not start the thread that starts runners");
        }
        Self { jobs }
    }

    pub(super) async fn spawn(&self, command: &Command) -> io::Result<Child> {
        let (reply, answer) = oneshot::channel();
        let job = Job { command: command.clone(), runtime: Handle::current(), reply };
        self.jobs.send(job).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts runners is gone")
}

fn spawn(command: &Command) -> io::Result<Child> {
    let mut process = Process::new(&command.program);
    process.args(&command.args).env_clear().envs(command.env.iter().map(|(name, value)| (name, value)));
    process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    process.process_group(0).kill_on_drop(true);
    tie_to_this_process(&mut process);
    let child = process.spawn()?;
    offer_to_oom_killer(&child);
    Ok(child)
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "only code between fork and exec can set what the child is born with")]
fn tie_to_this_process(process: &mut Process) {
    let parent = rustix::process::getpid();
    // SAFETY: the closure runs in the forked child before exec. It makes three system calls, allocates nothing,
    // takes no lock, and touches no memory but its own stack.
    unsafe {
        process.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before the line above.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            // A core file of a model that holds gigabytes would fill the disk.
            Ok(rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?)
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn tie_to_this_process(_process: &mut Process) {}

/// When the machine runs out of memory, a runner should be what the kernel kills, and not the server. Best effort.
fn offer_to_oom_killer(child: &Child) {
    if let Some(pid) = child.id() {
        let _ = std::fs::write(format!("/proc/{pid}/oom_score_adj"), "500");
    }
}

/// Kills everything in the runner's process group.
pub(super) fn kill_group(pid: u32) {
    if let Some(group) = as_pid(pid) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

/// Asks the runner itself to drain; what it started is its own affair until the grace period is over.
pub(super) fn terminate(pid: u32) {
    if let Some(leader) = as_pid(pid) {
        let _ = rustix::process::kill_process(leader, Signal::TERM);
    }
}

fn as_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

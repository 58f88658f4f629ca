//! Creating the process.

use std::{
    fs::File,
    io,
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    thread,
};

use rustix::{
    io::FdFlags,
    process::{Pid, Resource, Rlimit, Signal},
};
use tokio::{
    process::{Child, Command as Process},
    runtime::Handle,
    sync::oneshot,
};

/// A thread that forks all runners.
///
/// The kernel sends the parent-death signal when the *thread* that forked ends. The threads of a runtime may come
/// and go; this one lives as long as the launcher.
pub(super) struct Spawner {
    jobs: mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

/// What the operating system is told to run.
#[derive(Default)]
pub(crate) struct Program {
    pub path: PathBuf,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    pub workdir: Option<PathBuf>,
    /// Open in the child under the same numbers.
    pub inherited: Vec<Arc<OwnedFd>>,
    /// `cgroup.procs` of the groups that the child joins before it begins.
    pub groups: Vec<OwnedFd>,
}

impl Spawner {
    pub(super) fn start() -> Self {
        keep_to_this_process();
        let (jobs, queue) = mpsc::channel::<Job>();
        let work = move || queue.into_iter().for_each(|job| job());
        if let Err(error) = thread::Builder::new().name("launch".into()).spawn(work) {
            tracing::error!(%error, "could not start the thread that starts runners");
        }
        Self { jobs }
    }

    pub(super) async fn spawn(&self, program: Program) -> io::Result<Child> {
        self.run(move || spawn(&program)).await?
    }

    /// Does something on the thread that forks. A result that nobody waits for any more is dropped.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let (reply, answer) = oneshot::channel();
        let runtime = Handle::current();
        let job = move || {
            let _runtime = runtime.enter();
            let _ = reply.send(work());
        };
        self.jobs.send(Box::new(job)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}

/// What this process was itself handed by the one that started it is for no runner. All that it opens closes on exec.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "descriptors that nobody here opened are known by number alone")]
pub(crate) fn keep_to_this_process() {
    for entry in std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        if let Some(number @ 3..) = number {
            // SAFETY: the number is used for one call that changes nothing but a flag, and one that is not open any
            // more is refused.
            let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
            let _ = rustix::io::fcntl_setfd(descriptor, FdFlags::CLOEXEC);
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_to_this_process() {}

fn gone() -> io::Error {
    io::Error::other("the thread that starts runners is gone")
}

fn spawn(program: &Program) -> io::Result<Child> {
    let mut process = Process::from(prepare_command(program)?);
    process.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = process.spawn()?;
    offer_to_oom_killer(&child);
    Ok(child)
}

/// All but its output.
pub(crate) fn prepare_command(program: &Program) -> io::Result<Command> {
    let mut process = Command::new(&program.path);
    process.args(&program.args).env_clear().envs(program.env.iter().map(|(name, value)| (name, value)));
    process.stdin(Stdio::null()).process_group(0);
    if let Some(workdir) = &program.workdir {
        process.current_dir(workdir);
    }
    tie_to_this_process(&mut process);
    if !program.inherited.is_empty() || !program.groups.is_empty() {
        hand_over(&mut process, program)?;
    }
    Ok(process)
}

/// A process that outlives this one: `given` is what it reads, `inherited` stays open under the same numbers.
#[expect(unsafe_code, reason = "a process leads a session of its own only by a call of its own")]
pub(super) fn set_free(mut process: Command, given: File, inherited: Vec<Arc<OwnedFd>>) -> io::Result<Child> {
    process.env_clear().stdin(given).stdout(Stdio::null()).stderr(Stdio::null());
    hand_over(&mut process, &Program { inherited, ..Program::default() })?;
    // SAFETY: the closure runs in the forked child before exec and makes one system call.
    unsafe {
        process.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
    }
    Process::from(process).spawn()
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "only code between fork and exec can set what the child is born with")]
pub(super) fn tie_to_this_process(process: &mut Command) {
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
pub(super) fn tie_to_this_process(_process: &mut Command) {}

/// Joins the groups and keeps the descriptors open across exec.
#[expect(unsafe_code, reason = "a child must be in its group before it can fork children of its own")]
fn hand_over(process: &mut Command, program: &Program) -> io::Result<()> {
    let inherited = program.inherited.clone();
    let groups = program.groups.iter().map(OwnedFd::try_clone).collect::<io::Result<Vec<_>>>()?;
    // SAFETY: the closure runs in the forked child before exec. It makes system calls on descriptors that the
    // parent opened before it forked, allocates nothing and takes no lock.
    unsafe {
        process.pre_exec(move || {
            for group in &groups {
                rustix::io::write(group, b"0")?;
            }
            for fd in &inherited {
                rustix::io::fcntl_setfd(fd, FdFlags::empty())?;
            }
            Ok(())
        });
    }
    Ok(())
}

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

/// Kills one process.
pub(super) fn kill(pid: u32) {
    if let Some(pid) = as_pid(pid) {
        let _ = rustix::process::kill_process(pid, Signal::KILL);
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

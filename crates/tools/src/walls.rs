//! Walls around programs that read what strangers sent: no network, no files but those of the call, and limits on
//! all that they use.
//!
//! Bubblewrap makes them where it can. Where it cannot, the limits still hold, and the programs are told to open
//! nothing but plain files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// What one run may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub memory_bytes: u64,
    pub cpu_secs: u64,
    /// The largest file that it may write.
    pub file_bytes: u64,
}

/// The program that makes the walls, if it works here. Tried until it works: a machine that was busy for a moment must not
/// go without walls from then on.
fn bubblewrap() -> Option<&'static Path> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    let tried = || {
        let program = find("bwrap")?;
        let mut trial = Command::new(&program);
        trial.args(arguments(&std::env::temp_dir(), None)).args(["--", "/bin/sh", "-c", "exit 0"]);
        let ended = trial.env_clear().stdin(Stdio::null()).output().ok()?;
        ended.status.success().then_some(program)
    };
    if FOUND.get().is_none()
        && let Some(program) = tried()
    {
        return Some(FOUND.get_or_init(|| program));
    }
    FOUND.get().map(PathBuf::as_path)
}

/// A run of `program`, which lies anywhere on this machine, inside `folder`: its working directory, and the only one
/// that it may write to.
pub(crate) fn command(program: &Path, folder: &Path, limits: Limits) -> Command {
    let script = script(limits);
    let Some(bubblewrap) = bubblewrap() else {
        let mut command = Command::new("/bin/sh");
        command.env_clear().current_dir(folder).env("PATH", PATH).env("HOME", folder).env("LANG", "C.UTF-8");
        command.args(["-c", &script, "sh"]).arg(program);
        return command;
    };
    let mut command = Command::new(bubblewrap);
    let shown = SYSTEM.iter().any(|root| program.starts_with(root));
    command.args(arguments(folder, (!shown).then_some(program)));
    let program = if shown { program } else { Path::new(BROUGHT) };
    command.args(["--", "/bin/sh", "-c", &script, "sh"]).arg(program);
    command
}

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Sets limits that hold for the program and all that it starts.
fn script(limits: Limits) -> String {
    let Limits { memory_bytes, cpu_secs, file_bytes } = limits;
    let (memory, file) = (memory_bytes / 1024, file_bytes / 512);
    format!("ulimit -c 0 && ulimit -v {memory} && ulimit -t {cpu_secs} && ulimit -f {file} && exec \"$@\"")
}

/// Where programs and their libraries lie.
const SYSTEM: [&str; 6] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/nix/store"];
/// What libraries and fonts need of the rest.
const TABLES: [&str; 5] =
    ["/etc/alternatives", "/etc/ld.so.cache", "/etc/fonts", "/var/cache/fontconfig", "/etc/localtime"];
/// Where the folder of the call is seen.
const FOLDER: &str = "/call";
/// Where a program is seen that lies elsewhere.
const BROUGHT: &str = "/program";
/// For what programs keep beside their work.
const PRIVATE_BYTES: &str = "67108864";

fn arguments(folder: &Path, brought: Option<&Path>) -> Vec<String> {
    let mut list: Vec<String> = [
        "--unshare-user --unshare-ipc --unshare-pid --unshare-uts --unshare-net --unshare-cgroup-try --disable-userns",
        "--uid 1000 --gid 1000 --hostname tool --die-with-parent --new-session",
    ]
    .iter()
    .flat_map(|line| line.split(' ').map(str::to_owned))
    .collect();
    let mut add = |words: [&str; 3]| list.extend(words.map(str::to_owned));
    for root in SYSTEM {
        match fs::read_link(root) {
            Ok(target) => add(["--symlink", &target.display().to_string(), root]),
            Err(_) => add(["--ro-bind-try", root, root]),
        }
    }
    for table in TABLES {
        add(["--ro-bind-try", table, table]);
    }
    if let Some(program) = brought {
        add(["--ro-bind", &program.display().to_string(), BROUGHT]);
    }
    add(["--bind", &folder.display().to_string(), FOLDER]);
    list.extend(
        ["--proc", "/proc", "--dev", "/dev", "--size", PRIVATE_BYTES, "--tmpfs", "/tmp", "--remount-ro", "/"]
            .map(str::to_owned),
    );
    list.extend(["--clearenv", "--setenv", "PATH", PATH, "--setenv", "HOME", "/tmp"].map(str::to_owned));
    list.extend(["--setenv", "LANG", "C.UTF-8", "--chdir", FOLDER].map(str::to_owned));
    list
}

/// A program of this name on the search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| PATH.into());
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_absolute() && path.is_file())
}

//! Walls around programs that read what strangers sent: no network, no files but those of the call, and limits on
//! all that they use.
//!
//! Bubblewrap makes them. Where it cannot, the operator's word decides: limits alone, after a warning, or nothing is run.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Once, OnceLock},
};

use crate::settings::{Sandboxing, settings};

/// What one run may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub memory_bytes: u64,
    pub cpu_secs: u64,
    /// The largest file that it may write.
    pub file_bytes: u64,
}

/// Walls are required, and there are none. The words are for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this needs a program that the server's operator lets run in a sandbox alone (`sandbox = required`), and the machine \
     makes none: {0}"
)]
pub struct NoWalls(String);

/// What a trial sees as its folder: it is there on every machine, whatever has become of the folders of runs.
const TRIED: &str = "/usr";

/// The program that makes the walls, or what is in its way. Tried until it works: a machine that was busy for a moment must
/// not go without walls from then on.
fn bubblewrap() -> Result<&'static Path, String> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found);
    }
    let program = find("bwrap").ok_or("bubblewrap is not installed (`apt-get install bubblewrap`)")?;
    let mut trial = Command::new(&program);
    trial.args(arguments(Path::new(TRIED), None)).args(["--", "/bin/sh", "-c", "exit 0"]);
    let ended = trial.env_clear().stdin(Stdio::null()).output();
    judge(ended.map(|ended| (ended.status.success(), ended.stderr)))?;
    Ok(FOUND.get_or_init(|| program))
}

fn judge(ended: io::Result<(bool, Vec<u8>)>) -> Result<(), String> {
    match ended {
        Ok((true, _)) => Ok(()),
        Ok((false, said)) => {
            let said = String::from_utf8_lossy(&said);
            let last = said.lines().last().unwrap_or("it does not say why").trim().to_owned();
            Err(format!("bubblewrap is installed but makes no sandbox here: {last}"))
        }
        Err(error) => Err(format!("bubblewrap cannot be run: {error}")),
    }
}

/// With what to make walls; `None` where there are to be none.
fn decide<'a>(
    sandboxing: Sandboxing,
    found: impl FnOnce() -> Result<&'a Path, String>,
    warn: impl FnOnce(&str),
) -> Result<Option<&'a Path>, NoWalls> {
    const BARE: &str = "FFmpeg and other programs read callers' files WITHOUT A SANDBOX, with all rights of this user";
    if sandboxing == Sandboxing::Off {
        warn(&format!("{BARE}: the option `sandbox` is `off`"));
        return Ok(None);
    }
    match found() {
        Ok(bubblewrap) => Ok(Some(bubblewrap)),
        Err(obstacle) if sandboxing == Sandboxing::Required => Err(NoWalls(obstacle)),
        Err(obstacle) => {
            warn(&format!("{BARE}: {obstacle}"));
            Ok(None)
        }
    }
}

fn maker() -> Result<Option<&'static Path>, NoWalls> {
    static WARNED: Once = Once::new();
    decide(settings().sandboxing, bubblewrap, |message| WARNED.call_once(|| (settings().warn)(message)))
}

/// Whether a program could be run at all.
pub(crate) fn check() -> Result<(), NoWalls> {
    maker().map(drop)
}

/// A run of `program`, which lies anywhere on this machine, inside `folder`: its working directory, and the only one
/// that it may write to.
pub fn command(program: &Path, folder: &Path, limits: Limits) -> Result<Command, NoWalls> {
    let script = script(limits);
    let Some(bubblewrap) = maker()? else {
        let mut command = Command::new("/bin/sh");
        command.env_clear().current_dir(folder).env("PATH", PATH).env("HOME", folder).env("LANG", "C.UTF-8");
        command.args(["-c", &script, "sh"]).arg(program);
        return Ok(command);
    };
    let mut command = Command::new(bubblewrap);
    let shown = SYSTEM.iter().any(|root| program.starts_with(root));
    command.args(arguments(folder, (!shown).then_some(program)));
    let program = if shown { program } else { Path::new(BROUGHT) };
    command.args(["--", "/bin/sh", "-c", &script, "sh"]).arg(program);
    Ok(command)
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
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| PATH.into());
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_absolute() && path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_word_decides_what_happens_without_walls() {
        let here = Path::new("/usr/bin/bwrap");
        let broken = || Err("it is broken".to_owned());
        let silent = |_: &str| panic!("nothing to warn of");
        assert_eq!(decide(Sandboxing::Auto, || Ok(here), silent), Ok(Some(here)));
        assert_eq!(decide(Sandboxing::Required, || Ok(here), silent), Ok(Some(here)));
        let refused = decide(Sandboxing::Required, broken, silent).unwrap_err().to_string();
        assert!(refused.contains("`sandbox = required`") && refused.ends_with("it is broken"), "{refused}");
        for sandboxing in [Sandboxing::Auto, Sandboxing::Off] {
            let mut said = String::new();
            assert_eq!(decide(sandboxing, broken, |message| said = message.to_owned()), Ok(None));
            assert!(said.contains("WITHOUT A SANDBOX"), "{said}");
        }
    }

    #[test]
    fn what_bubblewrap_complains_of_is_told() {
        assert!(
            judge(Ok((false, b"one\nbwrap: no permission\n".to_vec())))
                .unwrap_err()
                .ends_with(": bwrap: no permission")
        );
        assert!(judge(Ok((false, Vec::new()))).unwrap_err().contains("does not say why"));
        assert!(judge(Err(io::ErrorKind::NotFound.into())).is_err());
        assert_eq!(judge(Ok((true, Vec::new()))), Ok(()));
    }
}

//! What this machine can do to keep runners apart.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::local::{Cgroups, Gpus};

/// Found by trying, at start and by `tintype doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// The program that makes sandboxes, or why there is none and what to do about it.
    pub sandbox: Result<PathBuf, Obstacle>,
    /// In words: what holds memory, processor and processes within their limits.
    pub limits: String,
    pub gpus: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub problem: String,
    pub advice: String,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.problem, self.advice)
    }
}

/// Tries things out: some ten milliseconds.
pub fn capability() -> Capability {
    let cgroups = Cgroups::find();
    Capability { sandbox: sandbox(), limits: cgroups.describe(), gpus: Gpus::find(Path::new("/dev")).count() }
}

/// A sandbox like those of runners, around a program that does nothing.
const TRIAL: [&str; 24] = [
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-uts",
    "--unshare-net",
    "--disable-userns",
    "--uid",
    "1000",
    "--gid",
    "1000",
    "--die-with-parent",
    "--new-session",
    "--ro-bind",
    "/",
    "/",
    "--proc",
    "/proc",
    "--remount-ro",
    "/proc",
    "--dev",
    "/dev",
    "--",
    "/bin/sh",
    "-c",
];

pub(crate) fn sandbox() -> Result<PathBuf, Obstacle> {
    let Some(program) = find("bwrap") else {
        return Err(obstacle("bubblewrap is not installed", INSTALL));
    };
    let trial = Command::new(&program).args(TRIAL).arg("exit 0").env_clear().stdin(Stdio::null()).output();
    match trial {
        Ok(output) if output.status.success() => Ok(program),
        Ok(output) => Err(explain(String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(obstacle(format!("{} cannot be run: {error}", program.display()), INSTALL)),
    }
}

const INSTALL: &str = "install it: `apt-get install bubblewrap` (Debian, Ubuntu), `dnf install bubblewrap` (Fedora), \
                       `apk add bubblewrap` (Alpine)";
const NAMESPACES: &str = "allow user namespaces: `sysctl user.max_user_namespaces=15000`; on Debian also \
                          `sysctl kernel.unprivileged_userns_clone=1`, on Ubuntu \
                          `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; in a container, run it with \
                          `--security-opt seccomp=unconfined --security-opt apparmor=unconfined`";
const PROC: &str = "this looks like a container that hides parts of /proc: run it with \
                    `--security-opt systempaths=unconfined`";

fn explain(said: &str) -> Obstacle {
    let said = said.lines().last().unwrap_or("it does not say why").trim();
    let advice = match said {
        _ if said.contains("nknown option") => "update it: version 0.8 or newer is needed",
        _ if said.contains("mount proc") => PROC,
        _ => NAMESPACES,
    };
    obstacle(format!("bubblewrap is installed but makes no sandbox here: {said}"), advice)
}

fn obstacle(problem: impl Into<String>, advice: &str) -> Obstacle {
    Obstacle { problem: problem.into(), advice: advice.into() }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_absolute() && path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_what_to_do() {
        let old = explain("bwrap: Unknown option --disable-userns");
        assert_eq!(old.advice, "update it: version 0.8 or newer is needed");
        let hidden = explain("bwrap: Can't mount proc on /newroot/proc: Operation not permitted");
        assert_eq!(hidden.advice, PROC);
        let closed = explain("bwrap: No permissions to create new namespace");
        assert!(closed.to_string().contains("allow user namespaces"), "{closed}");
    }

    #[test]
    fn a_program_that_is_nowhere_is_not_found() {
        assert_eq!(find("no-such-program-of-this-house"), None);
    }
}

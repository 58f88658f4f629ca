//! The podman program: how it is called here, and what it says of an image.

use std::{
    env,
    path::{Path, PathBuf},
};

use rustix::process::{Resource, getrlimit};
use serde::Deserialize;

use super::Inside;
use crate::environment::error::BuildError;

/// What of the server's environment podman goes by.
const PASSED: [&str; 20] = [
    "ALL_PROXY",
    "CONTAINERS_CONF",
    "CONTAINERS_REGISTRIES_CONF",
    "CONTAINERS_STORAGE_CONF",
    "DBUS_SESSION_BUS_ADDRESS",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "REGISTRY_AUTH_FILE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "USER",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];
/// No build needs more, and not every host lets a container have what podman would ask for.
const MOST: u64 = 20_000;

/// Where it is.
pub(super) fn find() -> Result<PathBuf, BuildError> {
    on_path("podman").ok_or(BuildError::NoPodman)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from)).collect();
    folders.into_iter().map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// The whole environment of a command of podman's.
pub(super) fn variables() -> Vec<(String, String)> {
    let given = |name: &str| env::var(name).ok().map(|value| (name.to_owned(), value));
    let mut all: Vec<_> = PASSED.iter().filter_map(|name| given(name)).collect();
    let path = env::var("PATH").unwrap_or_default();
    all.push(("PATH".to_owned(), format!("{path}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")));
    all
}

/// What stands before every command. The defaults expect systemd, and a kind of control groups that not every host has.
pub(super) fn general() -> Vec<String> {
    let mut args = Vec::new();
    if !Path::new("/run/systemd/system").exists() {
        args.push("--cgroup-manager=cgroupfs".to_owned());
    }
    if on_path("runc").is_some() && !Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        args.extend(["--runtime".to_owned(), "runc".to_owned()]);
    }
    args
}

/// Within what this process may have itself: more cannot be given on.
pub(super) fn limits() -> Vec<String> {
    let limit = |name: &str, kind| {
        let most = getrlimit(kind).maximum.unwrap_or(MOST).min(MOST);
        ["--ulimit".to_owned(), format!("{name}={most}:{most}")]
    };
    [limit("nofile", Resource::Nofile), limit("nproc", Resource::Nproc)].concat()
}

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "Env")]
    env: Option<Vec<String>>,
    #[serde(rename = "Entrypoint")]
    entrypoint: Option<Vec<String>>,
    #[serde(rename = "Cmd")]
    cmd: Option<Vec<String>>,
    #[serde(rename = "WorkingDir")]
    workdir: Option<String>,
}

/// Reads what `podman image inspect` prints.
pub(super) fn inside(text: &str) -> Result<Inside, BuildError> {
    let unreadable =
        |error: serde_json::Error| BuildError::Image { reason: format!("podman told nothing of it: {error}") };
    let config: Config = serde_json::from_str(text).map_err(unreadable)?;
    let pair = |line: String| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let workdir = config.workdir.filter(|path| path.starts_with('/')).unwrap_or_else(|| "/".to_owned());
    Ok(Inside {
        env: config.env.unwrap_or_default().into_iter().filter_map(pair).collect(),
        workdir: workdir.into(),
        entrypoint: config.entrypoint.unwrap_or_default(),
        cmd: config.cmd.unwrap_or_default(),
        ..Inside::default()
    })
}

/// Why podman failed, in one line.
pub(super) fn reason(stderr: &[String]) -> String {
    let said = stderr.iter().rev().find_map(|line| line.trim().strip_prefix("Error: "));
    let last = stderr.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty());
    said.or(last).unwrap_or("podman said nothing").chars().take(600).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_tells_how_it_is_run() {
        let text = r#"{"User":"1000","Env":["PATH=/bin","A=b=c"],"Entrypoint":["python3","x.py"],"WorkingDir":"/opt"}"#;
        let found = inside(text).unwrap();
        assert_eq!(found.env, [("PATH".into(), "/bin".into()), ("A".into(), "b=c".into())]);
        assert_eq!((found.workdir, found.entrypoint.len(), found.cmd.len()), ("/opt".into(), 2, 0));
        assert_eq!(inside("{}").unwrap().workdir, PathBuf::from("/"));
        assert!(inside("null").is_err());
    }

    #[test]
    fn the_error_is_found_among_what_steps_wrote() {
        let said = ["sh: grep: not found", "Error: building at STEP \"RUN x\": exit status 127", ""];
        assert_eq!(reason(&said.map(str::to_owned)), "building at STEP \"RUN x\": exit status 127");
    }
}

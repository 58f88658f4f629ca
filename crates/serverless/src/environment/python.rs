//! The interpreters of this machine: found on the path and where pyenv keeps them, and fetched by uv where none is.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use parking_lot::Mutex;
use serde::Deserialize;
use tokio::{process::Command, time::timeout};

use super::error::BuildError;

/// Prints what an interpreter is, and the one that it stands for if it is itself one of an environment.
const PROBE: &str = "import json,os,platform,sys,sysconfig\n\
    print(json.dumps(dict(version=platform.python_version(),minor='%d.%d'%sys.version_info[:2],\
    program=os.path.realpath(getattr(sys,'_base_executable',None) or sys.executable),\
    base=os.path.realpath(sys.base_prefix),\
    usual=platform.python_implementation()=='CPython' and not sysconfig.get_config_var('Py_GIL_DISABLED'))))";
const PROBE_LIMIT: Duration = Duration::from_secs(20);
const FETCH_LIMIT: Duration = Duration::from_secs(600);

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Interpreter {
    pub version: String,
    pub minor: String,
    pub program: PathBuf,
    /// Its prefix: all that it needs lies below, or in the system's own folders.
    pub base: PathBuf,
    usual: bool,
}

pub(super) struct Interpreters {
    /// Where uv puts those that it fetches.
    managed: PathBuf,
    known: Mutex<BTreeMap<String, Interpreter>>,
}

impl Interpreters {
    pub(super) fn new(managed: PathBuf) -> Self {
        Self { managed, known: Mutex::default() }
    }

    /// One that is here, in the order of the path.
    pub(super) async fn find(&self, minor: &str) -> Option<Interpreter> {
        let known = self.known.lock().get(minor).cloned();
        if let Some(known) = known.filter(|known| known.program.exists()) {
            return Some(known);
        }
        for candidate in self.candidates(&format!("python{minor}")) {
            if let Some(found) = probe(&candidate).await.filter(|found| found.usual && found.minor == minor) {
                self.known.lock().insert(minor.to_owned(), found.clone());
                return Some(found);
            }
        }
        None
    }

    /// Has uv fetch one.
    pub(super) async fn fetch(&self, uv: &Path, minor: &str) -> Result<Interpreter, BuildError> {
        let mut command = Command::new(uv);
        command.args(["python", "install", minor, "--no-config", "--no-progress", "--color", "never", "--no-bin"]);
        command.arg("--install-dir").arg(&self.managed).env("UV_HTTP_RETRIES", "1");
        command.stdin(Stdio::null()).kill_on_drop(true);
        let reason = match timeout(FETCH_LIMIT, command.output()).await {
            Ok(Ok(output)) if output.status.success() => match self.find(minor).await {
                Some(found) => return Ok(found),
                None => "uv fetched it, and it does not run here".to_owned(),
            },
            Ok(Ok(output)) => last_line(&output.stderr),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        let present = self.present().await;
        let present = if present.is_empty() { "none".to_owned() } else { present.join(", ") };
        Err(BuildError::MissingPython { wanted: minor.to_owned(), present, reason })
    }

    /// The full versions of all that are here.
    async fn present(&self) -> Vec<String> {
        let mut versions = BTreeSet::new();
        for candidate in self.candidates("python3.") {
            if let Some(found) = probe(&candidate).await.filter(|found| found.usual) {
                versions.insert(numbers(&found.version));
            }
        }
        let text = |numbers: &Vec<u32>| numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
        versions.iter().map(text).collect()
    }

    /// Programs that are called `name`, or, where it ends with a dot, that and a number.
    fn candidates(&self, name: &str) -> Vec<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<_> = env::split_paths(&path).collect();
        let home = env::home_dir().unwrap_or_default();
        let pyenv = env::var_os("PYENV_ROOT").map_or_else(|| home.join(".pyenv"), PathBuf::from).join("versions");
        for parent in [&self.managed, &pyenv] {
            let mut versions: Vec<_> = children(parent).collect();
            versions.sort_by_key(|version| std::cmp::Reverse(numbers(&version.to_string_lossy())));
            folders.extend(versions.into_iter().map(|version| version.join("bin")));
        }
        folders.extend(["/usr/local/bin", "/usr/bin"].map(PathBuf::from));
        let mut found = Vec::new();
        for program in folders.iter().flat_map(|folder| matching(folder, name)) {
            if !found.contains(&program) {
                found.push(program);
            }
        }
        found
    }
}

fn matching(folder: &Path, name: &str) -> Vec<PathBuf> {
    if !name.ends_with('.') {
        return Some(folder.join(name)).filter(|program| program.is_file()).into_iter().collect();
    }
    let is_numbered = |path: &PathBuf| {
        let rest = path.file_name().and_then(|file| file.to_str()).and_then(|file| file.strip_prefix(name));
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    children(folder).filter(is_numbered).collect()
}

fn children(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// `cpython-3.12.1-linux` and `3.12.1` as numbers, to compare them.
fn numbers(version: &str) -> Vec<u32> {
    let parts = version.split(|c: char| !c.is_ascii_digit());
    parts.filter(|part| !part.is_empty()).filter_map(|part| part.parse().ok()).take(3).collect()
}

/// What a program says of itself; `None` if it is no interpreter that runs, as a shim of a version that is not chosen.
async fn probe(program: &Path) -> Option<Interpreter> {
    let mut command = Command::new(program);
    command.args(["-I", "-S", "-c", PROBE]).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = timeout(PROBE_LIMIT, command.output()).await.ok()?.ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

fn last_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    line.map_or("uv said nothing", |line| line.trim_start_matches("cause: ")).to_owned()
}

/// `3.11` of what the client calls its version, which may have a patch.
pub(super) fn minor_of(text: &str) -> Result<String, BuildError> {
    let parts: Vec<&str> = text.trim().split('.').collect();
    let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !(2..=3).contains(&parts.len()) || parts[0] != "3" || !parts.iter().all(is_number) {
        return Err(BuildError::PythonVersion { found: text.chars().take(64).collect() });
    }
    Ok(format!("3.{}", parts[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_is_read_with_or_without_its_patch() {
        assert_eq!(minor_of("3.11").unwrap(), "3.11");
        assert_eq!(minor_of("3.11.7").unwrap(), "3.11");
        for wrong in ["", "3", "2.7", "3.x", "3.11.7.1", "3.11; rm -rf /", "../3.11", "3.99999"] {
            assert!(minor_of(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn an_interpreter_of_an_environment_leads_to_the_one_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let pythons = Interpreters::new(folder.path().join("none"));
        let Some(minor) = pythons.present().await.pop().map(|version| minor_of(&version).unwrap()) else {
            return; // A machine without Python deploys nothing.
        };
        let found = pythons.find(&minor).await.unwrap();
        let mut making = Command::new(&found.program);
        making.args(["-m", "venv", "--without-pip"]).arg(folder.path().join("v"));
        assert!(making.status().await.unwrap().success());
        let again = probe(&folder.path().join("v/bin/python")).await.unwrap();
        assert_eq!((again.program, again.base), (found.program, found.base));
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(numbers("cpython-3.12.10-linux-x86_64") > numbers("3.12.9"));
    }
}

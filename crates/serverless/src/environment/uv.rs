//! The uv program: the operator's, the one on the path, or one that is installed here at first use.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, sync::Mutex, time::timeout};

use super::error::BuildError;

const INSTALL_LIMIT: Duration = Duration::from_secs(600);
/// What of the server's environment a build may see: how to reach an index, and nothing else.
const PASSED: [&str; 22] = [
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "UV_CONCURRENT_BUILDS",
    "UV_CONCURRENT_DOWNLOADS",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_HTTP_TIMEOUT",
    "UV_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_INDEX_URL",
    "UV_INSECURE_HOST",
    "UV_NATIVE_TLS",
    "UV_OFFLINE",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];
/// Where pip's word for the same is set and uv's is not.
const OF_PIP: [(&str, &str); 2] = [("PIP_INDEX_URL", "UV_INDEX_URL"), ("PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL")];

pub(super) struct Uv {
    wanted: Option<PathBuf>,
    own: PathBuf,
    found: Mutex<Option<PathBuf>>,
}

impl Uv {
    /// `own` is where it is installed if there is none.
    pub(super) fn new(wanted: Option<PathBuf>, own: PathBuf) -> Self {
        Self { wanted, own, found: Mutex::new(None) }
    }

    /// Finds it, or installs it and says so. One caller does; the others wait.
    pub(super) async fn locate(&self, say: impl Fn(&str)) -> Result<PathBuf, BuildError> {
        let mut found = self.found.lock().await;
        if let Some(known) = found.as_ref().filter(|known| known.exists()) {
            return Ok(known.clone());
        }
        let program = if let Some(program) = self.present().await? {
            program
        } else {
            say("installing uv, which is needed once");
            self.install().await?
        };
        *found = Some(program.clone());
        Ok(program)
    }

    async fn present(&self) -> Result<Option<PathBuf>, BuildError> {
        if let Some(wanted) = &self.wanted {
            let reason = || format!("`{}`, which the server was told to use, does not run", wanted.display());
            let wanted = if runs(wanted).await { Some(wanted.clone()) } else { None };
            return wanted.map(Some).ok_or_else(|| BuildError::Tool { reason: reason() });
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let on_path = env::split_paths(&path).map(|folder| folder.join("uv")).filter(|program| program.is_file());
        for program in on_path.chain([self.own.join("uv")]) {
            if runs(&program).await {
                return Ok(Some(program.canonicalize()?));
            }
        }
        Ok(None)
    }

    /// From the package index, with whatever Python has a pip.
    async fn install(&self) -> Result<PathBuf, BuildError> {
        fs::create_dir_all(&self.own)?;
        let stage = self.own.join("stage");
        let fails = |reason| BuildError::Tool { reason };
        let mut reason = "there is no python3 either".to_owned();
        for python in ["python3", "/usr/bin/python3"] {
            let _ = fs::remove_dir_all(&stage);
            match install_with(python, &stage).await {
                Ok(program) => {
                    // The rename is what makes it there: a half-written program is never found.
                    fs::rename(program, self.own.join("uv"))?;
                    let _ = fs::remove_dir_all(&stage);
                    return Ok(self.own.join("uv").canonicalize()?);
                }
                Err(error) => reason = error,
            }
        }
        Err(fails(reason))
    }
}

/// By the pip that the interpreter has, else by that of an environment made for it.
async fn install_with(python: &str, stage: &Path) -> Result<PathBuf, String> {
    let text = |path: &Path| path.display().to_string();
    let (target, venv) = (text(&stage.join("target")), text(&stage.join("venv")));
    let first = succeed(python, &["-m", "pip", "install", "--quiet", "--no-deps", "--target", &target, "uv"]).await;
    if first.is_ok() {
        return Ok(stage.join("target/bin/uv"));
    }
    succeed(python, &["-m", "venv", &venv]).await?;
    succeed(&format!("{venv}/bin/python"), &["-m", "pip", "install", "--quiet", "--no-deps", "uv"]).await?;
    Ok(stage.join("venv/bin/uv"))
}

async fn succeed(program: &str, args: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    let ended = timeout(INSTALL_LIMIT, command.output()).await.map_err(|_| "it took too long".to_owned())?;
    let output = ended.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("pip said nothing").to_owned())
}

async fn runs(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    matches!(timeout(Duration::from_secs(20), command.status()).await, Ok(Ok(status)) if status.success())
}

/// Files of the server that the variables name, which a build must see.
pub(super) fn files() -> impl Iterator<Item = PathBuf> {
    let named =
        ["SSL_CERT_FILE", "SSL_CERT_DIR", "UV_FIND_LINKS"].into_iter().filter_map(env::var_os).map(PathBuf::from);
    named.filter(|path| path.is_absolute() && path.exists() && !path.starts_with("/etc/ssl"))
}

/// The whole environment of a command of uv's.
pub(super) fn variables(cache: &Path) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut all = vec![
        pair("HOME", "/tmp"),
        pair("LANG", "C.UTF-8"),
        pair("PATH", "/usr/local/bin:/usr/bin:/bin"),
        pair("PYTHONDONTWRITEBYTECODE", "1"),
        pair("UV_CACHE_DIR", &cache.display().to_string()),
        // What lies in folders above must not decide what is installed.
        pair("UV_NO_CONFIG", "1"),
        pair("UV_NO_PROGRESS", "1"),
        pair("UV_PYTHON_DOWNLOADS", "never"),
    ];
    let value = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    all.extend(PASSED.iter().filter_map(|&name| Some(pair(name, &value(name)?))));
    for (theirs, ours) in OF_PIP {
        if let Some(value) = value(theirs).filter(|_| !all.iter().any(|(name, _)| name == ours)) {
            all.push(pair(ours, &value));
        }
    }
    all
}

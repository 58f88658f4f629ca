//! An index of packages on a port of this machine, and a place to build.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::{Path as InPath, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use tempfile::TempDir;
use tintype_launch::LocalLauncher;
use tintype_serverless::environment::{BuildError, Environment, Environments, Options, Wanted};
use tokio::{net::TcpListener, sync::mpsc};

pub const TOKEN: &str = "hunter2-and-more";

/// Everything that a test of this module works with.
pub struct Bench {
    pub folder: TempDir,
    pub environments: Environments,
    pub address: String,
    pub python: String,
    served: Arc<Served>,
}

struct Served {
    folder: PathBuf,
    downloads: AtomicUsize,
}

impl Bench {
    /// `None`, with a word, where there is no uv or no Python.
    pub async fn open(options: Options) -> Option<Self> {
        let Some(python) = output("python3", &["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]) else {
            eprintln!("skipped: there is no python3");
            return None;
        };
        if output("uv", &["--version"]).is_none() {
            eprintln!("skipped: there is no uv on the path; scripts/need.sh uv installs it");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let packages = folder.path().join("packages");
        std::fs::create_dir(&packages).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/environment/index.py");
        output("python3", &[script, packages.to_str().unwrap()]).unwrap();
        let served = Arc::new(Served { folder: packages, downloads: AtomicUsize::new(0) });
        let address = serve(Arc::clone(&served)).await;
        let environments = environments(folder.path(), options);
        Some(Self { folder, environments, address, python, served })
    }

    /// The same folder, as a server that starts again finds it.
    pub fn reopen(&mut self, options: Options) {
        self.environments = environments(self.folder.path(), options);
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("environments")
    }

    /// How often a package was downloaded.
    pub fn downloads(&self) -> usize {
        self.served.downloads.load(Ordering::SeqCst)
    }

    /// From this index alone.
    pub fn wanted(&self, layers: &[&[&str]]) -> Wanted {
        let index = format!("--find-links http://{}/open/list.html", self.address);
        let own = |lines: &&[&str]| lines.iter().map(|&line| line.to_owned()).collect();
        let mut layers: Vec<Vec<String>> = layers.iter().map(own).collect();
        for layer in &mut layers {
            layer.splice(0..0, ["--no-index".into(), index.clone()]);
        }
        Wanted { account: "local".into(), python: self.python.clone(), layers, ..Wanted::default() }
    }

    /// Builds; beside the end, all that was said.
    pub async fn build(&self, wanted: Wanted, force: bool) -> (Result<Environment, BuildError>, Vec<String>) {
        let (lines, mut said) = mpsc::unbounded_channel();
        let built = self.environments.build(wanted, force, lines).await;
        let mut heard = Vec::new();
        while let Some(line) = said.recv().await {
            heard.push(line);
        }
        (built, heard)
    }

    pub async fn built(&self, layers: &[&[&str]]) -> Environment {
        self.build(self.wanted(layers), false).await.0.unwrap()
    }
}

/// Builds that run without walls: those are tested where they are made.
pub fn options() -> Options {
    Options { network: None, ..Options::default() }
}

/// What `code` prints in an environment.
pub fn python(environment: &Environment, code: &str) -> String {
    output(environment.python.to_str().unwrap(), &["-I", "-c", code]).expect("the code ends well")
}

pub fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

fn environments(folder: &Path, options: Options) -> Environments {
    let launcher = Arc::new(LocalLauncher::new(folder.join("run")));
    Environments::open(&folder.join("environments"), options, launcher).unwrap()
}

async fn serve(served: Arc<Served>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let routes = Router::new().route("/{access}/{file}", get(file)).with_state(served);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

async fn file(
    State(served): State<Arc<Served>>,
    InPath((access, file)): InPath<(String, String)>,
    headers: HeaderMap,
) -> Result<Vec<u8>, StatusCode> {
    // `user:hunter2-and-more` in base64.
    let allowed = headers.get("authorization").is_some_and(|found| found == "Basic dXNlcjpodW50ZXIyLWFuZC1tb3Jl");
    if access == "closed" && !allowed {
        return Err(StatusCode::UNAUTHORIZED);
    }
    if file == "list.html" {
        let files = std::fs::read_dir(&served.folder).unwrap().map(|entry| entry.unwrap().file_name());
        let link = |name: std::ffi::OsString| format!("<a href=\"{0}\">{0}</a>\n", name.to_str().unwrap());
        return Ok(format!("<html><body>{}</body></html>", files.map(link).collect::<String>()).into_bytes());
    }
    served.downloads.fetch_add(1, Ordering::SeqCst);
    std::fs::read(served.folder.join(file)).map_err(|_| StatusCode::NOT_FOUND)
}

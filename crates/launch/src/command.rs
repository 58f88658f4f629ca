//! What a runner is: a program, when it counts as ready, and within which walls it runs.

use std::{path::PathBuf, time::Duration};

use http::Method;
use serde::{Deserialize, Serialize};

/// Where programs look for the authorities that they trust: OpenSSL and with it Python's `ssl` and `httpx`, `requests`,
/// curl, gRPC, Git, the AWS libraries.
pub const TRUST_VARIABLES: [&str; 6] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
];
/// Node adds what it finds there to its own authorities.
pub const NODE_TRUST_VARIABLE: &str = "NODE_EXTRA_CA_CERTS";

/// A program to run. `env` is the whole environment: nothing is inherited.
///
/// `{socket}` in an argument is replaced by the path of the Unix socket on which the runner must serve; where an
/// argument holds `{port}` instead, by a free TCP port of the loopback interface. A sandbox has its own loopback,
/// so a sandboxed runner is reached by its socket alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Command {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    /// As the program sees it.
    pub workdir: Option<PathBuf>,
    pub readiness: Readiness,
    pub health: Option<HealthCheck>,
    pub confinement: Confinement,
    /// Taken from the machine's, by index; the program sees no others.
    pub gpus: u32,
    pub template: Option<Template>,
}

/// How it is seen that a runner can take requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Readiness {
    /// `GET /health` answers 200.
    #[default]
    Health,
    /// Its socket takes connections.
    Accept,
    /// Never: a job that ends by itself. It has no startup timeout.
    Never,
}

/// What a runner that is ready is asked, beyond whether it takes connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    #[serde(with = "method")]
    pub method: Method,
    pub path: String,
    /// From readiness to the first regular question.
    pub start_period: Duration,
    pub timeout: Duration,
    /// So many questions must fail, one after the other.
    pub failure_threshold: u32,
    /// `false`: asked only when [`Control::check`](crate::Control::check) says so.
    pub regularly: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Confinement {
    /// A plain child process: for programs of this house.
    #[default]
    None,
    Sandbox(Sandbox),
}

/// Walls around one runner. What is not named here is not there: neither the host's files nor its processes.
///
/// The system's programs and libraries (`/usr`) are there, read-only; `/tmp` and `HOME` are private and go with the
/// runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sandbox {
    pub binds: Vec<Bind>,
    pub copies: Vec<Copy>,
    pub network: Network,
    /// Processor cores; `None`: all.
    pub cpus: Option<f32>,
    /// Processes and threads together.
    pub processes: u32,
    /// What `/tmp`, `HOME` and the copies may hold together.
    pub scratch_bytes: u64,
    /// Takes the place of the system's programs and libraries. Such a runner cannot be without walls.
    pub image: Option<Rooted>,
}

/// The unpacked files of a container image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rooted {
    /// Read-only to the runner.
    pub root: PathBuf,
    /// The program serves on this port of its own network, and knows nothing of the socket by which it is reached.
    pub serves: Option<u16>,
}

/// Something of the host, seen inside. A source that is missing is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    pub from: PathBuf,
    pub to: PathBuf,
    pub writable: bool,
}

/// A folder of the host of which each runner gets a copy of its own, to write in as it likes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    pub from: PathBuf,
    pub to: PathBuf,
}

/// What of the network a runner reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// Its own loopback interface alone.
    #[default]
    None,
    /// The world by way of the proxy that serves on this Unix socket of the host.
    Internet { proxy: PathBuf },
    /// All that the host reaches, the host itself included.
    All,
}

/// A process that has imported ahead of need what runners of one kind all import, and becomes one of them. The first
/// of the command's arguments is then a Python script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Runners with the same key may come from the same template.
    pub key: String,
    /// Modules; what is not installed is left out.
    pub imports: Vec<String>,
    /// Folders of the inside: what is bound somewhere in them is the app's own, and a runner from a template gets a
    /// copy of it.
    pub late: Vec<PathBuf>,
}

/// The word for it.
mod method {
    use http::Method;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(method: &Method, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(method.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Method, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

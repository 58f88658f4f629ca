//! A hub on this machine: one repository, the parts of the protocol that are used.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use ring::digest::{SHA256, digest};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

const PIECE: usize = 64 << 10;
static SPACES: [u8; PIECE] = [b' '; PIECE];

#[derive(Default)]
struct Held {
    files: BTreeMap<String, Bytes>,
    ranges: Vec<Option<String>>,
    lies: bool,
    elsewhere: bool,
    endless: bool,
    break_after: Option<usize>,
}

#[derive(Clone)]
pub struct Hub {
    /// Ends with a slash.
    pub base: String,
    held: Arc<Mutex<Held>>,
}

impl Hub {
    pub async fn start(files: &[(&str, &[u8])]) -> Self {
        let files = files.iter().map(|(name, content)| ((*name).to_owned(), Bytes::copy_from_slice(content)));
        let held = Arc::new(Mutex::new(Held { files: files.collect(), ..Held::default() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let hub = Self { base, held };
        let routes = Router::new()
            .route("/api/models/acme/net/revision/{revision}", get(list))
            .route("/acme/net/resolve/{commit}/{*path}", get(file))
            .with_state(hub.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        hub
    }

    pub fn variable(&self) -> impl Fn(&str) -> Option<String> + use<> {
        let base = self.base.clone();
        move |name| (name == "HF_ENDPOINT").then(|| base.clone())
    }

    pub fn lie(&self) {
        self.held().lies = true;
    }

    /// Parts are other parts than were asked for.
    pub fn answer_elsewhere(&self) {
        self.held().elsewhere = true;
    }

    /// The list of files has no end.
    pub fn list_without_end(&self) {
        self.held().endless = true;
    }

    /// The next answer ends early.
    pub fn break_after(&self, bytes: usize) {
        self.held().break_after = Some(bytes);
    }

    pub fn fetched(&self) -> usize {
        self.held().ranges.len()
    }

    pub fn ranges(&self) -> Vec<Option<String>> {
        self.held().ranges.clone()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap()
    }
}

async fn list(State(hub): State<Hub>) -> Response {
    let held = hub.held();
    if held.endless {
        let spaces = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&SPACES)));
        return Body::from_stream(spaces).into_response();
    }
    let files = held.files.iter().map(|(name, content)| {
        let sha256 = if held.lies { "0".repeat(64) } else { hex::encode(digest(&SHA256, content)) };
        let large = format!(r#","lfs":{{"sha256":"{sha256}","size":{}}}"#, content.len());
        let large = if name.contains("config") { String::new() } else { large };
        format!(r#"{{"rfilename":"{name}","size":{}{large}}}"#, content.len())
    });
    let files = files.collect::<Vec<_>>().join(",");
    format!(r#"{{"sha":"{COMMIT}","siblings":[{files}]}}"#).into_response()
}

async fn file(State(hub): State<Hub>, Path((commit, path)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let mut held = hub.held();
    let Some(content) = held.files.get(&path).cloned().filter(|_| commit == COMMIT) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let range = headers.get(header::RANGE).map(|range| range.to_str().unwrap().to_owned());
    held.ranges.push(range.clone());
    let from: usize = range.as_deref().map_or(0, |range| range[6..range.len() - 1].parse().unwrap());
    let status = if from == 0 { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
    let rest = content.slice(from..);
    let length = rest.len();
    let broken_off = held.break_after.take();
    let sent = rest.slice(..broken_off.unwrap_or(length));
    // Pieces beyond what the server holds back, so that the first are on their way when it breaks off.
    let mut pieces: Vec<Result<Bytes, std::io::Error>> =
        (0..sent.len()).step_by(PIECE).map(|at| Ok(sent.slice(at..sent.len().min(at + PIECE)))).collect();
    if broken_off.is_some() {
        pieces.push(Err(std::io::ErrorKind::ConnectionReset.into()));
    }
    let first = if held.elsewhere { from + 1 } else { from };
    let range = format!("bytes {first}-{}/{}", content.len() - 1, content.len());
    let headers = [
        (header::ETAG, "\"one\"".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_RANGE, range),
    ];
    let body = Body::from_stream(futures::stream::iter(pieces));
    (status, headers, body).into_response()
}

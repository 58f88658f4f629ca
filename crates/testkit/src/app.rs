//! The server, and the few calls that most tests make.

use std::{path::Path, sync::Arc, time::Duration};

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tintype_domain::{Clock, SystemClock};
use tintype_server::{Options, Server, Surroundings};

use crate::program;

/// The first key of every test server.
pub const KEY: &str = "test:secret-of-the-tests";

/// Far beyond anything that a healthy server needs.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct TestApp {
    server: Server,
    client: Client,
    folder: TempDir,
}

/// Status and JSON body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl TestApp {
    /// With the diagnostic model, on a free port.
    pub async fn start() -> Self {
        Self::start_with(|_| {}, Arc::new(SystemClock)).await
    }

    /// The same, with settings and a clock of the test's own.
    pub async fn start_with(change: impl FnOnce(&mut Options), clock: Arc<dyn Clock>) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder"), change, clock).await
    }

    /// On the folder of an earlier server.
    pub async fn start_in(folder: TempDir, change: impl FnOnce(&mut Options), clock: Arc<dyn Clock>) -> Self {
        let mut options = Options::with_data(folder.path().join("data"));
        options.listen = ([127, 0, 0, 1], 0).into();
        options.admin_key = Some(KEY.into());
        options.diagnostics = true;
        options.stop_grace = Duration::from_secs(2);
        change(&mut options);
        let surroundings = Surroundings { program: program::find(), clock };
        let server = Server::start(options, surroundings).await.expect("the server starts");
        // A second call finds the first one's provider, which is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { server, client, folder }
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A request with the key; `path` begins with `/`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).header("authorization", format!("Key {}", self.server.key()))
    }

    /// A request without one.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.server.url()))
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path).send().await.expect("an answer")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).json(body).send().await.expect("an answer")).await
    }

    /// Waits until the queued request is complete; its status then.
    pub async fn completed(&self, app: &str, id: &str) -> Answer {
        let path = format!("/queue/{app}/requests/{id}/status");
        let follow = async {
            loop {
                let status = self.get(&path).await;
                if status.body["status"] != "IN_QUEUE" && status.body["status"] != "IN_PROGRESS" {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, follow).await.expect("the request completes")
    }

    /// Stops the server in good order and gives its folder back, for a next one.
    pub async fn stop(self) -> TempDir {
        self.server.stop().await;
        self.folder
    }
}

async fn answer(response: Response) -> Answer {
    let status = response.status();
    let text = response.text().await.expect("a body");
    let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
    Answer { status, body }
}

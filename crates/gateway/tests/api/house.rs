//! A gateway with everything behind it: the store in memory, dispatch, and a runner on a socket.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use tintype_access::Access;
use tintype_blob::{Blobs, Signer};
use tintype_catalog::Catalog;
use tintype_dispatch::{AppDefinition, Service};
use tintype_domain::{AccountId, SystemClock, app::Spec};
use tintype_gateway::{Gateway, Options, Parts, WebhookKeys, router};
use tintype_launch::{Address, Command, fake::FakeLauncher};
use tintype_outbound::{Outbound, Policy};
use tintype_store::{KeyScope, memory::MemoryStore};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::client::IntoClientRequest};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::{deployment, runner::Runner};

/// An app that an account of its own deployed, once a test publishes it.
pub const DEPLOYED: &str = "ann/app";

pub struct House {
    pub gateway: Gateway,
    pub runner: Runner,
    pub store: Arc<MemoryStore>,
    /// An ADMIN key of the account `local`.
    pub key: String,
    router: Router,
    address: SocketAddr,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

/// Where `Spec::default` allows one slot, tests of queues know that the second request waits.
pub async fn house() -> House {
    house_with(|_, _| {}).await
}

pub async fn house_with(change: impl FnOnce(&mut Options, &mut Spec)) -> House {
    house_of(Runner::start().await, change).await
}

pub async fn house_of(runner: Runner, change: impl FnOnce(&mut Options, &mut Spec)) -> House {
    let store = Arc::new(MemoryStore::new());
    let clock = Arc::new(SystemClock);
    let access = Arc::new(Access::open(store.clone(), clock.clone(), [7; 32]));
    let (_, key) = access.create_key(AccountId::new("local"), "test", KeyScope::Admin).await.unwrap();
    let mut options = Options::at("http://files.localhost".parse().unwrap());
    let mut spec = Spec { keep_alive: Duration::from_secs(600), ..Spec::default() };
    change(&mut options, &mut spec);
    let aliases = [("fal-ai/flux/dev".to_owned(), "tintype/sketch".to_owned())].into();
    let catalog = Catalog::open(&tintype_catalog::Options { diagnostics: true, aliases }).unwrap();
    let apps = catalog.models().map(|model| model.app.as_str()).chain([DEPLOYED]);
    let apps = apps.map(|app| definition(app, &spec)).collect();
    let parts = tintype_dispatch::Parts {
        store: store.clone(),
        launcher: Arc::new(FakeLauncher::ready_at(Address::Tcp(runner.address))),
        clock: clock.clone(),
        options: tintype_dispatch::Options::default(),
        cdn_token: Arc::new(|account, _| format!("cdn-of-{account}")),
    };
    let (service, dispatch) = Service::open(parts, apps).await.unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(service.run(stop.clone()));
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::new(Parts {
        dispatch,
        store: store.clone(),
        access,
        blobs: Arc::new(Blobs::open(folder.path().join("blobs")).unwrap()),
        signer: Arc::new(Signer::new([8; 32])),
        outbound: Arc::new(Outbound::new(Policy::default())),
        catalog: Arc::new(catalog),
        installed: Arc::new(|_| Vec::new()),
        clock,
        webhook_keys: Arc::new(WebhookKeys::open(&[9; 32]).unwrap()),
        options,
        deployment: deployment::router(),
        stop: stop.child_token(),
        tasks: TaskTracker::new(),
    });
    let router = router(gateway.clone());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router.clone()).into_future());
    House { gateway, runner, store, key, router, address, stop, _folder: folder }
}

fn definition(app: &str, spec: &Spec) -> AppDefinition {
    AppDefinition::native(app.parse().unwrap(), spec.clone(), Command::default(), None)
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The data of server-sent events.
    pub fn events(&self) -> Vec<Value> {
        let data = self.text.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }
}

impl House {
    pub fn request(&self, method: Method, url: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(url).header("host", "localhost:8700");
        request.header("authorization", format!("Key {}", self.key)).header("content-type", "application/json")
    }

    /// Sends and gives the answer as soon as its head is there.
    pub async fn open(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        read(self.open(request).await).await
    }

    pub async fn get(&self, url: &str) -> Answer {
        self.send(self.request(Method::GET, url).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, url: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, url).body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn put(&self, url: &str) -> Answer {
        self.send(self.request(Method::PUT, url).body(Body::empty()).unwrap()).await
    }

    /// A request with one more header, to a URL that may name a host.
    pub async fn with(&self, method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = self.request(method, url).body(Body::from(body.to_owned())).unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        self.send(request).await
    }

    /// Submits, and gives the id.
    pub async fn submit(&self, endpoint: &str, body: Value) -> String {
        let answer = self.post(&format!("/queue/{endpoint}"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["request_id"].as_str().unwrap().to_owned()
    }

    /// Waits for the end of a request, as clients do: to the end of its status stream.
    pub async fn completed(&self, app: &str, id: &str) -> Value {
        let answer = self.get(&format!("/queue/{app}/requests/{id}/status/stream?logs=1")).await;
        answer.events().pop().unwrap_or_else(|| panic!("no event: {answer:?}"))
    }

    /// A key of another account.
    pub async fn stranger(&self) -> String {
        self.key_of("stranger").await
    }

    pub async fn key_of(&self, account: &str) -> String {
        let account = AccountId::new(account);
        let (_, key) = self.gateway.access.create_key(account, "other", KeyScope::Api).await.unwrap();
        key
    }

    /// Opens a connection of its own, so that it can be broken.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Opens a WebSocket; the key travels on the handshake unless the path brings a token.
    pub async fn socket(
        &self,
        path: &str,
    ) -> Result<WebSocketStream<TcpStream>, tokio_tungstenite::tungstenite::Error> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        if !path.contains("fal_jwt_token") {
            let key = format!("Key {}", self.key).parse().unwrap();
            request.headers_mut().insert("authorization", key);
        }
        Ok(client_async(request, self.connect().await).await?.0)
    }
}

pub async fn read(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, text }
}

//! A reverse proxy with nothing but the forwarding: what any front end for the same runner must pay.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, UnixStream},
    sync::Mutex,
};

type Body = BoxBody<Bytes, hyper::Error>;

/// Idle connections to the runner.
#[derive(Default)]
struct Pool(Mutex<Vec<SendRequest<Incoming>>>);

pub async fn run(listen: &str, socket: PathBuf) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    println!("{}", serde_json::json!({ "url": format!("http://{}", listener.local_addr()?) }));
    let (pool, socket) = (Arc::new(Pool::default()), Arc::new(socket));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (pool, socket) = (pool.clone(), socket.clone());
        tokio::spawn(async move {
            let serve = service_fn(|request| forward(pool.clone(), socket.clone(), request));
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve).await
        });
    }
}

async fn forward(pool: Arc<Pool>, socket: Arc<PathBuf>, request: Request<Incoming>) -> hyper::Result<Response<Body>> {
    let idle = pool.0.lock().await.pop();
    let mut sender = match idle {
        Some(sender) if !sender.is_closed() => sender,
        _ => match connect(&socket).await {
            Ok(sender) => sender,
            Err(error) => return Ok(unavailable(&error.to_string())),
        },
    };
    sender.ready().await?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    // Whole answers, so that the connection is free again when the answer leaves.
    let body = body.collect().await?.to_bytes();
    pool.0.lock().await.push(sender);
    Ok(Response::from_parts(head, full(body)))
}

async fn connect(socket: &PathBuf) -> anyhow::Result<SendRequest<Incoming>> {
    let stream = UnixStream::connect(socket).await?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

fn unavailable(reason: &str) -> Response<Body> {
    let mut response = Response::new(full(Bytes::from(reason.to_owned())));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

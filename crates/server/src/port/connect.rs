//! `CONNECT`: the names of the hosted service are answered here, everything else is carried untouched.
//!
//! Only callers on this machine may reach other hosts through it: they could do so without it. For anyone else this
//! would be an open proxy.

use std::{io, sync::Arc, time::Duration};

use axum::body::Body;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE, uri::Authority};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
    time::timeout,
};

use super::{Io, Origin, Port, sniff};
use crate::tls::Names;

const REACH: Duration = Duration::from_secs(15);
const LONGEST_HEAD: usize = 8192;

pub(super) async fn answer(port: Arc<Port>, mut request: Request<Incoming>, origin: Origin) -> Response<Body> {
    let Some(target) = request.uri().authority().filter(|target| target.port_u16().is_some()).cloned() else {
        return refuse(StatusCode::BAD_REQUEST, "CONNECT needs a host and a port, such as `fal.run:443`");
    };
    let upgrade = hyper::upgrade::on(&mut request);
    if Names::impersonates(target.host()) {
        port.tasks.spawn(impersonate(Arc::clone(&port), upgrade, origin));
        return Response::default();
    }
    if !port.tunnel || !origin.peer.ip().to_canonical().is_loopback() {
        return refuse(StatusCode::FORBIDDEN, "this server carries no connections to other hosts");
    }
    match timeout(REACH, reach(&port, &target)).await {
        Ok(Ok(stream)) => {
            port.tasks.spawn(port.stop.clone().run_until_cancelled_owned(carry(upgrade, stream)));
            Response::default()
        }
        Ok(Err(error)) => refuse(StatusCode::BAD_GATEWAY, &format!("could not reach {target}: {error}")),
        Err(_) => refuse(StatusCode::GATEWAY_TIMEOUT, &format!("could not reach {target} within {REACH:?}")),
    }
}

async fn reach(port: &Port, target: &Authority) -> io::Result<TcpStream> {
    match &port.upstream_proxy {
        None => dial(target, 443).await,
        Some(proxy) => ask(dial(proxy, 80).await?, target).await,
    }
}

pub(super) async fn dial(target: &Authority, usual: u16) -> io::Result<TcpStream> {
    let host = target.host().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, target.port_u16().unwrap_or(usual))).await?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Asks another proxy for a tunnel.
pub(super) async fn ask(mut stream: TcpStream, target: &Authority) -> io::Result<TcpStream> {
    stream.write_all(format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n").as_bytes()).await?;
    let mut head = Vec::new();
    // Byte by byte: what follows the head belongs to the tunnel.
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST_HEAD {
        head.push(stream.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head);
    match text.split(' ').nth(1) {
        Some(status) if status.starts_with('2') => Ok(stream),
        _ => Err(io::Error::other(format!("the upstream proxy says `{}`", text.lines().next().unwrap_or_default()))),
    }
}

async fn impersonate(port: Arc<Port>, upgrade: OnUpgrade, origin: Origin) {
    if let Ok(stream) = upgrade.await {
        let io: Box<dyn Io> = Box::new(TokioIo::new(stream));
        sniff::connection(port, io, origin.peer).await;
    }
}

pub(super) async fn carry(upgrade: OnUpgrade, mut far: TcpStream) {
    if let Ok(near) = upgrade.await {
        // Either side may hang up at any time; that is how a tunnel ends.
        let _ = copy_bidirectional(&mut TokioIo::new(near), &mut far).await;
    }
}

pub(super) fn refuse(status: StatusCode, detail: &str) -> Response<Body> {
    let body = serde_json::json!({ "detail": detail, "error_type": "bad_request" }).to_string();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

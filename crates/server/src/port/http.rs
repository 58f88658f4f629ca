//! HTTP/1.1 and HTTP/2 on one stream.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::body::Body;
use http::{Method, Request, Response, StatusCode, Version};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tintype_gateway::Connection;
use tower::ServiceExt;

use super::{
    Io, Origin, Port, connect,
    worded::{Opaque, Worded},
};

/// From the first byte of a request to the end of its headers.
const HEADERS: Duration = Duration::from_secs(30);
/// Many requests of one caller share an HTTP/2 connection; a queue client may poll hundreds of them.
const STREAMS: u32 = 1024;
/// Flow-control windows: the default of 64 KiB would hold uploads back.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
const PING: Duration = Duration::from_secs(30);

pub(super) async fn serve<I: Io>(port: Arc<Port>, io: I, origin: Origin) {
    let (stop, opaque) = (port.stop.clone(), Opaque::default());
    let io = Worded::new(io, opaque.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (port, opaque) = (Arc::clone(&port), opaque.clone());
        async move { Ok::<_, Infallible>(answer(port, request, origin, &opaque).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING);
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(io), service));
    let early = stop.run_until_cancelled(connection.as_mut()).await;
    let ended = if let Some(ended) = early {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection ended early");
    }
}

/// HTTP/1.1 alone, as runners speak it.
pub(super) fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder
}

async fn answer(port: Arc<Port>, request: Request<Incoming>, origin: Origin, opaque: &Opaque) -> Response<Body> {
    if request.method() == Method::CONNECT && request.version() < Version::HTTP_2 {
        opaque.set();
        return connect::answer(port, request, origin).await;
    }
    let mut request = request.map(Body::new);
    let scheme = if origin.encrypted { "https" } else { "http" };
    request.extensions_mut().insert(Connection { scheme, peer: origin.peer });
    match port.router.clone().oneshot(request).await {
        Ok(response) => {
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                opaque.set();
            }
            response
        }
        Err(never) => match never {},
    }
}

//! The way out of deployed apps: an HTTP proxy on a Unix socket.
//!
//! The names of the hosted service are answered here, as for everybody; so an app that calls another by the client
//! library gets it from this server. Everything else is connected to if the operator's reach permits its address.
//! What an app could reach by the port's own tunnel, the inside of this machine above all, it cannot reach here.

mod names;

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::body::Body;
use http::{Method, Request, Response, StatusCode, Uri, header, uri::Authority};
use hyper::{body::Incoming, client::conn::http1 as client, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use tintype_gateway::Connection;
use tintype_outbound::{DialError, Reach, dial, lookup};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tower::ServiceExt;

use super::{Io, Port, accept::failed, connect, http as speech, sniff};
use crate::tls::Names;

/// Apps have no address of their own: they are on this machine.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where questions for names are sent, in the form of RFC 8484.
const NAMES: &str = "/dns-query";

pub(crate) struct Egress {
    port: Arc<Port>,
    reach: Reach,
}

impl Egress {
    /// `port` is what answers for the hosted service; its tunnel is closed to apps.
    pub(crate) fn new(port: &Port, reach: Reach) -> Arc<Self> {
        let port = Port {
            router: port.router.clone(),
            tls: port.tls.clone(),
            require_tls: false,
            tunnel: false,
            upstream_proxy: port.upstream_proxy.clone(),
            stop: port.stop.clone(),
            tasks: port.tasks.clone(),
        };
        Arc::new(Self { port: Arc::new(port), reach })
    }

    /// Until the server stops.
    pub(crate) fn serve(self: Arc<Self>, listener: UnixListener) {
        let (stop, tasks) = (self.port.stop.clone(), self.port.tasks.clone());
        let accepting = async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => _ = self.port.tasks.spawn(Arc::clone(&self).connection(stream)),
                    Err(error) => failed(&error).await,
                }
            }
        };
        tasks.spawn(stop.run_until_cancelled_owned(accepting));
    }

    async fn connection(self: Arc<Self>, stream: UnixStream) {
        let stop = self.port.stop.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let egress = Arc::clone(&self);
            async move { Ok::<_, Infallible>(egress.answer(request).await) }
        });
        let http = speech::http1();
        let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let _ = stop.run_until_cancelled(connection).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        if request.method() == Method::CONNECT {
            return self.tunnel(request).await;
        }
        match request.uri().authority().cloned() {
            Some(target) if request.uri().scheme_str() == Some("http") => self.forward(request, &target).await,
            None if request.uri().path() == NAMES => names::answer(&self.reach, request).await,
            _ => {
                refuse(StatusCode::BAD_REQUEST, "this is a proxy: it takes `CONNECT host:port` and `http://` addresses")
            }
        }
    }

    async fn tunnel(&self, mut request: Request<Incoming>) -> Response<Body> {
        let Some(target) = request.uri().authority().filter(|target| target.port_u16().is_some()).cloned() else {
            return refuse(StatusCode::BAD_REQUEST, "CONNECT needs a host and a port, such as `example.com:443`");
        };
        let upgrade = hyper::upgrade::on(&mut request);
        if Names::impersonates(target.host()) || target.host().parse() == Ok(names::HOSTED) {
            self.port.tasks.spawn(impersonate(Arc::clone(&self.port), upgrade));
            return Response::default();
        }
        match self.reach(&target, 443).await {
            Ok(far) => {
                let carrying = connect::carry(upgrade, far);
                self.port.tasks.spawn(self.port.stop.clone().run_until_cancelled_owned(carrying));
                Response::default()
            }
            Err(response) => response,
        }
    }

    /// A request in plain text, by its whole address.
    async fn forward(&self, mut request: Request<Incoming>, target: &Authority) -> Response<Body> {
        if let Ok(host) = target.as_str().parse() {
            request.headers_mut().insert(header::HOST, host);
        }
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
        for name in [header::PROXY_AUTHORIZATION.as_str(), "proxy-connection"] {
            request.headers_mut().remove(name);
        }
        if Names::impersonates(target.host()) {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Connection { scheme: "http", peer: PEER });
            return match self.port.router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
        }
        match self.reach(target, 80).await {
            Ok(far) => self.relay(request, far).await,
            Err(response) => response,
        }
    }

    async fn relay(&self, request: Request<Incoming>, far: TcpStream) -> Response<Body> {
        let Ok((mut sender, connection)) = client::handshake(TokioIo::new(far)).await else {
            return refuse(StatusCode::BAD_GATEWAY, "the other side does not speak HTTP");
        };
        self.port.tasks.spawn(self.port.stop.clone().run_until_cancelled_owned(connection));
        match sender.send_request(request).await {
            Ok(response) => response.map(Body::new),
            Err(error) => refuse(StatusCode::BAD_GATEWAY, &format!("the other side broke off: {error}")),
        }
    }

    async fn reach(&self, target: &Authority, usual: u16) -> Result<TcpStream, Response<Body>> {
        let (host, port) = (target.host(), target.port_u16().unwrap_or(usual));
        let Some(proxy) = &self.port.upstream_proxy else {
            return dial(&self.reach, host, port).await.map_err(|error| explain(&error));
        };
        // The other proxy resolves the name, perhaps to something that this machine does not know.
        if let Err(error @ DialError::Refused(_)) = lookup(&self.reach, host).await {
            return Err(explain(&error));
        }
        let target: Authority = format!("{host}:{port}").parse().map_err(|_| nameless())?;
        let asked = async { connect::ask(connect::dial(proxy, 80).await?, &target).await }.await;
        asked.map_err(|error| refuse(StatusCode::BAD_GATEWAY, &format!("could not reach {target}: {error}")))
    }
}

fn nameless() -> Response<Body> {
    refuse(StatusCode::BAD_REQUEST, "the address has no host")
}

fn explain(error: &DialError) -> Response<Body> {
    match error {
        DialError::Refused(refusal) => {
            let advice = "its operator sets with `app_reach` where apps may connect to";
            refuse(StatusCode::FORBIDDEN, &format!("{refusal}; {advice}"))
        }
        DialError::Unknown { source, .. } | DialError::Unreachable { source, .. } => {
            refuse(StatusCode::BAD_GATEWAY, &format!("{error}: {source}"))
        }
    }
}

fn refuse(status: StatusCode, detail: &str) -> Response<Body> {
    let mut response = connect::refuse(status, detail);
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response
}

async fn impersonate(port: Arc<Port>, upgrade: OnUpgrade) {
    if let Ok(stream) = upgrade.await {
        let io: Box<dyn Io> = Box::new(TokioIo::new(stream));
        sniff::connection(port, io, PEER).await;
    }
}

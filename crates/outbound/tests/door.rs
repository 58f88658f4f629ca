//! The door against real servers on this machine, hostile ones included.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tintype_outbound::{DeliverError, DownloadError, Limits, Outbound, Policy, Reach, TargetError};
use tokio::net::TcpListener;

type Body = BoxBody<Bytes, Infallible>;

/// Serves `answer` on 127.0.0.1.
async fn server(answer: impl Fn(Request<Incoming>) -> Response<Body> + Clone + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            let service = service_fn(move |request| std::future::ready(Ok::<_, Infallible>(answer(request))));
            tokio::spawn(async move {
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

fn full(bytes: &'static str) -> Body {
    Full::new(Bytes::from_static(bytes.as_bytes())).boxed()
}

/// `bytes` once, then nothing more, but no end either.
fn stalled(bytes: &'static str) -> Body {
    let first = futures::stream::iter([Ok(Frame::data(Bytes::from_static(bytes.as_bytes())))]);
    BodyExt::boxed(StreamBody::new(first.chain(futures::stream::pending())))
}

fn endless() -> Body {
    let chunk = || Ok(Frame::data(Bytes::from(vec![0; 64 << 10])));
    BodyExt::boxed(StreamBody::new(futures::stream::repeat_with(chunk)))
}

fn redirect(to: &str) -> Response<Body> {
    Response::builder().status(302).header("location", to).body(full("")).unwrap()
}

/// Reaches 127.0.0.1 and no other address.
fn local() -> Outbound {
    let reach = Reach { allow: vec!["127.0.0.1/32".parse().unwrap()], ..Reach::NOWHERE };
    Outbound::new(Policy { downloads: reach.clone(), deliveries: reach })
}

const LIMITS: Limits = Limits {
    max_bytes: 1 << 20,
    total_timeout: Duration::from_secs(30),
    idle_timeout: Duration::from_secs(20),
    redirects: 3,
};

#[tokio::test]
async fn a_file_arrives_with_its_type() {
    let address = server(|request| {
        assert_eq!(request.headers()["accept-encoding"], "identity");
        Response::builder().header("content-type", "image/png").body(full("picture")).unwrap()
    })
    .await;
    let got = local().download(&format!("http://{address}/a.png"), LIMITS).await.unwrap();
    assert_eq!((got.content_type.as_deref(), &got.bytes[..]), (Some("image/png"), &b"picture"[..]));
}

#[tokio::test]
async fn this_machine_is_out_of_reach_by_default_under_every_name() {
    let address = server(|_| panic!("nobody may connect")).await;
    let outbound = Outbound::new(Policy::default());
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        let url = format!("http://{host}:{}/", address.port());
        let refused = outbound.download(&url, LIMITS).await.unwrap_err();
        assert!(matches!(refused, DownloadError::Target(TargetError::Refused(_))), "{host}: {refused}");
        let refused = outbound.deliver(&url, HeaderMap::new(), Bytes::new(), LIMITS.total_timeout).await.unwrap_err();
        assert!(matches!(refused, DeliverError::Target(TargetError::Refused(_))), "{host}: {refused}");
        assert!(!refused.is_transient());
    }
}

#[tokio::test]
async fn redirects_are_followed_and_each_is_checked() {
    let target = server(|_| Response::new(full("there"))).await;
    let port = target.port();
    let address = server(move |request| match request.uri().path() {
        "/good" => redirect(&format!("http://127.0.0.1:{port}/x")),
        "/relative" => redirect("good"),
        "/inside" => redirect(&format!("http://127.0.0.2:{port}/x")),
        "/metadata" => redirect("http://169.254.169.254/latest/meta-data"),
        "/file" => redirect("file:///etc/passwd"),
        "/bare" => Response::builder().status(302).body(full("")).unwrap(),
        _ => redirect("/loop"),
    })
    .await;
    let get = |path: &'static str| async move { local().download(&format!("http://{address}{path}"), LIMITS).await };
    assert_eq!(&get("/good").await.unwrap().bytes[..], b"there");
    assert_eq!(&get("/relative").await.unwrap().bytes[..], b"there");
    for path in ["/inside", "/metadata", "/file"] {
        let refused = get(path).await.unwrap_err();
        assert!(matches!(refused, DownloadError::Redirect(_)), "{path}: {refused}");
    }
    assert!(matches!(get("/bare").await, Err(DownloadError::Status { status: 302 })));
    assert!(matches!(get("/loop").await, Err(DownloadError::TooManyRedirects { limit: 3 })));
}

#[tokio::test]
async fn a_file_over_the_limit_is_stopped_announced_or_not() {
    let address = server(|request| match request.uri().path() {
        "/announced" => Response::builder().header("content-length", "2000000").body(endless()).unwrap(),
        _ => Response::new(endless()),
    })
    .await;
    for path in ["announced", "endless"] {
        let stopped = local().download(&format!("http://{address}/{path}"), LIMITS).await;
        assert!(matches!(stopped, Err(DownloadError::TooLarge { limit: 1_048_576 })), "{path}");
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    let address = server(|_| Response::new(stalled("half"))).await;
    let limits = Limits { idle_timeout: Duration::from_millis(50), ..LIMITS };
    let silent = local().download(&format!("http://{address}/"), limits).await;
    assert!(matches!(silent, Err(DownloadError::Idle { .. })));
    let limits = Limits { total_timeout: Duration::from_millis(50), ..LIMITS };
    let slow = local().download(&format!("http://{address}/"), limits).await;
    assert!(matches!(slow, Err(DownloadError::Slow { .. })));
}

#[tokio::test]
async fn other_answers_and_dead_servers_are_named() {
    let address = server(|_| Response::builder().status(StatusCode::NOT_FOUND).body(full("")).unwrap()).await;
    let missing = local().download(&format!("http://{address}/"), LIMITS).await.unwrap_err();
    assert_eq!(missing.to_string(), "its server answered with status 404");
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let dead = local().download(&format!("http://{unused}/?secret=1"), LIMITS).await.unwrap_err();
    assert!(matches!(dead, DownloadError::Unreachable { .. }));
    assert!(!dead.to_string().contains("secret"), "{dead}");
}

#[tokio::test]
async fn a_delivery_says_the_status_and_follows_nothing() {
    let address = server(|request| match (request.method().as_str(), request.uri().path()) {
        ("POST", "/ok") => {
            assert_eq!(request.headers()["x-test"], "yes");
            Response::new(full("thanks"))
        }
        ("POST", "/elsewhere") => redirect("/ok"),
        _ => Response::builder().status(500).body(endless()).unwrap(),
    })
    .await;
    let headers: HeaderMap = [("x-test".parse().unwrap(), "yes".parse().unwrap())].into_iter().collect();
    for (path, status) in [("ok", 200), ("elsewhere", 302), ("broken", 500)] {
        let url = format!("http://{address}/{path}");
        let got = local().deliver(&url, headers.clone(), Bytes::from("{}"), LIMITS.total_timeout).await;
        assert_eq!(got.unwrap(), status, "{path}");
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_or_is_gone_may_be_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hanging = format!("http://{}/", listener.local_addr().unwrap());
    let late = local().deliver(&hanging, HeaderMap::new(), Bytes::new(), Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(late, DeliverError::Timeout { .. }) && late.is_transient());
    drop(listener);
    let gone = local().deliver(&hanging, HeaderMap::new(), Bytes::new(), LIMITS.total_timeout).await.unwrap_err();
    assert!(matches!(gone, DeliverError::Unreachable { .. }) && gone.is_transient());
}

//! The one port: what is told apart by its first bytes, and what `CONNECT` may and may not do.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tintype_testkit::TestApp;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

async fn dial(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.server().address()).await.unwrap()
}

/// Writes, and reads to the end.
async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A TLS peer that just hangs up is reported as an error; what came before it counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn encrypt(
    app: &TestApp,
    stream: TcpStream,
    name: &'static str,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(app.server().authority().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap(), stream).await
}

/// Asks for a tunnel; the status of the answer, and the stream behind it.
async fn connect(app: &TestApp, target: &str) -> (String, TcpStream) {
    let mut stream = dial(app).await;
    stream.write_all(format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    (head.split(' ').nth(1).unwrap().to_owned(), stream)
}

#[tokio::test]
async fn plain_http_is_answered_in_both_families() {
    let app = TestApp::start().await;
    assert!(talk(dial(&app).await, HEALTH).await.starts_with("HTTP/1.1 200"));
    let port = app.server().address().port();
    if let Ok(stream) = TcpStream::connect(("::1", port)).await {
        assert!(talk(stream, HEALTH).await.starts_with("HTTP/1.1 200"));
    }
    app.stop().await;
}

#[tokio::test]
async fn tls_is_answered_for_hosted_and_local_names_with_either_protocol() {
    let app = TestApp::start().await;
    for name in ["fal.run", "queue.fal.run", "v3b.fal.media", "never-heard-of.fal.ai", "localhost", "127.0.0.1"] {
        let stream = encrypt(&app, dial(&app).await, name, b"http/1.1").await.unwrap();
        assert!(talk(stream, HEALTH).await.starts_with("HTTP/1.1 "), "{name}");
    }
    let stream = encrypt(&app, dial(&app).await, "fal.run", b"h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    app.stop().await;
}

#[tokio::test]
async fn the_certificate_vouches_for_no_other_name() {
    let app = TestApp::start().await;
    assert!(encrypt(&app, dial(&app).await, "example.com", b"http/1.1").await.is_err());
    app.stop().await;
}

#[tokio::test]
async fn http2_is_known_by_its_preface() {
    let app = TestApp::start().await;
    let mut stream = dial(&app).await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").await.unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "the first frame is the settings of the server");
    app.stop().await;
}

#[tokio::test]
async fn connect_to_a_hosted_name_is_answered_here() {
    let app = TestApp::start().await;
    let (status, stream) = connect(&app, "queue.fal.run:443").await;
    assert_eq!(status, "200");
    let stream = encrypt(&app, stream, "queue.fal.run", b"http/1.1").await.unwrap();
    let answer = talk(
        stream,
        "GET /tintype/noop/requests/x/status HTTP/1.1\r\nhost: queue.fal.run\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn connect_to_another_host_carries_bytes_untouched() {
    let app = TestApp::start().await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = elsewhere.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = elsewhere.accept().await.unwrap();
        let mut text = [0; 4];
        stream.read_exact(&mut text).await.unwrap();
        stream.write_all(&text).await.unwrap();
    });
    let (status, stream) = connect(&app, &target.to_string()).await;
    assert_eq!(status, "200");
    assert_eq!(talk(stream, "\x16\x00ab").await, "\x16\x00ab");
    app.stop().await;
}

#[tokio::test]
async fn connect_to_nowhere_and_without_a_port_says_so() {
    let app = TestApp::start().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(connect(&app, &closed.to_string()).await.0, "502");
    assert_eq!(connect(&app, "fal.run").await.0, "400");
    app.stop().await;
}

#[tokio::test]
async fn other_hosts_are_reached_through_the_proxy_that_the_operator_named() {
    let second = TestApp::start().await;
    let proxy = second.server().address().to_string();
    let change = |options: &mut tintype_server::Options| options.upstream_proxy = Some(proxy);
    let first = TestApp::start_with(change, Arc::new(tintype_domain::SystemClock)).await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = elsewhere.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = elsewhere.accept().await.unwrap();
        stream.write_all(b"first word is mine").await.unwrap();
    });
    let (status, stream) = connect(&first, &target.to_string()).await;
    assert_eq!(status, "200");
    assert_eq!(talk(stream, "").await, "first word is mine");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(connect(&first, &closed.to_string()).await.0, "502");
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_server_that_carries_nothing_refuses_to() {
    let app = TestApp::start_with(|options| options.tunnel = false, Arc::new(tintype_domain::SystemClock)).await;
    assert_eq!(connect(&app, "127.0.0.1:9").await.0, "403");
    assert_eq!(connect(&app, "fal.run:443").await.0, "200");
    app.stop().await;
}

#[tokio::test]
async fn what_is_no_protocol_at_all_hurts_nobody() {
    let app = TestApp::start().await;
    for bytes in ["\x16\x03\x01\x00\x05hello", "\0\0\0\0", "GET", "GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\r\n"] {
        let mut stream = dial(&app).await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    assert!(talk(dial(&app).await, HEALTH).await.starts_with("HTTP/1.1 200"));
    app.stop().await;
}

#[tokio::test]
async fn the_authority_is_public_and_no_key_is_needed_for_it() {
    let app = TestApp::start().await;
    let request = app.anonymous(reqwest::Method::GET, "/.well-known/tintype/authority.pem");
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), app.server().authority());
    app.stop().await;
}

/// An address of this machine that is not loopback, if it has one.
fn outer_address() -> Option<std::net::IpAddr> {
    // Connecting a datagram socket sends nothing; it only picks the interface.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[tokio::test]
async fn callers_from_elsewhere_must_use_tls_and_find_no_open_proxy() {
    let Some(outer) = outer_address() else { return };
    let change = |options: &mut tintype_server::Options| {
        options.listen = (outer, 0).into();
        options.require_tls = true;
    };
    let app = TestApp::start_with(change, Arc::new(tintype_domain::SystemClock)).await;
    let answer = talk(dial(&app).await, HEALTH).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("over TLS alone"), "{answer}");
    let name: &'static str = outer.to_string().leak();
    let stream = encrypt(&app, dial(&app).await, name, b"http/1.1").await.unwrap();
    assert!(talk(stream, HEALTH).await.starts_with("HTTP/1.1 200"));
    let stream = encrypt(&app, dial(&app).await, name, b"http/1.1").await.unwrap();
    let answer = talk(stream, "CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    app.stop().await;
}

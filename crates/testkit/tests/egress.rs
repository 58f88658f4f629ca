//! The way out of deployed apps: what leads to this server, what leads out, and what leads nowhere.

use std::sync::Arc;

use tintype_domain::SystemClock;
use tintype_testkit::TestApp;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixStream},
};

async fn talk(app: &TestApp, text: &str) -> String {
    let mut stream = UnixStream::connect(app.data().join("run/egress.sock")).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A server in the world, or what stands for it; answers once.
async fn world() -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let length = peer.read(&mut head).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
        peer.write_all(answer).await.unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    (port, serving)
}

#[tokio::test]
async fn inner_addresses_are_refused_in_either_form_and_the_option_is_named() {
    let app = TestApp::start().await;
    let port = app.server().address().port();
    for target in ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"] {
        let answer = talk(&app, &format!("CONNECT {target}:{port} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("`app_reach`"), "{target}: {answer}");
        let answer = talk(&app, &format!("GET http://{target}:{port}/health HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{target}: {answer}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_the_operator_permits_is_reached_in_either_form() {
    let reach = tintype_server::Reach { loopback: true, ..tintype_server::Reach::PUBLIC };
    let app = TestApp::start_with(|options| options.app_reach = reach, Arc::new(SystemClock)).await;
    let (port, serving) = world().await;
    let asked = format!("GET http://localhost:{port}/a?b=c HTTP/1.1\r\nhost: ignored\r\nproxy-connection: x\r\n\r\n");
    let answer = talk(&app, &asked).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    let head = serving.await.unwrap();
    assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: localhost:{port}")) && !head.contains("proxy-connection"), "{head}");
    let (port, serving) = world().await;
    let asked = format!("CONNECT localhost:{port} HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    let answer = talk(&app, &asked).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    assert_eq!(serving.await.unwrap(), "GET / HTTP/1.1\r\n\r\n");
    app.stop().await;
}

#[tokio::test]
async fn the_hosted_names_are_answered_here_and_open_no_second_door() {
    let app = TestApp::start().await;
    for target in ["fal.run:80", "11.102.97.108:80"] {
        let asked = format!(
            "CONNECT {target} HTTP/1.1\r\nhost: x\r\n\r\nGET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        );
        let answer = talk(&app, &asked).await;
        assert!(answer.contains("\r\n\r\nHTTP/1.1 200"), "{target}: {answer}");
    }
    let inner = "CONNECT fal.run:80 HTTP/1.1\r\nhost: x\r\n\r\nCONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = talk(&app, inner).await;
    assert!(answer.contains("HTTP/1.1 403"), "{answer}");
    let plain =
        "GET http://queue.fal.run/tintype/noop/requests/x/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = talk(&app, plain).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn what_is_no_proxy_request_is_told_so() {
    let app = TestApp::start().await;
    for asked in ["GET /health HTTP/1.1\r\nhost: x\r\n\r\n", "CONNECT nowhere HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let answer = talk(&app, asked).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    app.stop().await;
}

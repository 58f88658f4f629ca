//! What of the network is reached.

use std::net::TcpListener;

use tintype_domain::RunnerId;
use tintype_launch::{ExitReason, Network};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};

use crate::house::{House, sandbox_of};

const KNOCK: &str = r#"
import socket, sys
try:
    socket.create_connection(("127.0.0.1", PORT), timeout=5).close()
    print("reached")
except OSError as error:
    print("not reached")
"#;

#[tokio::test]
async fn the_hosts_loopback_is_reached_with_the_policy_all_alone() {
    let Some(house) = House::new() else { return };
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let script = KNOCK.replace("PORT", &listener.local_addr().unwrap().port().to_string());
    assert_eq!(house.run(house.python(&script)).await.0, "not reached\n");
    let mut start = house.python(&script);
    start.runner = RunnerId::new("r2");
    sandbox_of(&mut start).network = Network::All;
    assert_eq!(house.run(start).await.0, "reached\n");
}

#[tokio::test]
async fn with_the_policy_internet_the_proxy_is_the_only_way_out() {
    let Some(house) = House::new() else { return };
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let proxy = house.path("egress.sock");
    let server = UnixListener::bind(&proxy).unwrap();
    let script = format!(
        "{}
import urllib.request
print(urllib.request.urlopen('http://example.test/x').read().decode())
",
        KNOCK.replace("PORT", &listener.local_addr().unwrap().port().to_string())
    );
    let mut start = house.python(&script);
    sandbox_of(&mut start).network = Network::Internet { proxy };
    let answer = async {
        let (mut peer, _) = server.accept().await.unwrap();
        let mut head = [0; 1000];
        let length = peer.read(&mut head).await.unwrap();
        assert!(head[..length].starts_with(b"GET http://example.test/x HTTP/1.1\r\n"));
        peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").await.unwrap();
    };
    let ((text, reason), ()) = tokio::join!(house.run(start), answer);
    assert_eq!((text.as_str(), reason), ("not reached\nhello\n", ExitReason::Clean));
}

/// An answer to whatever was asked: one address.
fn name_answer(question: &[u8], address: [u8; 4]) -> Vec<u8> {
    let mut answer = vec![question[0], question[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let asks_for_version_4 = question[end - 3] == 1;
    answer[7] = u8::from(asks_for_version_4);
    answer.extend(&question[12..end]);
    if asks_for_version_4 {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4]);
        answer.extend(address);
    }
    answer
}

#[tokio::test]
async fn a_program_that_knows_no_proxy_is_led_to_it_with_the_address_that_it_meant() {
    let Some(house) = House::new() else { return };
    let proxy = house.path("egress.sock");
    let server = UnixListener::bind(&proxy).unwrap();
    let script = r#"
import socket
def ask(port):
    peer = socket.create_connection(("files.example", port), timeout=10)
    peer.sendall(b"plain words")
    return peer.recv(100).decode()
print(socket.gethostbyname("files.example"))
print(ask(443))
try:
    ask(22)
except OSError as error:
    print(error.strerror)
"#;
    let mut start = house.python(script);
    sandbox_of(&mut start).network = Network::Internet { proxy };
    let answering = async {
        loop {
            let (mut peer, _) = server.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let mut length = peer.read(&mut head).await.unwrap();
            if head.starts_with(b"POST /dns-query ") {
                let ends = || head.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
                let begin = ends();
                if length == begin {
                    length += peer.read(&mut head[begin..]).await.unwrap();
                }
                let answer = name_answer(&head[begin..length], [93, 184, 215, 14]);
                peer.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await.unwrap();
                peer.write_all(&answer).await.unwrap();
                continue;
            }
            assert!(head.starts_with(b"CONNECT 93.184.215.14:443 HTTP/1.1\r\n"));
            peer.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let length = peer.read(&mut head).await.unwrap();
            assert_eq!(&head[..length], b"plain words");
            peer.write_all(b"and an answer").await.unwrap();
        }
    };
    let (text, reason) = tokio::select! {
        ended = house.run(start) => ended,
        () = answering => unreachable!(),
    };
    assert_eq!(text, "93.184.215.14\nand an answer\nConnection refused\n");
    assert_eq!(reason, ExitReason::Clean);
}

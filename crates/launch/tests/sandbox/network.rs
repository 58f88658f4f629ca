//! What of the network is reached.

use std::net::TcpListener;

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

//! The files of an image as the root of a runner, and a program that serves on a port.

use tintype_launch::{Address, Launcher, Occurrence, Readiness, Rooted};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use crate::house::{House, sandbox_of};

#[tokio::test]
async fn what_serves_on_a_port_is_reached_by_its_socket_when_the_port_is_open() {
    let Some(house) = House::new() else { return };
    let script = "
import http.server, os, time
print(sorted(os.listdir('/app')), os.access('/usr', os.W_OK), os.access('/run', os.W_OK), flush=True)
time.sleep(0.3)
http.server.ThreadingHTTPServer(('0.0.0.0', 9000), http.server.SimpleHTTPRequestHandler).serve_forever()";
    let mut start = house.python(script);
    start.command.args.pop();
    start.command.readiness = Readiness::Accept;
    // The host itself stands for an image: its folders, and none of its private ones.
    sandbox_of(&mut start).image = Some(Rooted { root: "/".into(), serves: Some(9000) });
    let mut started = house.launcher.start(start).await.unwrap();
    let mut said = Vec::new();
    loop {
        match started.occurrences.recv().await.expect("it becomes ready") {
            Occurrence::Ready => break,
            Occurrence::Log { message, .. } => said.push(message),
            Occurrence::Exited { reason } => panic!("{reason}: {said:?}"),
            _ => {}
        }
    }
    assert!(said.iter().any(|line| line.ends_with("False True")), "{said:?}");
    let Address::Unix(socket) = started.address.clone() else { panic!("no socket") };
    for _ in 0..2 {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.0 200 OK"), "{answer}");
    }
    started.control.kill();
}

//! Connecting to the socket of a runner.

use std::{io, path::Path};

use tokio::net::UnixStream;

/// Connects to what lies at `path` itself.
///
/// The folder belongs to the runner, and its code is not trusted: where it had put a link, following it would let
/// requests out to any other socket of the host, under the rights of this process.
#[cfg(target_os = "linux")]
pub async fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
    let found = openat(CWD, path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&found)?.st_mode) != FileType::Socket {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the runner's address is not a socket"));
    }
    UnixStream::connect(format!("/proc/self/fd/{}", found.as_raw_fd())).await
}

#[cfg(not(target_os = "linux"))]
pub async fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::symlink;

    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn a_link_to_another_socket_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (secret, runner) = (dir.path().join("secret.sock"), dir.path().join("http.sock"));
        let listener = UnixListener::bind(&secret).unwrap();
        symlink(&secret, &runner).unwrap();
        assert_eq!(connect_unix(&runner).await.unwrap_err().to_string(), "the runner's address is not a socket");
        let (near, far) = tokio::join!(connect_unix(&secret), listener.accept());
        assert!(near.is_ok() && far.is_ok());
    }
}

//! A stream whose first bytes were looked at and are read again.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Io;

pub(super) struct Rewind<I> {
    first: Option<u8>,
    inner: I,
}

impl<I: Io> Rewind<I> {
    pub(super) fn new(first: u8, inner: I) -> Self {
        Self { first: Some(first), inner }
    }
}

impl<I: Io> AsyncRead for Rewind<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0
            && let Some(first) = self.first.take()
        {
            buffer.put_slice(&[first]);
            // What follows is usually there already; that it is not yet is no news.
            return match Pin::new(&mut self.inner).poll_read(cx, buffer) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                _ => Poll::Ready(Ok(())),
            };
        }
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<I: Io> AsyncWrite for Rewind<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn the_first_byte_comes_again_and_then_the_rest() {
        let (mut far, mut near) = duplex(64);
        far.write_all(b"GET /").await.unwrap();
        let first = near.read_u8().await.unwrap();
        let mut rewound = Rewind::new(first, near);
        let mut text = [0; 5];
        rewound.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"GET /");
        rewound.write_all(b"ok").await.unwrap();
        let mut answer = [0; 2];
        far.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ok");
    }
}

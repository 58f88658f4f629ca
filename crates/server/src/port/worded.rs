//! Words for the answers that hyper gives by itself.
//!
//! What cannot be read as a request never reaches a route: hyper answers it with a bare status and hangs up, and offers
//! no say in that. Clients of the API expect JSON of every answer, so the bare head is caught on its way out. It is
//! known by its form, and by its moment: it is the first that is written after something was read.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Io;

/// Longer than any head that hyper writes by itself.
const LONGEST: usize = 256;

/// Set once a connection carries something other than HTTP: that is never looked into.
#[derive(Clone, Debug, Default)]
pub(super) struct Opaque(Arc<AtomicBool>);

impl Opaque {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) struct Worded<I> {
    inner: I,
    opaque: Opaque,
    /// Something was read, and nothing written since.
    heard: bool,
    last_words: Option<LastWords>,
}

/// What is written in place of a bare head; nothing follows it.
struct LastWords {
    text: Vec<u8>,
    written: usize,
}

impl<I: Io> Worded<I> {
    pub(super) fn new(inner: I, opaque: Opaque) -> Self {
        Self { inner, opaque, heard: false, last_words: None }
    }

    /// Whether these bytes are a bare answer, whose place has now been taken.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        let may = std::mem::take(&mut self.heard) && !self.opaque.is_set();
        let text = if may { words_for(bytes) } else { None };
        self.last_words = text.map(|text| LastWords { text, written: 0 });
        self.last_words.is_some()
    }

    fn poll_last_words(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(words) = &mut self.last_words {
            while words.written < words.text.len() {
                let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &words.text[words.written..]))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                words.written += written;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: Io> AsyncRead for Worded<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        self.heard |= buffer.filled().len() > before;
        Poll::Ready(Ok(()))
    }
}

impl<I: Io> AsyncWrite for Worded<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.last_words.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_last_words(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_last_words(cx))?;
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
        if let [bytes] = slices {
            return self.poll_write(cx, bytes);
        }
        // A bare head comes alone.
        self.heard = false;
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }
}

fn words_for(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(b"HTTP/1.1 4") || bytes.len() > LONGEST {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?.strip_prefix("HTTP/1.1 ")?.strip_suffix("\r\n\r\n")?;
    let (status, headers) = head.split_once("\r\n")?;
    let is_bare = |header: &str| {
        header == "content-length: 0" || header.starts_with("connection: ") || header.starts_with("date: ")
    };
    let detail = detail(status).filter(|_| headers.split("\r\n").all(is_bare))?;
    let body = serde_json::json!({ "detail": detail, "error_type": "bad_request" }).to_string();
    let head = "content-type: application/json\r\nx-fal-error-type: bad_request\r\nconnection: close";
    Some(format!("HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

fn detail(status: &str) -> Option<&'static str> {
    Some(match status {
        "400 Bad Request" => "the request could not be read: its first line or one of its headers is not HTTP/1.1",
        "414 URI Too Long" => {
            "the address of the request is too long: at most 65534 bytes are allowed; send long input in the body"
        }
        "431 Request Header Fields Too Large" => {
            "the headers of the request are too large: at most 100 of them and 400 KiB in all are allowed"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests;

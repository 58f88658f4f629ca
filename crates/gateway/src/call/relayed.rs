//! A body that gives its slot back when it ends.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tintype_dispatch::{BodyError, Lease, RunnerBody};

/// Dropped before its end, it drops the lease: the caller went away.
pub(super) struct Relayed {
    body: Pin<Box<RunnerBody>>,
    lease: Option<Lease>,
    /// Bytes still to come, where the runner declared them. The server stops asking once they are all there.
    left: Option<u64>,
}

impl Relayed {
    pub(super) fn new(body: RunnerBody, lease: Lease, length: Option<u64>) -> Self {
        Self { body: Box::pin(body), lease: Some(lease), left: length }
    }

    fn finish(&mut self) {
        if let Some(lease) = self.lease.take() {
            let verdict = lease.verdict();
            lease.finish(verdict);
        }
    }
}

impl Body for Relayed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(self.body.as_mut().poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                let read = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.left = self.left.map(|left| left.saturating_sub(read));
                if self.left == Some(0) {
                    self.finish();
                }
            }
            Some(Err(_)) | None => self.finish(),
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map(SizeHint::with_exact).unwrap_or_default()
    }
}

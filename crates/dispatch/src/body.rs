//! The body of a runner's answer, which survives its reader.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    BodyError,
    link::{Link, Sender},
};

/// The body of a runner's answer. When it is dropped before its end, the rest is left to whoever holds the slot:
/// only the runner's end frees a slot.
#[derive(Debug)]
pub struct RunnerBody {
    incoming: Option<Incoming>,
    /// Goes back to the link at the end.
    sender: Option<Sender>,
    link: Arc<Link>,
    rest: Arc<Rest>,
}

/// Where the unread rest of a body is left.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    left: Mutex<Left>,
    changed: Notify,
    /// The runner broke the answer off.
    broken: AtomicBool,
}

#[derive(Debug, Default)]
enum Left {
    /// There is no body (yet), or it was read to its end.
    #[default]
    Nothing,
    BeingRead,
    Unread(Incoming),
}

impl RunnerBody {
    pub(crate) fn new(incoming: Incoming, sender: Sender, link: Arc<Link>, rest: Arc<Rest>) -> Self {
        *rest.left.lock() = Left::BeingRead;
        let mut body = Self { incoming: Some(incoming), sender: Some(sender), link, rest };
        if body.incoming.as_ref().is_some_and(Body::is_end_stream) {
            body.end();
        }
        body
    }

    /// The body of a connection that speaks another protocol from here on.
    pub(crate) fn upgraded(link: Arc<Link>, rest: Arc<Rest>) -> Self {
        Self { incoming: None, sender: None, link, rest }
    }

    fn end(&mut self) {
        self.incoming = None;
        self.rest.leave(Left::Nothing);
        if let Some(sender) = self.sender.take() {
            self.link.keep(sender);
        }
    }
}

impl Rest {
    fn leave(&self, left: Left) {
        *self.left.lock() = left;
        self.changed.notify_one();
    }

    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Waits until the reader is done, then reads what it left. Ends when the runner has ended.
    pub async fn drain(&self) {
        loop {
            let changed = self.changed.notified();
            let left = {
                let mut left = self.left.lock();
                match &*left {
                    Left::BeingRead => None,
                    Left::Nothing | Left::Unread(_) => Some(std::mem::take(&mut *left)),
                }
            };
            match left {
                None => changed.await,
                Some(Left::Unread(incoming)) => return discard(incoming).await,
                Some(Left::Nothing | Left::BeingRead) => return,
            }
        }
    }
}

pub(crate) async fn discard(mut incoming: Incoming) {
    use http_body_util::BodyExt;
    while let Some(Ok(_)) = incoming.frame().await {}
}

impl Body for RunnerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(incoming) = self.incoming.as_mut() else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(&mut *incoming).poll_frame(context));
        let over = incoming.is_end_stream();
        match frame {
            Some(Err(error)) => {
                // A connection that broke is not kept.
                self.sender = None;
                self.rest.broken.store(true, Ordering::Relaxed);
                self.end();
                Poll::Ready(Some(Err(error.into())))
            }
            frame => {
                if over || frame.is_none() {
                    self.end();
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for RunnerBody {
    fn drop(&mut self) {
        if let Some(incoming) = self.incoming.take() {
            self.rest.leave(Left::Unread(incoming));
        }
    }
}

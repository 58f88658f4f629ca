//! A slot of a runner, held for one request.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use tintype_domain::{AccountId, AppId, Failure, Priority, RequestId, RunnerId, Timestamp, Verdict};

/// What broke a body under way.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;
/// A body on its way to a runner.
pub type BoxBody = UnsyncBoxBody<Bytes, BodyError>;

/// A direct call that wants a slot.
#[derive(Clone, Debug)]
pub struct Call {
    pub id: RequestId,
    pub account: AccountId,
    pub app: AppId,
    /// Path inside the app: empty, or begins with `/`.
    pub path: String,
    pub priority: Priority,
    pub start_deadline: Option<Timestamp>,
    pub hint: Option<String>,
    /// `X-Fal-Object-Lifecycle-Preference`, for the files that the runner makes.
    pub lifecycle: Option<String>,
}

/// A slot. Dropping it without [`Lease::finish`] says that the caller went away.
pub struct Lease {}

impl Lease {
    pub fn runner(&self) -> &RunnerId {
        todo!()
    }

    /// Sends to the runner. A 101 answer carries `hyper::upgrade::OnUpgrade` in its extensions.
    pub async fn send(&mut self, request: http::Request<BoxBody>) -> Result<http::Response<RunnerBody>, Failure> {
        todo!("{request:?}")
    }

    /// What the answer so far amounts to; for [`Lease::finish`].
    pub fn verdict(&self) -> Verdict {
        todo!()
    }

    pub fn finish(self, verdict: Verdict) {
        todo!("{verdict:?}")
    }
}

/// The body of a runner's answer. Implements `http_body::Body`.
pub struct RunnerBody {}

impl http_body::Body for RunnerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, BodyError>>> {
        todo!()
    }
}

//! A direct call: one whose caller holds the line.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use tintype_domain::{AccountId, AppId, Priority, RequestId, Timestamp};

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

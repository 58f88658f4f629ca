//! What a short-lived token permits.

use serde::{Deserialize, Serialize};
use tintype_domain::{AccountId, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub account: AccountId,
    pub purpose: Purpose,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Handshakes and client-mode streams of these apps: an alias, `owner/alias`, or that with a path.
    Realtime { apps: Vec<String> },
    /// Uploads and downloads; `lifecycle` is the object lifecycle preference of what it uploads.
    Cdn { lifecycle: Option<String> },
}

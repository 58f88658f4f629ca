//! What a deployer put here: revisions, the aliases that point at them, environments and secrets.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tintype_domain::{AccountId, AppId, RevisionId, Timestamp};

/// The environment that every account has; it is never stored, made or deleted.
pub const MAIN_ENVIRONMENT: &str = "main";

/// One deployed version of an app; never changed once written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionRecord {
    pub id: RevisionId,
    pub account: AccountId,
    /// The app that it was deployed as.
    pub app: AppId,
    pub environment: String,
    pub created_at: Timestamp,
    /// JSON: everything that a runner of it needs. Opaque here.
    pub definition: String,
}

/// Who may call an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMode {
    /// Its owner.
    Private,
    /// Anybody, without a key.
    Public,
    /// Whoever has a key.
    Shared,
}

/// A name under which a revision is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasRecord {
    pub app: AppId,
    pub account: AccountId,
    pub environment: String,
    pub revision: RevisionId,
    pub auth_mode: AuthMode,
    /// JSON: the scaling in force, which outlives revisions. Opaque here.
    pub scaling: String,
    pub updated_at: Timestamp,
}

/// A set of apps and secrets kept apart from the others of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentRecord {
    pub account: AccountId,
    pub name: String,
    pub description: Option<String>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRecord {
    pub account: AccountId,
    pub environment: String,
    pub name: String,
    /// The value, encrypted by its owner: the store never sees it plain.
    pub sealed: Bytes,
    /// `false`: only apps that name it get it.
    pub default_exposed: bool,
    pub created_at: Timestamp,
}

/// What became of a revision that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteRevision {
    Deleted,
    /// This alias points at it; nothing was deleted.
    InUse {
        app: AppId,
    },
    Unknown,
}

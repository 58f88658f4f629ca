//! Who is calling.

use tintype_domain::{AccountId, KeyId};
use tintype_store::KeyScope;

/// The account that the first key of a server belongs to.
pub const LOCAL_ACCOUNT: &str = "local";

/// The holder of a key that proved its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub account: AccountId,
    pub key: KeyId,
    pub scope: KeyScope,
}

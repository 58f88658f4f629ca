//! Accounts, keys and short-lived tokens.
//!
//! A key is `id:secret`; only a digest of the secret is kept, and it is compared in constant time.
//! A token is a [`Grant`] that this server signed; it needs no look-up and cannot be taken back,
//! which is why it lives shortly.

mod cache;
mod error;
mod grant;
mod identity;
mod keys;
mod secret;

pub use error::{AuthError, KeyError};
pub use grant::{Grant, Purpose};
pub use identity::{Identity, LOCAL_ACCOUNT};
pub use keys::{Access, AdminKey};

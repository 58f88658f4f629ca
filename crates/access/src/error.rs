//! Why a caller is not let in, and why a key could not be made.

use tintype_store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("the key is not of the form `id:secret`")]
    Malformed,
    /// One answer for an unknown id and a wrong secret: which of the two it was is nobody's business.
    #[error("the key is not known here: check FAL_KEY, or make a key with `tintype keys create`")]
    Unknown,
    #[error("key `{id}` was revoked")]
    Revoked { id: String },
    #[error("the token was not made by this server, or was altered")]
    BadToken,
    #[error("the token has expired: ask for a new one")]
    Expired,
    #[error("the key could not be looked up")]
    Store(#[from] StoreError),
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "the key `{found}` is not of the form `id:secret`: both parts are needed, the id without a colon or spaces"
    )]
    Malformed { found: String },
    #[error("key `{id}` exists already with another secret or scope: choose another id")]
    Taken { id: String },
    #[error("key `{id}` was revoked: choose another id")]
    Revoked { id: String },
    #[error("key `{id}` is the last admin key in force: make another first")]
    LastAdmin { id: String },
    #[error("an alias is 1 to 255 characters long; found {found}")]
    Alias { found: usize },
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    #[error("the key could not be kept")]
    Store(#[from] StoreError),
}

//! Why an operation could not be carried out.

use tintype_domain::RequestId;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was written; what was stored before is safe.
    #[error("the disk that holds the data folder is full")]
    DiskFull,
    #[error("the data folder cannot be written")]
    ReadOnly,
    #[error("the store is shut")]
    Closed,
    #[error("there is a {kind} with this id already")]
    Exists { kind: &'static str },
    /// Nothing was written. It may have been deleted a moment ago.
    #[error("there is no such {kind}")]
    Missing { kind: &'static str },
    #[error("the database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// The same key came before with another body, endpoint or account's intent.
    #[error("idempotency key was used before for request `{existing}` with different content")]
    KeyReused { existing: RequestId },
    #[error(transparent)]
    Store(#[from] StoreError),
}

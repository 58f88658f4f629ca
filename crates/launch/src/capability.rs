//! What this machine can do to keep runners apart.

/// Found by trying, at start and by `tintype doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// What makes the sandbox, or why there is none and what to do about it.
    pub sandbox: Result<String, Obstacle>,
    /// In words: what holds memory, processor and processes within their limits.
    pub limits: String,
    pub gpus: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub problem: String,
    pub advice: String,
}

/// Tries things out: some ten milliseconds.
pub fn capability() -> Capability {
    todo!()
}

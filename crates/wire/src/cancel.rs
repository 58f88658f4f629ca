//! The answer to a cancel call.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status")]
pub enum Cancelled {
    /// It waited, and was removed.
    #[serde(rename = "OK")]
    Removed,
    /// It runs; its runner was asked to stop.
    #[serde(rename = "CANCELLATION_REQUESTED")]
    Requested,
    #[serde(rename = "ALREADY_COMPLETED")]
    AlreadyCompleted { detail: &'static str },
    #[serde(rename = "NOT_FOUND")]
    NotFound { detail: &'static str },
}

impl Cancelled {
    pub const ALREADY_COMPLETED: Self =
        Self::AlreadyCompleted { detail: "the request has already completed: there is nothing left to cancel" };
    pub const NOT_FOUND: Self = Self::NotFound { detail: "no such request, or it belongs to another account" };

    pub const fn http_status(self) -> u16 {
        match self {
            Self::Removed => 200,
            Self::Requested => 202,
            Self::AlreadyCompleted { .. } => 400,
            Self::NotFound { .. } => 404,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_have_the_documented_words() {
        assert_eq!(json!(Cancelled::Removed), json!({"status": "OK"}));
        assert_eq!(json!(Cancelled::Requested), json!({"status": "CANCELLATION_REQUESTED"}));
        assert_eq!(json!(Cancelled::ALREADY_COMPLETED)["status"], "ALREADY_COMPLETED");
    }
}

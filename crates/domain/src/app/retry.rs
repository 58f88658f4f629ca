//! What a verdict means for the runner and for another attempt: the retry matrix.
//!
//! | the runner | becomes | the queued request |
//! |---|---|---|
//! | answers 503 | killed | tried again |
//! | answers 504 | probed | tried again |
//! | answers 500 or 502 | probed | ends with that answer |
//! | answers anything else | kept | ends with that answer |
//! | breaks the connection, or dies | replaced | tried again; counts towards poison |
//! | exceeds the request timeout | killed | tried again |
//!
//! On 429 and 5xx the runner's own word (`x-fal-needs-retry`) wins over the second column.

use std::time::Duration;

use crate::{ErrorType, RetryBudget, Verdict};

/// What costs a retry; each has its own budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    ServerError,
    Timeout,
    Connection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Keep,
    Probe,
    /// Takes no new request, and ends when those under way have ended.
    Drain,
    Kill,
    /// Killed, and held against the app: it died under the request.
    Crash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    pub fate: Fate,
    pub retry: Option<Condition>,
}

pub(super) fn judge(verdict: &Verdict) -> Judgement {
    match verdict {
        Verdict::Answered { status, needs_retry, stop_runner } => answered(*status, *needs_retry, *stop_runner),
        Verdict::Broken(failure) => broken(failure.error_type),
    }
}

fn answered(status: u16, needs_retry: Option<bool>, stop_runner: bool) -> Judgement {
    let (fate, retry) = match status {
        503 => (Fate::Kill, Some(Condition::ServerError)),
        504 => (Fate::Probe, Some(Condition::Timeout)),
        500 | 502 => (Fate::Probe, None),
        _ => (Fate::Keep, None),
    };
    let heeded = status == 429 || (500..600).contains(&status);
    let retry = match needs_retry.filter(|_| heeded) {
        Some(true) => retry.or(Some(Condition::ServerError)),
        Some(false) => None,
        None => retry,
    };
    Judgement { fate: if stop_runner { fate.max(Fate::Drain) } else { fate }, retry }
}

fn broken(error_type: ErrorType) -> Judgement {
    let (fate, retry) = match error_type {
        ErrorType::RequestTimeout => (Fate::Kill, Some(Condition::Timeout)),
        ErrorType::RunnerConnectionTimeout
        | ErrorType::RunnerDisconnected
        | ErrorType::RunnerConnectionRefused
        | ErrorType::RunnerConnectionError
        | ErrorType::RunnerIncompleteResponse => (Fate::Crash, Some(Condition::Connection)),
        ErrorType::StartupTimeout | ErrorType::RunnerSchedulingFailure => (Fate::Keep, Some(Condition::Connection)),
        ErrorType::RunnerServerError
        | ErrorType::ClientDisconnected
        | ErrorType::ClientCancelled
        | ErrorType::BadRequest
        | ErrorType::InternalError => (Fate::Keep, None),
    };
    Judgement { fate, retry }
}

/// Extra attempts spent so far, by condition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    server_error: u32,
    timeout: u32,
    connection: u32,
}

impl Spent {
    /// Takes one extra attempt from the budget: the request's, else the app's, else the ceiling alone.
    /// `began`: attempts that count towards the ceiling, the one that just failed included.
    pub fn take(&mut self, condition: Condition, began: u32, request: RetryBudget, app: RetryBudget) -> bool {
        let (spent, budget) = match condition {
            Condition::ServerError => (&mut self.server_error, request.server_error.or(app.server_error)),
            Condition::Timeout => (&mut self.timeout, request.timeout.or(app.timeout)),
            Condition::Connection => (&mut self.connection, request.connection_error.or(app.connection_error)),
        };
        let granted = !(request.never || app.never)
            && began < RetryBudget::MAX_ATTEMPTS
            && budget.is_none_or(|budget| *spent < budget);
        *spent += u32::from(granted);
        granted
    }
}

/// How long a request waits after its `failed`-th failed attempt.
pub(super) fn pause(failed: u32) -> Duration {
    Duration::from_millis(250) * 2_u32.pow(failed.saturating_sub(1).min(6))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::CrashPause;

    fn answer(status: u16, needs_retry: Option<bool>) -> Judgement {
        judge(&Verdict::Answered { status, needs_retry, stop_runner: false })
    }

    #[test]
    fn the_matrix_holds() {
        let retried = |fate, condition| Judgement { fate, retry: Some(condition) };
        let delivered = |fate| Judgement { fate, retry: None };
        assert_eq!(answer(200, None), delivered(Fate::Keep));
        assert_eq!(answer(302, None), delivered(Fate::Keep));
        assert_eq!(answer(422, None), delivered(Fate::Keep));
        assert_eq!(answer(500, None), delivered(Fate::Probe));
        assert_eq!(answer(502, None), delivered(Fate::Probe));
        assert_eq!(answer(503, None), retried(Fate::Kill, Condition::ServerError));
        assert_eq!(answer(504, None), retried(Fate::Probe, Condition::Timeout));
        let broken = |error_type| judge(&Verdict::broken(error_type, "x"));
        assert_eq!(broken(ErrorType::RequestTimeout), retried(Fate::Kill, Condition::Timeout));
        assert_eq!(broken(ErrorType::RunnerDisconnected), retried(Fate::Crash, Condition::Connection));
        assert_eq!(broken(ErrorType::ClientCancelled), delivered(Fate::Keep));
    }

    #[test]
    fn the_runners_word_on_retries_is_heeded_on_429_and_5xx_only() {
        assert_eq!(answer(500, Some(true)).retry, Some(Condition::ServerError));
        assert_eq!(answer(429, Some(true)).retry, Some(Condition::ServerError));
        assert_eq!(answer(504, Some(true)).retry, Some(Condition::Timeout));
        assert_eq!(answer(503, Some(false)).retry, None);
        assert_eq!(answer(422, Some(true)).retry, None);
    }

    #[test]
    fn the_requests_budget_is_stronger_than_the_apps() {
        let one = RetryBudget { timeout: Some(1), ..RetryBudget::default() };
        let none = RetryBudget { timeout: Some(0), ..RetryBudget::default() };
        assert!(Spent::default().take(Condition::Timeout, 1, one, none));
        assert!(!Spent::default().take(Condition::Timeout, 1, none, one));
        assert!(Spent::default().take(Condition::ServerError, 1, none, none));
        let never = RetryBudget { never: true, timeout: Some(5), ..RetryBudget::default() };
        assert!(!Spent::default().take(Condition::Timeout, 1, never, one));
    }

    #[test]
    fn ten_attempts_are_the_ceiling() {
        let wide = RetryBudget { timeout: Some(99), ..RetryBudget::default() };
        let mut spent = Spent::default();
        let granted = (1..100).take_while(|began| spent.take(Condition::Timeout, *began, wide, wide)).count();
        assert_eq!(granted, 9);
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        assert_eq!([1, 2, 3, 99].map(pause), [250, 500, 1000, 16_000].map(Duration::from_millis));
        let pauses = |pause: CrashPause| [0, 1, 2, 3, 99].map(|failed| pause.after(failed).as_secs());
        assert_eq!(pauses(CrashPause::default()), [0, 1, 2, 4, 600]);
        assert_eq!(pauses(CrashPause::DEPLOYED), [0, 30, 60, 90, 600]);
        assert_eq!([1, 2, 9].map(|failed| CrashPause::DEPLOYED.unscheduled(failed).as_secs()), [20, 20, 20]);
    }
}

//! What the operator or the deployer says of an app; the machine obeys it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::RetryBudget;

/// Scaling and limits of one app. Names and defaults are those of fal's scaling parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spec {
    /// Runners kept alive even without requests.
    pub min_concurrency: u32,
    /// Most runners at one time.
    pub max_concurrency: u32,
    /// Spare runners beyond those in use.
    pub concurrency_buffer: u32,
    /// The same as a part of those in use, in percent; the larger of the two counts.
    pub concurrency_buffer_percent: u32,
    /// How long an idle runner lives.
    pub keep_alive: Duration,
    /// How long to wait before starting one more runner.
    pub scaling_delay: Duration,
    /// Requests that one runner works on at one time: its slots.
    pub max_multiplexing: u32,
    /// A request of the owner that names no start deadline of its own expires after this long in the queue.
    pub request_start_timeout: Option<Duration>,
    /// One attempt may take this long; then its runner is killed.
    pub request_timeout: Duration,
    /// From start to ready; then the runner is killed.
    pub startup_timeout: Duration,
    /// From SIGTERM to SIGKILL.
    pub termination_grace_period: Duration,
    /// How long no runner is started after starts that came to nothing.
    pub crash_pause: CrashPause,
    /// The app's own retry budget; a request's budget is stronger.
    pub retry: RetryBudget,
    /// A request during which this many runners died is set aside as failed; 0 means never.
    pub poison_after: u32,
    /// Most requests of one account under way at one time.
    pub account_concurrency: Option<u32>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            min_concurrency: 0,
            max_concurrency: 1,
            concurrency_buffer: 0,
            concurrency_buffer_percent: 0,
            keep_alive: Duration::from_secs(60),
            scaling_delay: Duration::ZERO,
            max_multiplexing: 1,
            request_start_timeout: None,
            request_timeout: Duration::from_secs(3600),
            startup_timeout: Duration::from_secs(600),
            termination_grace_period: Duration::from_secs(5),
            crash_pause: CrashPause::default(),
            retry: RetryBudget::default(),
            poison_after: 3,
            account_concurrency: None,
        }
    }
}

impl Spec {
    /// Takes over what belongs to an app whatever code it runs; the rest belongs to the code.
    pub(super) fn tune(&mut self, from: &Self) {
        *self = Self {
            max_multiplexing: self.max_multiplexing,
            startup_timeout: self.startup_timeout,
            termination_grace_period: self.termination_grace_period,
            crash_pause: self.crash_pause,
            retry: self.retry,
            poison_after: self.poison_after,
            ..from.clone()
        };
    }
}

/// How the pause grows with each start in a row that came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashPause {
    /// This long after the first, twice as long after each further one.
    Doubling(Duration),
    /// This much longer after each.
    Linear(Duration),
}

impl CrashPause {
    pub const LONGEST: Duration = Duration::from_secs(600);
    /// What fal waits for its deployed apps, because a start there costs a machine.
    pub const DEPLOYED: Self = Self::Linear(Duration::from_secs(30));
    /// Nothing was started, for want of a machine or of a program: that is not the app's fault.
    const UNSCHEDULED: Duration = Duration::from_secs(20);

    /// After the `failed`-th failure in a row.
    pub fn after(self, failed: u32) -> Duration {
        let pause = match self {
            _ if failed == 0 => Duration::ZERO,
            Self::Doubling(base) => base.saturating_mul(2_u32.saturating_pow(failed - 1)),
            Self::Linear(step) => step.saturating_mul(failed),
        };
        pause.min(Self::LONGEST)
    }

    /// After a start that did not even begin.
    pub fn unscheduled(self, failed: u32) -> Duration {
        self.after(failed).min(Self::UNSCHEDULED)
    }
}

/// A start here costs a process: the wait begins at one second.
impl Default for CrashPause {
    fn default() -> Self {
        Self::Doubling(Duration::from_secs(1))
    }
}

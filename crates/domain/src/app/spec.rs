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
    /// How long an idle runner lives.
    pub keep_alive: Duration,
    /// How long to wait before starting one more runner.
    pub scaling_delay: Duration,
    /// Requests that one runner works on at one time: its slots.
    pub max_multiplexing: u32,
    /// One attempt may take this long; then its runner is killed.
    pub request_timeout: Duration,
    /// From start to ready; then the runner is killed.
    pub startup_timeout: Duration,
    /// From SIGTERM to SIGKILL.
    pub termination_grace_period: Duration,
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
            keep_alive: Duration::from_secs(60),
            scaling_delay: Duration::ZERO,
            max_multiplexing: 1,
            request_timeout: Duration::from_secs(3600),
            startup_timeout: Duration::from_secs(600),
            termination_grace_period: Duration::from_secs(5),
            retry: RetryBudget::default(),
            poison_after: 3,
            account_concurrency: None,
        }
    }
}

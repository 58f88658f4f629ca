//! The `[scaling]` table of a manifest: how many runners, for how long, with how much memory.

use std::time::Duration;

use serde::Deserialize;
use tintype_domain::app::Spec;

/// What is not stated keeps the platform's default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names are the keys of the manifest")]
pub(crate) struct Scaling {
    min_concurrency: Option<u32>,
    max_concurrency: Option<u32>,
    concurrency_buffer: Option<u32>,
    max_multiplexing: Option<u32>,
    keep_alive_secs: Option<u64>,
    scaling_delay_secs: Option<u64>,
    request_timeout_secs: Option<u64>,
    startup_timeout_secs: Option<u64>,
    termination_grace_period_secs: Option<u64>,
    poison_after: Option<u32>,
    account_concurrency: Option<u32>,
    memory_limit_mb: Option<u64>,
}

impl Scaling {
    pub(crate) fn memory_limit_bytes(&self) -> Option<u64> {
        self.memory_limit_mb.map(|megabytes| megabytes * 1024 * 1024)
    }

    pub(crate) fn into_spec(self) -> Spec {
        let base = Spec::default();
        let secs = |given: Option<u64>, default| given.map_or(default, Duration::from_secs);
        Spec {
            min_concurrency: self.min_concurrency.unwrap_or(base.min_concurrency),
            max_concurrency: self.max_concurrency.unwrap_or(base.max_concurrency),
            concurrency_buffer: self.concurrency_buffer.unwrap_or(base.concurrency_buffer),
            max_multiplexing: self.max_multiplexing.unwrap_or(base.max_multiplexing),
            keep_alive: secs(self.keep_alive_secs, base.keep_alive),
            scaling_delay: secs(self.scaling_delay_secs, base.scaling_delay),
            request_timeout: secs(self.request_timeout_secs, base.request_timeout),
            startup_timeout: secs(self.startup_timeout_secs, base.startup_timeout),
            termination_grace_period: secs(self.termination_grace_period_secs, base.termination_grace_period),
            poison_after: self.poison_after.unwrap_or(base.poison_after),
            concurrency_buffer_percent: base.concurrency_buffer_percent,
            request_start_timeout: base.request_start_timeout,
            crash_pause: base.crash_pause,
            retry: base.retry,
            account_concurrency: self.account_concurrency.or(base.account_concurrency),
        }
    }
}

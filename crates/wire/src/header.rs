//! Names of the headers with a meaning of their own, in lower case.

pub const REQUEST_ID: &str = "x-fal-request-id";
pub const ERROR_TYPE: &str = "x-fal-error-type";
pub const TIMEOUT_TYPE: &str = "x-fal-request-timeout-type";
pub const NEEDS_RETRY: &str = "x-fal-needs-retry";
pub const BILLABLE_UNITS: &str = "x-fal-billable-units";
pub const SERVED_FROM: &str = "x-fal-served-from";
pub const RUNNER_HINTS: &str = "x-fal-runner-hints";
pub const CDN_TOKEN: &str = "x-fal-cdn-token";
pub const ENDPOINT: &str = "x-fal-endpoint";
pub const STOP_RUNNER: &str = "x-fal-stop-runner";
pub const HEALTH_CHECK: &str = "x-fal-runner-health-check";
/// In a question to a runner: how many requests it works on now. In the answer: how many.
pub const RUNNING: &str = "x-fal-requests-running";
pub const TARGET_URL: &str = "x-fal-target-url";

pub const TIMEOUT: &str = "x-fal-request-timeout";
pub const START_TIMEOUT: &str = "x-fal-request-start-timeout";
pub const PRIORITY: &str = "x-fal-queue-priority";
pub const HINT: &str = "x-fal-runner-hint";
pub const LIFECYCLE: &str = "x-fal-object-lifecycle-preference";
pub const STORE_IO: &str = "x-fal-store-io";
pub const NO_RETRY: &str = "x-fal-no-retry";
pub const RETRY_CONFIG: &str = "x-fal-retry-config";
pub const TAGS: &str = "x-fal-tags";
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Headers that end at each hop and are never passed on.
pub const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The `x-fal-*` headers of callers that a runner may see; all others are reserved for the platform.
const DOCUMENTED: [&str; 9] =
    [TIMEOUT, START_TIMEOUT, PRIORITY, HINT, LIFECYCLE, STORE_IO, NO_RETRY, RETRY_CONFIG, TAGS];

/// Words from a runner to the platform, which no caller sees. [`NEEDS_RETRY`] is none of them: where the status lets
/// it mean something, callers may act on it.
pub const CONTROL: [&str; 2] = [STOP_RUNNER, HEALTH_CHECK];

/// Whether a caller's header goes on to the runner. The key stays here: an app is not its caller.
pub fn is_for_runner(name: &str) -> bool {
    let withheld = matches!(name, "authorization" | "host" | "content-length" | "expect" | "accept-encoding")
        || name == IDEMPOTENCY_KEY
        || HOP_BY_HOP.contains(&name);
    !withheld && (!name.starts_with("x-fal-") || DOCUMENTED.contains(&name))
}

/// Whether a runner's header goes on to the caller. The platform answers for other origins itself.
pub fn is_for_caller(name: &str) -> bool {
    let withheld = matches!(name, "content-length" | "server" | "date" | REQUEST_ID | SERVED_FROM)
        || name.starts_with("access-control-")
        || HOP_BY_HOP.contains(&name)
        || CONTROL.contains(&name);
    !withheld
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_sees_custom_and_documented_headers_but_no_key_and_nothing_reserved() {
        for name in ["x-custom", "content-type", "x-app-fal-disable-fallback", LIFECYCLE, HINT, "user-agent"] {
            assert!(is_for_runner(name), "{name}");
        }
        for name in ["authorization", "connection", REQUEST_ID, CDN_TOKEN, TARGET_URL, "x-fal-anything", "host"] {
            assert!(!is_for_runner(name), "{name}");
        }
    }

    #[test]
    fn a_caller_sees_no_word_from_runner_to_platform() {
        for name in [STOP_RUNNER, HEALTH_CHECK, "access-control-allow-origin", "transfer-encoding"] {
            assert!(!is_for_caller(name), "{name}");
        }
        for name in ["content-type", BILLABLE_UNITS, RUNNER_HINTS, CDN_TOKEN] {
            assert!(is_for_caller(name), "{name}");
        }
    }
}

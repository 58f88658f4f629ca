//! The headers of a call: what the caller wishes, and what goes on to the runner.

use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use tintype_domain::{Priority, RetryBudget, Timestamp};
use tintype_wire::{header, request};

use crate::Error;

/// What a caller says about the handling of its call.
#[derive(Clone, Debug)]
pub(crate) struct Wishes {
    pub start_deadline: Option<Timestamp>,
    pub priority: Priority,
    pub hint: Option<String>,
    pub lifecycle: Option<String>,
    pub retry: RetryBudget,
    pub keep_payloads: bool,
    pub idempotency_key: Option<String>,
}

impl Wishes {
    /// `is_owner`: an app's retries are for its owner to change; what another says of them is not heard.
    pub(crate) fn read(headers: &HeaderMap, now: Timestamp, is_owner: bool) -> Result<Self, Error> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("(not text)"));
        // The newer name wins where both are present.
        let timeout = [header::START_TIMEOUT, header::TIMEOUT].into_iter().find_map(|name| Some((name, text(name)?)));
        let timeout = timeout.map(|(name, value)| request::start_timeout(name, value)).transpose()?;
        Ok(Self {
            start_deadline: timeout.map(|timeout| now.plus(timeout)),
            priority: text(header::PRIORITY).map(request::priority).transpose()?.unwrap_or_default(),
            hint: text(header::HINT).map(str::to_owned),
            lifecycle: text(header::LIFECYCLE).map(str::to_owned),
            retry: request::retry(text(header::NO_RETRY), text(header::RETRY_CONFIG).filter(|_| is_owner)),
            keep_payloads: text(header::STORE_IO).is_none_or(request::keeps_payloads),
            idempotency_key: text(header::IDEMPOTENCY_KEY).map(request::idempotency_key).transpose()?,
        })
    }
}

/// What the runner sees of the caller's headers. `is_json`: the body has been looked at.
pub(crate) fn for_runner(headers: &HeaderMap, is_json: bool) -> HeaderMap {
    let passed = headers.iter().filter(|(name, _)| header::is_for_runner(name.as_str()));
    let mut passed: HeaderMap = passed.map(|(name, value)| (name.clone(), value.clone())).collect();
    if is_json {
        // Whatever it was declared to be.
        passed.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    passed
}

/// What the caller sees of the runner's headers.
pub(crate) fn for_caller(headers: &HeaderMap) -> HeaderMap {
    let passed = headers.iter().filter(|(name, _)| header::is_for_caller(name.as_str()));
    passed.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// As they are kept with a queued request.
pub(crate) fn to_store(headers: &HeaderMap) -> Vec<(String, String)> {
    let text =
        |(name, value): (&HeaderName, &HeaderValue)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()));
    headers.iter().filter_map(text).collect()
}

/// Bytes of all headers as they go over the wire.
pub(crate) fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// Marks an answer of the model: which request it was, who served it, and that faulty input costs nothing.
pub(crate) fn mark(headers: &mut HeaderMap, status: u16, request: &str, runner: Option<&str>) {
    let value = |text: &str| HeaderValue::try_from(text).ok();
    if let Some(id) = value(request) {
        headers.insert(header::REQUEST_ID, id);
    }
    if let Some(runner) = runner.and_then(value) {
        headers.insert(header::SERVED_FROM, runner);
    }
    if matches!(status, 404 | 422) && !headers.contains_key(header::BILLABLE_UNITS) {
        headers.insert(header::BILLABLE_UNITS, HeaderValue::from_static("0"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_newer_name_of_the_start_timeout_wins() {
        let headers = map(&[("x-fal-request-timeout", "30"), ("x-fal-request-start-timeout", "2")]);
        let wishes = Wishes::read(&headers, Timestamp::EPOCH, true).unwrap();
        assert_eq!(wishes.start_deadline, Some(Timestamp::EPOCH.plus(Duration::from_secs(2))));
    }

    #[test]
    fn without_headers_a_call_is_ordinary() {
        let wishes = Wishes::read(&HeaderMap::new(), Timestamp::EPOCH, true).unwrap();
        assert_eq!((wishes.priority, wishes.start_deadline, wishes.keep_payloads), (Priority::Normal, None, true));
    }

    #[test]
    fn an_apps_retries_are_for_its_owner_to_change() {
        let headers = map(&[("x-fal-retry-config", r#"{"server_error":{"retries":0}}"#)]);
        let retry = |is_owner| Wishes::read(&headers, Timestamp::EPOCH, is_owner).unwrap().retry;
        assert_ne!(retry(true), RetryBudget::default());
        assert_eq!(retry(false), RetryBudget::default());
    }

    #[test]
    fn a_key_and_forged_platform_headers_do_not_reach_the_runner() {
        let headers = map(&[("authorization", "Key a:b"), ("x-fal-request-id", "x"), ("x-mine", "1")]);
        assert_eq!(for_runner(&headers, false), map(&[("x-mine", "1")]));
    }
}

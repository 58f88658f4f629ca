//! The health check that an app declares.

use super::limits::number;
use crate::{
    api::controller::{ApplicationHealthCheckConfig, application_health_check_config::Method},
    deploy::{definition::Health, error::DeployError},
};

/// As fal documents them.
const START_PERIOD: i32 = 30;
const TIMEOUT: i32 = 5;
const FAILURES: i32 = 3;

pub(super) fn health(
    found: Option<ApplicationHealthCheckConfig>,
    startup_timeout: u32,
) -> Result<Option<Health>, DeployError> {
    let Some(found) = found else { return Ok(None) };
    if !found.path.starts_with('/') || found.path.parse::<http::uri::PathAndQuery>().is_err() {
        let path = &found.path;
        return Err(DeployError::Invalid(format!(
            "`health_check.path` is `{path:.120}`: expected a path such as `/health`"
        )));
    }
    let count = |name, found: Option<i32>, default, least| {
        number(name, Some(found.unwrap_or(default)), least).map(Option::unwrap_or_default)
    };
    let start = count("health_check.start_period_seconds", found.start_period_seconds, START_PERIOD, 0)?;
    Ok(Some(Health {
        post: found.method == Some(Method::Post.into()),
        start_period_secs: start.max(startup_timeout),
        timeout_secs: count("health_check.timeout_seconds", found.timeout_seconds, TIMEOUT, 1)?,
        failure_threshold: count("health_check.failure_threshold", found.failure_threshold, FAILURES, 1)?,
        regularly: found.call_regularly.unwrap_or(true),
        path: found.path,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_as_fal_documents_it() {
        let found = ApplicationHealthCheckConfig { path: "/live".into(), ..ApplicationHealthCheckConfig::default() };
        let health = health(Some(found), 7).unwrap().unwrap();
        assert_eq!((health.post, health.start_period_secs, health.timeout_secs), (false, 30, 5));
        assert_eq!((health.failure_threshold, health.regularly), (3, true));
    }

    #[test]
    fn a_path_that_is_none_is_refused() {
        for path in ["", "live", "/a b", "/\n"] {
            let found = ApplicationHealthCheckConfig { path: path.into(), ..ApplicationHealthCheckConfig::default() };
            assert!(health(Some(found), 7).unwrap_err().to_string().contains("health_check.path"), "{path:?}");
        }
    }
}

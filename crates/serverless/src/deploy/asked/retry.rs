//! How often a request of an app is tried again, and after what.

use serde_json::Value;
use tintype_domain::RetryBudget;

use crate::{
    api::controller::{RegisterApplicationRequest, RetryCondition},
    deploy::error::DeployError,
};

pub(super) fn retry(request: &RegisterApplicationRequest) -> Result<RetryBudget, DeployError> {
    let mut budget = RetryBudget::default();
    if let Some(text) = &request.retry_config {
        let wrong = |why: &str| {
            DeployError::Invalid(format!(
                "`retry_config` {why}: expected an object such as {{\"server_error\": {{\"retries\": 2}}}} with \
                 `timeout`, `server_error` and `connection_error`"
            ))
        };
        let config: Value = serde_json::from_str(text).map_err(|error| wrong(&format!("is no JSON ({error})")))?;
        let members = config.as_object().ok_or_else(|| wrong("is no object"))?;
        for (condition, limits) in members {
            let retries = limits["retries"].as_u64().and_then(|retries| u32::try_from(retries).ok());
            let retries = retries.ok_or_else(|| wrong(&format!("names no number of retries for `{condition:.32}`")))?;
            match condition.as_str() {
                "timeout" => budget.timeout = Some(retries),
                "server_error" => budget.server_error = Some(retries),
                "connection_error" => budget.connection_error = Some(retries),
                other => return Err(wrong(&format!("names the condition `{other:.32}`"))),
            }
        }
    }
    for condition in &request.skip_retry_conditions {
        match RetryCondition::try_from(*condition) {
            Ok(RetryCondition::Timeout) => budget.timeout = Some(0),
            Ok(RetryCondition::ServerError) => budget.server_error = Some(0),
            Ok(RetryCondition::ConnectionError) => budget.connection_error = Some(0),
            // The answers of a caller's own making are never retried.
            Ok(RetryCondition::ClientError) => {}
            Err(_) => return Err(DeployError::Invalid(format!("retry condition {condition} is not known"))),
        }
    }
    Ok(budget)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &str, skipped: Vec<i32>) -> Result<RetryBudget, DeployError> {
        retry(&RegisterApplicationRequest {
            retry_config: Some(config.into()),
            skip_retry_conditions: skipped,
            ..RegisterApplicationRequest::default()
        })
    }

    #[test]
    fn a_condition_that_is_skipped_is_not_retried_whatever_else_is_said() {
        let budget = read(r#"{"server_error": {"retries": 2}, "timeout": {"retries": 5}}"#, vec![0]).unwrap();
        assert_eq!((budget.server_error, budget.timeout, budget.connection_error), (Some(2), Some(0), None));
    }

    #[test]
    fn a_configuration_that_says_nothing_known_is_refused() {
        for (config, said) in [
            ("{", "no JSON"),
            ("[]", "no object"),
            (r#"{"weather": {"retries": 1}}"#, "`weather`"),
            (r#"{"timeout": {}}"#, "`timeout`"),
            (r#"{"timeout": {"retries": -1}}"#, "`timeout`"),
        ] {
            let error = read(config, vec![]).unwrap_err().to_string();
            assert!(error.starts_with("`retry_config`") && error.contains(said), "{error}");
        }
        assert!(read("{}", vec![9]).is_err());
    }
}

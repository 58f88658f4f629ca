//! Query strings: the platform's own parameters, and the rest, which is the model's.

use url::form_urlencoded;

use crate::Error;

/// Parameters that mean something to the platform and nothing to a runner.
const OWN: [&str; 3] = ["fal_jwt_token", "fal_webhook", "fal_max_queue_length"];

/// A query string, unparsed until asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(crate) fn of(uri: &'a http::Uri) -> Self {
        Self(uri.query().unwrap_or(""))
    }

    pub(crate) fn get(self, name: &str) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        form_urlencoded::parse(self.0.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// A whole number, where given.
    pub(crate) fn number(self, name: &'static str, expected: &'static str) -> Result<Option<u32>, Error> {
        let Some(found) = self.get(name) else { return Ok(None) };
        match found.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Error::Query { name, found: found.chars().take(40).collect(), expected }),
        }
    }

    pub(crate) fn is_on(self, name: &str) -> bool {
        self.get(name).is_some_and(|value| tintype_wire::request::is_on(&value))
    }

    /// What goes on to the runner: empty, or begins with `?`.
    pub(crate) fn for_runner(self) -> String {
        let is_own = |pair: &&str| OWN.contains(&pair.split('=').next().unwrap_or(""));
        let rest: Vec<&str> = self.0.split('&').filter(|pair| !pair.is_empty() && !is_own(pair)).collect();
        if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_gets_the_query_without_tokens_and_webhooks() {
        let query = Query("a=1&fal_jwt_token=x.y&b=%20&fal_webhook=http%3A%2F%2Fx&fal_max_queue_length=3");
        assert_eq!(query.for_runner(), "?a=1&b=%20");
        assert_eq!(Query("fal_jwt_token=x").for_runner(), "");
        assert_eq!(query.get("fal_webhook").as_deref(), Some("http://x"));
    }

    #[test]
    fn a_number_that_is_none_is_named() {
        let error = Query("fal_max_queue_length=many").number("fal_max_queue_length", "expected a number").unwrap_err();
        assert_eq!(error.to_string(), "query parameter `fal_max_queue_length` is `many`: expected a number");
    }
}

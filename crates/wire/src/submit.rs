//! The answer to a queue submit, and the addresses that every answer of the queue carries.

use serde::Serialize;

/// Where to ask about a request. Clients follow these as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Addresses {
    pub response_url: String,
    pub status_url: String,
    pub cancel_url: String,
}

impl Addresses {
    /// `base` has no trailing slash: scheme, host and prefix of the queue; `app` is the app as the caller names it.
    pub fn new(base: &str, app: &str, id: &str) -> Self {
        let response_url = format!("{base}/{app}/requests/{id}");
        Self {
            status_url: format!("{response_url}/status"),
            cancel_url: format!("{response_url}/cancel"),
            response_url,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Submitted {
    pub status: &'static str,
    pub request_id: String,
    pub gateway_request_id: String,
    #[serde(flatten)]
    pub addresses: Addresses,
    pub queue_position: u32,
    pub logs: Option<()>,
    pub metrics: Metrics,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Metrics {}

impl Submitted {
    pub fn new(id: String, addresses: Addresses, queue_position: u32) -> Self {
        Self {
            status: "IN_QUEUE",
            gateway_request_id: id.clone(),
            request_id: id,
            addresses,
            queue_position,
            logs: None,
            metrics: Metrics {},
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_submit_answer_has_every_documented_key() {
        let addresses = Addresses::new("http://localhost:8700/queue", "acme/app", "7");
        assert_eq!(
            json!(Submitted::new("7".into(), addresses, 2)),
            json!({
                "status": "IN_QUEUE",
                "request_id": "7",
                "gateway_request_id": "7",
                "response_url": "http://localhost:8700/queue/acme/app/requests/7",
                "status_url": "http://localhost:8700/queue/acme/app/requests/7/status",
                "cancel_url": "http://localhost:8700/queue/acme/app/requests/7/cancel",
                "queue_position": 2,
                "logs": null,
                "metrics": {},
            })
        );
    }
}

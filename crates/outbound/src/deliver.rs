//! Handing a message to a receiver: one POST, no redirects.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::{
    Outbound, Refusal, TargetError,
    client::{chain, refusal_in},
    target::target,
};

/// Read from an answer, so that the connection can be used again.
const MAX_ANSWER: usize = 64 << 10;

#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("the receiver did not answer within {} s", limit.as_secs_f64())]
    Timeout { limit: Duration },
    #[error("the receiver could not be reached: {cause}")]
    Unreachable { cause: String },
    #[error("this machine has no usable certificates: install its `ca-certificates` package")]
    NoTls,
}

impl DeliverError {
    /// Trying again later can help.
    pub const fn is_transient(&self) -> bool {
        !matches!(self, Self::Target(_))
    }
}

impl From<Refusal> for DeliverError {
    fn from(refusal: Refusal) -> Self {
        Self::Target(refusal.into())
    }
}

impl Outbound {
    /// Posts `body` to `url` and gives the status of the answer, whatever it is.
    pub async fn deliver(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Result<u16, DeliverError> {
        let url = target(url, &self.deliveries.reach)?;
        let client = self.deliveries.client().ok_or(DeliverError::NoTls)?;
        let send = async {
            let mut answer = client.post(url).headers(headers).body(body).send().await?;
            let mut seen = 0;
            while seen < MAX_ANSWER {
                let Ok(Some(chunk)) = answer.chunk().await else { break };
                seen += chunk.len();
            }
            Ok::<_, reqwest::Error>(answer.status().as_u16())
        };
        match tokio::time::timeout(timeout, send).await {
            Err(_) => Err(DeliverError::Timeout { limit: timeout }),
            Ok(Ok(status)) => Ok(status),
            Ok(Err(error)) => Err(match refusal_in(&error) {
                Some(refusal) => refusal.into(),
                None => DeliverError::Unreachable { cause: chain(&error) },
            }),
        }
    }
}

//! Fetching a file that a request names: bounded in size, in time and in redirects.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{StatusCode, header};
use reqwest::{Client, Response};
use tokio::time::timeout;
use url::Url;

use crate::{
    Outbound, TargetError,
    client::{Side, chain, refusal_in},
    target::{admitted, target},
};

/// What a download may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub max_bytes: u64,
    /// For everything together.
    pub total_timeout: Duration,
    /// Between two pieces of the answer.
    pub idle_timeout: Duration,
    pub redirects: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 100 << 20,
            total_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(15),
            redirects: 5,
        }
    }
}

/// A file, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// As declared by its server.
    pub content_type: Option<String>,
    pub bytes: Bytes,
}

#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("the file is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("its server answered with status {status}")]
    Status { status: u16 },
    #[error("it redirects more than {limit} times")]
    TooManyRedirects { limit: u32 },
    #[error("it redirects to an address that cannot be followed: {0}")]
    Redirect(#[source] TargetError),
    #[error("its server sent nothing for {} s", limit.as_secs_f64())]
    Idle { limit: Duration },
    #[error("it did not arrive within {} s", limit.as_secs_f64())]
    Slow { limit: Duration },
    #[error("its server could not be reached: {cause}")]
    Unreachable { cause: String },
    #[error("the transfer broke off: {cause}")]
    BrokenOff { cause: String },
    #[error("this machine has no usable certificates: install its `ca-certificates` package")]
    NoTls,
}

impl Outbound {
    /// Fetches `url` into memory.
    pub async fn download(&self, url: &str, limits: Limits) -> Result<Download, DownloadError> {
        let url = target(url, &self.downloads.reach)?;
        let fetch = async {
            // Never closed; and without a permit there would only be no bound.
            let _permit = self.permits.acquire().await;
            let answer = follow(&self.downloads, url, &limits).await?;
            collect(answer, &limits).await
        };
        let slow = |_| Err(DownloadError::Slow { limit: limits.total_timeout });
        timeout(limits.total_timeout, fetch).await.unwrap_or_else(slow)
    }
}

async fn follow(side: &Side, mut url: Url, limits: &Limits) -> Result<Response, DownloadError> {
    let client = side.client().ok_or(DownloadError::NoTls)?;
    for _ in 0..=limits.redirects {
        let answer = ask(client, &url, limits).await?;
        match answer.status() {
            StatusCode::OK => return Ok(answer),
            status if status.is_redirection() => {
                let next = location(&url, &answer).ok_or(DownloadError::Status { status: status.as_u16() })?;
                url = admitted(next, &side.reach).map_err(DownloadError::Redirect)?;
            }
            status => return Err(DownloadError::Status { status: status.as_u16() }),
        }
    }
    Err(DownloadError::TooManyRedirects { limit: limits.redirects })
}

async fn ask(client: &Client, url: &Url, limits: &Limits) -> Result<Response, DownloadError> {
    // Compressed bytes would have to be unfolded, which is a way to send more than the limit.
    let request = client.get(url.clone()).header(header::ACCEPT_ENCODING, "identity");
    let answer = timeout(limits.idle_timeout, request.send()).await;
    answer.map_err(|_| DownloadError::Idle { limit: limits.idle_timeout })?.map_err(|error| match refusal_in(&error) {
        Some(refusal) => DownloadError::Target(refusal.into()),
        None => DownloadError::Unreachable { cause: chain(&error) },
    })
}

fn location(base: &Url, answer: &Response) -> Option<Url> {
    let location = answer.headers().get(header::LOCATION)?;
    base.join(std::str::from_utf8(location.as_bytes()).ok()?).ok()
}

async fn collect(mut answer: Response, limits: &Limits) -> Result<Download, DownloadError> {
    let too_large = DownloadError::TooLarge { limit: limits.max_bytes };
    let announced = answer.content_length();
    if announced.is_some_and(|length| length > limits.max_bytes) {
        return Err(too_large);
    }
    let content_type =
        answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut bytes = BytesMut::with_capacity(announced.unwrap_or(0).min(1 << 20) as usize);
    loop {
        let chunk = timeout(limits.idle_timeout, answer.chunk()).await;
        let chunk = chunk.map_err(|_| DownloadError::Idle { limit: limits.idle_timeout })?;
        match chunk.map_err(|error| DownloadError::BrokenOff { cause: chain(&error) })? {
            None => return Ok(Download { content_type, bytes: bytes.freeze() }),
            Some(chunk) if bytes.len() as u64 + chunk.len() as u64 > limits.max_bytes => return Err(too_large),
            Some(chunk) => bytes.extend_from_slice(&chunk),
        }
    }
}

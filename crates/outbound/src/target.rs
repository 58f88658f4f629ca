//! What may be asked for at all, before any name is resolved.

use std::net::IpAddr;

use url::{Host, Url};

use crate::{Reach, Refusal, resolve::refusal};

const MAX_LENGTH: usize = 8 << 10;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("it is not a URL: expected http:// or https://, a host and a path")]
    NotUrl,
    #[error("its scheme is `{found}`: only http and https are supported")]
    Scheme { found: String },
    #[error("it is {length} characters long: at most {MAX_LENGTH} are allowed")]
    TooLong { length: usize },
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Parses, and checks an address that stands in the URL itself; names are checked when they are resolved.
pub(crate) fn target(text: &str, reach: &Reach) -> Result<Url, TargetError> {
    if text.len() > MAX_LENGTH {
        return Err(TargetError::TooLong { length: text.len() });
    }
    admitted(Url::parse(text).map_err(|_| TargetError::NotUrl)?, reach)
}

pub(crate) fn admitted(url: Url, reach: &Reach) -> Result<Url, TargetError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(TargetError::Scheme { found: url.scheme().chars().take(40).collect() });
    }
    let address: IpAddr = match url.host() {
        None => return Err(TargetError::NotUrl),
        Some(Host::Domain(_)) => return Ok(url),
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
    };
    if reach.permits(address) { Ok(url) } else { Err(refusal(&address.to_string(), address).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_address_is_refused_in_every_spelling() {
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "http://169.254.169.254/latest/meta-data",
            "https://user:pass@10.0.0.1:8443/x",
            "http://0/",
        ] {
            assert!(matches!(target(url, &Reach::PUBLIC), Err(TargetError::Refused(_))), "{url}");
        }
    }

    #[test]
    fn only_web_addresses_are_asked_for() {
        assert_eq!(target("nope", &Reach::PUBLIC), Err(TargetError::NotUrl));
        assert_eq!(target("file:///etc/passwd", &Reach::PUBLIC), Err(TargetError::Scheme { found: "file".into() }));
        assert_eq!(target(&"x".repeat(9000), &Reach::PUBLIC), Err(TargetError::TooLong { length: 9000 }));
        assert!(target("https://example.com/a.png", &Reach::PUBLIC).is_ok());
    }
}

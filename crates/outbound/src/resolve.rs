//! Names to addresses, keeping only those that the policy permits.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{Class, Reach};

/// The policy does not let the server connect there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` is at {address}, a {class} address, which this server does not connect to")]
pub struct Refusal {
    pub host: String,
    pub address: IpAddr,
    pub class: Class,
}

/// Resolves through the operating system, and drops what the policy refuses.
pub(crate) struct Guard(pub(crate) Arc<Reach>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = Arc::clone(&self.0);
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let permitted = permitted(&reach, name.as_str(), found)?;
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

pub(crate) fn permitted(reach: &Reach, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refusal> {
    let refused = found.iter().find(|address| !reach.permits(address.ip())).copied();
    let permitted: Vec<_> = found.into_iter().filter(|address| reach.permits(address.ip())).collect();
    match (permitted.is_empty(), refused) {
        (true, Some(address)) => Err(refusal(host, address.ip())),
        _ => Ok(permitted),
    }
}

pub(crate) fn refusal(host: &str, address: IpAddr) -> Refusal {
    Refusal { host: host.chars().take(255).collect(), address, class: Class::of(address) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_mixed_addresses_only_the_permitted_ones_are_used() {
        let mixed: Vec<SocketAddr> = vec!["10.0.0.1:0".parse().unwrap(), "8.8.8.8:0".parse().unwrap()];
        assert_eq!(permitted(&Reach::PUBLIC, "x.test", mixed.clone()), Ok(vec![mixed[1]]));
    }

    #[test]
    fn a_name_with_inner_addresses_alone_is_refused_by_address_and_kind() {
        let inner = vec!["169.254.169.254:0".parse().unwrap()];
        let refused = permitted(&Reach::PUBLIC, "metadata.test", inner).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "`metadata.test` is at 169.254.169.254, a link-local address, which this server does not connect to"
        );
    }
}

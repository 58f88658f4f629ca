//! Where the server may connect to, as the operator wrote it.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use crate::Class;

/// One reach for each reason to go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Files that requests name by URL.
    pub downloads: Reach,
    /// Webhooks.
    pub deliveries: Reach,
}

/// Which addresses may be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    pub public: bool,
    pub loopback: bool,
    pub private: bool,
    /// Allowed whatever their kind.
    pub allow: Vec<IpNet>,
    /// Refused whatever else is said.
    pub deny: Vec<IpNet>,
}

impl Default for Policy {
    /// The world, and nothing inside.
    fn default() -> Self {
        Self { downloads: Reach::PUBLIC, deliveries: Reach::PUBLIC }
    }
}

impl Policy {
    /// For a server that listens on this machine alone: receivers of webhooks are programs beside it. Files are
    /// still not fetched from inside, because a request could then read what its sender may not.
    pub fn for_loopback_server() -> Self {
        Self { deliveries: Reach { loopback: true, ..Reach::PUBLIC }, ..Self::default() }
    }

    /// Nothing leaves the machine.
    pub const fn offline() -> Self {
        Self { downloads: Reach::NOWHERE, deliveries: Reach::NOWHERE }
    }
}

impl Reach {
    pub const NOWHERE: Self =
        Self { public: false, loopback: false, private: false, allow: Vec::new(), deny: Vec::new() };
    pub const PUBLIC: Self =
        Self { public: true, loopback: false, private: false, allow: Vec::new(), deny: Vec::new() };

    pub fn permits(&self, address: IpAddr) -> bool {
        // A network written as IPv4 also holds for the IPv4 addresses that are mapped into IPv6.
        let address = address.to_canonical();
        let listed = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&address));
        if listed(&self.deny) {
            return false;
        }
        let of_its_kind = match Class::of(address) {
            Class::Public => self.public,
            Class::Loopback => self.loopback,
            Class::Private => self.private,
            Class::LinkLocal | Class::Special => false,
        };
        of_its_kind || listed(&self.allow)
    }
}

/// One line for a person: `public addresses, 10.1.0.0/16; never 10.1.9.0/24`.
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [(self.public, "public"), (self.loopback, "loopback"), (self.private, "private")];
        let kinds = kinds.into_iter().filter(|(on, _)| *on).map(|(_, kind)| format!("{kind} addresses"));
        let reached: Vec<_> = kinds.chain(self.allow.iter().map(ToString::to_string)).collect();
        match reached.as_slice() {
            [] => f.write_str("nowhere")?,
            reached => f.write_str(&reached.join(", "))?,
        }
        if self.deny.is_empty() {
            return Ok(());
        }
        let denied: Vec<_> = self.deny.iter().map(ToString::to_string).collect();
        write!(f, "; never {}", denied.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(reach: &Reach, address: &str) -> bool {
        reach.permits(address.parse().unwrap())
    }

    #[test]
    fn by_default_only_the_world_is_reached() {
        let reach = Policy::default().downloads;
        assert!(permits(&reach, "8.8.8.8"));
        for inside in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"] {
            assert!(!permits(&reach, inside), "{inside}");
        }
    }

    #[test]
    fn metadata_addresses_need_to_be_named() {
        let open = Reach { loopback: true, private: true, ..Reach::PUBLIC };
        assert!(!permits(&open, "169.254.169.254"));
        let named = Reach { allow: vec!["169.254.169.254/32".parse().unwrap()], ..open };
        assert!(permits(&named, "169.254.169.254"));
    }

    #[test]
    fn what_is_denied_stays_denied() {
        let deny = vec!["10.9.0.0/16".parse().unwrap()];
        let reach = Reach { private: true, allow: vec!["10.0.0.0/8".parse().unwrap()], deny, ..Reach::PUBLIC };
        assert!(permits(&reach, "10.8.0.1"));
        assert!(!permits(&reach, "10.9.0.1"));
        assert!(!permits(&reach, "::ffff:10.9.0.1"));
    }

    #[test]
    fn a_loopback_server_delivers_to_loopback_but_does_not_fetch_from_it() {
        let policy = Policy::for_loopback_server();
        assert!(permits(&policy.deliveries, "127.0.0.1"));
        assert!(!permits(&policy.downloads, "127.0.0.1"));
        assert!(!permits(&policy.deliveries, "192.168.1.1"));
    }

    #[test]
    fn a_reach_says_where_it_goes() {
        let reach = Reach {
            private: true,
            allow: vec!["169.254.1.1/32".parse().unwrap()],
            deny: vec!["10.0.0.0/8".parse().unwrap()],
            ..Reach::PUBLIC
        };
        assert_eq!(reach.to_string(), "public addresses, private addresses, 169.254.1.1/32; never 10.0.0.0/8");
        assert_eq!(Reach::NOWHERE.to_string(), "nowhere");
    }
}

//! The host names that this server may vouch for, and no others.

use std::net::IpAddr;

/// The domains of the hosted service. Programs that were written for it call names below them; the whole of each is
/// answered here, so that a name that this server does not know gets an error and never the caller's key.
const HOSTED: [&str; 4] = ["fal.run", "fal.ai", "fal.media", "falrun.com"];

/// Names that clients are known to call, and one wildcard each for the rest.
const CALLED: [&str; 24] = [
    "fal.run",
    "queue.fal.run",
    "ws.fal.run",
    "wma.fal.run",
    "*.fal.run",
    "fal.ai",
    "rest.fal.ai",
    "rest.alpha.fal.ai",
    "api.fal.ai",
    "api.alpha.fal.ai",
    "auth.fal.ai",
    "*.fal.ai",
    "*.alpha.fal.ai",
    "fal.media",
    "v2.fal.media",
    "v3.fal.media",
    "v3b.fal.media",
    "*.fal.media",
    "falrun.com",
    "queue.falrun.com",
    "ws.falrun.com",
    "*.falrun.com",
    "localhost",
    "queue.localhost",
];

#[derive(Clone, Debug)]
pub(crate) struct Names {
    own: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl Names {
    /// `own` are the operator's names; `listen` is what the port is bound to.
    pub(crate) fn new(own: &[String], listen: IpAddr) -> Self {
        let mut addresses = vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16])];
        if !listen.is_loopback() && !listen.is_unspecified() {
            addresses.push(listen);
        }
        Self { own: own.to_vec(), addresses }
    }

    /// Whether `host` belongs to the hosted service, in any writing.
    pub(crate) fn impersonates(host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        HOSTED.iter().any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    }

    /// The subtrees to which the authority is bound.
    pub(crate) fn domains(&self) -> Vec<String> {
        let own = self.own.iter().map(String::as_str);
        HOSTED.into_iter().chain(["localhost"]).chain(own).map(Into::into).collect()
    }

    pub(crate) fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// The names in the certificate that callers see.
    pub(crate) fn called(&self) -> Vec<String> {
        let children = |name: &String| [name.clone(), format!("queue.{name}"), format!("ws.{name}")];
        let fixed = CALLED.into_iter().map(Into::into).chain(["ws.localhost".into()]);
        fixed.chain(self.own.iter().flat_map(children)).collect()
    }

    /// A text that differs when the names do.
    pub(crate) fn fingerprint(&self) -> String {
        let addresses = self.addresses.iter().map(ToString::to_string);
        self.domains().into_iter().chain(addresses).fold(String::new(), |text, name| text + &name + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosted_names_are_answered_for_and_no_lookalikes() {
        for host in ["fal.run", "queue.fal.run", "QUEUE.FAL.RUN", "v3b.fal.media", "any.thing.fal.ai", "fal.run."] {
            assert!(Names::impersonates(host), "{host}");
        }
        for host in ["notfal.run", "fal.run.example.com", "example.com", "fal", "", "xfal.ai"] {
            assert!(!Names::impersonates(host), "{host}");
        }
    }

    #[test]
    fn own_names_bring_their_children_and_change_the_fingerprint() {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let plain = Names::new(&[], loopback);
        let named = Names::new(&["media.example.com".into()], loopback);
        assert!(named.called().contains(&"queue.media.example.com".into()));
        assert_ne!(plain.fingerprint(), named.fingerprint());
    }
}

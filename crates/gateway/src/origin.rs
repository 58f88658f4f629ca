//! The address under which a caller reached the server, and the addresses that are minted from it.

use http::{HeaderMap, Uri, header::HOST};

use tintype_wire::bases::Bases;

use crate::{
    Connection, Gateway,
    place::{is_hosted_name, parent},
};

/// Scheme and authority, as the caller sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub scheme: String,
    /// Host, and port where it is not the scheme's own.
    pub authority: String,
}

impl Origin {
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap, connection: Option<&Connection>) -> Self {
        let header =
            |name| headers.get(name).and_then(|value| value.to_str().ok()).map(first).filter(|it| is_plain(it));
        let host = header(HOST.as_str()).or_else(|| uri.authority().map(http::uri::Authority::as_str));
        let authority = header("x-forwarded-host").or(host).unwrap_or("localhost").to_owned();
        let seen = connection.map_or("http", |connection| connection.scheme);
        let scheme = header("x-forwarded-proto").filter(|scheme| matches!(*scheme, "http" | "https")).unwrap_or(seen);
        Self { scheme: scheme.to_owned(), authority }
    }

    /// What addresses on a surface with this `prefix` begin with, without a trailing slash.
    pub(crate) fn base(&self, gateway: &Gateway, prefix: &str) -> String {
        match &gateway.options.public_url {
            // Under a hosted name the caller's own addresses must stay what the caller would build.
            Some(public) if !is_hosted_name(&self.authority) => {
                format!("{}{prefix}", public.as_str().trim_end_matches('/'))
            }
            _ => format!("{}://{}{prefix}", self.scheme, self.authority),
        }
    }

    /// What addresses begin with for someone who came to this address in order to deploy.
    pub(crate) fn bases(&self, gateway: &Gateway) -> Bases {
        let own = self.base(gateway, "");
        match parent(&self.authority) {
            Some(parent) if is_hosted_name(parent) || gateway.options.public_url.is_none() => siblings(own, parent),
            _ => Bases {
                run: own.clone(),
                queue: format!("{own}/queue"),
                ws: format!("{}/ws", own.replacen("http", "ws", 1)),
                own,
            },
        }
    }
}

/// Where each surface has a name of its own.
fn siblings(own: String, parent: &str) -> Bases {
    let scheme = own.split(':').next().unwrap_or("https");
    let socket = scheme.replacen("http", "ws", 1);
    Bases {
        run: format!("{scheme}://{parent}"),
        queue: format!("{scheme}://queue.{parent}"),
        ws: format!("{socket}://ws.{parent}"),
        own,
    }
}

/// The first of several forwarding hops is the one that the caller saw.
fn first(list: &str) -> &str {
    list.split(',').next().unwrap_or(list).trim()
}

/// An authority that can stand in an address without changing its meaning.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn origin(headers: &[(&'static str, &str)], scheme: &'static str) -> (String, String) {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let connection = Connection { scheme, peer: SocketAddr::from(([127, 0, 0, 1], 1)) };
        let Origin { scheme, authority } = Origin::of(&Uri::from_static("/a/b"), &headers, Some(&connection));
        (scheme, authority)
    }

    #[test]
    fn an_address_is_minted_from_what_the_caller_saw() {
        assert_eq!(origin(&[("host", "localhost:8443")], "https"), ("https".into(), "localhost:8443".into()));
        let forwarded = [("host", "inner"), ("x-forwarded-host", "fal.example.com, b"), ("x-forwarded-proto", "https")];
        assert_eq!(origin(&forwarded, "http"), ("https".into(), "fal.example.com".into()));
    }

    #[test]
    fn beside_an_api_name_stand_the_names_of_the_other_surfaces() {
        let bases = siblings("https://api.example.net:8443".into(), "example.net:8443");
        assert_eq!(
            (bases.run.as_str(), bases.queue.as_str(), bases.ws.as_str()),
            ("https://example.net:8443", "https://queue.example.net:8443", "wss://ws.example.net:8443")
        );
    }

    #[test]
    fn a_host_that_is_no_host_is_not_repeated() {
        assert_eq!(origin(&[("host", "evil/../?x=")], "http"), ("http".into(), "localhost".into()));
        assert_eq!(origin(&[("host", "a"), ("x-forwarded-proto", "javascript")], "http").0, "http");
    }
}

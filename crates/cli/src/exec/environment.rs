//! The variables, one reason each.

use tintype_launch::{NODE_TRUST_VARIABLE, TRUST_VARIABLES};

use super::bundle::Files;

pub(super) struct Settings<'a> {
    /// The server, `http://HOST:PORT`.
    pub(super) proxy: &'a str,
    pub(super) files: &'a Files,
    pub(super) key: Option<&'a str>,
}

/// Addresses of this machine are reached directly: files of the server, and whatever else runs here.
const DIRECT: &str = "localhost,127.0.0.1,::1";

pub(super) fn build(
    settings: &Settings<'_>,
    inherited: impl Fn(&str) -> Option<String>,
) -> Vec<(&'static str, String)> {
    let Settings { proxy, files, key } = settings;
    let bundle = files.bundle.display().to_string();
    let mut variables = Vec::new();
    // Some programs read the one spelling, some the other.
    for name in ["HTTPS_PROXY", "https_proxy", "WSS_PROXY", "wss_proxy"] {
        variables.push((name, (*proxy).to_owned()));
    }
    for name in ["NO_PROXY", "no_proxy"] {
        variables.push((name, direct(inherited(name).as_deref())));
    }
    variables.extend(TRUST_VARIABLES.map(|name| (name, bundle.clone())));
    // Node adds to its own roots.
    variables.push((NODE_TRUST_VARIABLE, files.authority.display().to_string()));
    variables.push(("NODE_OPTIONS", node_options(&files.preload.display().to_string(), inherited("NODE_OPTIONS"))));
    variables.push(("TINTYPE_PROXY", (*proxy).to_owned()));
    variables.extend(deployment(proxy));
    if let Some(key) = key {
        variables.push(("FAL_KEY", (*key).to_owned()));
    }
    variables
}

/// `fal deploy` and its like speak to the server itself, in the plain form that they keep for loopback. They would derive
/// the hosts of calls from that address; those stay what all clients know.
fn deployment(server: &str) -> [(&'static str, String); 4] {
    let host = server.split_once("://").map_or(server, |(_, host)| host).trim_end_matches('/');
    [
        ("FAL_GRPC_HOST", host.to_owned()),
        ("ISOLATE_TEST_MODE", "1".to_owned()),
        ("FAL_RUN_HOST", "fal.run".to_owned()),
        ("FAL_QUEUE_RUN_HOST", "queue.fal.run".to_owned()),
    ]
}

fn direct(inherited: Option<&str>) -> String {
    match inherited {
        // A star would send everything past the server.
        Some(list) if !list.is_empty() && list != "*" => format!("{list},{DIRECT}"),
        _ => DIRECT.to_owned(),
    }
}

fn node_options(preload: &str, inherited: Option<String>) -> String {
    let own = format!("--require \"{}\"", preload.replace('\\', "\\\\").replace('"', "\\\""));
    match inherited.filter(|options| !options.is_empty()) {
        Some(options) => format!("{options} {own}"),
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(inherited: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let files =
            Files { bundle: "/d/bundle.pem".into(), authority: "/d/own.pem".into(), preload: "/d/a b/pre.cjs".into() };
        let settings = Settings { proxy: "http://127.0.0.1:8700", files: &files, key: Some("a:b") };
        let find = |name: &str| inherited.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        build(&settings, find)
    }

    fn value(variables: &[(&str, String)], name: &str) -> String {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    #[test]
    fn what_was_set_before_is_added_to_and_not_lost() {
        let variables = built(&[("NO_PROXY", "corp.example"), ("NODE_OPTIONS", "--trace-warnings")]);
        assert_eq!(value(&variables, "NO_PROXY"), "corp.example,localhost,127.0.0.1,::1");
        assert_eq!(value(&variables, "NODE_OPTIONS"), "--trace-warnings --require \"/d/a b/pre.cjs\"");
        assert_eq!(value(&variables, "FAL_KEY"), "a:b");
        assert_eq!(value(&variables, "SSL_CERT_FILE"), "/d/bundle.pem");
    }

    #[test]
    fn deployments_go_to_the_server_and_calls_keep_their_hosts() {
        let variables = built(&[]);
        assert_eq!(value(&variables, "FAL_GRPC_HOST"), "127.0.0.1:8700");
        assert_eq!(value(&variables, "ISOLATE_TEST_MODE"), "1");
        assert_eq!(value(&variables, "FAL_RUN_HOST"), "fal.run");
    }

    #[test]
    fn a_star_in_no_proxy_would_lead_keys_past_the_server() {
        assert_eq!(value(&built(&[("no_proxy", "*")]), "no_proxy"), "localhost,127.0.0.1,::1");
    }
}

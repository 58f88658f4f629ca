//! Where a request belongs: by its host where that is one of fal's or says `queue.` or `ws.`, else by its path.

/// A surface of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    Run,
    Queue,
    /// HTTP over a WebSocket.
    Socket,
    /// Tokens, storage and the webhook keys.
    Rest,
    Cdn,
    Platform,
    /// What the deployment tools speak: gRPC, and the routes beside it.
    Deployment,
    /// Pages on which people try an app.
    Playground,
    /// Pages, texts and schemas of what can be called.
    Gallery,
    Proxy,
    Health,
    Ready,
    Home,
}

/// A surface, and the path on it (begins with `/`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub surface: Surface,
    pub path: String,
    /// What stands before `path` in addresses of the same surface.
    pub prefix: &'static str,
}

impl Place {
    pub(crate) fn of(host: &str, path: &str) -> Self {
        let path = if path.is_empty() { "/" } else { path };
        match surface_of_host(host) {
            // There the version is part of the path, as it is on our own name.
            Some(Surface::Platform) | None => by_path(path),
            Some(Surface::Rest) if is_deployment(path) => Self::whole(Surface::Deployment, path),
            Some(surface) => Self::whole(surface, path),
        }
    }

    fn whole(surface: Surface, path: &str) -> Self {
        Self { surface, path: path.to_owned(), prefix: "" }
    }
}

/// Whether `host` is a name of the hosted service that this server answers for.
pub(crate) fn is_hosted_name(host: &str) -> bool {
    let host = without_port(host);
    ["fal.run", "falrun.com", "fal.ai", "fal.media"]
        .iter()
        .any(|name| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

fn surface_of_host(host: &str) -> Option<Surface> {
    let host = without_port(host).to_ascii_lowercase();
    match host.as_str() {
        "fal.run" | "falrun.com" => return Some(Surface::Run),
        "rest.fal.ai" | "rest.alpha.fal.ai" => return Some(Surface::Rest),
        "api.fal.ai" => return Some(Surface::Platform),
        "fal.media" => return Some(Surface::Cdn),
        _ => {}
    }
    if host.ends_with(".fal.media") {
        return Some(Surface::Cdn);
    }
    match host.split_once('.')?.0 {
        "queue" => Some(Surface::Queue),
        "ws" => Some(Surface::Socket),
        "rest" => Some(Surface::Rest),
        _ => None,
    }
}

/// The name whose `api.` or `rest.` sibling `host` is, port included: what the run gateway is called.
pub(crate) fn parent(host: &str) -> Option<&str> {
    let (label, rest) = host.split_once('.')?;
    let sibling = label.eq_ignore_ascii_case("api") || label.eq_ignore_ascii_case("rest");
    // The hosted service has its gateway elsewhere.
    let hosted = is_hosted_name(host).then_some("fal.run");
    sibling.then(|| hosted.unwrap_or(rest))
}

/// Whether the deployment tools mean `path`. None of these is the beginning of another surface's address.
fn is_deployment(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    matches!(
        segments.as_slice(),
        ["controller.IsolateController" | "runners", _]
            | ["users", "current" | "teams"]
            | ["logs", "history" | "stream"]
            | ["files", "missing_hashes"]
            | ["files", "app" | "list" | "file" | "rename" | "dir", ..]
            | ["applications", _, ..]
    )
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn by_path(path: &str) -> Place {
    let rest = path.trim_start_matches('/');
    let first = rest.split('/').next().unwrap_or("");
    let whole = |surface| Place::whole(surface, path);
    let below = |surface, prefix: &'static str| {
        let inner = rest[first.len()..].trim_start_matches('/');
        Place { surface, path: format!("/{inner}"), prefix }
    };
    match first {
        _ if is_deployment(path) => whole(Surface::Deployment),
        "" => whole(Surface::Home),
        "health" if rest.trim_end_matches('/') == "health" => whole(Surface::Health),
        "ready" if rest.trim_end_matches('/') == "ready" => whole(Surface::Ready),
        "run" => below(Surface::Run, "/run"),
        "queue" => below(Surface::Queue, "/queue"),
        "ws" => below(Surface::Socket, "/ws"),
        "rest" => below(Surface::Rest, "/rest"),
        "cdn" => below(Surface::Cdn, "/cdn"),
        "v1" => below(Surface::Platform, "/v1"),
        "playground" => below(Surface::Playground, "/playground"),
        "tokens" | "storage" | ".well-known" => whole(Surface::Rest),
        "files" => whole(Surface::Cdn),
        "models" => whole(Surface::Gallery),
        "llms.txt" | "favicon.svg" | "favicon.ico" if rest == first => whole(Surface::Gallery),
        "api" if rest.trim_end_matches('/') == "api/openapi/queue/openapi.json" => whole(Surface::Gallery),
        "api" if rest.trim_end_matches('/') == "api/fal/proxy" => whole(Surface::Proxy),
        _ => whole(Surface::Run),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: &str, path: &str) -> (Surface, String, &'static str) {
        let Place { surface, path, prefix } = Place::of(host, path);
        (surface, path, prefix)
    }

    #[test]
    fn hosted_names_decide_by_themselves() {
        for (host, surface) in [
            ("fal.run", Surface::Run),
            ("falrun.com", Surface::Run),
            ("queue.fal.run", Surface::Queue),
            ("queue.falrun.com:443", Surface::Queue),
            ("ws.fal.run", Surface::Socket),
            ("REST.fal.ai", Surface::Rest),
            ("rest.example.net", Surface::Rest),
            ("rest.alpha.fal.ai", Surface::Rest),
            ("v3.fal.media", Surface::Cdn),
            ("v3b.fal.media", Surface::Cdn),
            ("fal.media", Surface::Cdn),
            ("queue.localhost:8700", Surface::Queue),
            ("ws.example.com", Surface::Socket),
        ] {
            assert_eq!(place(host, "/a/b"), (surface, "/a/b".into(), ""), "{host}");
        }
        assert_eq!(place("fal.ai", "/models/a/b").0, Surface::Gallery);
        assert_eq!(place("fal.ai", "/api/openapi/queue/openapi.json").0, Surface::Gallery);
        assert_eq!(place("api.fal.ai", "/v1/models"), (Surface::Platform, "/models".into(), "/v1"));
    }

    #[test]
    fn on_its_own_name_the_path_decides() {
        for (path, surface, inner, prefix) in [
            ("/", Surface::Home, "/", ""),
            ("/acme/app/stream", Surface::Run, "/acme/app/stream", ""),
            ("/run/acme/app", Surface::Run, "/acme/app", "/run"),
            ("/queue/acme/app", Surface::Queue, "/acme/app", "/queue"),
            ("//queue//acme/app", Surface::Queue, "/acme/app", "/queue"),
            ("/ws/acme/app", Surface::Socket, "/acme/app", "/ws"),
            ("/rest/tokens/", Surface::Rest, "/tokens/", "/rest"),
            ("/tokens/", Surface::Rest, "/tokens/", ""),
            ("/storage/auth/token", Surface::Rest, "/storage/auth/token", ""),
            ("/.well-known/jwks.json", Surface::Rest, "/.well-known/jwks.json", ""),
            ("/cdn/files/b/1/x.png", Surface::Cdn, "/files/b/1/x.png", "/cdn"),
            ("/files/upload", Surface::Cdn, "/files/upload", ""),
            ("/v1/models", Surface::Platform, "/models", "/v1"),
            ("/api/fal/proxy", Surface::Proxy, "/api/fal/proxy", ""),
            ("/api/other", Surface::Run, "/api/other", ""),
            ("/health", Surface::Health, "/health", ""),
            ("/ready/", Surface::Ready, "/ready/", ""),
            ("/models", Surface::Gallery, "/models", ""),
            ("/models/acme/app", Surface::Gallery, "/models/acme/app", ""),
            ("/llms.txt", Surface::Gallery, "/llms.txt", ""),
            ("/favicon.ico", Surface::Gallery, "/favicon.ico", ""),
            ("/favicon.ico/app", Surface::Run, "/favicon.ico/app", ""),
            ("/api/openapi/queue/openapi.json", Surface::Gallery, "/api/openapi/queue/openapi.json", ""),
            ("/playground/acme/app", Surface::Playground, "/acme/app", "/playground"),
        ] {
            assert_eq!(place("localhost:8700", path), (surface, inner.into(), prefix), "{path}");
            assert_eq!(place("[::1]:8700", path), (surface, inner.into(), prefix), "{path}");
        }
    }

    #[test]
    fn the_deployment_tools_are_served_beside_the_clients() {
        let both = ["localhost:8700", "rest.example.net", "rest.alpha.fal.ai"];
        for path in [
            "/users/current",
            "/users/teams",
            "/files/missing_hashes",
            "/files/app/multipart/abc/initiate",
            "/files/list//data/dir",
            "/files/file//data/x",
            "/files/file/local//data/x",
            "/files/rename//data/x",
            "/files/dir/check_hash/x",
            "/runners/7",
            "/logs/history",
            "/logs/stream",
            "/applications/metrics",
            "/applications/acme/app/queue",
        ] {
            for host in both {
                assert_eq!(place(host, path), (Surface::Deployment, path.into(), ""), "{host}{path}");
            }
        }
        for host in ["localhost:8700", "api.alpha.fal.ai", "api.example.net"] {
            let call = "/controller.IsolateController/Run";
            assert_eq!(place(host, call), (Surface::Deployment, call.into(), ""), "{host}");
        }
        for (path, surface) in [
            ("/files/b/1/x.png", Surface::Cdn),
            ("/files/signed/1", Surface::Cdn),
            ("/files/upload/multipart", Surface::Cdn),
            ("/users/app", Surface::Run),
            ("/runners/app/path", Surface::Run),
            ("/storage/upload/initiate", Surface::Rest),
        ] {
            assert_eq!(place("localhost:8700", path).0, surface, "{path}");
        }
    }

    #[test]
    fn siblings_of_a_gateway_know_its_name() {
        assert_eq!(parent("api.example.net:8443"), Some("example.net:8443"));
        assert_eq!(parent("rest.alpha.fal.ai"), Some("fal.run"));
        assert_eq!(parent("localhost:8700"), None);
        assert_eq!(parent("deploy.example.net"), None);
    }

    #[test]
    fn a_name_that_only_ends_like_a_hosted_one_is_not_one() {
        assert!(is_hosted_name("queue.fal.run:443") && is_hosted_name("fal.ai"));
        assert!(!is_hosted_name("notfal.run") && !is_hosted_name("fal.run.example.com"));
    }
}

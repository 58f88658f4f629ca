//! What a path on the queue asks for.

use tintype_domain::EndpointId;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Submit,
    /// `app` may hold a path inside the app, which older addresses keep.
    Request {
        app: String,
        id: String,
        aspect: Aspect,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aspect {
    Status,
    Updates,
    Result,
    Cancel,
}

impl Route {
    /// The word `requests` behind an app is reserved: what stands before it is the app, what follows is the id.
    pub(crate) fn parse(path: &str) -> Self {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let split = |at: &usize| segments[*at] == "requests" && segments[..*at].join("/").parse::<EndpointId>().is_ok();
        let found = (1..segments.len()).find(split).and_then(|at| {
            let aspect = aspect(segments.get(at + 2..)?)?;
            Some(Self::Request { app: segments[..at].join("/"), id: segments[at + 1].to_owned(), aspect })
        });
        found.unwrap_or(Self::Submit)
    }
}

fn aspect(rest: &[&str]) -> Option<Aspect> {
    match rest {
        [] | ["response"] => Some(Aspect::Result),
        ["status"] => Some(Aspect::Status),
        ["status", "stream"] => Some(Aspect::Updates),
        ["cancel"] => Some(Aspect::Cancel),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(app: &str, aspect: Aspect) -> Route {
        Route::Request { app: app.into(), id: "7".into(), aspect }
    }

    #[test]
    fn every_form_of_a_request_address_is_understood() {
        for (path, route) in [
            ("/acme/app/requests/7/status", request("acme/app", Aspect::Status)),
            ("/acme/app/requests/7/status/", request("acme/app", Aspect::Status)),
            ("/acme/app/sub/requests/7/status/stream", request("acme/app/sub", Aspect::Updates)),
            ("/acme/app/requests/7", request("acme/app", Aspect::Result)),
            ("/acme/app/requests/7/response/", request("acme/app", Aspect::Result)),
            ("/workflows/acme/flow/requests/7/cancel", request("workflows/acme/flow", Aspect::Cancel)),
            ("/1234-app/requests/7", request("1234-app", Aspect::Result)),
        ] {
            assert_eq!(Route::parse(path), route, "{path}");
        }
    }

    #[test]
    fn everything_else_is_a_submit() {
        for path in ["/acme/app", "/acme/requests", "/acme/app/requests", "/acme/app/requests/7/other", "/", ""] {
            assert_eq!(Route::parse(path), Route::Submit, "{path}");
        }
    }
}

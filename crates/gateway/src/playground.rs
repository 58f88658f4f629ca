//! `/playground/{owner}/{alias}[/path]`: a page on which a person tries an endpoint.
//!
//! The page is the same for all: it reads the schema as any client does, with the key that the person types, and it
//! holds no word of the app itself. So it needs no key and tells nothing: what only its owner may know of is answered as
//! what is not there is, with names that are near, and becomes a playground once a key was typed.

use axum::response::{IntoResponse, Redirect, Response};
use http::{
    Method, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
};

use crate::{Error, Gateway, front::Placed, gallery};

const PAGE: &str = include_str!("playground/page.html");
/// Pictures, sound and videos of a result may come from where the app put them; nothing else leaves the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
     img-src * data:; media-src * data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where the page says that there is no such endpoint.
const UNKNOWN: &str = "<!-- unknown -->";

pub(crate) fn page(gateway: &Gateway, placed: &Placed) -> Result<Response, Error> {
    let method = placed.request.method();
    if method != Method::GET && method != Method::HEAD {
        return Err(Error::Method { found: method.to_string(), allowed: "GET, HEAD".into() });
    }
    if placed.place.path.trim_matches('/').is_empty() {
        return Ok(Redirect::temporary("/models").into_response());
    }
    Ok(match gallery::known(gateway, None, &placed.place.path) {
        Ok(_) => answer(StatusCode::OK, PAGE.to_owned()),
        Err(Error::UnknownEndpoint { nearest, .. }) => {
            answer(StatusCode::NOT_FOUND, PAGE.replace(UNKNOWN, &unknown(&nearest)))
        }
        // A name that no endpoint can have.
        Err(wrong) => {
            answer(StatusCode::NOT_FOUND, PAGE.replace(UNKNOWN, &notice(&gallery::escape(&wrong.to_string()))))
        }
    })
}

fn unknown(nearest: &[String]) -> String {
    let link = |id: &String| format!("<a href=\"/playground/{0}\">{0}</a>", gallery::escape(id));
    let near = nearest.iter().map(link).collect::<Vec<_>>().join(", ");
    let near = if near.is_empty() { String::new() } else { format!(" Did you mean {near}?") };
    notice(&format!(
        "No endpoint of this name is open to everyone.{near} An app of your own is shown once you enter its key. \
         <a href=\"/models\">All models</a>"
    ))
}

fn notice(words: &str) -> String {
    format!("<p id=\"unknown\" class=\"wrong\" role=\"alert\">{words}</p>")
}

fn answer(status: StatusCode, page: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (status, headers, page).into_response()
}

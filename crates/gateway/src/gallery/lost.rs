//! What a browser is shown where nothing is: a page that leads on. Programs get the error as JSON.

use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header::VARY};

use super::{home::wants_page, html, known};
use crate::{
    Error, Gateway,
    front::Placed,
    place::{Place, Surface},
};

/// Marks answers that say that there is nothing, or nothing without a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost;

/// A person at a browser, and where.
pub(crate) struct Visitor(Place);

impl Visitor {
    pub(crate) fn of(placed: &Placed) -> Option<Self> {
        let Placed { place, request, .. } = placed;
        let for_programs = matches!(place.surface, Surface::Platform | Surface::Deployment | Surface::Proxy);
        let looks = request.method() == Method::GET && wants_page(request.headers());
        (looks && !for_programs).then(|| Self(place.clone()))
    }

    /// The page in the place of `answer`, where that says that there is nothing. What is private is answered as what is
    /// not there is.
    pub(crate) fn shown(self, gateway: &Gateway, answer: Response) -> Response {
        if answer.extensions().get::<Lost>().is_none() {
            return answer;
        }
        let path = &self.0.path;
        let named =
            if self.0.surface == Surface::Gallery { path.strip_prefix("/models").unwrap_or(path) } else { path };
        match known(gateway, None, named.trim_end_matches("/llms.txt")) {
            Ok(_) => answer,
            Err(error) => page(path, &error),
        }
    }
}

fn page(path: &str, error: &Error) -> Response {
    let near = match error {
        Error::UnknownEndpoint { nearest, .. } => nearest.as_slice(),
        _ => &[],
    };
    let link = |id: &String| format!("<a href=\"/models/{0}\">{0}</a>", html::escape(id));
    let near = near.iter().map(link).collect::<Vec<_>>().join(", ");
    let near = if near.is_empty() { String::new() } else { format!("<p>Did you mean {near}?</p>\n") };
    let body = format!(
        "<h1>Nothing is here</h1>\n<p>Nothing that is open to everyone is at <code>{}</code>.</p>\n{near}\
         <p><a href=\"/models\">All models</a> · <a href=\"/\">Where to begin</a></p>\n",
        html::escape(path)
    );
    let mut page = html::respond("Nothing is here", &body);
    *page.status_mut() = StatusCode::NOT_FOUND;
    page.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    page
}

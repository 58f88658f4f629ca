//! `/`: what this server is and where to begin, for people. Programs get the same as JSON.

use std::fmt::Write;

use axum::response::Response;
use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT, VARY},
};
use tintype_catalog::openapi::Addresses;

use super::{Entry, addresses, all, html};
use crate::{Gateway, front::Placed, gallery::code, health};

pub(crate) fn home(gateway: &Gateway, placed: &Placed) -> Response {
    let mut response = if wants_page(placed.request.headers()) {
        page(gateway, &addresses(gateway, &placed.origin))
    } else {
        health::home(&placed.origin.base(gateway, ""))
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// Browsers name HTML; programs take anything, or JSON.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|list| list.split(',')).any(|one| one.split(';').next().unwrap_or(one).trim() == "text/html")
}

fn page(gateway: &Gateway, addresses: &Addresses) -> Response {
    let entries = all(gateway, None);
    let ready: Vec<&Entry<'_>> = entries.iter().filter(|entry| entry.is_installed(gateway)).collect();
    let mut body = format!(
        "<h1>Tintype</h1>\n<p>Generative media behind fal's public API, on this machine: programs written for fal run \
         against it unchanged. Version {}.</p>\n\
         <p><a href=\"/models\">Models</a>: {} that answer now, {} in all.</p>\n",
        env!("CARGO_PKG_VERSION"),
        ready.len(),
        entries.len()
    );
    if let Some(first) = beginning(&ready) {
        body += &first_call(first, addresses);
    }
    body += "<h2>A key</h2>\n<p>The server shows its first key when it starts for the first time, and keeps it in the file \
             <code>key</code> of its data folder. <code>tintype keys create NAME</code> makes others, for each program one; \
             <code>tintype doctor</code> says what is wrong where something is.</p>\n\
             <h2>Programs written for fal</h2>\n<pre>tintype exec -- python their_program.py\ntintype exec -- node their_program.mjs\n\
             tintype exec -- fal deploy app.py::MyApp</pre>\n\
             <p>With <code>exec</code> the names of fal lead here, for that one program. The last line deploys an app of your own.</p>\n\
             <h2>For programs</h2>\n<p><a href=\"/llms.txt\">All of it as text</a>, <a href=\"/v1/models\">all models as JSON</a>, \
             <a href=\"/health\">health</a>.</p>\n";
    html::respond("Tintype", &body)
}

/// What somebody who comes for the first time may want to try: an endpoint that has an example.
fn beginning<'a, 'b>(ready: &[&'a Entry<'b>]) -> Option<&'a Entry<'b>> {
    let draws = |entry: &&&Entry<'_>| entry.category() == "text-to-image" && !entry.examples().is_empty();
    let shows = |entry: &&&Entry<'_>| !entry.examples().is_empty();
    ready.iter().find(draws).or_else(|| ready.iter().find(shows)).copied()
}

fn first_call(entry: &Entry<'_>, addresses: &Addresses) -> String {
    let id = entry.id();
    let shown = html::escape(&id);
    let mut told = format!(
        "<h2>A first call</h2>\n<p>Try <a href=\"/playground/{shown}\">{} in the playground</a>, or call it:</p>\n",
        html::escape(entry.title())
    );
    let examples = entry.examples();
    let Some((_, input)) = examples.first() else { return told };
    for (language, _, text) in code::snippets(&id, input, entry.is_public(), addresses).into_iter().rev() {
        let _ = write!(told, "<h3>{language}</h3>\n<pre>{}</pre>\n", html::escape(&text));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_names_html_gets_a_page() {
        let asked =
            |accept: &'static str| wants_page(&[(ACCEPT, HeaderValue::from_static(accept))].into_iter().collect());
        assert!(
            asked("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8") && asked("a/b, text/html;q=1")
        );
        assert!(!asked("*/*") && !asked("application/json, text/plain, */*") && !wants_page(&HeaderMap::new()));
    }
}

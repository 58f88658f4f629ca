//! Pages without scripts: text that is escaped, and the frame around it.

use axum::response::{IntoResponse, Response};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
};

/// Nothing is loaded and nothing runs; the one form asks this server.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const STYLE: &str = "\
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin-top: 1.8rem; } h3 { font-size: .95rem; }
code, pre { font: 13px/1.4 ui-monospace, monospace; }
pre { overflow: auto; padding: .7rem; border: 1px solid #8886; border-radius: 4px; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; }
td, th { border-top: 1px solid #8884; padding: .3rem .7rem .3rem 0; vertical-align: top; }
td code { overflow-wrap: anywhere; }
input, select, button { font: inherit; padding: .3rem .6rem; } input[type=search] { width: 22rem; max-width: 100%; }
.faint { opacity: .7; } .badge { border: 1px solid #8888; border-radius: 3px; padding: 0 .4rem; font-size: .85em; white-space: nowrap; }
li { margin: .5rem 0; }";

/// Text as it can stand between tags and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}

pub(super) fn badge(text: &str) -> String {
    format!(" <span class=\"badge\">{}</span>", escape(text))
}

pub(super) fn respond(title: &str, body: &str) -> Response {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n{body}\n</html>\n",
        escape(title)
    );
    answer("text/html; charset=utf-8", page)
}

pub(super) fn plain(text: String) -> Response {
    answer("text/plain; charset=utf-8", text)
}

/// What is shown depends on who asks, and changes with what is deployed.
fn answer(kind: &'static str, text: String) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (StatusCode::OK, headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_text_is_shown_and_not_obeyed() {
        assert_eq!(escape("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
    }
}

//! Pages without scripts: text that is escaped, and the frame around it.

use axum::response::{IntoResponse, Response};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
};

/// Nothing is loaded but the icon, and nothing runs; the one form asks this server.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

/// A plate with a picture on it.
const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">\
     <rect width=\"16\" height=\"16\" rx=\"3\" fill=\"#6b4f3a\"/>\
     <rect x=\"2.5\" y=\"2.5\" width=\"11\" height=\"11\" rx=\"1\" fill=\"#f3e7d3\"/>\
     <circle cx=\"8\" cy=\"7\" r=\"2.5\" fill=\"#b3402f\"/><path d=\"M4 13c1-4 7-4 8 0z\" fill=\"#6b4f3a\"/></svg>\n";

const STYLE: &str = "\
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin-top: 1.8rem; } h3 { font-size: .95rem; }
code, pre { font: 13px/1.4 ui-monospace, monospace; }
pre { overflow: auto; padding: .7rem; border: 1px solid #8886; border-radius: 4px; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; }
td, th { border-top: 1px solid #8884; padding: .3rem .7rem .3rem 0; vertical-align: top; }
h1, p, li { overflow-wrap: anywhere; } td { overflow-wrap: break-word; } nav { margin-bottom: 1rem; } code.name { white-space: nowrap; }
input, select, button { font: inherit; padding: .3rem .6rem; } input[type=search] { width: 22rem; max-width: 100%; }
.faint { opacity: .7; } .badge { border: 1px solid #8888; border-radius: 3px; padding: 0 .4rem; font-size: .85em; white-space: nowrap; }
li { margin: .5rem 0; }
@media (max-width: 44rem) {
  body { margin: 1rem auto; }
  table.fields tr, table.fields td { display: block; } table.fields tr:first-child, table.fields td:empty { display: none; }
  table.fields td { border: 0; padding: .1rem 0; overflow-wrap: anywhere; } table.fields tr { border-top: 1px solid #8884; padding: .3rem 0; }
  table.fields td + td:not(:last-child) { display: inline-block; margin-right: 1rem; opacity: .8; } code.name { white-space: normal; }
}";

/// Text as it can stand between tags and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
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

/// A text of several words as HTML: what stands between backticks is code.
pub(super) fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    // One that nothing closes stands for itself.
    let paired = if parts.len() % 2 == 1 { parts.len() } else { parts.len() - 1 };
    let told = parts.iter().enumerate().map(|(at, part)| match at {
        at if at >= paired => format!("`{}", escape(part)),
        at if at % 2 == 1 => format!("<code>{}</code>", escape(part)),
        _ => escape(part),
    });
    told.collect()
}

pub(super) fn badge(text: &str) -> String {
    format!(" <span class=\"badge\">{}</span>", escape(text))
}

pub(super) fn respond(title: &str, body: &str) -> Response {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n\
         <nav><a href=\"/\">Tintype</a> · <a href=\"/models\">Models</a></nav>\n{body}\n</html>\n",
        escape(title)
    );
    answer("text/html; charset=utf-8", page)
}

pub(super) fn plain(text: String) -> Response {
    answer("text/plain; charset=utf-8", text)
}

/// The icon of every page. Browsers ask for it where an answer is no page too.
pub(super) fn icon() -> Response {
    answer("image/svg+xml", ICON.to_owned())
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
    fn words_between_backticks_are_code_and_one_alone_is_a_backtick() {
        assert_eq!(prose("`a<b` or `c`."), "<code>a&lt;b</code> or <code>c</code>.");
        assert_eq!(prose("5` long, `x` wide`"), "5<code> long, </code>x<code> wide</code>");
        assert_eq!(prose("it `opens"), "it `opens");
    }

    #[test]
    fn markup_in_a_text_is_shown_and_not_obeyed() {
        assert_eq!(escape("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
    }
}

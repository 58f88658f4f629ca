//! The page of all models, with a search that works without scripts.

use std::{collections::BTreeSet, fmt::Write};

use axum::response::Response;

use super::{
    Entry,
    html::{badge, escape, prose, respond},
};
use crate::{Gateway, platform::search::Search, query::Query};

pub(super) fn page(gateway: &Gateway, entries: &[Entry<'_>], query: Query<'_>) -> Response {
    let (text, category) = (query.get("q").unwrap_or_default(), query.get("category").unwrap_or_default());
    let search = Search::of(&text, &category);
    let found = search.ranked(entries.iter());
    let categories: BTreeSet<&str> = entries.iter().map(Entry::category).collect();
    let mut body = format!("<h1>Models</h1>\n{}", form(&text, &category, &categories));
    let _ = write!(body, "<p class=\"faint\">{} of {}</p>\n<ul>\n", found.len(), entries.len());
    for entry in found {
        body += &item(gateway, entry);
    }
    body += "</ul>\n<p><a href=\"/llms.txt\">As plain text</a>, <a href=\"/v1/models\">as JSON</a></p>";
    respond("Models", &body)
}

fn form(text: &str, category: &str, categories: &BTreeSet<&str>) -> String {
    let option = |name: &&str| {
        let selected = if *name == category { " selected" } else { "" };
        format!("<option{selected}>{}</option>", escape(name))
    };
    format!(
        "<form action=\"/models\"><input type=\"search\" name=\"q\" value=\"{}\" placeholder=\"Search\" aria-label=\"Search\"> \
         <select name=\"category\" aria-label=\"Category\"><option value=\"\">all categories</option>{}</select> \
         <button>Search</button></form>\n",
        escape(text),
        categories.iter().map(option).collect::<String>()
    )
}

fn item(gateway: &Gateway, entry: &Entry<'_>) -> String {
    let id = escape(&entry.id());
    let missing = if entry.is_installed(gateway) { String::new() } else { badge("not installed") };
    let deprecated = if entry.is_deprecated() { badge("deprecated") } else { String::new() };
    format!(
        "<li><a href=\"/models/{id}\">{}</a>{}{missing}{deprecated} <code class=\"faint\">{id}</code><br>{}</li>\n",
        escape(entry.title()),
        badge(entry.category()),
        prose(entry.summary())
    )
}

//! The page of one endpoint: what it takes and gives, code to call it, and under which terms.

use std::fmt::Write;

use axum::response::Response;
use serde_json::Value;
use tintype_catalog::{CURRENCY, openapi::Addresses};

use super::{
    Entry, code,
    html::{badge, escape, prose, respond},
    schema::{self, Row},
};
use crate::{Gateway, endpoint};

pub(super) fn page(gateway: &Gateway, entry: &Entry<'_>, addresses: &Addresses) -> Response {
    let id = entry.id();
    let document = entry.openapi(gateway, addresses);
    let (input, output) = (schema::input(&document), schema::output(&document));
    let shown = escape(&id);
    let deprecated = if entry.is_deprecated() { badge("deprecated") } else { String::new() };
    let mut body = format!(
        "<h1>{}{}{deprecated}</h1>\n<p><code>{shown}</code></p>\n<p>{}</p>\n{}",
        escape(entry.title()),
        badge(entry.category()),
        prose(entry.summary()),
        about(gateway, entry)
    );
    let _ = writeln!(
        body,
        "<p><a href=\"/playground/{shown}\">Try it in the playground</a> · \
         <a href=\"/api/openapi/queue/openapi.json?endpoint_id={shown}\">OpenAPI</a> · \
         <a href=\"/models/{shown}/llms.txt\">plain text</a></p>"
    );
    body += &facts(gateway, entry);
    body += &table("Input", &input);
    body += &table("Output", &output);
    body += &examples(entry, &document, addresses);
    respond(entry.title(), &body)
}

/// What the manifest says of the model as a whole.
fn about(gateway: &Gateway, entry: &Entry<'_>) -> String {
    let Entry::Model { model, endpoint } = entry else { return String::new() };
    let about = format!("<p>{}</p>\n", prose(&model.description));
    match endpoint::missing(gateway, model, endpoint) {
        Some(weights) => {
            about + &format!("<p><b>Not installed.</b> {}</p>\n", prose(&endpoint::hint(&model.app, weights)))
        }
        None => about,
    }
}

/// Names of facts and what they are, as people read them.
pub(super) fn known_facts(entry: &Entry<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Entry::Model { model, endpoint } = entry {
        let terms = match model.commercial_use {
            Some(true) => ", commercial use allowed",
            Some(false) => ", no commercial use",
            None => "",
        };
        facts.push(("Licence", format!("{}{terms}", model.licence)));
        if let Some(weights) = model.weights_of(endpoint) {
            let place = weights.licence_url.as_ref().map(|url| format!(" ({url})")).unwrap_or_default();
            facts.push(("Weights", format!("{}: {}, {}{place}", weights.title, weights.source, weights.licence)));
        }
        facts.push(("Machine", model.machine.clone()));
        for (name, ids) in
            [("Trained by", &endpoint.training_endpoint_ids), ("Trains", &endpoint.inference_endpoint_ids)]
        {
            if !ids.is_empty() {
                facts.push((name, ids.join(", ")));
            }
        }
    }
    if let Some(price) = entry.price() {
        let words = match price.nanos {
            0 => "free".to_owned(),
            _ => format!("{} {CURRENCY} for each of its {}", price.amount(), price.unit),
        };
        facts.push(("Price", words));
    }
    if !entry.tags().is_empty() {
        facts.push(("Tags", entry.tags().join(", ")));
    }
    facts
}

fn facts(gateway: &Gateway, entry: &Entry<'_>) -> String {
    let mut rows = known_facts(entry);
    let id = entry.id();
    let aliases = gateway.catalog.aliases().filter(|(_, target)| target.to_string() == id);
    let aliases: Vec<_> = aliases.map(|(alias, _)| alias).collect();
    if !aliases.is_empty() {
        rows.push(("Also called", aliases.join(", ")));
    }
    let row = |(name, text): &(&str, String)| format!("<tr><th>{name}</th><td>{}</td></tr>\n", fact(name, text));
    format!("<table>\n{}</table>\n", rows.iter().map(row).collect::<String>())
}

/// Other endpoints are links.
fn fact(name: &str, text: &str) -> String {
    if !matches!(name, "Trained by" | "Trains") {
        return prose(text);
    }
    let link = |id: &str| format!("<a href=\"/models/{0}\">{0}</a>", escape(id));
    text.split(", ").map(link).collect::<Vec<_>>().join(", ")
}

fn table(title: &str, rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = format!(
        "<h2>{title}</h2>\n<table class=\"fields\">\n<tr><th>Field</th><th>Type</th><th>Default</th><th></th></tr>\n"
    );
    for row in rows {
        let required = if row.is_required && title == "Input" { badge("required") } else { String::new() };
        let default = row.default.as_ref().map(|value| format!("<code>{}</code>", escape(value))).unwrap_or_default();
        let limits = match row.limits.as_slice() {
            [] => String::new(),
            limits => format!(" <span class=\"faint\">{}.</span>", escape(&sentence(&limits.join("; ")))),
        };
        let _ = writeln!(
            table,
            "<tr><td><code class=\"name\">{}</code>{required}</td><td>{}</td><td>{default}</td><td>{}{limits}</td></tr>",
            escape(&row.name),
            escape(&row.kind),
            prose(&row.description)
        );
    }
    table + "</table>\n"
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn examples(entry: &Entry<'_>, document: &Value, addresses: &Addresses) -> String {
    let given = entry.examples();
    let value = code::input(entry, document);
    let title = given.first().map_or("Code", |(title, _)| title.as_str());
    let mut shown = format!("<h2>{}</h2>\n", escape(title));
    for (language, _, code) in code::snippets(&entry.id(), &value, entry.is_public(), addresses) {
        let _ = write!(shown, "<h3>{language}</h3>\n<pre>{}</pre>\n", escape(&code));
    }
    shown += "<p class=\"faint\">Programs that use fal's clients reach this server when they are started with \
              <code>tintype exec -- …</code>.</p>\n";
    for (title, input) in given.iter().skip(1) {
        let input = serde_json::to_string_pretty(input).unwrap_or_default();
        let _ = write!(shown, "<h3>{}</h3>\n<pre>{}</pre>\n", escape(title), escape(&input));
    }
    shown
}

//! Models as plain text, for programs that read: one page for each, and one for the site.

use std::fmt::Write;

use axum::response::Response;
use tintype_catalog::openapi::Addresses;

use super::{
    Entry, code,
    html::plain,
    page::known_facts,
    schema::{self, Row},
};
use crate::{Gateway, endpoint};

/// All endpoints, each with the address of its own text.
pub(super) fn site(entries: &[Entry<'_>], addresses: &Addresses) -> Response {
    let Addresses { site, run, queue } = addresses;
    let mut text = format!(
        "# Tintype\n\n> Generative media behind fal's public API, on this machine.\n\n\
         A call is a POST of JSON to `{run}/ENDPOINT` (the answer is the result) or to `{queue}/ENDPOINT` (the answer says where to ask for \
         status and result), with the header `Authorization: Key id:secret`. All endpoints as JSON: {site}/v1/models. The schema of one: \
         {site}/api/openapi/queue/openapi.json?endpoint_id=ENDPOINT.\n\n## Models\n\n"
    );
    for entry in entries {
        let id = entry.id();
        let (title, summary) = (line(entry.title()), line(entry.summary()));
        let _ = writeln!(text, "- [{id}]({site}/models/{id}/llms.txt): {title} ({}). {summary}", entry.category());
    }
    plain(text)
}

/// One endpoint: schema, limits, price and code.
pub(super) fn model(gateway: &Gateway, entry: &Entry<'_>, addresses: &Addresses) -> Response {
    let id = entry.id();
    let document = entry.openapi(gateway, addresses);
    let (input, output) = (schema::input(&document), schema::output(&document));
    let mut text = format!("# {}\n\n> {}\n\n", line(entry.title()), line(entry.summary()));
    let _ = write!(
        text,
        "## Overview\n\n- **Endpoint**: `{}/{id}`\n- **Model ID**: `{id}`\n- **Category**: {}\n- **Kind**: {}\n",
        addresses.run,
        entry.category(),
        entry.kind()
    );
    for (name, fact) in known_facts(entry) {
        let _ = writeln!(text, "- **{name}**: {fact}");
    }
    if let Entry::Model { model, endpoint } = entry {
        if let Some(weights) = endpoint::missing(gateway, model, endpoint) {
            let _ = writeln!(text, "- **Not installed**: {}", endpoint::hint(&model.app, weights));
        }
        let _ = write!(text, "\n{}\n", model.description);
    }
    text += &fields("Input", &input, true);
    text += &fields("Output", &output, false);
    text += &usage(entry, &document, addresses);
    let Addresses { site, .. } = addresses;
    let _ = write!(
        text,
        "## More\n\n- [Page]({site}/models/{id})\n- [Playground]({site}/playground/{id})\n\
         - [OpenAPI]({site}/api/openapi/queue/openapi.json?endpoint_id={id})\n"
    );
    plain(text)
}

fn fields(title: &str, rows: &[Row], is_input: bool) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("\n## {title}\n\n");
    for row in rows {
        let need = match (is_input, row.is_required) {
            (true, true) => ", required",
            (true, false) => ", optional",
            (false, _) => "",
        };
        let [name, kind, description] = [&row.name, &row.kind, &row.description].map(|text| line(text));
        let _ = writeln!(text, "- **`{name}`** (`{kind}`{need}): {description}");
        if let Some(default) = &row.default {
            let _ = writeln!(text, "  - Default: `{}`", line(default));
        }
        for limit in &row.limits {
            let _ = writeln!(text, "  - {}{}", limit[..1].to_uppercase(), line(&limit[1..]));
        }
        if !row.examples.is_empty() {
            let _ = writeln!(text, "  - Examples: {}", line(&row.examples.join(", ")));
        }
    }
    text
}

fn usage(entry: &Entry<'_>, document: &serde_json::Value, addresses: &Addresses) -> String {
    let mut text = String::from("\n## Usage\n\n");
    let given = entry.examples();
    let input = code::input(entry, document);
    for (language, word, code) in code::snippets(&entry.id(), &input, entry.is_public(), addresses) {
        let _ = write!(text, "### {language}\n\n```{word}\n{code}\n```\n\n");
    }
    for (title, input) in given.iter().skip(1) {
        let input = serde_json::to_string_pretty(input).unwrap_or_default();
        let _ = write!(text, "### {title}\n\n```json\n{input}\n```\n\n");
    }
    text
}

/// Text of people who deploy stays on its line: else it could say anything in the name of this server.
fn line(text: &str) -> String {
    let breaks = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    text.replace(breaks, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_lines_of_its_own_becomes_one() {
        assert_eq!(line("Draw\r\n\n## Models\u{85}\u{2028}\u{1b}[1m"), "Draw   ## Models   [1m");
    }
}

//! Calls that can be pasted: into a shell, a Python or a JavaScript program.

use serde_json::Value;
use tintype_catalog::openapi::Addresses;

use super::{Entry, schema};
use crate::Gateway;

pub(crate) fn playground_url(base: &str, id: &str) -> String {
    format!("{base}/playground/{id}")
}

/// A call of an endpoint on one line, with an input to begin with.
pub(crate) fn curl(gateway: &Gateway, entry: &Entry<'_>, addresses: &Addresses) -> String {
    let key = if entry.is_public() { "" } else { " -H \"Authorization: Key $FAL_KEY\"" };
    let input = quoted(&input(entry, &entry.openapi(gateway, addresses)).to_string());
    format!("curl {}/{}{key} -H 'Content-Type: application/json' -d {input}", addresses.run, entry.id())
}

/// The first example of an endpoint; where it has none, what its schema says of an input.
pub(crate) fn input(entry: &Entry<'_>, document: &Value) -> Value {
    let given = entry.examples().into_iter().next();
    given.map_or_else(|| schema::least(document), |(_, input)| input)
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The same call in each language: its name, the name by which Markdown knows it, and the code.
pub(super) fn snippets(
    id: &str,
    input: &Value,
    is_public: bool,
    addresses: &Addresses,
) -> [(&'static str, &'static str, String); 3] {
    [
        ("Python", "python", python(id, input)),
        ("JavaScript", "javascript", javascript(id, input)),
        ("cURL", "bash", shell(id, input, is_public, addresses)),
    ]
}

fn python(id: &str, input: &Value) -> String {
    let arguments = indented(&python_value(input, 0), 4);
    format!(
        "import fal_client\n\nresult = fal_client.subscribe(\n    \"{id}\",\n    arguments={},\n    with_logs=True,\n)\nprint(result)",
        arguments.trim_start()
    )
}

fn javascript(id: &str, input: &Value) -> String {
    let input = serde_json::to_string_pretty(input).unwrap_or_default();
    let input = indented(&input, 2);
    format!(
        "import {{ fal }} from \"@fal-ai/client\";\n\nconst result = await fal.subscribe(\"{id}\", {{\n  input: {},\n  logs: true,\n}});\nconsole.log(result.data);",
        input.trim_start()
    )
}

fn shell(id: &str, input: &Value, is_public: bool, addresses: &Addresses) -> String {
    let key = if is_public { "" } else { "  --header \"Authorization: Key $FAL_KEY\" \\\n" };
    let input = serde_json::to_string_pretty(input).unwrap_or_default();
    format!(
        "curl --url {}/{id} \\\n{key}  --header \"Content-Type: application/json\" \\\n  --data {}",
        addresses.run,
        quoted(&input)
    )
}

fn indented(text: &str, by: usize) -> String {
    let space = " ".repeat(by);
    text.lines().map(|line| format!("{space}{line}")).collect::<Vec<_>>().join("\n")
}

/// JSON as Python writes it: its words for true, false and null are others.
fn python_value(value: &Value, depth: usize) -> String {
    let (inner, outer) = ("    ".repeat(depth + 1), "    ".repeat(depth));
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Object(members) if !members.is_empty() => {
            let member = |(name, value): (&String, &Value)| {
                format!("{inner}{}: {},\n", Value::from(name.as_str()), python_value(value, depth + 1))
            };
            format!("{{\n{}{outer}}}", members.iter().map(member).collect::<String>())
        }
        Value::Array(items) if !items.is_empty() => {
            let item = |value: &Value| format!("{inner}{},\n", python_value(value, depth + 1));
            format!("[\n{}{outer}]", items.iter().map(item).collect::<String>())
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn all(input: &Value) -> [String; 3] {
        let at = |name: &str| format!("http://{name}");
        let addresses = Addresses { site: at("s"), run: at("r"), queue: at("q") };
        snippets("acme/app", input, false, &addresses).map(|(_, _, code)| code)
    }

    #[test]
    fn values_are_written_as_each_language_has_them() {
        let [python, javascript, shell] = all(&json!({"say": "it's \"so\"", "loop": true, "at": [1.5], "mask": null}));
        assert!(python.contains("\"loop\": True,") && python.contains("\"mask\": None,"), "{python}");
        assert!(python.contains(r#""say": "it's \"so\"","#) && python.contains("1.5,"), "{python}");
        assert!(
            javascript.contains(r#""say": "it's \"so\"","#) && javascript.contains("\"loop\": true"),
            "{javascript}"
        );
        assert!(shell.contains(r#"it'\''s \"so\""#) && shell.contains("--url http://r/acme/app"), "{shell}");
    }
}

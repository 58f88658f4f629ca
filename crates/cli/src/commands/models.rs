//! `tintype models [ENDPOINT]`, and its commands for weights.

mod bundle;
mod install;
mod meter;
mod removed;

use std::{collections::BTreeSet, process::ExitCode};

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    api::Api,
    args::{ModelsAction, ModelsArgs},
    failure::Failure,
    found,
    print::{Output, table, text, wrapped},
};

pub(crate) async fn models(args: ModelsArgs, output: Output) -> Result<ExitCode, Failure> {
    match args.action {
        None if args.installed => removed::installed(output),
        None => return shown(&args, output).await,
        Some(ModelsAction::Install { model, from, set, accept_licence }) => {
            install::install(install::Wanted { model, from, set, accept_licence }, output).await?;
        }
        Some(ModelsAction::Export { models, output: target }) => bundle::export(&models, &target, output)?,
        Some(ModelsAction::Import { bundle, accept_licence }) => bundle::import(&bundle, accept_licence, output)?,
        Some(ModelsAction::Remove { model, set }) => removed::remove(&model, set.as_deref(), output)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn shown(args: &ModelsArgs, output: Output) -> Result<ExitCode, Failure> {
    let api = Api::new(found::find())?;
    match &args.endpoint {
        None => {
            let query: String = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(args.search.iter().map(|words| ("q", words)))
                .extend_pairs(args.category.iter().map(|category| ("category", category)))
                .finish();
            let models = api.models(&query).await?;
            if models.is_empty() {
                nothing(&api, args, output).await?;
            }
            output.result(&json!({"models": models}), |answer| list(all(answer)));
        }
        Some(wanted) => {
            let wanted = wanted.trim_matches('/');
            let models = api.models("expand=openapi-3.0").await?;
            let Some(model) = models.iter().find(|model| answers_to(model, wanted)) else {
                return Err(Failure::new(format!("there is no model `{wanted}`: `tintype models` lists them all")));
            };
            output.result(model, one);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Says why a list is empty: a category that is none is an error.
async fn nothing(api: &Api, args: &ModelsArgs, output: Output) -> Result<(), Failure> {
    if let Some(category) = &args.category {
        let models = api.models("").await?;
        let known: BTreeSet<_> = models.iter().map(|model| text(&model["metadata"], "category")).collect();
        if !known.contains(category) {
            let known: Vec<_> = known.into_iter().filter(|known| !known.is_empty()).collect();
            let known = known.join(", ");
            return Err(Failure::new(format!("no model is of the category `{category}`: there are {known}")));
        }
    }
    output.remark("no model is like that: `tintype models` lists them all");
    Ok(())
}

fn all(answer: &Value) -> &[Value] {
    answer["models"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn answers_to(model: &Value, wanted: &str) -> bool {
    let aliases = model["metadata"]["aliases"].as_array().map(Vec::as_slice).unwrap_or_default();
    model["endpoint_id"] == wanted || aliases.iter().any(|alias| alias == wanted)
}

fn list(models: &[Value]) -> String {
    let heading = ["ENDPOINT", "CATEGORY", "WEIGHTS", "TITLE"].map(Into::into).to_vec();
    let row = |model: &Value| {
        let metadata = &model["metadata"];
        let weights = if metadata["installed"] == false { "not installed" } else { "" };
        vec![text(model, "endpoint_id"), text(metadata, "category"), weights.into(), text(metadata, "display_name")]
    };
    table(&[vec![heading], models.iter().map(row).collect()].concat())
}

fn one(model: &Value) -> String {
    let metadata = &model["metadata"];
    let mut lines = vec![format!("{}  {}", text(model, "endpoint_id"), text(metadata, "display_name"))];
    let description = text(metadata, "description");
    if !description.is_empty() {
        lines.extend([String::new(), wrapped(&description, 0)]);
    }
    lines.push(String::new());
    let facts = [
        ("category", "category"),
        ("licence", "licence"),
        ("terms", "license_type"),
        ("machine", "machine"),
        ("also", "aliases"),
        ("page", "page_url"),
        ("try it", "playground_url"),
        ("by hand", "curl"),
    ];
    for (label, member) in facts {
        let shown = match &metadata[member] {
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            _ => text(metadata, member),
        };
        if !shown.is_empty() {
            lines.push(format!("{label:9} {shown}"));
        }
    }
    let weights = &metadata["weights"];
    if weights.is_object() {
        let state = if metadata["installed"] == false { "not installed" } else { "installed" };
        lines.push(format!("weights   {}, {}: {state}", text(weights, "source"), text(weights, "licence")));
    }
    let price = &metadata["price"];
    if let (Some(amount), Some(unit)) = (price["unit_price"].as_f64(), price["unit"].as_str()) {
        let told =
            if amount == 0.0 { "free".to_owned() } else { format!("{amount} {} per {unit}", text(price, "currency")) };
        lines.push(format!("price     {told}"));
    }
    let inputs = inputs(model);
    if !inputs.is_empty() {
        lines.extend([String::new(), "Input:".to_owned()]);
        for [name, note, description] in inputs {
            lines.push(format!("  {name}  {note}").trim_end().to_owned());
            lines.extend(Some(wrapped(&description, 6)).filter(|text| !text.is_empty()));
        }
    }
    lines.join("\n")
}

/// Fields of the input, from the model's own schema: name, what to know of its value, what it is for.
fn inputs(model: &Value) -> Vec<[String; 3]> {
    let Some(schema) = input_schema(model) else { return Vec::new() };
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(fields) = schema["properties"].as_object() else { return Vec::new() };
    let row = |(name, field): (&String, &Value)| {
        let need = match (&field["default"], required.iter().any(|required| required == name)) {
            (_, true) => "required".to_owned(),
            (Value::Null, false) => String::new(),
            (default, false) => format!("default {default}"),
        };
        let notes: Vec<String> = [need, allowed(field)].into_iter().filter(|note| !note.is_empty()).collect();
        [name.clone(), notes.join("; "), text(field, "description")]
    };
    let order = schema["x-fal-order-properties"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut ordered: Vec<_> = fields.iter().collect();
    ordered.sort_by_key(|(name, _)| order.iter().position(|one| one == *name).unwrap_or(usize::MAX));
    ordered.into_iter().map(row).collect()
}

/// Choices or bounds, where the schema states them.
fn allowed(field: &Value) -> String {
    if let Some(choices) = field["enum"].as_array() {
        let choices = choices.iter().map(|choice| choice.as_str().map_or_else(|| choice.to_string(), Into::into));
        return format!("one of {}", choices.collect::<Vec<_>>().join(", "));
    }
    match (&field["minimum"], &field["maximum"]) {
        (Value::Null, Value::Null) => String::new(),
        (least, Value::Null) => format!("at least {least}"),
        (Value::Null, most) => format!("at most {most}"),
        (least, most) => format!("{least} to {most}"),
    }
}

/// What the body of a call must look like: the schema that the operation names, else the one that is called so.
fn input_schema(model: &Value) -> Option<&Value> {
    let mut operations = model.pointer("/openapi/paths")?.as_object()?.values();
    let named = operations.find_map(|item| item.pointer("/post/requestBody/content/application~1json/schema"));
    let named = named.map(|schema| match schema["$ref"].as_str().and_then(|name| name.strip_prefix("#")) {
        Some(pointer) => model["openapi"].pointer(pointer).unwrap_or(schema),
        None => schema,
    });
    let called = || {
        let schemas = model.pointer("/openapi/components/schemas")?.as_object()?;
        schemas.iter().find(|(name, _)| name.ends_with("Input")).map(|(_, schema)| schema)
    };
    named.or_else(called)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_is_found_by_its_alias_too() {
        let model = json!({"endpoint_id": "tintype/sketch", "metadata": {"aliases": ["fal-ai/fast-sdxl"]}});
        assert!(answers_to(&model, "tintype/sketch") && answers_to(&model, "fal-ai/fast-sdxl"));
        assert!(!answers_to(&model, "tintype/other"));
    }

    #[test]
    fn inputs_come_from_the_models_schema() {
        let long = "What to draw. ".repeat(30);
        let schema = json!({
            "required": ["prompt"],
            "x-fal-order-properties": ["prompt", "form", "seed"],
            "properties": {
                "form": {"enum": ["png", "jpeg"], "default": "png"},
                "prompt": {"description": long},
                "seed": {"default": 7, "minimum": 0},
            },
        });
        let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Draw"}}});
        let model = json!({"openapi": {
            "paths": {"/ann/draw": {"post": {"requestBody": {"content": content}}}},
            "components": {"schemas": {"Draw": schema}},
        }});
        let expected = [
            ["prompt", "required", &long],
            ["form", "default \"png\"; one of png, jpeg", ""],
            ["seed", "default 7; at least 0", ""],
        ];
        assert_eq!(inputs(&model), expected);
        assert_eq!(one(&model).matches("draw.").count(), 30, "nothing is cut");
    }
}

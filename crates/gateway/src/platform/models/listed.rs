//! An entry of the gallery in the shape in which models are listed.

use serde_json::{Map, Value, json};
use tintype_catalog::openapi::Addresses;

use crate::{
    Gateway,
    gallery::{Entry, curl, input, playground_url},
};

pub(super) fn listed(gateway: &Gateway, entry: &Entry<'_>, addresses: &Addresses, with_openapi: bool) -> Value {
    let id = entry.id();
    let mut metadata = common(gateway, entry, addresses);
    let more = match entry {
        Entry::Model { .. } => of_model(entry, addresses),
        Entry::App { .. } => of_app(gateway, entry, addresses),
    };
    metadata.extend(more);
    let mut listed = json!({"endpoint_id": id, "metadata": metadata});
    if with_openapi {
        let document = entry.openapi(gateway, addresses);
        // What forms begin with, and code that is to be pasted.
        listed["sample_input"] = input(entry, &document);
        listed["openapi"] = document;
    }
    listed
}

fn common(gateway: &Gateway, entry: &Entry<'_>, addresses: &Addresses) -> Map<String, Value> {
    let id = entry.id();
    let examples: Vec<_> =
        entry.examples().into_iter().map(|(title, input)| json!({"title": title, "input": input})).collect();
    let stream = entry.stream().map(|path| format!("{}/{}{path}", addresses.run, entry.app()));
    let status = if entry.is_deprecated() { "deprecated" } else { "active" };
    object(json!({
        "display_name": entry.title(),
        "category": entry.category(),
        "description": entry.summary(),
        "status": status,
        "tags": entry.tags(),
        "updated_at": null,
        "date": null,
        "is_favorited": null,
        "model_url": format!("{}/{id}", addresses.run),
        "page_url": format!("{}/models/{id}", addresses.site),
        "playground_url": playground_url(&addresses.site, &id),
        "kind": entry.kind(),
        "stream_url": stream,
        "installed": entry.is_installed(gateway),
        "aliases": aliases(gateway, &id),
        "examples": examples,
        "highlighted": false,
        "pinned": false,
    }))
}

fn of_model(entry: &Entry<'_>, addresses: &Addresses) -> Map<String, Value> {
    let Entry::Model { model, endpoint } = entry else { return Map::new() };
    let date = format!("{}T00:00:00Z", model.released);
    let group = match &model.group {
        Some(group) => json!({"key": group.key, "label": group.label}),
        None => json!({"key": model.app, "label": model.title}),
    };
    let mut more = object(json!({
        "updated_at": date,
        "date": date,
        "licence": model.licence,
        "machine": model.machine,
        "group": group,
    }));
    // Whether it may be used for money is known or it is not said.
    let terms = model.commercial_use.map(|allowed| if allowed { "commercial" } else { "research" });
    more.extend(terms.map(|terms| ("license_type".to_owned(), terms.into())));
    if let Some(weights) = model.weights_of(endpoint) {
        more.insert("github_url".into(), weights.licence_url.clone().into());
        more.insert(
            "weights".into(),
            json!({
                "set": weights.name,
                "title": weights.title,
                "source": weights.source.to_string(),
                "licence": weights.licence,
                "licence_url": weights.licence_url,
                "bytes": weights.bytes,
            }),
        );
    }
    if let Some(price) = entry.price() {
        more.insert(
            "price".into(),
            json!({"unit_price": price.amount(), "unit": price.unit, "currency": tintype_catalog::CURRENCY}),
        );
    }
    let links = [
        ("training_endpoint_ids", &endpoint.training_endpoint_ids),
        ("inference_endpoint_ids", &endpoint.inference_endpoint_ids),
    ];
    more.extend(links.into_iter().filter(|(_, ids)| !ids.is_empty()).map(|(name, ids)| (name.to_owned(), json!(ids))));
    if let Some(path) = &endpoint.realtime {
        more.insert(
            "realtime_url".into(),
            format!("{}/{}{path}", addresses.run.replacen("http", "ws", 1), model.app).into(),
        );
    }
    more
}

fn of_app(gateway: &Gateway, entry: &Entry<'_>, addresses: &Addresses) -> Map<String, Value> {
    let Entry::App { app, deployed, .. } = entry else { return Map::new() };
    let date = deployed.created_at.to_string();
    object(json!({
        "updated_at": date,
        "date": date,
        "curl": curl(gateway, entry, addresses),
        "license_type": "private",
        "group": {"key": app, "label": app.alias()},
        "auth_mode": deployed.auth_mode,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn aliases(gateway: &Gateway, id: &str) -> Vec<String> {
    let stands_for = |target: &tintype_domain::EndpointId| target.to_string() == id;
    gateway.catalog.aliases().filter(|(_, target)| stands_for(target)).map(|(alias, _)| alias.to_owned()).collect()
}

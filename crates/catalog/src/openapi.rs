//! The OpenAPI 3.0 document of one endpoint, made from its manifest.

use serde_json::{Map, Value, json};

mod media;

use crate::{
    Catalog, Endpoint, Field, Model,
    field::{self, Role},
};

/// The document of `endpoint`; `run_url` is where direct calls to it go.
pub fn document(catalog: &Catalog, model: &Model, endpoint: &Endpoint, run_url: &str) -> Value {
    let fields = catalog.fields(&model.app);
    let id = model.endpoint_id(endpoint);
    json!({
        "openapi": "3.0.4",
        "info": {
            "title": endpoint.title,
            "version": "1.0.0",
            "description": endpoint.summary,
            "x-fal-metadata": {"endpointId": id, "category": endpoint.category},
        },
        "servers": [{"url": run_url}],
        "paths": {format!("/{id}"): {"post": operation(&id)}},
        "components": {
            "securitySchemes": {"apiKeyAuth": {
                "type": "apiKey", "in": "header", "name": "Authorization",
                "description": "`Key id:secret`",
            }},
            "schemas": {
                "Input": object(fields, endpoint, Role::Input),
                "Output": object(fields, endpoint, Role::Output),
                "Image": media::image(),
                "Video": media::video(),
                "Audio": media::audio(),
                "File": media::file(),
                "LoraWeight": media::lora(),
            },
        },
        "security": [{"apiKeyAuth": []}],
    })
}

fn operation(id: &str) -> Value {
    let schema = |name: &str| json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}});
    json!({
        "operationId": id.replace('/', "_"),
        "requestBody": {"required": true, "content": schema("Input")},
        "responses": {"200": {"description": "The result.", "content": schema("Output")}},
    })
}

fn object(fields: &[Field], endpoint: &Endpoint, role: Role) -> Value {
    let names = match role {
        Role::Input => &endpoint.input,
        Role::Output => &endpoint.output,
    };
    let described = |name: &String| field::find(fields, name, &endpoint.path, role);
    let properties: Map<_, _> =
        names.iter().filter_map(|name| Some((name.clone(), described(name)?.schema()))).collect();
    let is_required = |name: &&String| match role {
        Role::Input => endpoint.required.contains(name),
        Role::Output => described(name).is_some_and(|field| !field.optional),
    };
    json!({
        "type": "object",
        "properties": properties,
        "required": names.iter().filter(is_required).collect::<Vec<_>>(),
        "x-fal-order-properties": names,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[test]
    fn every_reference_of_every_document_is_defined() {
        let catalog = Catalog::open(&Options { diagnostics: true, ..Options::default() }).unwrap();
        for model in catalog.models() {
            for endpoint in &model.endpoints {
                let document = document(&catalog, model, endpoint, "http://localhost:8700");
                let text = document.to_string();
                for reference in text.split("\"$ref\":\"#").skip(1) {
                    let pointer = reference.split('"').next().unwrap();
                    assert!(document.pointer(pointer).is_some(), "{pointer}");
                }
            }
        }
    }
}

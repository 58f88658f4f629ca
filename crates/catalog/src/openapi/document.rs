//! The document around the schemas of an input and an output: the routes of the queue.

use serde_json::{Map, Value, json};

use super::{Addresses, refs};

/// An endpoint, in the words of JSON Schema.
#[derive(Clone, Debug)]
pub struct Described<'a> {
    pub id: &'a str,
    pub category: &'a str,
    pub input: Value,
    pub output: Value,
    /// Those that `input` and `output` refer to, and maybe others.
    pub schemas: &'a Map<String, Value>,
}

const STATUS: &str = "QueueStatus";

pub fn document(described: Described<'_>, addresses: &Addresses) -> Value {
    let Described { id, category, input, output, schemas } = described;
    let Addresses { site, queue, .. } = addresses;
    let mut kept = Map::from_iter([(STATUS.to_owned(), status())]);
    kept.append(&mut refs::needed(schemas, &[&input, &output]));
    json!({
        "openapi": "3.0.4",
        "info": {
            "title": format!("Queue OpenAPI for {id}"),
            "version": "1.0.0",
            "description": format!("The OpenAPI schema for the {id} queue."),
            "x-fal-metadata": {
                "endpointId": id,
                "category": category,
                "playgroundUrl": format!("{site}/playground/{id}"),
                "documentationUrl": format!("{site}/models/{id}"),
            },
        },
        "components": {
            "securitySchemes": {"apiKeyAuth": {
                "type": "apiKey", "in": "header", "name": "Authorization", "description": "`Key id:secret`",
            }},
            "schemas": kept,
        },
        "paths": {
            format!("/{id}/requests/{{request_id}}/status"): {"get": {
                "parameters": [request_id(), logs()],
                "responses": answer("The request status.", &refs::reference(STATUS)),
            }},
            format!("/{id}/requests/{{request_id}}/cancel"): {"put": {
                "parameters": [request_id()],
                "responses": answer("The request was told to stop.", &json!({
                    "type": "object",
                    "properties": {"status": {"type": "string", "description": "What became of it."}},
                })),
            }},
            format!("/{id}"): {"post": {
                "operationId": id.replace('/', "_"),
                "parameters": [],
                "requestBody": {"required": true, "content": {"application/json": {"schema": input}}},
                "responses": answer("The request was accepted.", &refs::reference(STATUS)),
            }},
            format!("/{id}/requests/{{request_id}}"): {"get": {
                "parameters": [request_id()],
                "responses": answer("Result of the request.", &output),
            }},
        },
        "servers": [{"url": queue}],
        "security": [{"apiKeyAuth": []}],
    })
}

fn answer(description: &str, schema: &Value) -> Value {
    json!({"200": {"description": description, "content": {"application/json": {"schema": schema}}}})
}

fn request_id() -> Value {
    json!({
        "name": "request_id", "in": "path", "required": true,
        "schema": {"type": "string", "description": "Request ID"},
    })
}

fn logs() -> Value {
    json!({
        "name": "logs", "in": "query", "required": false,
        "schema": {"type": "number", "description": "Whether to include logs (`1`) in the response or not (`0`)."},
    })
}

fn status() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "properties": {
            "status": {"type": "string", "enum": ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]},
            "request_id": text("The request id."),
            "response_url": text("The response url."),
            "status_url": text("The status url."),
            "cancel_url": text("The cancel url."),
            "logs": {"type": "array", "description": "The logs, when they were asked for.", "nullable": true,
                "items": {"type": "object", "additionalProperties": true}},
            "metrics": {"type": "object", "description": "The metrics.", "additionalProperties": true},
            "queue_position": {"type": "integer", "description": "The queue position."},
        },
        "required": ["status", "request_id"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_routes_of_the_queue_are_described() {
        let input = json!({"type": "object"});
        let schemas = Map::new();
        let described =
            Described { id: "ann/app", category: "json", input: input.clone(), output: json!({}), schemas: &schemas };
        let site = "http://h".to_owned();
        let addresses = Addresses { run: site.clone(), queue: format!("{site}/queue"), site };
        let document = document(described, &addresses);
        let pointer = "/paths/~1ann~1app/post/requestBody/content/application~1json/schema";
        assert_eq!(document.pointer(pointer), Some(&input));
        let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
        assert!(paths.iter().any(|path| *path == "/ann/app/requests/{request_id}/cancel"), "{paths:?}");
        assert!(refs_are_whole(&document));
    }

    fn refs_are_whole(document: &Value) -> bool {
        super::super::dangling(document).is_empty()
    }
}

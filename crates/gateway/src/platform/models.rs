//! `GET /v1/models`: what can be called here. No key is needed; with one, the caller's own apps are there too.

pub(super) mod deployed;

use axum::{
    Extension,
    extract::{RawQuery, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tintype_catalog::{Endpoint, Model, openapi};
use url::form_urlencoded;

use self::deployed::Listed;
use crate::{
    Error, Gateway, caller,
    error::{InPlatform, json_response},
    origin::Origin,
};

const MOST: usize = 100;

/// What a caller asks for.
#[derive(Debug)]
struct Asked {
    endpoints: Vec<String>,
    text: Option<String>,
    category: Option<String>,
    deprecated: bool,
    with_openapi: bool,
    limit: usize,
    skip: usize,
}

pub(super) async fn list(
    State(gateway): State<Gateway>,
    Extension(origin): Extension<Origin>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, InPlatform> {
    let asked = Asked::parse(query.as_deref().unwrap_or(""))?;
    let base = origin.base(&gateway, "");
    let reader = caller::reader(&gateway, &headers).await?;
    let deployments: Vec<_> = gateway.catalog.deployments(reader.as_ref());
    let deployments: Vec<_> = deployments.iter().map(|(app, deployed)| (app, deployed, deployed.paths())).collect();
    let own = gateway.catalog.models().flat_map(|model| model.endpoints.iter().map(move |endpoint| (model, endpoint)));
    let own = own.filter(|(model, endpoint)| wanted(&asked, model, endpoint)).map(Found::Model);
    let listed = deployments
        .iter()
        .flat_map(|(app, deployed, paths)| paths.iter().map(move |path| Listed { app, deployed, path }));
    let fitting: Vec<_> = own.chain(listed.filter(|listed| listed.wanted(&asked)).map(Found::App)).collect();
    let page = fitting.iter().skip(asked.skip).take(asked.limit);
    let models: Vec<_> = page
        .map(|found| match found {
            Found::Model((model, endpoint)) => entry(&gateway, model, endpoint, &base, &asked),
            Found::App(listed) => listed.entry(&gateway, &base, &asked),
        })
        .collect();
    let end = asked.skip + models.len();
    let next = (end < fitting.len()).then(|| end.to_string());
    Ok(json_response(StatusCode::OK, &json!({"models": models, "has_more": next.is_some(), "next_cursor": next})))
}

enum Found<'a> {
    Model((&'a Model, &'a Endpoint)),
    App(Listed<'a>),
}

fn wanted(asked: &Asked, model: &Model, endpoint: &Endpoint) -> bool {
    let id = model.endpoint_id(endpoint);
    asked.wants(&id, &endpoint.category, || {
        format!("{id} {} {} {}", endpoint.title, endpoint.summary, endpoint.category)
    })
}

impl Asked {
    fn parse(query: &str) -> Result<Self, Error> {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let all = |name: &str| {
            pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        let one = |name: &str| all(name).into_iter().next().filter(|value| !value.is_empty());
        let number = |name: &'static str, expected, default: usize| match one(name) {
            None => Ok(default),
            Some(found) => found.parse().map_err(|_| Error::Query { name, found, expected }),
        };
        let limit = number("limit", "expected a whole number from 1 to 100", MOST)?;
        if !(1..=MOST).contains(&limit) {
            return Err(Error::Query { name: "limit", found: limit.to_string(), expected: "expected 1 to 100" });
        }
        Ok(Self {
            endpoints: all("endpoint_id").iter().flat_map(|ids| ids.split(',').map(str::to_owned)).collect(),
            text: one("q").map(|text| text.to_lowercase()),
            category: one("category"),
            deprecated: one("status").is_some_and(|status| status == "deprecated"),
            with_openapi: all("expand").iter().any(|part| part.split(',').any(|part| part.starts_with("openapi"))),
            skip: number("cursor", "expected a cursor from an earlier answer", 0)?,
            limit,
        })
    }

    fn wants(&self, id: &str, category: &str, words: impl FnOnce() -> String) -> bool {
        (self.endpoints.is_empty() || self.endpoints.iter().any(|wanted| wanted == id))
            && self.category.as_ref().is_none_or(|wanted| wanted == category)
            && self.text.as_ref().is_none_or(|text| words().to_lowercase().contains(text))
            && !self.deprecated
    }
}

fn entry(gateway: &Gateway, model: &Model, endpoint: &Endpoint, base: &str, asked: &Asked) -> Value {
    let id = model.endpoint_id(endpoint);
    let run_url = format!("{base}/{id}");
    let stream_url = endpoint.stream.as_ref().map(|path| format!("{base}/{}{path}", model.app));
    let date = format!("{}T00:00:00Z", model.released);
    let examples: Vec<_> =
        endpoint.examples.iter().map(|example| json!({"title": example.title, "input": example.input})).collect();
    let mut entry = json!({
        "endpoint_id": id,
        "metadata": {
            "display_name": endpoint.title,
            "category": endpoint.category,
            "description": endpoint.summary,
            "status": "active",
            "tags": model.tags,
            "updated_at": date,
            "date": date,
            "is_favorited": null,
            "model_url": run_url,
            "license_type": "commercial",
            "licence": model.licence,
            "machine": model.machine,
            "group": {"key": model.app, "label": model.title},
            "kind": "inference",
            "stream_url": stream_url,
            "installed": gateway.dispatch.knows(&model.app),
            "aliases": aliases(gateway, &id),
            "examples": examples,
        },
    });
    if asked.with_openapi {
        entry["openapi"] = openapi::document(&gateway.catalog, model, endpoint, base);
    }
    entry
}

fn aliases(gateway: &Gateway, id: &str) -> Vec<String> {
    let stands_for = |target: &tintype_domain::EndpointId| target.to_string() == id;
    gateway.catalog.aliases().filter(|(_, target)| stands_for(target)).map(|(alias, _)| alias.to_owned()).collect()
}

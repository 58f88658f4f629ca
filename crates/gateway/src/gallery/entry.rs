//! One endpoint that can be called: of a model of this server, or of an app that somebody deployed.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tintype_catalog::{
    Deployed, Endpoint, Model, Price,
    openapi::{self, Addresses, Described},
};
use tintype_domain::{AccountId, AppId, EndpointId};

use crate::{Error, Gateway, endpoint};

/// Whose the models are that come with the server.
const OWNER: &str = "tintype";

pub(crate) enum Entry<'a> {
    Model { model: &'a Model, endpoint: &'a Endpoint },
    App { app: AppId, deployed: Arc<Deployed>, path: String },
}

/// All that `reader` may know of, best to begin with first; behind them what cannot answer yet.
pub(crate) fn all<'a>(gateway: &'a Gateway, reader: Option<&AccountId>) -> Vec<Entry<'a>> {
    // Names keep their order among equals.
    let mut models: Vec<&Model> = gateway.catalog.models().collect();
    models.sort_by_key(|model| standing(model));
    let own = models
        .into_iter()
        .flat_map(|model| model.endpoints.iter().map(move |endpoint| Entry::Model { model, endpoint }));
    let deployed = gateway.catalog.deployments(reader).into_iter().flat_map(|(app, deployed)| of_app(&app, &deployed));
    let (ready, others): (Vec<_>, Vec<_>) = own.chain(deployed).partition(|entry| entry.is_installed(gateway));
    [ready, others].into_iter().flatten().collect()
}

/// Models that the server brings itself come first, and of those the ones that draw; then tools, then what needs weights.
fn standing(model: &Model) -> (bool, bool, bool) {
    let is_own = model.app.owner() == OWNER;
    let draws = model.endpoints.iter().any(|endpoint| endpoint.category == "text-to-image");
    (!model.weights.is_empty(), !is_own, !draws)
}

/// The endpoint of this id, or the one that an alias of this name stands for.
fn find<'a>(gateway: &'a Gateway, reader: Option<&AccountId>, named: &EndpointId) -> Option<Entry<'a>> {
    let actual = gateway.catalog.resolve(named);
    let id = actual.to_string();
    if let Some(model) = gateway.catalog.model(actual.app()) {
        let endpoint = model.endpoints.iter().find(|endpoint| model.endpoint_id(endpoint) == id)?;
        return Some(Entry::Model { model, endpoint });
    }
    let deployed = gateway.catalog.deployed(actual.app()).filter(|deployed| deployed.opens_to(reader))?;
    of_app(actual.app(), &deployed).find(|entry| entry.id() == id)
}

/// As [`find`]; an id that is not known is an error that names those near it.
pub(crate) fn known<'a>(gateway: &'a Gateway, reader: Option<&AccountId>, id: &str) -> Result<Entry<'a>, Error> {
    let named = endpoint::parse(id)?;
    find(gateway, reader, &named).ok_or_else(|| endpoint::unknown(gateway, &named, reader))
}

pub(crate) fn of_app<'a>(app: &AppId, deployed: &Arc<Deployed>) -> impl Iterator<Item = Entry<'a>> + use<'a> {
    let (app, deployed) = (app.clone(), Arc::clone(deployed));
    let paths = deployed.paths(&app).into_iter();
    paths.map(move |path| Entry::App { app: app.clone(), deployed: Arc::clone(&deployed), path })
}

impl Entry<'_> {
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Model { model, endpoint } => model.endpoint_id(endpoint),
            Self::App { app, path, .. } => format!("{app}{path}"),
        }
    }

    pub(crate) fn app(&self) -> &AppId {
        match self {
            Self::Model { model, .. } => &model.app,
            Self::App { app, .. } => app,
        }
    }

    pub(crate) fn title(&self) -> &str {
        match self {
            Self::Model { endpoint, .. } => &endpoint.title,
            Self::App { app, .. } => self.said("summary").unwrap_or(app.alias()),
        }
    }

    pub(crate) fn summary(&self) -> &str {
        match self {
            Self::Model { endpoint, .. } => &endpoint.summary,
            Self::App { .. } => self.said("description").unwrap_or(""),
        }
    }

    pub(crate) fn category(&self) -> &str {
        match self {
            Self::Model { endpoint, .. } => &endpoint.category,
            Self::App { .. } => "app",
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Model { endpoint, .. } => endpoint.kind.as_str(),
            Self::App { .. } => "inference",
        }
    }

    pub(crate) fn is_deprecated(&self) -> bool {
        matches!(self, Self::Model { endpoint, .. } if endpoint.deprecated)
    }

    pub(crate) fn tags(&self) -> &[String] {
        match self {
            Self::Model { model, .. } => &model.tags,
            Self::App { .. } => &[],
        }
    }

    pub(crate) fn price(&self) -> Option<&Price> {
        match self {
            Self::Model { model, endpoint } => model.price_of(endpoint),
            Self::App { .. } => None,
        }
    }

    /// What can be sent, with a title.
    pub(crate) fn examples(&self) -> Vec<(String, Value)> {
        match self {
            Self::Model { endpoint, .. } => {
                endpoint.examples.iter().map(|example| (example.title.clone(), json!(example.input))).collect()
            }
            Self::App { .. } => Vec::new(),
        }
    }

    /// Path of its streaming form inside the app.
    pub(crate) fn stream(&self) -> Option<&str> {
        match self {
            Self::Model { endpoint, .. } => endpoint.stream.as_deref(),
            Self::App { .. } => None,
        }
    }

    /// Whether a call needs a key.
    pub(crate) fn is_public(&self) -> bool {
        matches!(self, Self::App { deployed, .. } if deployed.auth_mode == tintype_store::AuthMode::Public)
    }

    /// Whether all that it needs is here; models may need weights that nobody installed yet.
    pub(crate) fn is_installed(&self, gateway: &Gateway) -> bool {
        let has_weights = match self {
            Self::Model { model, endpoint } => endpoint::missing(gateway, model, endpoint).is_none(),
            Self::App { .. } => true,
        };
        has_weights && gateway.dispatch.knows(self.app())
    }

    fn said(&self, member: &str) -> Option<&str> {
        let Self::App { deployed, path, .. } = self else { return None };
        let post = deployed.operation(path)?.get("post")?;
        post.get(member).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Its OpenAPI document.
    pub(crate) fn openapi(&self, gateway: &Gateway, addresses: &Addresses) -> Value {
        match self {
            Self::Model { model, endpoint } => openapi::of_model(&gateway.catalog, model, endpoint, addresses),
            Self::App { deployed, path, .. } => self.of_deployed(deployed, path, addresses),
        }
    }

    /// What the deployer's machine said of this endpoint, under the routes of the queue.
    fn of_deployed(&self, deployed: &Deployed, path: &str, addresses: &Addresses) -> Value {
        let id = self.id();
        let nothing = Map::new();
        let said = deployed.openapi.as_ref();
        let schemas = said.and_then(|document| document.pointer("/components/schemas")?.as_object());
        let operation = deployed.operation(path);
        let Some(post) = operation.and_then(|operation| operation.get("post")) else {
            // A socket is no operation of the queue: it is described as its app describes it.
            let operation = operation.cloned().unwrap_or_else(|| json!({"post": {}}));
            return json!({
                "openapi": "3.0.4",
                "info": {"title": id, "version": "1.0.0"},
                "servers": [{"url": addresses.run}],
                "paths": {format!("/{id}"): operation},
                "components": {"schemas": schemas},
            });
        };
        let input = post.pointer("/requestBody/content/application~1json/schema");
        let output = post.pointer("/responses/200/content/application~1json/schema");
        let described = Described {
            id: &id,
            category: self.category(),
            input: input.cloned().unwrap_or_else(|| json!({"type": "object"})),
            output: output.cloned().unwrap_or_else(|| json!({})),
            schemas: schemas.unwrap_or(&nothing),
        };
        openapi::document(described, addresses)
    }
}

//! One model's manifest, as `model.toml` states it.

mod check;
mod endpoint;
mod price;
mod weights;

use serde::Deserialize;
use tintype_domain::{AppId, app::Spec};

pub(crate) use self::check::check_example;
pub use self::{
    check::ManifestError,
    endpoint::{Endpoint, Example, Kind},
    price::{CURRENCY, Formula, Price, PriceError},
    weights::{Source, SourceError, Weights},
};
use crate::{Field, scaling::Scaling};

/// A model of the gallery: an app, its endpoints and what people should know of it.
#[derive(Clone, Debug)]
pub struct Model {
    pub app: AppId,
    pub title: String,
    pub description: String,
    /// Which code serves it: the name of a family of native models.
    pub family: String,
    /// SPDX expression, or the licence's own name.
    pub licence: String,
    /// Whether what it makes may be sold; `None` where nobody said so.
    pub commercial_use: Option<bool>,
    pub tags: Vec<String>,
    /// What it needs in order to run, in a person's words.
    pub machine: String,
    /// Day of the first release, `YYYY-MM-DD`.
    pub released: String,
    /// Variants of one model have the same key.
    pub group: Option<Group>,
    /// What its endpoints cost that state no price of their own.
    pub price: Option<Price>,
    /// Sets of files without which it cannot run; empty when it brings all that it needs.
    pub weights: Vec<Weights>,
    pub endpoints: Vec<Endpoint>,
    pub spec: Spec,
    pub memory_limit_bytes: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub key: String,
    pub label: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    id: String,
    title: String,
    description: String,
    #[serde(default)]
    family: Option<String>,
    licence: String,
    #[serde(default)]
    commercial_use: Option<bool>,
    #[serde(default)]
    tags: Vec<String>,
    machine: String,
    released: String,
    #[serde(default)]
    group: Option<Group>,
    #[serde(default)]
    price: Option<Price>,
    #[serde(default)]
    scaling: Scaling,
    #[serde(default)]
    weights: Vec<Weights>,
    fields: Vec<Field>,
    endpoints: Vec<Endpoint>,
}

impl Model {
    pub fn parse(text: &str) -> Result<(Self, Vec<Field>), ManifestError> {
        let document: Document = toml::from_str(text)?;
        let app: AppId = document.id.parse()?;
        let Document { title, description, family, licence, commercial_use, tags, machine, released, .. } = document;
        let Document { group, price, scaling, weights, fields, endpoints, .. } = document;
        let family = family.unwrap_or_else(|| app.alias().to_owned());
        let memory_limit_bytes = scaling.memory_limit_bytes();
        let spec = scaling.into_spec();
        let model = Self {
            app,
            title,
            description,
            family,
            licence,
            commercial_use,
            tags,
            machine,
            released,
            group,
            price,
            weights,
            endpoints,
            spec,
            memory_limit_bytes,
        };
        check::check(&model, &fields)?;
        Ok((model, fields))
    }

    /// The id of one of its endpoints, as callers write it.
    pub fn endpoint_id(&self, endpoint: &Endpoint) -> String {
        format!("{}{}", self.app, endpoint.path)
    }

    /// The endpoint that answers at `path` inside the app: its own, or that whose streaming or realtime form is there.
    pub fn endpoint(&self, path: &str) -> Option<&Endpoint> {
        let own = self.endpoints.iter().find(|endpoint| endpoint.path == path);
        let is_form = |form: &Option<String>| form.as_deref() == Some(path);
        own.or_else(|| self.endpoints.iter().find(|one| is_form(&one.stream) || is_form(&one.realtime)))
    }

    /// The set of weights without which `endpoint` cannot answer.
    pub fn weights_of(&self, endpoint: &Endpoint) -> Option<&Weights> {
        let name = endpoint.weights.as_deref().unwrap_or(weights::DEFAULT);
        self.weights.iter().find(|set| set.name == name)
    }

    /// The sets of weights of which `endpoint` needs one; none when it needs no weights.
    pub fn sets_of(&self, endpoint: &Endpoint) -> Vec<&Weights> {
        if endpoint.weights.as_deref() == Some(weights::ANY) {
            return self.weights.iter().collect();
        }
        self.weights_of(endpoint).into_iter().collect()
    }

    pub fn price_of<'a>(&'a self, endpoint: &'a Endpoint) -> Option<&'a Price> {
        endpoint.price.as_ref().or(self.price.as_ref())
    }
}

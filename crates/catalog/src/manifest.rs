//! One model's manifest, as `model.toml` states it.

use serde::Deserialize;
use tintype_domain::{AppId, app::Spec};

use crate::{Field, scaling::Scaling};

/// A model of the gallery: an app, its endpoints and what people should know of it.
#[derive(Clone, Debug)]
pub struct Model {
    pub app: AppId,
    pub title: String,
    pub description: String,
    /// SPDX expression.
    pub licence: String,
    pub tags: Vec<String>,
    /// What it needs in order to run, in a person's words.
    pub machine: String,
    /// Day of the first release, `YYYY-MM-DD`.
    pub released: String,
    pub endpoints: Vec<Endpoint>,
    pub spec: Spec,
    pub memory_limit_bytes: Option<u64>,
}

/// One way to call a model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Path inside the app: empty, or begins with `/`.
    #[serde(default)]
    pub path: String,
    pub category: String,
    pub title: String,
    pub summary: String,
    /// Names of the model's fields that it takes, in the order in which to show them.
    pub input: Vec<String>,
    /// Those without which a call is refused.
    #[serde(default)]
    pub required: Vec<String>,
    /// Names of the model's fields that it answers with.
    pub output: Vec<String>,
    /// Path of the streaming form, where there is one.
    #[serde(default)]
    pub stream: Option<String>,
    /// Path of the realtime form, where there is one.
    #[serde(default)]
    pub realtime: Option<String>,
    #[serde(default)]
    pub examples: Vec<Example>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    pub title: String,
    pub input: toml::Table,
}

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("could not be read")]
    Syntax(#[from] toml::de::Error),
    #[error("`id` is not the id of an app")]
    Id(#[from] tintype_domain::EndpointIdError),
    #[error("endpoint `{path}` names the field `{field}`, which `[[fields]]` does not describe")]
    UnknownField { path: String, field: String },
    #[error("endpoint `{path}` requires `{field}`, which is not among its inputs")]
    RequiredNotInput { path: String, field: String },
    #[error("endpoint path `{path}` must be empty or begin with `/`")]
    Path { path: String },
    #[error("it has no `[[endpoints]]`")]
    NoEndpoints,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    id: String,
    title: String,
    description: String,
    licence: String,
    #[serde(default)]
    tags: Vec<String>,
    machine: String,
    released: String,
    #[serde(default)]
    scaling: Scaling,
    fields: Vec<Field>,
    endpoints: Vec<Endpoint>,
}

impl Model {
    pub fn parse(text: &str) -> Result<(Self, Vec<Field>), ManifestError> {
        let document: Document = toml::from_str(text)?;
        let app = document.id.parse()?;
        check(&document)?;
        let Document { title, description, licence, tags, machine, released, scaling, fields, endpoints, .. } =
            document;
        let memory_limit_bytes = scaling.memory_limit_bytes();
        let spec = scaling.into_spec();
        let model =
            Self { app, title, description, licence, tags, machine, released, endpoints, spec, memory_limit_bytes };
        Ok((model, fields))
    }

    /// The id of one of its endpoints, as callers write it.
    pub fn endpoint_id(&self, endpoint: &Endpoint) -> String {
        format!("{}{}", self.app, endpoint.path)
    }
}

fn check(document: &Document) -> Result<(), ManifestError> {
    if document.endpoints.is_empty() {
        return Err(ManifestError::NoEndpoints);
    }
    document.endpoints.iter().try_for_each(|endpoint| check_endpoint(endpoint, &document.fields))
}

fn check_endpoint(endpoint: &Endpoint, fields: &[Field]) -> Result<(), ManifestError> {
    let path = || endpoint.path.clone();
    if !endpoint.path.is_empty() && !endpoint.path.starts_with('/') {
        return Err(ManifestError::Path { path: path() });
    }
    let known = |name: &&String| !fields.iter().any(|field| &field.name == *name);
    if let Some(field) = endpoint.input.iter().chain(&endpoint.output).find(known) {
        return Err(ManifestError::UnknownField { path: path(), field: field.clone() });
    }
    if let Some(field) = endpoint.required.iter().find(|name| !endpoint.input.contains(name)) {
        return Err(ManifestError::RequiredNotInput { path: path(), field: field.clone() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        id = "acme/app"
        title = "App"
        description = "Does it."
        licence = "MIT"
        machine = "CPU"
        released = "2026-01-02"
        [[fields]]
        name = "prompt"
        kind = "string"
        description = "What to draw."
        [[endpoints]]
        category = "text-to-image"
        title = "Draw"
        summary = "Draws."
        input = ["prompt"]
        output = []
    "#;

    #[test]
    fn a_small_manifest_is_read() {
        let (model, fields) = Model::parse(SMALL).unwrap();
        assert_eq!(model.app.as_str(), "acme/app");
        assert_eq!(model.endpoint_id(&model.endpoints[0]), "acme/app");
        assert_eq!(fields[0].name, "prompt");
        assert_eq!(model.spec, Spec::default());
    }

    #[test]
    fn an_input_that_no_field_describes_is_refused_by_name() {
        let text = SMALL.replace("[\"prompt\"]", "[\"prompt\", \"seed\"]");
        let error = Model::parse(&text).unwrap_err();
        assert!(matches!(error, ManifestError::UnknownField { field, .. } if field == "seed"));
    }

    #[test]
    fn an_unknown_member_is_refused() {
        assert!(matches!(Model::parse(&format!("colour = 1\n{SMALL}")), Err(ManifestError::Syntax(_))));
    }
}

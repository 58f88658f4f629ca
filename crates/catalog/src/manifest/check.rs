//! Whether a manifest can be true: everything it names is described, and its examples could be sent.

use std::collections::BTreeSet;

use super::{Endpoint, Example, Model};
use crate::{
    Field, FieldError,
    field::{self, Role},
};

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("could not be read")]
    Syntax(#[from] toml::de::Error),
    #[error("`id` is not the id of an app")]
    Id(#[from] tintype_domain::EndpointIdError),
    #[error("endpoint `{path}` names the field `{field}`, which no `[[fields]]` describes there")]
    UnknownField { path: String, field: String },
    #[error("endpoint `{path}` requires `{field}`, which is not among its inputs")]
    RequiredNotInput { path: String, field: String },
    #[error("endpoint `{path}` names the field `{field}` twice")]
    Twice { path: String, field: String },
    #[error("field `{field}` is described for the endpoint `{path}`, which does not exist")]
    UnknownPath { path: String, field: String },
    #[error("field `{field}` is described by two tables for the same endpoints")]
    Ambiguous { field: String },
    #[error("field `{field}` is used by no endpoint")]
    Unused { field: String },
    #[error("field `{field}`")]
    Field { field: String, source: Box<FieldError> },
    #[error("endpoint path `{path}` must be empty or begin with `/`, and stand there once")]
    Path { path: String },
    #[error("endpoint `{path}`: `{form}` is no path that begins with `/`")]
    Form { path: String, form: String },
    #[error("the example `{title}` of endpoint `{path}` lacks `{field}`, which is required")]
    ExampleLacks { path: String, title: String, field: String },
    #[error("the example `{title}` of endpoint `{path}` has `{field}`, which is not among its inputs")]
    ExampleUnknown { path: String, title: String, field: String },
    #[error("the example `{title}` of endpoint `{path}`: field `{field}`")]
    Example { path: String, title: String, field: String, source: Box<FieldError> },
    #[error("endpoint `{path}` needs the weights `{weights}`, which no `[[weights]]` describes")]
    UnknownWeights { path: String, weights: String },
    #[error("the weights `{weights}`: {fault}")]
    Weights { weights: String, fault: String },
    #[error("endpoint `{path}` refers to `{id}`, which is no endpoint id")]
    Link { path: String, id: String },
    #[error("`released` is `{0}`: write a day as in 2026-01-31")]
    Released(String),
    #[error("it has no `[[endpoints]]`")]
    NoEndpoints,
}

pub(super) fn check(model: &Model, fields: &[Field]) -> Result<(), ManifestError> {
    if model.endpoints.is_empty() {
        return Err(ManifestError::NoEndpoints);
    }
    if !is_day(&model.released) {
        return Err(ManifestError::Released(model.released.clone()));
    }
    fields.iter().try_for_each(|field| check_field(model, fields, field))?;
    check_weights(model)?;
    let mut paths = BTreeSet::new();
    model.endpoints.iter().try_for_each(|endpoint| {
        let path = endpoint.path.as_str();
        if !paths.insert(path) || !is_path(path) && !path.is_empty() {
            return Err(ManifestError::Path { path: path.to_owned() });
        }
        check_names(endpoint, fields)?;
        check_links(model, endpoint)?;
        check_examples(endpoint, fields)
    })
}

fn check_field(model: &Model, fields: &[Field], field: &Field) -> Result<(), ManifestError> {
    let name = || field.name.clone();
    field.check().map_err(|source| ManifestError::Field { field: name(), source: Box::new(source) })?;
    let known = |path: &&String| model.endpoints.iter().any(|endpoint| &endpoint.path == *path);
    if let Some(path) = field.endpoints.iter().flatten().find(|path| !known(path)) {
        return Err(ManifestError::UnknownPath { path: path.clone(), field: name() });
    }
    let overlaps = |other: &&Field| {
        let both = other.endpoints.as_ref().zip(field.endpoints.as_ref());
        let is_shared = match both {
            None => other.endpoints.is_none() && field.endpoints.is_none(),
            Some((left, right)) => left.iter().any(|path| right.contains(path)),
        };
        other.name == field.name && other.role == field.role && is_shared
    };
    if fields.iter().filter(overlaps).count() > 1 {
        return Err(ManifestError::Ambiguous { field: name() });
    }
    let names = |endpoint: &Endpoint| endpoint.input.contains(&field.name) || endpoint.output.contains(&field.name);
    if model.endpoints.iter().any(names) { Ok(()) } else { Err(ManifestError::Unused { field: name() }) }
}

fn check_names(endpoint: &Endpoint, fields: &[Field]) -> Result<(), ManifestError> {
    let path = || endpoint.path.clone();
    for (names, role) in [(&endpoint.input, Role::Input), (&endpoint.output, Role::Output)] {
        let mut seen = BTreeSet::new();
        for name in names {
            if field::find(fields, name, &endpoint.path, role).is_none() {
                return Err(ManifestError::UnknownField { path: path(), field: name.clone() });
            }
            if !seen.insert(name) {
                return Err(ManifestError::Twice { path: path(), field: name.clone() });
            }
        }
    }
    match endpoint.required.iter().find(|name| !endpoint.input.contains(name)) {
        Some(field) => Err(ManifestError::RequiredNotInput { path: path(), field: field.clone() }),
        None => Ok(()),
    }
}

fn check_links(model: &Model, endpoint: &Endpoint) -> Result<(), ManifestError> {
    let path = || endpoint.path.clone();
    if let Some(form) = endpoint.stream.iter().chain(&endpoint.realtime).find(|form| !is_path(form)) {
        return Err(ManifestError::Form { path: path(), form: form.clone() });
    }
    let mut links = endpoint.training_endpoint_ids.iter().chain(&endpoint.inference_endpoint_ids);
    if let Some(id) = links.find(|id| id.parse::<tintype_domain::EndpointId>().is_err()) {
        return Err(ManifestError::Link { path: path(), id: id.clone() });
    }
    let is_missing = model.sets_of(endpoint).is_empty() && (endpoint.weights.is_some() || !model.weights.is_empty());
    if is_missing {
        let weights = endpoint.weights.clone().unwrap_or_else(|| super::weights::DEFAULT.into());
        return Err(ManifestError::UnknownWeights { path: path(), weights });
    }
    Ok(())
}

fn check_weights(model: &Model) -> Result<(), ManifestError> {
    let mut names = BTreeSet::new();
    for set in &model.weights {
        let twice = (!names.insert(&set.name)).then(|| "there are two of this name".to_owned());
        if let Some(fault) = set.fault().or(twice) {
            return Err(ManifestError::Weights { weights: set.name.clone(), fault });
        }
    }
    Ok(())
}

fn check_examples(endpoint: &Endpoint, fields: &[Field]) -> Result<(), ManifestError> {
    endpoint.examples.iter().try_for_each(|example| check_example(endpoint, fields, example))
}

/// Whether `example` could be sent to `endpoint`.
pub(crate) fn check_example(endpoint: &Endpoint, fields: &[Field], example: &Example) -> Result<(), ManifestError> {
    let (path, title) = (|| endpoint.path.clone(), || example.title.clone());
    if let Some(lacking) = endpoint.required.iter().find(|name| !example.input.contains_key(*name)) {
        return Err(ManifestError::ExampleLacks { path: path(), title: title(), field: lacking.clone() });
    }
    for (name, value) in &example.input {
        let field = field::find(fields, name, &endpoint.path, Role::Input);
        let Some(field) = field.filter(|_| endpoint.input.contains(name)) else {
            return Err(ManifestError::ExampleUnknown { path: path(), title: title(), field: name.clone() });
        };
        let wrong = |source: FieldError| ManifestError::Example {
            path: path(),
            title: title(),
            field: name.clone(),
            source: Box::new(source),
        };
        field.check_value("value", value).map_err(wrong)?;
    }
    Ok(())
}

fn is_path(path: &str) -> bool {
    path.len() > 1 && path.starts_with('/') && !path.ends_with('/') && !path.contains("//")
}

fn is_day(text: &str) -> bool {
    let digits = text.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let part = |range| text.get(range).and_then(|part: &str| part.parse::<u32>().ok()).unwrap_or(0);
    text.len() == 10 && digits && (1..=12).contains(&part(5..7)) && (1..=31).contains(&part(8..10))
}

#[cfg(test)]
mod tests;

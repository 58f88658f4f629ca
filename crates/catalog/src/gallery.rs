//! All models of this server, by name.

mod manifests;

use std::{collections::BTreeMap, sync::Arc};

use tintype_domain::{AccountId, AppId, EndpointId};

use crate::{
    AliasError, Deployed, Endpoint, Example, Field, ManifestError, Model,
    alias::Aliases,
    deployed::{self, Apps},
    manifest::check_example,
    nearest,
};
use manifests::{DIAGNOSTICS, MANIFESTS};

/// What the operator says of the gallery.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Lists the diagnostic models, which do nothing but answer as told.
    pub diagnostics: bool,
    /// Endpoint ids that stand for others: `"fal-ai/aura-flow" = "tintype/sketch"`.
    pub aliases: BTreeMap<String, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("the manifest of model `{model}` is wrong")]
    Manifest { model: &'static str, source: ManifestError },
    #[error(transparent)]
    Alias(#[from] AliasError),
}

#[derive(Debug)]
pub struct Catalog {
    models: BTreeMap<AppId, (Model, Vec<Field>)>,
    aliases: Aliases,
    apps: Apps,
}

impl Catalog {
    pub fn open(options: &Options) -> Result<Self, CatalogError> {
        let diagnostics = DIAGNOSTICS.iter().filter(|_| options.diagnostics);
        let models: BTreeMap<_, _> = MANIFESTS.iter().chain(diagnostics).map(read).collect::<Result<_, _>>()?;
        let mut aliases = other_ids(models.values().map(|(model, _)| model));
        aliases.extend(options.aliases.clone());
        let catalog = Self { models, aliases: Aliases::parse(&aliases)?, apps: Apps::default() };
        catalog.check_aliases()?;
        Ok(catalog)
    }

    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values().map(|(model, _)| model)
    }

    pub fn model(&self, app: &AppId) -> Option<&Model> {
        self.models.get(app).map(|(model, _)| model)
    }

    pub fn fields(&self, app: &AppId) -> &[Field] {
        self.models.get(app).map_or(&[], |(_, fields)| fields)
    }

    /// Whether `example` could be sent to an endpoint of `model`, as those of its manifest can.
    pub fn check_example(&self, model: &Model, endpoint: &Endpoint, example: &Example) -> Result<(), ManifestError> {
        check_example(endpoint, self.fields(&model.app), example)
    }

    /// The endpoint that `named` stands for: itself, unless an alias says otherwise.
    pub fn resolve(&self, named: &EndpointId) -> EndpointId {
        self.aliases.resolve(named).unwrap_or_else(|| named.clone())
    }

    /// Whether requests that were addressed to `named` may be found under the app `actual`.
    pub fn stands_for(&self, named: &AppId, actual: &AppId) -> bool {
        named == actual || self.aliases.behind(named).any(|app| app == actual)
    }

    /// Aliases and what they stand for.
    pub fn aliases(&self) -> impl Iterator<Item = (&str, &EndpointId)> {
        self.aliases.iter()
    }

    /// From here on `app` is listed, and callers are admitted as it says; it may have been there before.
    pub fn publish(&self, app: AppId, deployed: Deployed) {
        self.apps.publish(app, deployed);
    }

    /// `false`: there was no such app.
    pub fn withdraw(&self, app: &AppId) -> bool {
        self.apps.withdraw(app)
    }

    pub fn deployed(&self, app: &AppId) -> Option<Arc<Deployed>> {
        self.apps.find(app)
    }

    /// The deployed apps that `reader` may know of, by name; `None` is whoever shows no key.
    pub fn deployments(&self, reader: Option<&AccountId>) -> Vec<(AppId, Arc<Deployed>)> {
        self.apps.visible(reader)
    }

    /// Names that may have been meant by one that is not known, as far as `reader` may know them.
    pub fn nearest(&self, wanted: &str, reader: Option<&AccountId>) -> Vec<String> {
        let deployed = self.deployments(reader);
        let deployed = deployed.iter().flat_map(|(app, deployed)| deployed::endpoint_ids(app, deployed));
        let endpoints: Vec<_> = self.endpoint_ids().chain(deployed).collect();
        let aliases = self.aliases.iter().map(|(alias, _)| alias);
        nearest(wanted, endpoints.iter().map(String::as_str).chain(aliases), 3).into_iter().map(Into::into).collect()
    }

    fn endpoint_ids(&self) -> impl Iterator<Item = String> {
        self.models().flat_map(|model| model.endpoints.iter().map(|endpoint| model.endpoint_id(endpoint)))
    }

    fn check_aliases(&self) -> Result<(), AliasError> {
        for (alias, target) in self.aliases.iter() {
            if self.models.keys().any(|app| app.as_str() == alias) {
                return Err(AliasError::Hides { alias: alias.into() });
            }
            if !self.models.contains_key(target.app()) {
                let nearest = self.models().map(|model| format!("`{}`", model.app)).collect::<Vec<_>>().join(" or ");
                return Err(AliasError::Missing { alias: alias.into(), target: target.to_string(), nearest });
            }
        }
        Ok(())
    }
}

/// The ids that models have beside their own, and what they stand for.
fn other_ids<'a>(models: impl Iterator<Item = &'a Model>) -> BTreeMap<String, String> {
    let endpoints = models.flat_map(|model| model.endpoints.iter().map(move |endpoint| (model, endpoint)));
    endpoints
        .flat_map(|(model, endpoint)| endpoint.also.iter().map(|id| (id.clone(), model.endpoint_id(endpoint))))
        .collect()
}

fn read((name, text): &(&'static str, &str)) -> Result<(AppId, (Model, Vec<Field>)), CatalogError> {
    let (model, fields) = Model::parse(text).map_err(|source| CatalogError::Manifest { model: name, source })?;
    Ok((model.app.clone(), (model, fields)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(aliases: &[(&str, &str)]) -> Result<Catalog, CatalogError> {
        let aliases = aliases.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        Catalog::open(&Options { diagnostics: true, aliases })
    }

    #[test]
    fn every_manifest_in_the_folder_is_compiled_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("model.toml").exists())
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        found.sort();
        assert_eq!(found, MANIFESTS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn every_manifest_in_the_folder_can_be_true() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");
        let manifests = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join("model.toml"));
        let faults: Vec<_> = manifests
            .filter_map(|path| Some((std::fs::read_to_string(&path).ok()?, path)))
            .filter_map(|(text, path)| Some((path, tintype_domain::with_causes(&Model::parse(&text).err()?))))
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }

    #[test]
    fn diagnostic_models_are_listed_only_on_request() {
        let apps = |catalog: &Catalog| catalog.models().map(|model| model.app.to_string()).collect::<Vec<_>>();
        let usual = apps(&Catalog::open(&Options::default()).unwrap());
        assert!(usual.contains(&"tintype/sketch".to_owned()) && !usual.contains(&"tintype/noop".to_owned()));
        assert!(apps(&open(&[]).unwrap()).contains(&"tintype/noop".to_owned()));
    }

    #[test]
    fn an_alias_must_point_into_the_gallery_and_hide_nothing() {
        let missing = open(&[("fal-ai/aura-flow", "tintype/skecth")]).unwrap_err().to_string();
        assert!(missing.contains("did you mean"), "{missing}");
        assert!(matches!(
            open(&[("tintype/sketch", "tintype/noop")]),
            Err(CatalogError::Alias(AliasError::Hides { .. }))
        ));
    }

    #[test]
    fn a_request_sent_to_an_alias_is_found_under_it() {
        let catalog = open(&[("fal-ai/flux/dev", "tintype/sketch")]).unwrap();
        let actual = "tintype/sketch".parse().unwrap();
        assert!(catalog.stands_for(&"fal-ai/flux".parse().unwrap(), &actual));
        assert!(!catalog.stands_for(&"fal-ai/other".parse().unwrap(), &actual));
    }
}

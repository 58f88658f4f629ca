//! Other names for models: an operator binds a hosted id to a local one.

use std::collections::BTreeMap;

use tintype_domain::{AppId, EndpointId, EndpointIdError};

#[derive(Debug, thiserror::Error)]
pub enum AliasError {
    #[error("alias `{alias}` is not an endpoint id")]
    Name { alias: String, source: EndpointIdError },
    #[error("alias `{alias}` points at `{target}`, which is not an endpoint id")]
    Target { alias: String, target: String, source: EndpointIdError },
    #[error("alias `{alias}` points at `{target}`, which is not in the gallery; did you mean {nearest}?")]
    Missing { alias: String, target: String, nearest: String },
    #[error("alias `{alias}` hides a model of the gallery")]
    Hides { alias: String },
}

/// Endpoint ids and what they stand for. The longest alias that begins an id decides; what follows it is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aliases(BTreeMap<String, EndpointId>);

impl Aliases {
    pub(crate) fn parse(given: &BTreeMap<String, String>) -> Result<Self, AliasError> {
        given.iter().map(|(alias, target)| entry(alias, target)).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &EndpointId)> {
        self.0.iter().map(|(alias, target)| (alias.as_str(), target))
    }

    pub(crate) fn resolve(&self, endpoint: &EndpointId) -> Option<EndpointId> {
        if self.0.is_empty() {
            return None;
        }
        let text = endpoint.to_string();
        let mut prefix = text.as_str();
        loop {
            if let Some(target) = self.0.get(prefix) {
                return format!("{target}{}", &text[prefix.len()..]).parse().ok();
            }
            prefix = &prefix[..prefix.rfind('/')?];
        }
    }

    /// The apps that requests addressed to `app`, or to an endpoint inside it, may have reached.
    pub(crate) fn behind<'a>(&'a self, app: &'a AppId) -> impl Iterator<Item = &'a AppId> {
        let inside =
            |alias: &str| alias.strip_prefix(app.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.0.iter().filter(move |(alias, _)| inside(alias)).map(|(_, target)| target.app())
    }
}

fn entry(alias: &str, target: &str) -> Result<(String, EndpointId), AliasError> {
    let name: EndpointId = alias.parse().map_err(|source| AliasError::Name { alias: alias.into(), source })?;
    let target =
        target.parse().map_err(|source| AliasError::Target { alias: alias.into(), target: target.into(), source })?;
    Ok((name.to_string(), target))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases(pairs: &[(&str, &str)]) -> Aliases {
        Aliases::parse(&pairs.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect()).unwrap()
    }

    fn resolve(aliases: &Aliases, id: &str) -> Option<String> {
        aliases.resolve(&id.parse().unwrap()).map(|found| found.to_string())
    }

    #[test]
    fn what_follows_an_alias_is_kept_and_the_longest_alias_decides() {
        let aliases = aliases(&[("fal-ai/flux", "tintype/sketch"), ("fal-ai/flux/dev", "acme/dev")]);
        assert_eq!(resolve(&aliases, "fal-ai/flux/stream").as_deref(), Some("tintype/sketch/stream"));
        assert_eq!(resolve(&aliases, "fal-ai/flux/dev/stream").as_deref(), Some("acme/dev/stream"));
        assert_eq!(resolve(&aliases, "fal-ai/fluxed"), None);
    }

    #[test]
    fn an_app_knows_what_stands_behind_its_endpoints() {
        let aliases = aliases(&[("fal-ai/flux/dev", "tintype/sketch")]);
        let app = "fal-ai/flux".parse().unwrap();
        assert_eq!(aliases.behind(&app).map(AppId::as_str).collect::<Vec<_>>(), ["tintype/sketch"]);
    }

    #[test]
    fn an_alias_that_is_no_endpoint_id_is_named() {
        let error = Aliases::parse(&[("sdxl".to_owned(), "tintype/sketch".to_owned())].into()).unwrap_err();
        assert_eq!(error.to_string(), "alias `sdxl` is not an endpoint id");
    }
}

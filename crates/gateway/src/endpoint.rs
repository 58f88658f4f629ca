//! From a path to an endpoint that is served here, through aliases.

use tintype_catalog::{Endpoint, Model, Weights};
use tintype_domain::{AccountId, AppId, EndpointId};

use crate::{Error, Gateway};

/// An endpoint, as the caller names it and as it is.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub named: EndpointId,
    pub actual: EndpointId,
}

/// Reads the id in `path`; repeated slashes count as one.
pub(crate) fn parse(path: &str) -> Result<EndpointId, Error> {
    let collapsed: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    collapsed.join("/").parse().map_err(Error::EndpointForm)
}

/// `1234-app/stream` reads as an owner and an alias, but some clients mean `1234/app` and its path by it.
fn legacy(named: &EndpointId) -> Option<EndpointId> {
    let text = named.to_string();
    let (owner, rest) = text.split_once('-')?;
    let is_number = !owner.is_empty() && owner.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { format!("{owner}/{rest}").parse().ok() } else { None }
}

/// Finds what `named` stands for.
pub(crate) fn find(gateway: &Gateway, named: &EndpointId) -> Option<Target> {
    for named in [Some(named.clone()), legacy(named)].into_iter().flatten() {
        let actual = gateway.catalog.resolve(&named);
        if is_served(gateway, actual.app()) {
            return Some(Target { named, actual });
        }
    }
    None
}

/// The catalog is asked too: who may call an app stands there, and without that nobody may.
fn is_served(gateway: &Gateway, app: &AppId) -> bool {
    let listed = gateway.catalog.model(app).is_some() || gateway.catalog.deployed(app).is_some();
    listed && gateway.dispatch.knows(app)
}

/// The weights that `endpoint` needs and that nobody installed: the first, where one of several would do.
pub(crate) fn missing<'a>(gateway: &Gateway, model: &'a Model, endpoint: &Endpoint) -> Option<&'a Weights> {
    let needed = *model.sets_of(endpoint).first()?;
    let installed = (gateway.installed)(&model.app);
    let is_here = match model.weights_of(endpoint) {
        Some(set) => installed.contains(&set.name),
        None => !installed.is_empty(),
    };
    (!is_here).then_some(needed)
}

/// What to do about them.
pub(crate) fn hint(app: &AppId, weights: &Weights) -> String {
    let set = if weights.is_default() { String::new() } else { format!(" --set {}", weights.name) };
    format!(
        "`tintype models install {app}{set}` fetches its weights, {}, under the licence {}",
        weights.title, weights.licence
    )
}

/// An endpoint whose weights are not here refuses its calls at once: no runner could answer them. Asked once the body was
/// read, because a connection on which half of one still comes cannot be used again.
pub(crate) fn installed(gateway: &Gateway, target: &Target) -> Result<(), Error> {
    let Some(model) = gateway.catalog.model(target.actual.app()) else { return Ok(()) };
    let Some(endpoint) = model.endpoint(target.actual.path()) else { return Ok(()) };
    match missing(gateway, model, endpoint) {
        None => Ok(()),
        Some(weights) => {
            Err(Error::NotInstalled { endpoint: target.named.to_string(), hint: hint(&model.app, weights) })
        }
    }
}

/// Says which names are near, as far as `reader` may know them.
pub(crate) fn unknown(gateway: &Gateway, named: &EndpointId, reader: Option<&AccountId>) -> Error {
    let endpoint = named.to_string();
    Error::UnknownEndpoint { nearest: gateway.catalog.nearest(&endpoint, reader), endpoint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_form_with_a_path_has_a_second_reading() {
        let read = |text: &str| legacy(&text.parse().unwrap()).map(|id| id.to_string());
        assert_eq!(read("1234-app/stream").as_deref(), Some("1234/app/stream"));
        assert_eq!(read("my-team/app"), None);
    }
}

//! From a path to an endpoint that is served here, through aliases.

use tintype_domain::EndpointId;

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

/// Finds what `named` stands for, or says which names are near.
pub(crate) fn find(gateway: &Gateway, named: EndpointId) -> Result<Target, Error> {
    let actual = gateway.catalog.resolve(&named);
    if gateway.dispatch.knows(actual.app()) {
        return Ok(Target { named, actual });
    }
    let endpoint = named.to_string();
    Err(Error::UnknownEndpoint { nearest: gateway.catalog.nearest(&endpoint), endpoint })
}

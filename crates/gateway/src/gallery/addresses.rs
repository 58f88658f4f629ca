//! Where pages, direct calls and the queue are, for whoever came by some name.

use tintype_catalog::openapi::Addresses;
use tintype_wire::bases::Bases;

use crate::{Gateway, origin::Origin, place::is_hosted_name};

pub(crate) fn addresses(gateway: &Gateway, origin: &Origin) -> Addresses {
    if is_hosted_name(&origin.authority) {
        // Each surface of the hosted service has a name of its own.
        let at = |name: &str| format!("{}://{name}", origin.scheme);
        return Addresses { site: at("fal.ai"), run: at("fal.run"), queue: at("queue.fal.run") };
    }
    let Bases { run, queue, .. } = origin.bases(gateway);
    Addresses { site: run.clone(), run, queue }
}

//! The addresses of an app, as its deployer reached this server.

use tintype_domain::AppId;
use tintype_wire::bases::Bases;

use crate::api::controller::ServiceUrLs;

pub(crate) fn service_urls(bases: &Bases, app: &AppId) -> ServiceUrLs {
    let Bases { own, run, queue, ws } = bases;
    ServiceUrLs {
        playground: format!("{own}/playground/{app}"),
        run: format!("{run}/{app}"),
        queue: format!("{queue}/{app}"),
        ws: format!("{ws}/{app}"),
        log: format!("{own}/v1/runners"),
    }
}

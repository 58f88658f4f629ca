//! `/v1/apps`: what was deployed, for its owner; an ADMIN key sees all.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tintype_access::Identity;
use tintype_catalog::Deployed;
use tintype_domain::AppId;
use tintype_store::KeyScope;

use super::runners;
use crate::{
    Error, Gateway, caller, endpoint,
    error::{InPlatform, json_response},
    gallery::{self, curl, playground_url},
    origin::Origin,
};

pub(super) async fn list(
    State(gateway): State<Gateway>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
) -> Result<Response, InPlatform> {
    let identity = caller::identify(&gateway, &headers).await?;
    let mut apps = Vec::new();
    for alias in gateway.store.aliases(None).await? {
        // What the catalog does not list is not served, and what it lists was published.
        let Some(deployed) = gateway.catalog.deployed(&alias.app) else { continue };
        if is_visible(&identity, &deployed) {
            apps.push(describe(&gateway, &alias.app, &deployed, &origin).await?);
        }
    }
    Ok(json_response(StatusCode::OK, &json!({"apps": apps})))
}

pub(super) async fn show(
    State(gateway): State<Gateway>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    Path((owner, alias)): Path<(String, String)>,
) -> Result<Response, InPlatform> {
    let identity = caller::identify(&gateway, &headers).await?;
    let named = endpoint::parse(&format!("{owner}/{alias}"))?;
    let app = named.app();
    let deployed = gateway.catalog.deployed(app).filter(|deployed| is_visible(&identity, deployed));
    let deployed = deployed.ok_or_else(|| endpoint::unknown(&gateway, &named, Some(&identity.account)))?;
    let base = origin.base(&gateway, "");
    let mut body = describe(&gateway, app, &deployed, &origin).await?;
    let addresses = gallery::addresses(&gateway, &origin);
    let endpoint = |entry: gallery::Entry<'_>| {
        json!({
            "endpoint_id": entry.id(),
            "url": format!("{base}/{}", entry.id()),
            "playground_url": playground_url(&base, &entry.id()),
            "curl": curl(&gateway, &entry, &addresses),
        })
    };
    body["endpoints"] = gallery::of_app(app, &deployed).map(endpoint).collect();
    let runners = gateway.dispatch.runners().into_iter().filter(|runner| runner.app == *app);
    body["runners"] = runners.map(|runner| runners::describe(&runner)).collect();
    Ok(json_response(StatusCode::OK, &body))
}

fn is_visible(identity: &Identity, deployed: &Deployed) -> bool {
    identity.scope == KeyScope::Admin || deployed.owner == identity.account
}

async fn describe(gateway: &Gateway, app: &AppId, deployed: &Arc<Deployed>, origin: &Origin) -> Result<Value, Error> {
    let base = origin.base(gateway, "");
    let addresses = gallery::addresses(gateway, origin);
    let first = gallery::of_app(app, deployed).next();
    let alias = gateway.store.alias(app).await?;
    let runners = gateway.dispatch.runners();
    let waiting = gateway.dispatch.queue(app).unwrap_or_default();
    let url = format!("{base}/{app}");
    Ok(json!({
        "app": app,
        "owner": deployed.owner,
        "auth_mode": deployed.auth_mode,
        "revision": alias.as_ref().map(|alias| &alias.revision),
        "environment": alias.as_ref().map(|alias| &alias.environment),
        "updated_at": alias.as_ref().map(|alias| alias.updated_at.to_string()),
        "rolling": gateway.dispatch.is_rolling(app),
        "live_runners": runners.iter().filter(|runner| runner.app == *app).count(),
        "waiting": waiting.iter().map(|(_, count)| count).sum::<usize>(),
        "queue_url": format!("{base}/queue/{app}"),
        "playground_url": playground_url(&base, app.as_str()),
        "curl": first.map(|endpoint| curl(gateway, &endpoint, &addresses)),
        "url": url,
    }))
}

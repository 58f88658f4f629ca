//! Apps that people deployed: who owns them, who may call them, and what they take.

mod document;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use parking_lot::RwLock;
use serde_json::Value;
use tintype_domain::{AccountId, AppId, EndpointId, Timestamp};
use tintype_store::AuthMode;

/// What callers and the gallery need to know of a deployed app.
#[derive(Clone, Debug)]
pub struct Deployed {
    pub owner: AccountId,
    pub auth_mode: AuthMode,
    /// As the deployer's machine computed it. Its paths are those inside the app.
    pub openapi: Option<Value>,
    /// Log lines of a request are its owner's alone, not its caller's.
    pub private_logs: bool,
    pub created_at: Timestamp,
}

impl Deployed {
    /// Whether `reader` may call it, and so know of it.
    pub fn opens_to(&self, reader: Option<&AccountId>) -> bool {
        match self.auth_mode {
            AuthMode::Private => reader == Some(&self.owner),
            AuthMode::Public => true,
            AuthMode::Shared => reader.is_some(),
        }
    }

    /// Paths inside `app` that take a call, in the order in which it declares them: `""` or `/sub/path`. What is no endpoint
    /// id behind the name of the app cannot be called, and is not among them.
    pub fn paths(&self, app: &AppId) -> Vec<String> {
        let Some(openapi) = &self.openapi else { return vec![String::new()] };
        let Some(found) = openapi["paths"].as_object() else { return vec![String::new()] };
        let declared = openapi["x-fal-order-paths"].as_array().map(Vec::as_slice).unwrap_or_default();
        let place: HashMap<&str, usize> = declared.iter().filter_map(Value::as_str).zip(0..).collect();
        let mut paths: Vec<&str> =
            found.iter().filter(|(_, item)| is_callable(item)).map(|(path, _)| path.as_str()).collect();
        paths.sort_by_key(|path| (place.get(path).copied().unwrap_or(usize::MAX), path.len()));
        let mut seen = HashSet::new();
        let plain = paths.into_iter().map(|path| path.strip_suffix('/').unwrap_or(path));
        plain.filter(|path| is_inside(app, path) && seen.insert(*path)).map(ToOwned::to_owned).collect()
    }

    /// What `openapi` says of one of the [`paths`](Self::paths).
    pub fn operation(&self, path: &str) -> Option<&Value> {
        let paths = self.openapi.as_ref()?["paths"].as_object()?;
        let callable = |path: &str| paths.get(path).filter(|item| is_callable(item));
        callable(path).or_else(|| callable(&format!("{path}/")))
    }
}

fn is_callable(item: &Value) -> bool {
    // A socket has no method.
    item.get("post").is_some() || item.get("x-fal-protocol").is_some()
}

fn is_inside(app: &AppId, path: &str) -> bool {
    let id = format!("{app}{path}").parse::<EndpointId>();
    id.is_ok_and(|id| id.app() == app && id.path() == path)
}

/// All of them. Read at each call, written at a deployment.
#[derive(Debug, Default)]
pub(crate) struct Apps(RwLock<BTreeMap<AppId, Arc<Deployed>>>);

impl Apps {
    pub(crate) fn publish(&self, app: AppId, mut deployed: Deployed) {
        deployed.openapi = deployed.openapi.and_then(|openapi| document::admit(&app, openapi));
        self.0.write().insert(app, Arc::new(deployed));
    }

    pub(crate) fn withdraw(&self, app: &AppId) -> bool {
        self.0.write().remove(app).is_some()
    }

    pub(crate) fn find(&self, app: &AppId) -> Option<Arc<Deployed>> {
        self.0.read().get(app).cloned()
    }

    pub(crate) fn visible(&self, reader: Option<&AccountId>) -> Vec<(AppId, Arc<Deployed>)> {
        let all = self.0.read();
        let visible = all.iter().filter(|(_, deployed)| deployed.opens_to(reader));
        visible.map(|(app, deployed)| (app.clone(), Arc::clone(deployed))).collect()
    }
}

/// As callers write them.
pub(crate) fn endpoint_ids(app: &AppId, deployed: &Deployed) -> Vec<String> {
    deployed.paths(app).into_iter().map(|path| format!("{app}{path}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployed(auth_mode: AuthMode, openapi: Option<Value>) -> Deployed {
        let owner = AccountId::new("ann");
        Deployed { owner, auth_mode, openapi, private_logs: false, created_at: Timestamp::EPOCH }
    }

    #[test]
    fn an_app_opens_to_those_whom_its_mode_names() {
        let (ann, bob) = (AccountId::new("ann"), AccountId::new("bob"));
        for (mode, owner, other, nobody) in [
            (AuthMode::Private, true, false, false),
            (AuthMode::Shared, true, true, false),
            (AuthMode::Public, true, true, true),
        ] {
            let app = deployed(mode, None);
            assert_eq!(
                (app.opens_to(Some(&ann)), app.opens_to(Some(&bob)), app.opens_to(None)),
                (owner, other, nobody)
            );
        }
    }

    fn paths(openapi: Option<Value>) -> Vec<String> {
        deployed(AuthMode::Private, openapi).paths(&"ann/app".parse().unwrap())
    }

    #[test]
    fn an_app_whose_document_is_too_large_is_published_without_it() {
        let apps = Apps::default();
        let app: AppId = "ann/app".parse().unwrap();
        let document = json!({"paths": {"/a": {"post": {"summary": "a".repeat(1 << 20)}}}});
        apps.publish(app.clone(), deployed(AuthMode::Private, Some(document)));
        let found = apps.find(&app).unwrap();
        assert!(found.openapi.is_none() && found.paths(&app) == [""]);
    }

    #[test]
    fn a_path_that_makes_no_endpoint_id_is_left_out() {
        let hostile = ["/a\n# Lines", "b", "/..", "/c//d", "//", "/e f", "/{id}", "/ok", "/ok/", "/\u{2028}"];
        let items: serde_json::Map<_, _> =
            hostile.into_iter().map(|path| (path.to_owned(), json!({"post": {}}))).collect();
        assert_eq!(paths(Some(json!({"paths": items}))), ["/ok"]);
    }

    #[test]
    fn paths_keep_their_declared_order_and_leave_out_what_cannot_be_called() {
        let document = json!({
            "paths": {"/": {"post": {}}, "/b": {"post": {}}, "/a": {"post": {}}, "/health": {"get": {}},
                "/live": {"x-fal-protocol": {}}},
            "x-fal-order-paths": ["/b", "/", "/a"],
        });
        let app = deployed(AuthMode::Private, Some(document));
        assert_eq!(app.paths(&"ann/app".parse().unwrap()), ["/b", "", "/a", "/live"]);
        assert!(app.operation("").is_some() && app.operation("/none").is_none());
    }

    #[test]
    fn an_app_without_a_document_or_with_a_broken_one_is_called_at_its_root() {
        assert_eq!(paths(None), [""]);
        assert_eq!(paths(Some(json!([1]))), [""]);
        assert_eq!(paths(Some(json!({"paths": 7}))), [""]);
    }
}

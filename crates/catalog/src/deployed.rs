//! Apps that people deployed: who owns them, who may call them, and what they take.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::RwLock;
use serde_json::{Number, Value};
use tintype_domain::{AccountId, AppId, Timestamp};
use tintype_store::AuthMode;

use crate::openapi;

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

    /// Paths inside the app that take a call, in the order in which the app declares them: `""` or `/sub/path`.
    pub fn paths(&self) -> Vec<String> {
        let Some(openapi) = &self.openapi else { return vec![String::new()] };
        let Some(found) = openapi["paths"].as_object() else { return vec![String::new()] };
        let callable = |path: &&String| found[path.as_str()].get("post").is_some() || is_socket(&found[path.as_str()]);
        let mut paths: Vec<&String> = found.keys().filter(callable).collect();
        let declared = openapi["x-fal-order-paths"].as_array().map(Vec::as_slice).unwrap_or_default();
        let place = |path: &String| declared.iter().position(|named| named == path).unwrap_or(usize::MAX);
        paths.sort_by_key(|path| (place(path), path.len()));
        paths.into_iter().map(|path| path.trim_end_matches('/').to_owned()).collect()
    }

    /// What `openapi` says of one of the [`paths`](Self::paths).
    pub fn operation(&self, path: &str) -> Option<&Value> {
        let paths = self.openapi.as_ref()?["paths"].as_object()?;
        paths.iter().find(|(found, _)| found.trim_end_matches('/') == path).map(|(_, operation)| operation)
    }
}

fn is_socket(item: &Value) -> bool {
    item.get("x-fal-protocol").is_some()
}

/// All of them. Read at each call, written at a deployment.
#[derive(Debug, Default)]
pub(crate) struct Apps(RwLock<BTreeMap<AppId, Arc<Deployed>>>);

impl Apps {
    pub(crate) fn publish(&self, app: AppId, mut deployed: Deployed) {
        if let Some(openapi) = &mut deployed.openapi {
            restore_integers(openapi);
            openapi::hoist(openapi);
        }
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
    deployed.paths().into_iter().map(|path| format!("{app}{path}")).collect()
}

/// On their way here all numbers became doubles; those that are whole were integers before.
fn restore_integers(value: &mut Value) {
    /// Beyond it not every integer is a double.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => {
            let double = number.as_f64().filter(|double| double.fract() == 0.0 && double.abs() <= EXACT);
            if let Some(double) = double.filter(|_| number.is_f64()) {
                *number = Number::from(double as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(restore_integers),
        Value::Object(members) => members.values_mut().for_each(restore_integers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
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

    #[test]
    fn whole_doubles_of_a_document_are_integers_again() {
        let apps = Apps::default();
        let app: AppId = "ann/app".parse().unwrap();
        let document = json!({"a": 3.0, "b": [1.5, -0.0], "c": 1e300, "d": "3.0"});
        apps.publish(app.clone(), deployed(AuthMode::Private, Some(document)));
        let found = apps.find(&app).unwrap();
        assert_eq!(found.openapi.as_ref().unwrap().to_string(), r#"{"a":3,"b":[1.5,0],"c":1e+300,"d":"3.0"}"#);
    }

    #[test]
    fn paths_keep_their_declared_order_and_leave_out_what_cannot_be_called() {
        let document = json!({
            "paths": {"/": {"post": {}}, "/b": {"post": {}}, "/a": {"post": {}}, "/health": {"get": {}},
                "/live": {"x-fal-protocol": {}}},
            "x-fal-order-paths": ["/b", "/", "/a"],
        });
        let app = deployed(AuthMode::Private, Some(document));
        assert_eq!(app.paths(), ["/b", "", "/a", "/live"]);
        assert!(app.operation("").is_some() && app.operation("/none").is_none());
    }

    #[test]
    fn an_app_without_a_document_or_with_a_broken_one_is_called_at_its_root() {
        assert_eq!(deployed(AuthMode::Private, None).paths(), [""]);
        assert_eq!(deployed(AuthMode::Private, Some(json!([1]))).paths(), [""]);
        assert_eq!(deployed(AuthMode::Private, Some(json!({"paths": 7}))).paths(), [""]);
    }
}

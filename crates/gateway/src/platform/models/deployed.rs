//! Deployed apps in the list of what can be called.

use serde_json::{Value, json};
use tintype_catalog::Deployed;
use tintype_domain::AppId;

use super::Asked;
use crate::Gateway;

/// An endpoint of a deployed app, in the shape in which models are listed.
pub(super) struct Listed<'a> {
    pub app: &'a AppId,
    pub deployed: &'a Deployed,
    pub path: &'a str,
}

const CATEGORY: &str = "app";

impl Listed<'_> {
    pub(super) fn id(&self) -> String {
        format!("{}{}", self.app, self.path)
    }

    pub(super) fn wanted(&self, asked: &Asked) -> bool {
        let id = self.id();
        asked.wants(&id, CATEGORY, || format!("{id} {} {}", self.title(), self.summary()))
    }

    fn said(&self, member: &str) -> Option<&str> {
        let post = self.deployed.operation(self.path)?.get("post")?;
        post.get(member).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn title(&self) -> &str {
        self.said("summary").unwrap_or(self.app.alias())
    }

    fn summary(&self) -> &str {
        self.said("description").unwrap_or("")
    }

    pub(super) fn entry(&self, gateway: &Gateway, base: &str, asked: &Asked) -> Value {
        let id = self.id();
        let run_url = format!("{base}/{id}");
        let date = self.deployed.created_at.to_string();
        let mut entry = json!({
            "endpoint_id": id,
            "metadata": {
                "display_name": self.title(),
                "category": CATEGORY,
                "description": self.summary(),
                "status": "active",
                "tags": [],
                "updated_at": date,
                "date": date,
                "is_favorited": null,
                "model_url": run_url,
                "playground_url": playground_url(base, &id),
                "curl": curl(&run_url, self.deployed),
                "license_type": "private",
                "group": {"key": self.app, "label": self.app.alias()},
                "kind": "inference",
                "stream_url": null,
                "auth_mode": self.deployed.auth_mode,
                "installed": gateway.dispatch.knows(self.app),
                "aliases": [],
                "examples": [],
            },
        });
        if asked.with_openapi {
            entry["openapi"] = self.document(base);
        }
        entry
    }

    /// The app's own document, cut down to this endpoint, under the address at which it is called.
    fn document(&self, base: &str) -> Value {
        let mut document = self.deployed.openapi.clone().unwrap_or_else(|| json!({"openapi": "3.0.4"}));
        let operation = self.deployed.operation(self.path).cloned().unwrap_or_else(|| json!({"post": {}}));
        if let Some(members) = document.as_object_mut() {
            members.insert("paths".into(), json!({format!("/{}", self.id()): operation}));
            members.insert("servers".into(), json!([{"url": base}]));
            members.remove("x-fal-order-paths");
        }
        document
    }
}

pub(in crate::platform) fn playground_url(base: &str, id: &str) -> String {
    format!("{base}/playground/{id}")
}

/// A call that can be pasted into a shell.
pub(in crate::platform) fn curl(run_url: &str, deployed: &Deployed) -> String {
    let key = match deployed.auth_mode {
        tintype_store::AuthMode::Public => "",
        _ => " -H \"Authorization: Key $FAL_KEY\"",
    };
    format!("curl {run_url}{key} -H 'Content-Type: application/json' -d '{{}}'")
}

#[cfg(test)]
mod tests {
    use tintype_domain::{AccountId, Timestamp};
    use tintype_store::AuthMode;

    use super::*;

    #[test]
    fn a_document_is_cut_down_to_one_endpoint_under_its_address() {
        let openapi = json!({
            "paths": {"/": {"post": {"summary": "Draw"}}, "/other": {"post": {}}},
            "components": {"schemas": {"Input": {}}},
        });
        let owner = AccountId::new("ann");
        let deployed = Deployed {
            owner,
            auth_mode: AuthMode::Private,
            openapi: Some(openapi),
            private_logs: false,
            created_at: Timestamp::EPOCH,
        };
        let app = "ann/draw".parse().unwrap();
        let listed = Listed { app: &app, deployed: &deployed, path: "" };
        assert_eq!(listed.title(), "Draw");
        let document = listed.document("http://h");
        assert_eq!(document["paths"], json!({"/ann/draw": {"post": {"summary": "Draw"}}}));
        assert_eq!(document["components"], json!({"schemas": {"Input": {}}}));
        assert!(curl("http://h/ann/draw", &deployed).contains("Key $FAL_KEY"));
    }
}

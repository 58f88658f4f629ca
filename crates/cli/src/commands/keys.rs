//! `tintype keys list|create|revoke`

use std::process::ExitCode;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api::Api,
    args::{KeysAction, KeysArgs},
    failure::Failure,
    found,
    print::{Output, table, text},
};

pub(crate) async fn keys(args: KeysArgs, output: Output) -> Result<ExitCode, Failure> {
    let api = Api::new(found::find())?;
    match args.action {
        KeysAction::List => output.result(&api.get("/v1/keys").await?, list),
        KeysAction::Create { alias, admin } => {
            let body = json!({ "alias": alias, "scope": if admin { "ADMIN" } else { "API" } });
            let key = api.json(api.request(Method::POST, "/v1/keys").json(&body)).await?;
            output.result(&key, |key| text(key, "key"));
            output.remark("This is the only time that the key is shown.");
        }
        KeysAction::Revoke { id } => {
            let id = own_half(&id);
            let mut url = url::Url::parse("http://h/v1/keys")?;
            url.path_segments_mut().map_err(|()| Failure::new("no path"))?.push(id);
            api.send(api.request(Method::DELETE, url.path())).await?;
            output.result(&json!({ "revoked": id }), |_| format!("revoked key {id}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whoever has the whole key at hand may paste it; its secret half goes nowhere.
fn own_half(id: &str) -> &str {
    id.split(':').next().unwrap_or(id)
}

fn list(answer: &Value) -> String {
    let keys = answer["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let heading = ["KEY", "ALIAS", "SCOPE", "ACCOUNT", "MADE", "REVOKED"].map(Into::into).to_vec();
    let day = |key: &Value, member| text(key, member).chars().take(10).collect();
    let row = |key: &Value| {
        let (made, revoked) = (day(key, "created_at"), day(key, "revoked_at"));
        vec![text(key, "key_id"), text(key, "alias"), text(key, "scope"), text(key, "account"), made, revoked]
    };
    table(&[vec![heading], keys.iter().map(row).collect()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_half_of_a_pasted_key_goes_nowhere() {
        assert_eq!(own_half("abc:secret"), "abc");
    }
}

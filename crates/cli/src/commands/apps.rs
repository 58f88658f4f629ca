//! `tintype apps [APP]`

use std::process::ExitCode;

use serde_json::Value;

use super::runners;
use crate::{
    api::Api,
    args::AppsArgs,
    failure::Failure,
    found,
    print::{Output, table, text},
};

pub(crate) async fn apps(args: &AppsArgs, output: Output) -> Result<ExitCode, Failure> {
    let api = Api::new(found::find())?;
    let answer = api.get("/v1/apps").await?;
    match &args.app {
        None => output.result(&answer, |answer| list(all(answer))),
        Some(wanted) => {
            let app = find(all(&answer), wanted.trim_matches('/'))?;
            output.result(&api.get(&format!("/v1/apps/{app}")).await?, one);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn all(answer: &Value) -> &[Value] {
    answer["apps"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// By its whole name, else by its alias where only one app has it.
fn find(apps: &[Value], wanted: &str) -> Result<String, Failure> {
    let known: Vec<String> = apps.iter().map(|app| text(app, "app")).collect();
    let fitting: Vec<_> = known.iter().filter(|name| is_named(name, wanted)).collect();
    match fitting.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(Failure::new(format!("there is no app `{wanted}`: `tintype apps` lists them all"))),
        several => {
            let quoted: Vec<_> = several.iter().map(|name| format!("`{name}`")).collect();
            Err(Failure::new(format!("`{wanted}` may be {}: name its owner too", quoted.join(" or "))))
        }
    }
}

/// Whether `wanted` is the app `owner/alias`, or its alias.
pub(super) fn is_named(app: &str, wanted: &str) -> bool {
    app == wanted || app.rsplit('/').next() == Some(wanted)
}

fn list(apps: &[Value]) -> String {
    if apps.is_empty() {
        return "No app was deployed yet: `tintype exec -- fal deploy app.py::MyApp` deploys one.".to_owned();
    }
    let heading = ["APP", "AUTH", "REVISION", "RUNNERS", "WAITING", "UPDATED"].map(Into::into).to_vec();
    let row = |app: &Value| {
        let updated = text(app, "updated_at").chars().take(19).collect();
        let members = ["app", "auth_mode", "revision", "live_runners", "waiting"].map(|member| text(app, member));
        [members.to_vec(), vec![updated]].concat()
    };
    table(&[vec![heading], apps.iter().map(row).collect()].concat())
}

fn one(app: &Value) -> String {
    let rolling = if app["rolling"] == true { "a new revision takes over".to_owned() } else { String::new() };
    let facts = [
        ("app", text(app, "app")),
        ("auth", text(app, "auth_mode")),
        ("environment", text(app, "environment")),
        ("revision", text(app, "revision")),
        ("updated", text(app, "updated_at")),
        ("now", rolling),
        ("waiting", text(app, "waiting")),
        ("playground", text(app, "playground_url")),
    ];
    let known = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let mut lines: Vec<_> = known.map(|(label, value)| format!("{label:12} {value}")).collect();
    let members = |member: &str| app[member].as_array().map(Vec::as_slice).unwrap_or_default();
    lines.extend([String::new(), "Endpoints:".to_owned()]);
    lines.extend(members("endpoints").iter().map(|endpoint| format!("  {}", text(endpoint, "curl"))));
    if !members("runners").is_empty() {
        lines.extend([String::new(), "Runners:".to_owned(), runners::list(members("runners"))]);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_app_is_found_by_its_alias_unless_two_have_it() {
        let apps = [json!({"app": "ann/draw"}), json!({"app": "ann/sing"}), json!({"app": "bob/sing"})];
        assert_eq!(find(&apps, "draw").unwrap(), "ann/draw");
        assert_eq!(find(&apps, "bob/sing").unwrap(), "bob/sing");
        assert!(find(&apps, "sing").unwrap_err().message.contains("`ann/sing` or `bob/sing`"));
        assert!(find(&apps, "dance").unwrap_err().message.contains("no app `dance`"));
    }

    #[test]
    fn an_app_is_shown_with_how_to_call_it() {
        let shown = one(&json!({
            "app": "ann/draw", "auth_mode": "private", "revision": "r1", "waiting": 0, "rolling": false,
            "endpoints": [{"curl": "curl http://h/ann/draw"}],
        }));
        assert!(shown.contains("auth         private") && shown.contains("curl http://h/ann/draw"), "{shown}");
        assert!(!shown.contains("Runners:") && !shown.contains("takes over"), "{shown}");
    }
}

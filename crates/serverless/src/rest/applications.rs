//! `/applications/...`: queues, metadata and what the runners use.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tintype_domain::{AccountId, AppId, RevisionId};

use super::{Caller, Problem};
use crate::Serverless;

/// The app `{nickname}/{alias}`, if it is the caller's.
fn own(serverless: &Serverless, account: &AccountId, nickname: &str, alias: &str) -> Result<AppId, Problem> {
    let name = format!("{nickname}/{alias}");
    let app = name.parse::<AppId>().ok();
    let app = app.filter(|app| serverless.catalog.deployed(app).is_some_and(|deployed| deployed.owner == *account));
    app.ok_or_else(|| Problem::NotFound { what: "application", found: name.chars().take(120).collect() })
}

#[derive(Deserialize)]
pub(super) struct Size {
    #[serde(default)]
    by_user: bool,
}

pub(super) async fn queue(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path((nickname, alias)): Path<(String, String)>,
    Query(Size { by_user }): Query<Size>,
) -> Result<Json<Value>, Problem> {
    let app = own(&serverless, &account, &nickname, &alias)?;
    let waiting = serverless.dispatch.queue(&app).unwrap_or_default();
    let size: usize = waiting.iter().map(|(_, count)| count).sum();
    let mut answer = json!({"size": size});
    if by_user {
        let counts: BTreeMap<&str, usize> = waiting.iter().map(|(account, count)| (account.as_str(), *count)).collect();
        answer["by_user"] = json!(counts);
    }
    Ok(Json(answer))
}

#[derive(Deserialize)]
pub(super) struct Flush {
    caller_user_id: Option<String>,
}

pub(super) async fn flush(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path((nickname, alias)): Path<(String, String)>,
    Query(Flush { caller_user_id }): Query<Flush>,
) -> Result<Json<Value>, Problem> {
    let app = own(&serverless, &account, &nickname, &alias)?;
    let of = caller_user_id.map(AccountId::new);
    let removed = serverless.dispatch.flush(&app, of.as_ref()).await;
    Ok(Json(json!({"removed": removed})))
}

/// By alias, or by the id of a revision.
pub(super) async fn metadata(
    State(serverless): State<Serverless>,
    Caller(account): Caller,
    Path((nickname, alias)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let missing = || Problem::NotFound { what: "application", found: alias.chars().take(120).collect() };
    let app = format!("{nickname}/{alias}").parse::<AppId>().ok();
    let pointed = match &app {
        Some(app) => serverless.store.alias(app).await?.map(|alias| alias.revision),
        None => None,
    };
    let revision = pointed.unwrap_or_else(|| RevisionId::new(&alias));
    let found = serverless.store.revision(&revision).await?.filter(|revision| revision.account == account);
    let definition = found.ok_or_else(missing)?.definition;
    let mut definition: Value = serde_json::from_str(&definition).unwrap_or_default();
    let metadata = definition.get_mut("metadata").map(Value::take).filter(Value::is_object);
    Ok(Json(metadata.unwrap_or_else(|| json!({}))))
}

pub(super) async fn metrics(State(serverless): State<Serverless>, Caller(account): Caller) -> Json<Value> {
    let mut total: BTreeMap<String, u32> = BTreeMap::new();
    let mut apps: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
    for runner in serverless.dispatch.runners().into_iter().filter(|runner| runner.owner == account) {
        let of_app = apps.entry(runner.app.to_string()).or_default();
        let Some((kind, count)) = gpus(&serverless, &runner).await else { continue };
        *of_app.entry(kind.clone()).or_default() += count;
        *total.entry(kind).or_default() += count;
    }
    let apps: BTreeMap<_, _> =
        apps.into_iter().map(|(app, kinds)| (app, json!({"gpu_count_by_type": kinds}))).collect();
    Json(json!({"summary": {"total_gpu_by_type": total}, "apps": apps}))
}

/// Which GPUs a runner has, and how many.
async fn gpus(serverless: &Serverless, runner: &tintype_dispatch::RunnerView) -> Option<(String, u32)> {
    let kind = runner.machine_type.as_deref()?.strip_prefix("GPU")?;
    let kind = kind.trim_start_matches('-');
    let revision = serverless.store.revision(runner.revision.as_ref()?).await.ok()??;
    let definition: Value = serde_json::from_str(&revision.definition).unwrap_or_default();
    let count = definition["num_gpus"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
    Some((if kind.is_empty() { "GPU" } else { kind }.to_owned(), count.max(1)))
}

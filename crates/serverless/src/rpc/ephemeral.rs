//! An app that lives as long as its stream.

use std::sync::Arc;

use tintype_catalog::Deployed;
use tintype_dispatch::AppDefinition;
use tintype_domain::{AppId, RevisionId};
use tintype_launch::{ExitReason, Occurrence};
use tintype_store::AuthMode;
use tokio::sync::mpsc;

use super::{
    caller::Caller,
    run::{Said, finished},
    urls::service_urls,
};
use crate::{
    Serverless,
    api::controller::HostedRunResult,
    deploy::{asked::Asked, error::DeployError, moving::show, name, payload, scaling::Scaling},
    launching::{Plan, Seen, What},
    rpc::Line,
};

/// So much of a run's id follows the app's name: two people may run the same file at one time.
const SUFFIX: usize = 8;
const LAST_LINES: usize = 5;

pub(super) async fn serve(
    serverless: &Serverless,
    caller: &Caller,
    mut asked: Asked,
    run_id: &str,
    said: &Said,
) -> Result<HostedRunResult, DeployError> {
    let account = &caller.account;
    let named = name::label(&asked.name);
    let suffix = &run_id[run_id.len() - SUFFIX..];
    let app = name::app(account, &format!("{named}-{suffix}"))?;
    let revision = RevisionId::new(run_id);
    let folder = serverless.folder(&revision);
    let mut definition = asked.definition.clone();
    let laid = serverless.lay_down(account, &asked.environment, &definition, &mut asked.payload, &folder, said).await;
    definition.env_id = laid?;
    // One runner from the first moment on; more as its code allows.
    let mut scaling = Scaling::of_code(&definition.wishes)?;
    scaling.min_concurrency = scaling.min_concurrency.max(1);
    let share = serverless.share(&definition, &scaling)?;
    let definition = Arc::new(definition);
    serverless.starter.plans().put(Plan {
        id: run_id.to_owned(),
        account: account.clone(),
        app: app.clone(),
        environment: asked.environment.clone(),
        folder: folder.clone(),
        definition: Arc::clone(&definition),
        share: share.clone(),
    });
    let seen = serverless.starter.watch(&app);
    serverless.catalog.publish(
        app.clone(),
        Deployed {
            owner: account.clone(),
            auth_mode: asked.auth_mode.unwrap_or(AuthMode::Private),
            openapi: definition.openapi(),
            private_logs: definition.private_logs,
            created_at: serverless.clock.now(),
        },
    );
    let registered = serverless
        .dispatch
        .register(AppDefinition {
            app: app.clone(),
            owner: account.clone(),
            revision: Some(revision),
            machine_type: Some(share.name.to_owned()),
            spec: definition.spec(&scaling),
            command: serverless.starter.placeholder(&app, run_id),
            memory_limit_bytes: Some(share.memory_bytes),
        })
        .await;
    let ended = match registered {
        Ok(()) => follow(serverless, caller, &app, seen, said).await,
        Err(error) => Err(error.into()),
    };
    let _ = serverless.dispatch.remove(&app).await;
    serverless.catalog.withdraw(&app);
    serverless.starter.plans().remove(run_id);
    let _ = tokio::task::spawn_blocking(move || payload::remove(&folder)).await;
    ended.map(|()| finished(run_id))
}

/// Until its runner ends by itself, or its client leaves.
async fn follow(
    serverless: &Serverless,
    caller: &Caller,
    app: &AppId,
    mut seen: mpsc::UnboundedReceiver<Seen>,
    said: &Said,
) -> Result<(), DeployError> {
    let mut served = false;
    let mut last: Vec<String> = Vec::new();
    loop {
        let seen = tokio::select! {
            biased;
            () = said.closed() => return Ok(()),
            () = serverless.stop.cancelled() => return Err(DeployError::Refused("the server is being stopped".into())),
            seen = seen.recv() => seen,
        };
        let Some(seen) = seen else { return Err(DeployError::Internal("nobody sees the app's runners".into())) };
        let occurrence = match seen.what {
            What::Happened(occurrence) => occurrence,
            What::Failed(reason) if served => {
                said.line(Line::bridge(reason)).await;
                continue;
            }
            What::Failed(reason) => return Err(DeployError::Refused(format!("the app did not start: {reason}"))),
        };
        match occurrence {
            Occurrence::Ready if !served => {
                served = true;
                let service_urls = Some(service_urls(&caller.bases, app));
                said.send(HostedRunResult { service_urls, ..HostedRunResult::default() }).await;
            }
            Occurrence::Exited { reason: ExitReason::Clean } if served => return Ok(()),
            Occurrence::Exited { reason } if served => {
                said.line(Line::bridge(format!("runner {} is gone: {reason}", seen.runner))).await;
            }
            Occurrence::Exited { reason } => return Err(did_not_start(&reason, &last)),
            occurrence => {
                if let Occurrence::Log { message, .. } = &occurrence {
                    remember(&mut last, message);
                }
                show(occurrence, said).await;
            }
        }
    }
}

fn remember(last: &mut Vec<String>, message: &str) {
    if !message.trim().is_empty() {
        if last.len() == LAST_LINES {
            last.remove(0);
        }
        last.push(message.chars().take(300).collect());
    }
}

fn did_not_start(reason: &ExitReason, last: &[String]) -> DeployError {
    DeployError::Refused(format!("the app did not start: {reason}; its last lines: {}", last.join(" | ")))
}

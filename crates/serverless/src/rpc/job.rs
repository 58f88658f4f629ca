//! A plain function, called once: what it returns or raises travels back as it was written, unread.

use std::{sync::Arc, time::Duration};

use tintype_domain::{AccountId, RunnerId, with_causes};
use tintype_launch::{Command, ExitReason, Occurrence, Start, Started};

use super::run::{Said, finished};
use crate::{
    Serverless,
    api::{SerializedObject, controller::HostedRunResult},
    deploy::{
        asked::Asked,
        error::DeployError,
        moving::show,
        name, payload,
        scaling::{Scaling, seconds},
    },
    launching::{Job, Plan, Report},
};

/// What clients look for to tell people that a function ran out of memory.
const KILLED: &str = "died with <Signals.SIGKILL: 9>.`";
/// The same for a function whose environment lacks what its payload needs.
const UNREADABLE: &str = "The function function could not be deserialized";

pub(super) async fn call(
    serverless: &Serverless,
    account: &AccountId,
    mut asked: Asked,
    run_id: &str,
    said: &Said,
) -> Result<HostedRunResult, DeployError> {
    let folder = serverless.options.data.join("runs").join(run_id);
    let environment = asked.environment.clone();
    let mut definition = asked.definition.clone();
    let laid = serverless.lay_down(account, &environment, &definition, &mut asked.payload, &folder, said).await;
    definition.env_id = laid?;
    let scaling = Scaling::of_code(&definition.wishes)?;
    let plan = Plan {
        id: run_id.to_owned(),
        account: account.clone(),
        app: name::app(account, &name::label(&asked.name))?,
        environment,
        folder: folder.clone(),
        share: serverless.share(&definition, &scaling)?,
        definition: Arc::new(definition),
    };
    // Its environment is in use.
    serverless.starter.plans().put(plan.clone());
    let ended = perform(serverless, plan, &scaling, run_id, said).await;
    serverless.starter.plans().remove(run_id);
    let _ = tokio::task::spawn_blocking(move || payload::remove(&folder)).await;
    ended
}

async fn perform(
    serverless: &Serverless,
    plan: Plan,
    scaling: &Scaling,
    run_id: &str,
    said: &Said,
) -> Result<HostedRunResult, DeployError> {
    let job = Job { folder: plan.folder.join("job") };
    payload::make_private(&job.folder)?;
    let start = Start {
        runner: RunnerId::new(format!("job-{run_id}")),
        app: plan.app.clone(),
        command: Command::default(),
        startup_timeout: seconds(scaling.startup_timeout),
        memory_limit_bytes: Some(plan.share.memory_bytes),
        grace: Duration::from_secs(plan.definition.grace_secs.into()),
        mark: None,
    };
    let refused = |error| DeployError::Refused(with_causes(&error));
    let started = serverless.starter.run(&plan, &job, start).await.map_err(refused)?;
    let reason = watch(serverless, started, seconds(scaling.request_timeout), said).await?;
    let broken = |error: std::io::Error| DeployError::Refused(format!("the function's result cannot be read: {error}"));
    let outcome = tokio::task::spawn_blocking(move || job.outcome()).await;
    match outcome.map_err(|error| DeployError::Internal(error.to_string()))?.map_err(broken)? {
        Some((report, bytes)) => carry(run_id, report, bytes),
        None => Err(died(&reason)),
    }
}

/// Until it has ended; a client that leaves, or a server that stops, ends it.
async fn watch(
    serverless: &Serverless,
    started: Started,
    limit: Duration,
    said: &Said,
) -> Result<ExitReason, DeployError> {
    let Started { mut occurrences, control, .. } = started;
    let mut over = std::pin::pin!(tokio::time::sleep(limit));
    let mut gone = std::pin::pin!(async {
        tokio::select! {
            () = said.closed() => {}
            () = serverless.stop.cancelled() => {}
        }
    });
    let (mut late, mut left) = (false, false);
    loop {
        let occurrence = tokio::select! {
            biased;
            () = &mut gone, if !left => {
                left = true;
                control.terminate();
                continue;
            }
            () = &mut over, if !late => {
                late = true;
                control.kill();
                continue;
            }
            occurrence = occurrences.recv() => occurrence,
        };
        match occurrence {
            Some(Occurrence::Exited { .. }) if late => {
                let secs = limit.as_secs();
                return Err(DeployError::Refused(format!(
                    "the function took longer than its `request_timeout` of {secs} s"
                )));
            }
            Some(Occurrence::Exited { reason }) => return Ok(reason),
            Some(occurrence) => show(occurrence, said).await,
            None => return Err(DeployError::Internal("the launcher lost sight of the function".into())),
        }
    }
}

fn carry(run_id: &str, report: Report, bytes: Vec<u8>) -> Result<HostedRunResult, DeployError> {
    if report.load {
        let detail = report.message.unwrap_or_default();
        return Err(DeployError::Invalid(format!("{UNREADABLE}: {detail:.2000}")));
    }
    let return_value = SerializedObject {
        method: report.method,
        definition: bytes,
        was_it_raised: report.raised,
        stringized_traceback: report.traceback,
        exception_type_name: report.type_name,
        exception_message: report.message,
    };
    Ok(HostedRunResult { return_value: Some(return_value), ..finished(run_id) })
}

fn died(reason: &ExitReason) -> DeployError {
    match reason {
        ExitReason::OutOfMemory { .. } | ExitReason::Signal(9) => {
            DeployError::Exhausted(format!("{reason}: choose a larger machine type. `function {KILLED}"))
        }
        other => DeployError::Refused(format!("the function ended without a result: {other}")),
    }
}

//! `Run`: an app for as long as somebody listens, or a function called once.

use tonic::{Request, Response, Status};

use super::{
    ephemeral, job,
    teller::{Answers, answer},
};
use crate::{
    Serverless,
    api::{
        Log,
        controller::{HostedRun, HostedRunResult, HostedRunStatus, hosted_run_status::State},
    },
    deploy::asked::Asked,
    rpc::Teller,
};

pub(super) type Said = Teller<HostedRunResult>;

pub(crate) async fn run(
    serverless: &Serverless,
    request: Request<HostedRun>,
) -> Result<Response<Answers<HostedRunResult>>, Status> {
    let caller = serverless.caller(&request).await?;
    let asked = Asked::of_run(request.into_inner())?;
    serverless.check_environment(&caller.account, &asked.environment).await?;
    let run_id = serverless.new_id();
    let work = move |serverless: Serverless, teller: Said| async move {
        let ended = if asked.serves() {
            ephemeral::serve(&serverless, &caller, asked, &run_id, &teller).await
        } else {
            job::call(&serverless, &caller.account, asked, &run_id, &teller).await
        };
        (teller, ended)
    };
    Ok(Response::new(answer(serverless, line, work)))
}

fn line(log: Log) -> HostedRunResult {
    HostedRunResult { logs: vec![log], ..HostedRunResult::default() }
}

/// The last message of a run that came to its end.
pub(super) fn finished(run_id: &str) -> HostedRunResult {
    let status = Some(HostedRunStatus { state: State::Success.into() });
    HostedRunResult { run_id: run_id.to_owned(), status, ..HostedRunResult::default() }
}

//! `tintype run ENDPOINT key=value …`

pub(super) mod files;
mod input;
mod interrupts;
pub(super) mod progress;
pub(super) mod queue;
mod stream;
mod told;
mod types;
mod upload;

use std::{path::Path, process::ExitCode};

use interrupts::Interrupts;
use progress::Progress;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api::Api,
    args::RunArgs,
    failure::Failure,
    found,
    print::{Output, line, pretty},
};

pub(crate) async fn run(args: RunArgs, output: Output) -> Result<ExitCode, Failure> {
    let endpoint = args.endpoint.trim_matches('/').to_owned();
    call(args, &endpoint, output).await.map_err(|failure| failure.about_input_of(&endpoint))
}

async fn call(args: RunArgs, endpoint: &str, output: Output) -> Result<ExitCode, Failure> {
    let mut body = input::read(&args.input)?;
    let api = Api::new(found::find())?;
    // Before the request exists: an interrupt that comes while it is sent must still cancel it.
    let mut interrupts = Interrupts::listen()?;
    interrupts.or(upload::send(&api, &mut body, output), "interrupted while files were sent").await?;
    let result = if args.stream {
        let stream = stream::stream(&api, endpoint, &body, args.output.as_deref(), output);
        // The server cancels a stream whose reader leaves.
        interrupts.or(stream, "interrupted: the call is cancelled").await?
    } else {
        let submit = api.request(Method::POST, &format!("/queue/{endpoint}")).json(&body);
        let (submitted, ended) = queue::submit(&api, submit, &mut interrupts).await?;
        if args.detach && ended.is_none() {
            output.result(&submitted, |submitted| crate::print::text(submitted, "request_id"));
            return Ok(ExitCode::SUCCESS);
        }
        let progress = Progress::start(output, endpoint);
        let result = match ended {
            None => queue::wait_or_cancel(&api, &submitted, &progress, args.logs, &mut interrupts).await,
            Some(code) => queue::cancel(&api, &submitted, &progress, code, &mut interrupts).await,
        };
        progress.end();
        result?
    };
    let telling = tell(&api, result, args.output.as_deref(), output);
    interrupts.or(telling, "interrupted while files were saved").await
}

async fn tell(api: &Api, result: Value, folder: Option<&Path>, output: Output) -> Result<ExitCode, Failure> {
    let Some(folder) = folder else {
        // Whole pictures inside a terminal help nobody; programs get them.
        line(&pretty(&if output.json { result } else { told::shorten(result) }));
        return Ok(ExitCode::SUCCESS);
    };
    let files::Saved { paths, failures } = files::save(api, &result, folder).await;
    let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    if output.json {
        let mut all = json!({ "result": result, "saved": names });
        if !failures.is_empty() {
            all["not_saved"] = json!(failures);
        }
        line(&pretty(&all));
    } else if names.is_empty() {
        line(&pretty(&told::shorten(result)));
        if failures.is_empty() {
            output.remark("the result holds no files");
        }
    } else {
        line(&names.join("\n"));
        for beside in told::beside(&result) {
            output.remark(&beside);
        }
    }
    for failure in &failures {
        output.remark(failure);
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

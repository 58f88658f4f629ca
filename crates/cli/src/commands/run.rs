//! `tintype run ENDPOINT key=value …`

pub(super) mod files;
mod input;
pub(super) mod progress;
pub(super) mod queue;
mod stream;

use std::{path::Path, process::ExitCode};

use progress::Progress;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    api::Api,
    args::RunArgs,
    failure::Failure,
    found,
    print::{Output, line, pretty},
};

pub(crate) async fn run(args: RunArgs, output: Output) -> Result<ExitCode, Failure> {
    let body = input::read(&args.input)?;
    let api = Api::new(found::find())?;
    let endpoint = args.endpoint.trim_matches('/').to_owned();
    let result = if args.stream {
        stream::stream(&api, &endpoint, &body, args.output.as_deref(), output).await?
    } else {
        // Before the request exists: an interrupt that comes while it is sent must still cancel it.
        let interrupt = signal(SignalKind::interrupt())?;
        let submit = api.request(Method::POST, &format!("/queue/{endpoint}")).json(&body);
        let submitted = api.json(submit).await?;
        if args.detach {
            output.result(&submitted, |submitted| crate::print::text(submitted, "request_id"));
            return Ok(ExitCode::SUCCESS);
        }
        let progress = Progress::start(output, &endpoint);
        let result = queue::wait_or_cancel(&api, &submitted, &progress, args.logs, interrupt).await;
        progress.end();
        result?
    };
    tell(&api, result, args.output.as_deref(), output).await?;
    Ok(ExitCode::SUCCESS)
}

async fn tell(api: &Api, result: Value, folder: Option<&Path>, output: Output) -> Result<(), Failure> {
    let Some(folder) = folder else {
        // Whole pictures inside a terminal help nobody; programs get them.
        line(&pretty(&if output.json { result } else { files::shorten(result) }));
        return Ok(());
    };
    let saved = files::save(api, &result, folder).await?;
    let names: Vec<_> = saved.iter().map(|path| path.display().to_string()).collect();
    if output.json {
        line(&pretty(&json!({ "result": result, "saved": names })));
    } else if names.is_empty() {
        line(&pretty(&result));
        output.remark("the result holds no files");
    } else {
        for name in &names {
            line(name);
        }
    }
    Ok(())
}

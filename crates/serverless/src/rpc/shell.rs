//! `ShellRunner`: a process inside a runner, for people who want to look around.

use futures::StreamExt;
use tintype_domain::with_causes;
use tintype_launch::{Exec, ExecError, Input, Launcher, Output, Session};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{runners, teller::Answers};
use crate::{
    Serverless,
    api::controller::{ShellRunnerInput, ShellRunnerOutput, TerminalSize},
    deploy::error::DeployError,
};

const ON_THE_WAY: usize = 64;
const STDOUT: i32 = 1;
const STDERR: i32 = 2;
/// As terminals begin, until the client tells its own size.
const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

pub(crate) async fn shell(
    serverless: &Serverless,
    request: Request<Streaming<ShellRunnerInput>>,
) -> Result<Response<Answers<ShellRunnerOutput>>, Status> {
    let caller = serverless.caller(&request).await?;
    let mut input = request.into_inner();
    let nothing = || DeployError::Invalid("the call ended before it named a runner".into());
    let first = input.next().await.ok_or_else(nothing)??;
    let runner = runners::own(serverless, &caller.account, &first.runner_id)?;
    let tty = first.tty.unwrap_or(true).then(|| first.tty_size.map_or((ROWS, COLUMNS), size));
    let env = tty.map(|_| ("TERM".to_owned(), "xterm-256color".to_owned())).into_iter().collect();
    let exec = Exec { argv: first.command.clone(), env, tty };
    let session = serverless.starter.exec(&runner, exec).await.map_err(refused)?;
    let (sender, receiver) = mpsc::channel(ON_THE_WAY);
    serverless.tasks.spawn(carry(serverless.clone(), first, input, session, sender));
    Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
}

fn refused(error: ExecError) -> DeployError {
    match error {
        ExecError::Unknown { runner } => DeployError::NotFound(format!("runner `{runner}`")),
        ExecError::Spawn { .. } => DeployError::Refused(with_causes(&error)),
    }
}

/// Both ways, until the process has ended or the client has gone.
async fn carry(
    serverless: Serverless,
    first: ShellRunnerInput,
    input: Streaming<ShellRunnerInput>,
    session: Session,
    answers: mpsc::Sender<Result<ShellRunnerOutput, Status>>,
) {
    let Session { input: process, mut output } = session;
    let typing = tokio::spawn(type_in(first, input, process));
    loop {
        let said = tokio::select! {
            biased;
            () = answers.closed() => break,
            () = serverless.stop.cancelled() => break,
            said = output.recv() => said,
        };
        let Some(said) = said else { break };
        let ended = matches!(said, Output::Exited(_));
        if answers.send(Ok(message(said))).await.is_err() || ended {
            break;
        }
    }
    // With both ends gone, the process is killed.
    typing.abort();
}

async fn type_in(first: ShellRunnerInput, mut input: Streaming<ShellRunnerInput>, process: mpsc::Sender<Input>) {
    // The size in the first message is the one that the terminal began with.
    let first = ShellRunnerInput { tty_size: None, ..first };
    let mut next = Some(first);
    while let Some(message) = next {
        for typed in inputs(message) {
            if process.send(typed).await.is_err() {
                return;
            }
        }
        next = match input.next().await {
            Some(Ok(message)) => Some(message),
            Some(Err(_)) | None => break,
        };
    }
    // A client that says no more has closed its end.
    let _ = process.send(Input::Close).await;
    std::future::pending::<()>().await;
}

fn inputs(message: ShellRunnerInput) -> Vec<Input> {
    let mut found = Vec::new();
    if let Some(wanted) = message.tty_size {
        let (rows, columns) = size(wanted);
        found.push(Input::Resize { rows, columns });
    }
    if !message.data.is_empty() {
        found.push(Input::Data(message.data));
    }
    if message.close {
        found.push(Input::Close);
    }
    found
}

fn size(wanted: TerminalSize) -> (u16, u16) {
    let side = |found: i32, otherwise| u16::try_from(found).ok().filter(|side| *side > 0).unwrap_or(otherwise);
    (side(wanted.height, ROWS), side(wanted.width, COLUMNS))
}

fn message(said: Output) -> ShellRunnerOutput {
    match said {
        Output::Stdout(data) => ShellRunnerOutput { data, stream: Some(STDOUT), ..ShellRunnerOutput::default() },
        Output::Stderr(data) => ShellRunnerOutput { data, stream: Some(STDERR), ..ShellRunnerOutput::default() },
        Output::Exited(code) => {
            ShellRunnerOutput { close: true, exit_code: Some(code), ..ShellRunnerOutput::default() }
        }
    }
}

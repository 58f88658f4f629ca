//! `tintype`: the server, and people's front end to it.

mod api;
mod args;
mod commands;
mod exec;
mod failure;
mod found;
mod print;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use failure::Failure;
use print::Output;

fn main() -> ExitCode {
    let Arguments { json, command } = Arguments::parse();
    let output = Output { json };
    match run(command, output) {
        Ok(code) => code,
        Err(failure) => {
            output.failure(&failure);
            failure.code
        }
    }
}

fn run(command: Command, output: Output) -> Result<ExitCode, Failure> {
    match command {
        Command::Completions(args) => Ok(commands::completions(&args)),
        Command::Runner(args) => commands::runner(args),
        Command::Serve(args) => commands::serve(args),
        Command::Speaker => Ok(tintype_tools::voice::serve()),
        Command::Shepherd => Ok(tintype_launch::tend().map(|()| ExitCode::SUCCESS)?),
        other => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(ask(other, output))
        }
    }
}

/// The commands that talk to a server.
async fn ask(command: Command, output: Output) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(args) => commands::run(args, output).await,
        Command::Models(args) => commands::models(args, output).await,
        Command::Apps(args) => commands::apps(&args, output).await,
        Command::Runners(args) => commands::runners(&args, output).await,
        Command::Requests(args) => commands::requests(args, output).await,
        Command::Keys(args) => commands::keys(args, output).await,
        Command::Doctor => commands::doctor(output).await,
        Command::Exec(args) => exec::exec(args).await,
        Command::Completions(_) | Command::Runner(_) | Command::Serve(_) | Command::Shepherd | Command::Speaker => {
            unreachable!("answered before")
        }
    }
}

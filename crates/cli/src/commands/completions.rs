//! `tintype completions SHELL`.

use std::{io, process::ExitCode};

use clap::CommandFactory;

use crate::args::{Arguments, CompletionsArgs};

pub(crate) fn completions(args: &CompletionsArgs) -> ExitCode {
    clap_complete::generate(args.shell, &mut Arguments::command(), "tintype", &mut io::stdout());
    ExitCode::SUCCESS
}

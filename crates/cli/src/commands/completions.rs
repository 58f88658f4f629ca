//! `tintype completions SHELL`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::CommandFactory;

use crate::args::{Arguments, CompletionsArgs};

pub(crate) fn completions(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Arguments::command(), "tintype", &mut script);
    // A reader that left, such as `head`, is no error.
    let _ = io::stdout().lock().write_all(&script);
    ExitCode::SUCCESS
}

//! `tintype runner`: this program as the runner of one model. Servers start it; people have no use for it.

use std::{net::SocketAddr, process::ExitCode};

use tintype_runner::{Listen, Options};

use crate::{args::RunnerArgs, failure::Failure};

pub(crate) fn runner(args: RunnerArgs) -> Result<ExitCode, Failure> {
    let listen = match (args.socket, args.port) {
        (Some(path), _) => Listen::Unix(path),
        (None, Some(port)) => Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], port))),
        (None, None) => return Err(Failure::new("a runner needs `--socket PATH` or `--port PORT`")),
    };
    let options = Options {
        family: args.family,
        weights: args.weights,
        scratch: args.scratch,
        work: args.work,
        sandbox: args.sandbox,
        platform: args.platform,
        slots: args.slots,
        threads: args.threads,
        device: args.device,
        session_timeout: args.session_timeout,
        ..Options::new(args.model, listen)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(tintype_runner::run(options))?;
    Ok(ExitCode::SUCCESS)
}

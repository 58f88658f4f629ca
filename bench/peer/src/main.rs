//! The other side of the benchmarks: a plain reverse proxy to compare with, and the clients that load a server.
//!
//! Every measurement prints one line of JSON. Nothing here is part of the product.

mod fetch;
mod poll;
mod proxy;
mod queue;
mod stats;
mod wire;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Load and comparison programs for the benchmarks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Forwards every request to a runner's socket, and does nothing else.
    Proxy {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: String,
        #[arg(long)]
        socket: PathBuf,
    },
    /// Submits, waits for the end on the status stream, and reads the result, over and over.
    Queue(queue::Options),
    /// Many clients that poll one request's status.
    Poll(poll::Options),
    /// Downloads one file again and again and throws it away.
    Fetch(fetch::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Proxy { listen, socket } => proxy::run(&listen, socket).await,
        Task::Queue(options) => queue::run(options).await,
        Task::Poll(options) => poll::run(options).await,
        Task::Fetch(options) => fetch::run(&options),
    }
}

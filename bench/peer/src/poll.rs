//! Thousands of clients that each ask now and then how a request is doing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};
use http::Method;

use crate::{stats, wire::Connection};

#[derive(Args)]
pub struct Options {
    #[arg(long)]
    url: String,
    #[arg(long)]
    key: String,
    /// Path of the status to poll.
    #[arg(long)]
    path: String,
    #[arg(long, default_value_t = 10_000)]
    clients: usize,
    /// Each client asks once in so many milliseconds.
    #[arg(long, default_value_t = 1000)]
    interval_ms: u64,
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

/// Connections opened at one time.
const OPENING: usize = 200;

pub async fn run(options: Options) -> anyhow::Result<()> {
    let options = Arc::new(options);
    let opening = stream::iter(0..options.clients).map(|_| Connection::open(&options.url, &options.key));
    let connections: Vec<_> = opening.buffer_unordered(OPENING).try_collect().await?;
    let began = Instant::now();
    let end = began + Duration::from_secs_f64(options.seconds);
    let interval = Duration::from_millis(options.interval_ms);
    let count = u32::try_from(options.clients)?;
    let tasks = connections.into_iter().zip(0..).map(|(connection, number)| {
        // Spread evenly, as clients that started at different times are.
        let first = began + interval * number / count;
        let polling = client(options.clone(), connection, first, interval, end);
        async { tokio::spawn(polling).await? }
    });
    let latencies: Vec<Vec<Duration>> = try_join_all(tasks).await?;
    println!("{}", stats::summary(latencies.concat(), began.elapsed()));
    Ok(())
}

/// Latency counts from the moment at which the poll was due, so that a slow server cannot hide behind few polls.
async fn client(
    options: Arc<Options>,
    mut connection: Connection,
    first: Instant,
    interval: Duration,
    end: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    let mut due = first;
    while due < end {
        tokio::time::sleep_until(due.into()).await;
        connection.ask(Method::GET, &options.path, "").await?;
        latencies.push(due.elapsed());
        due += interval;
    }
    Ok(latencies)
}

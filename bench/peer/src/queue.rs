//! The durable life of a request, as a client sees it: submit, wait, read.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Args;
use futures::future::try_join_all;
use http::Method;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::{stats, wire::Connection};

#[derive(Args)]
pub struct Options {
    #[arg(long)]
    url: String,
    #[arg(long)]
    key: String,
    #[arg(long, default_value = "tintype/noop")]
    app: String,
    #[arg(long, default_value_t = 1)]
    clients: usize,
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    let options = Arc::new(options);
    let mut connections = Vec::new();
    for _ in 0..options.clients {
        connections.push(Connection::open(&options.url, &options.key).await?);
    }
    let began = Instant::now();
    let end = began + Duration::from_secs_f64(options.seconds);
    let clients = connections.into_iter().map(|connection| client(options.clone(), connection, end));
    let tasks = clients.map(|client| async { tokio::spawn(client).await? });
    let latencies: Vec<Vec<Duration>> = try_join_all(tasks).await?;
    println!("{}", stats::summary(latencies.concat(), began.elapsed()));
    Ok(())
}

async fn client(options: Arc<Options>, mut connection: Connection, end: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        life(&options.app, &mut connection).await?;
        latencies.push(began.elapsed());
    }
    Ok(latencies)
}

async fn life(app: &str, connection: &mut Connection) -> anyhow::Result<()> {
    // A kilobyte, which is what a prompt with its settings comes to.
    let body = serde_json::json!({ "prompt": "x".repeat(1000) }).to_string();
    let submitted: Value =
        serde_json::from_slice(&connection.ask(Method::POST, &format!("/queue/{app}"), &body).await?)?;
    let id = submitted["request_id"].as_str().context("an id in the answer")?;
    let path = format!("/queue/{app}/requests/{id}");
    let mut stream = connection.send(Method::GET, &format!("{path}/status/stream"), "").await?.into_body();
    let mut tail = Vec::new();
    while let Some(frame) = stream.frame().await {
        tail.extend_from_slice(frame?.data_ref().map_or(&[][..], |data| data));
    }
    let done = String::from_utf8_lossy(&tail).contains("COMPLETED");
    anyhow::ensure!(done, "the stream ended before the request: {}", String::from_utf8_lossy(&tail));
    connection.ask(Method::GET, &path, "").await.map(drop)
}

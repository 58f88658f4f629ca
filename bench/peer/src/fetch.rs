//! Downloads that cost the client as little as they can: a blocking socket and one large buffer.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Instant,
};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;

use crate::wire::host_of;

#[derive(Args)]
pub struct Options {
    #[arg(long)]
    url: String,
    #[arg(long, default_value_t = 10)]
    times: usize,
    /// Downloads at one time, each on its own connection.
    #[arg(long, default_value_t = 1)]
    connections: usize,
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    let began = Instant::now();
    let sizes: Vec<anyhow::Result<u64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.connections).map(|_| scope.spawn(|| download(options))).collect();
        threads.into_iter().map(|thread| thread.join().expect("the download does not panic")).collect()
    });
    let bytes = sizes.into_iter().sum::<anyhow::Result<u64>>()?;
    let seconds = began.elapsed().as_secs_f64();
    println!("{}", json!({ "bytes": bytes, "megabytes_per_second": bytes as f64 / 1e6 / seconds }));
    Ok(())
}

fn download(options: &Options) -> anyhow::Result<u64> {
    let host = host_of(&options.url)?;
    let path = options.url.split_once(&host).map_or("/", |(_, path)| path);
    let mut stream = TcpStream::connect(&host)?;
    let mut buffer = vec![0; 1 << 20];
    let mut total = 0;
    for _ in 0..options.times {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())?;
        total += one(&mut stream, &mut buffer)?;
    }
    Ok(total)
}

fn one(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<u64> {
    let mut head = Vec::new();
    let end = loop {
        let count = stream.read(buffer)?;
        head.extend_from_slice(&buffer[..count]);
        if let Some(at) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if count == 0 {
            bail!("the server closed before it answered");
        }
    };
    let size = length(&String::from_utf8_lossy(&head[..end]))?;
    let mut left = size - (head.len() - end) as u64;
    while left > 0 {
        let count = stream.read(buffer)? as u64;
        left = left.checked_sub(count).filter(|_| count > 0).context("the body ended early or is too long")?;
    }
    Ok(size)
}

fn length(head: &str) -> anyhow::Result<u64> {
    anyhow::ensure!(head.starts_with("HTTP/1.1 200"), "the download failed: {head}");
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let found =
        lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value.trim()).next();
    Ok(found.context("no content-length")?.parse()?)
}

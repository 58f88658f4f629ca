//! Latencies, and what is told of them.

use std::time::Duration;

use serde_json::{Value, json};

/// Throughput and percentiles of what finished within `took`.
pub fn summary(mut latencies: Vec<Duration>, took: Duration) -> Value {
    latencies.sort_unstable();
    json!({
        "count": latencies.len(),
        "per_second": latencies.len() as f64 / took.as_secs_f64(),
        "p50_ms": percentile(&latencies, 0.50),
        "p99_ms": percentile(&latencies, 0.99),
        "max_ms": percentile(&latencies, 1.0),
    })
}

fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let at = ((sorted.len().saturating_sub(1)) as f64 * share).round() as usize;
    sorted.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
}

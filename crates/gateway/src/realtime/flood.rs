//! How fast a caller may send: a steady rate, and ten seconds' worth at once.

use tokio::time::Instant;

pub(crate) struct Flood {
    rate: f64,
    allowance: f64,
    last: Instant,
}

impl Flood {
    pub(crate) fn new(per_sec: u32) -> Self {
        let rate = f64::from(per_sec);
        Self { rate, allowance: rate * 10.0, last: Instant::now() }
    }

    /// Counts one message; `false` when it is one too many.
    pub(crate) fn admit(&mut self) -> bool {
        let now = Instant::now();
        let earned = now.duration_since(self.last).as_secs_f64() * self.rate;
        self.last = now;
        self.allowance = (self.allowance + earned).min(self.rate * 10.0) - 1.0;
        self.allowance >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_a_flood_does_not() {
        let mut flood = Flood::new(10);
        assert_eq!((0..200).filter(|_| flood.admit()).count(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_rate_passes_for_ever() {
        let mut flood = Flood::new(10);
        for _ in 0..1000 {
            tokio::time::advance(Duration::from_millis(101)).await;
            assert!(flood.admit());
        }
    }
}

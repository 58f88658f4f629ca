//! The machine's clock: starts at the time of day, and is never corrected.
//!
//! Timeouts, back-off and keep-alive must not move when somebody sets the clock of the machine; what
//! is shown and stored uses the time of day.

use std::sync::Arc;

use tintype_domain::{Clock, Timestamp};
use tokio::time::Instant;

#[derive(Clone)]
pub(crate) struct Steady {
    origin: Timestamp,
    started: Instant,
    day: Arc<dyn Clock>,
}

impl Steady {
    pub fn new(day: Arc<dyn Clock>) -> Self {
        Self { origin: day.now(), started: Instant::now(), day }
    }

    pub fn now(&self) -> Timestamp {
        self.origin.plus(self.started.elapsed())
    }

    /// The steady time at which the time of day will be `day`, as far as is known now.
    pub fn of_day(&self, day: Timestamp) -> Timestamp {
        shift(day, self.day.now(), self.now())
    }

    /// The time of day that a steady time was or will be.
    pub fn to_day(&self, steady: Timestamp) -> Timestamp {
        shift(steady, self.now(), self.day.now())
    }
}

fn shift(time: Timestamp, from: Timestamp, to: Timestamp) -> Timestamp {
    if time >= from { to.plus(time.since(from)) } else { to.minus(from.since(time)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tintype_domain::ManualClock;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_corrected_time_of_day_moves_no_timeout() {
        let day = Arc::new(ManualClock::at(Timestamp::from_micros(1_000_000_000)));
        let steady = Steady::new(day.clone());
        let due = steady.now().plus(Duration::from_secs(10));
        day.advance(Duration::from_secs(3600));
        assert_eq!(due.since(steady.now()), Duration::from_secs(10));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(due.since(steady.now()), Duration::from_secs(6));
        let deadline = day.now().plus(Duration::from_secs(5));
        assert_eq!(steady.to_day(steady.of_day(deadline)), deadline);
    }
}

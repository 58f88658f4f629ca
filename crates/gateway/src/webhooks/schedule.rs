//! When to try again, and when to stop.

use std::time::Duration;

use tintype_domain::Timestamp;
use tintype_outbound::DeliverError;

/// Deliveries of one message, all together.
pub(crate) const MAX_TRIES: u32 = 31;
const LONGEST_PAUSE: Duration = Duration::from_secs(150);

/// How one try went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Delivered,
    /// Another try may go better.
    Again(String),
    /// No try will.
    Hopeless(String),
}

impl Verdict {
    pub(crate) fn of(outcome: &Result<u16, DeliverError>) -> Self {
        match outcome {
            Ok(200..=299) => Self::Delivered,
            Ok(status @ 300..=399) => {
                Self::Hopeless(format!("the receiver redirected ({status}), which is not followed"))
            }
            Ok(status) => Self::Again(format!("the receiver answered with status {status}")),
            Err(error) if error.is_transient() => Self::Again(error.to_string()),
            Err(error) => Self::Hopeless(error.to_string()),
        }
    }
}

/// The first try must be answered quickly, the later ones may take their time.
pub(crate) const fn timeout(tries_before: u32) -> Duration {
    Duration::from_secs(if tries_before == 0 { 15 } else { 120 })
}

/// When to try next, after `tries` tries; `None`: not again. The pauses double from one second and add up to about an
/// hour.
pub(crate) fn next(tries: u32, now: Timestamp, give_up_at: Timestamp) -> Option<Timestamp> {
    let pause = Duration::from_secs(1 << tries.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
    let next = now.plus(pause);
    (tries < MAX_TRIES && next < give_up_at).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const FAR: Timestamp = Timestamp::from_micros(i64::MAX);

    #[test]
    fn pauses_double_and_level_off_at_about_an_hour_in_all() {
        let pauses: Vec<_> = (1..MAX_TRIES).map(|tries| next(tries, NOW, FAR).unwrap().since(NOW).as_secs()).collect();
        assert_eq!(pauses[..9], [1, 2, 4, 8, 16, 32, 64, 128, 150]);
        assert_eq!(pauses.len(), 30);
        assert!((3300..3700).contains(&pauses.iter().sum::<u64>()));
    }

    #[test]
    fn the_last_try_and_the_end_of_the_result_end_it() {
        assert_eq!(next(MAX_TRIES, NOW, FAR), None);
        assert_eq!(next(5, NOW, NOW.plus(Duration::from_secs(16))), None);
        assert!(next(5, NOW, NOW.plus(Duration::from_secs(17))).is_some());
    }

    #[test]
    fn only_a_2xx_is_delivered_and_a_3xx_is_final() {
        for status in [200, 201, 204, 299] {
            assert_eq!(Verdict::of(&Ok(status)), Verdict::Delivered);
        }
        for status in [301, 302, 307, 308] {
            assert!(matches!(Verdict::of(&Ok(status)), Verdict::Hopeless(_)));
        }
        for status in [400, 404, 410, 429, 500, 503] {
            assert!(matches!(Verdict::of(&Ok(status)), Verdict::Again(_)));
        }
    }
}

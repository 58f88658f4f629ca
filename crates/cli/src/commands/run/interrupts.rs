//! Signals that end a command: the first is heard and answered, another ends it at once.

use std::{
    fs,
    future::{self, Future},
    io,
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// What shells report of a program that a signal ended is this and its number.
const ENDED: u8 = 128;

pub(super) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// Not of a command that `nohup` started: it is to outlive its terminal.
    hang_up: Option<Signal>,
}

impl Interrupts {
    /// From here on the signals do nothing by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: (!is_ignored(SignalKind::hangup())).then(|| signal(SignalKind::hangup())).transpose()?,
        })
    }

    /// The exit status that the next signal makes.
    pub(super) async fn next(&mut self) -> u8 {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => future::pending().await,
            }
        };
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = hang_up => SignalKind::hangup(),
        };
        u8::try_from(kind.as_raw_value()).map_or(ENDED, |number| ENDED + number)
    }

    /// What comes of `work`, unless a signal comes first.
    pub(super) async fn or<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
        told: &str,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            outcome = work => outcome,
            code = self.next() => Err(Failure::new(told).with_code(code)),
        }
    }
}

/// What was ignored when the program began; listening would undo that.
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}

//! Signals that end a command: the first is heard and answered, another ends it at once.

use std::{future::Future, io};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// What shells report of a program that a signal ended is this and its number.
const ENDED: u8 = 128;

pub(super) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Interrupts {
    /// From here on the signals do nothing by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The exit status that the next signal makes.
    pub(super) async fn next(&mut self) -> u8 {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hang_up.recv() => SignalKind::hangup(),
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

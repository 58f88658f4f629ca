//! What a seed stands for: the app, the requests, and what each does to its runner.

use std::time::Duration;

use tintype_domain::{
    ErrorType, Priority, RetryBudget, Verdict,
    app::{CrashPause, Spec},
};

use crate::dice::Dice;

/// What a request does to the runner that works on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    Good,
    /// Ends with this status every time.
    Fails(u16),
    /// Sometimes 503, 504, or a broken answer; sooner or later good.
    Flaky,
    /// Kills its runner every time.
    Poison,
    /// Never ends by itself.
    Hangs,
}

#[derive(Clone, Debug)]
pub struct Wish {
    pub account: &'static str,
    pub priority: Priority,
    pub nature: Nature,
    pub direct: bool,
    pub never: bool,
    /// After its submission.
    pub start_within: Option<Duration>,
    /// After its submission.
    pub cancel_after: Option<Duration>,
    pub hint: Option<&'static str>,
}

pub fn spec(dice: &mut Dice) -> Spec {
    Spec {
        min_concurrency: dice.below(2) as u32,
        max_concurrency: 1 + dice.below(3) as u32,
        concurrency_buffer: u32::from(dice.chance(20)),
        concurrency_buffer_percent: dice.pick(&[0, 0, 0, 100]),
        keep_alive: dice.millis(0, 20_000),
        scaling_delay: if dice.chance(25) { dice.millis(100, 3000) } else { Duration::ZERO },
        max_multiplexing: 1 + dice.below(3) as u32,
        request_timeout: dice.millis(4000, 20_000),
        request_start_timeout: None,
        startup_timeout: Duration::from_secs(10),
        crash_pause: dice.pick(&[CrashPause::default(), CrashPause::Linear(Duration::from_secs(3))]),
        termination_grace_period: dice.millis(500, 4000),
        retry: RetryBudget::default(),
        poison_after: 1 + dice.below(3) as u32,
        account_concurrency: dice.chance(20).then_some(1),
    }
}

/// What an owner changes while the app runs.
pub fn tuned(dice: &mut Dice, spec: &Spec) -> Spec {
    Spec {
        min_concurrency: dice.below(3) as u32,
        max_concurrency: 1 + dice.below(4) as u32,
        concurrency_buffer: u32::from(dice.chance(20)),
        concurrency_buffer_percent: dice.pick(&[0, 0, 50, 200]),
        keep_alive: dice.millis(0, 20_000),
        scaling_delay: if dice.chance(25) { dice.millis(100, 3000) } else { Duration::ZERO },
        ..spec.clone()
    }
}

pub fn wish(dice: &mut Dice) -> Wish {
    let nature = match dice.below(100) {
        0..55 => Nature::Good,
        55..65 => Nature::Fails(dice.pick(&[400, 404, 422, 429, 500, 502])),
        65..82 => Nature::Flaky,
        82..90 => Nature::Poison,
        90..94 => Nature::Hangs,
        _ => Nature::Fails(dice.pick(&[503, 504])),
    };
    Wish {
        account: dice.pick(&["ann", "ann", "ann", "bob", "cat"]),
        priority: dice.pick(&[Priority::Normal, Priority::Normal, Priority::High, Priority::Low]),
        nature,
        direct: dice.chance(25),
        never: dice.chance(10),
        start_within: dice.chance(15).then(|| dice.millis(200, 20_000)),
        cancel_after: dice.chance(15).then(|| dice.millis(0, 10_000)),
        hint: dice.chance(10).then_some("warm"),
    }
}

/// How an attempt ends, if its runner lives; `None`: it does not end by itself.
pub fn ending(dice: &mut Dice, nature: Nature, calm: bool) -> Option<Verdict> {
    let answered = |status| Verdict::Answered { status, needs_retry: None, stop_runner: false };
    match nature {
        Nature::Good => {
            Some(Verdict::Answered { status: 200, needs_retry: None, stop_runner: dice.chance(4) && !calm })
        }
        Nature::Fails(status) => {
            Some(Verdict::Answered { status, needs_retry: (status == 429).then_some(true), stop_runner: false })
        }
        Nature::Flaky if calm || dice.chance(50) => Some(answered(200)),
        Nature::Flaky => Some(match dice.below(4) {
            0 => answered(503),
            1 => answered(504),
            2 => Verdict::broken(ErrorType::RunnerIncompleteResponse, "broke off"),
            _ => Verdict::Answered { status: 500, needs_retry: Some(true), stop_runner: true },
        }),
        Nature::Poison | Nature::Hangs => None,
    }
}

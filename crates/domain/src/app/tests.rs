//! The machine, one rule at a time.

mod replace;

use std::time::Duration;

use super::*;
use crate::{AccountId, Attempt, ErrorType, Outcome, Priority, RequestId, RetryBudget, RunnerId, Timestamp, Verdict};

struct Play {
    app: App,
    now: Timestamp,
}

fn id(n: u8) -> RequestId {
    RequestId::new(Timestamp::EPOCH, [n; 10])
}

fn runner(n: u32) -> RunnerId {
    RunnerId::new(format!("r-{n}"))
}

fn start(n: u32) -> Effect {
    Effect::StartRunner { runner: runner(n), generation: 0 }
}

fn job(n: u8) -> Job {
    Job {
        id: id(n),
        account: AccountId::new("ann"),
        priority: Priority::Normal,
        kind: Kind::Queued,
        start_deadline: None,
        give_up_at: None,
        hint: None,
        retry: RetryBudget::default(),
        attempts: 0,
        crashes: 0,
    }
}

fn answered(status: u16) -> Verdict {
    Verdict::Answered { status, needs_retry: None, stop_runner: false }
}

fn lost() -> Verdict {
    Verdict::broken(ErrorType::RunnerDisconnected, "closed")
}

impl Play {
    fn new(spec: Spec) -> Self {
        Self { app: App::new(spec, "r"), now: Timestamp::from_micros(1_000_000) }
    }

    fn hear(&mut self, event: Event) -> Vec<Effect> {
        self.app.step(event, self.now)
    }

    fn later(&mut self, seconds: u64) -> Vec<Effect> {
        self.now = self.now.plus(Duration::from_secs(seconds));
        self.hear(Event::Tick)
    }

    fn arrive(&mut self, n: u8) -> Vec<Effect> {
        self.hear(Event::Arrived(job(n)))
    }

    fn report(&mut self, n: u8, attempt: u32, verdict: Verdict) -> Vec<Effect> {
        self.hear(Event::Reported { id: id(n), attempt: Attempt(attempt), verdict })
    }

    fn exit(&mut self, n: u32) -> Vec<Effect> {
        self.hear(Event::RunnerExited { runner: runner(n), reason: "it exited with status 1".into(), began: true })
    }

    /// A request that runs on a ready runner.
    fn run(&mut self, n: u8, on: u32) {
        self.arrive(n);
        self.hear(Event::RunnerReady { runner: runner(on) });
        self.hear(Event::Began { id: id(n), attempt: Attempt(1) });
    }
}

#[test]
fn a_request_starts_a_runner_is_claimed_and_then_sent_and_ends() {
    let mut play = Play::new(Spec::default());
    assert_eq!(play.arrive(1), [start(1)]);
    let (id, attempt, runner) = (id(1), Attempt(1), runner(1));
    let claimed = play.hear(Event::RunnerReady { runner: runner.clone() });
    assert_eq!(claimed, [Effect::Begin { id, attempt, runner: runner.clone() }]);
    let sent = play.hear(Event::Began { id, attempt });
    assert_eq!(sent, [Effect::Send { id, attempt, runner }]);
    let end = End::Answer { outcome: Outcome::Succeeded };
    assert_eq!(play.report(1, 1, answered(200)), [Effect::Finish { id, attempt: Some(attempt), end }]);
    assert_eq!(play.hear(Event::Ended { id }), [Effect::Forget { id }]);
}

#[test]
fn a_report_from_a_superseded_attempt_changes_nothing() {
    let mut play = Play::new(Spec::default());
    play.run(1, 1);
    play.report(1, 1, answered(504));
    play.hear(Event::Requeued { id: id(1), attempt: Attempt(1) });
    play.later(1);
    play.hear(Event::Began { id: id(1), attempt: Attempt(2) });
    assert_eq!(play.report(1, 1, answered(200)), []);
    assert!(matches!(play.report(1, 2, answered(200))[..], [Effect::Finish { .. }]));
}

#[test]
fn a_claim_that_the_store_refuses_is_never_sent() {
    let mut play = Play::new(Spec::default());
    play.arrive(1);
    play.hear(Event::RunnerReady { runner: runner(1) });
    assert_eq!(play.hear(Event::BeginRefused { id: id(1), attempt: Attempt(1) }), [Effect::Forget { id: id(1) }]);
    assert!(!play.app.knows(id(1)));
}

#[test]
fn a_claim_that_could_not_be_written_is_tried_again_after_a_pause() {
    let mut play = Play::new(Spec::default());
    play.arrive(1);
    play.hear(Event::RunnerReady { runner: runner(1) });
    assert_eq!(play.hear(Event::BeginFailed { id: id(1), attempt: Attempt(1) }), []);
    assert!(matches!(play.later(1)[..], [Effect::Begin { attempt: Attempt(1), .. }]));
}

#[test]
fn the_exit_behind_a_broken_connection_is_in_the_message() {
    let mut play = Play::new(Spec { poison_after: 1, ..Spec::default() });
    play.run(1, 1);
    assert_eq!(play.report(1, 1, lost()), [Effect::KillRunner { runner: runner(1) }]);
    let effects = play.exit(1);
    let [Effect::Finish { end: End::Failure { failure, .. }, .. }, ..] = &effects[..] else { panic!("{effects:?}") };
    assert!(failure.detail.ends_with("the last: closed: it exited with status 1"), "{}", failure.detail);
}

#[test]
fn a_request_under_which_runners_die_is_set_aside_and_takes_no_other_down() {
    let mut play = Play::new(Spec { max_multiplexing: 2, poison_after: 2, ..Spec::default() });
    play.run(1, 1);
    play.arrive(2);
    play.hear(Event::Began { id: id(2), attempt: Attempt(1) });
    for n in [1, 2] {
        play.report(n, 1, lost());
    }
    play.exit(1);
    for n in [1, 2] {
        play.hear(Event::Requeued { id: id(n), attempt: Attempt(1) });
    }
    play.later(1);
    let begun = play.hear(Event::RunnerReady { runner: runner(2) });
    assert!(matches!(begun[..], [Effect::Begin { attempt: Attempt(2), .. }]), "suspects run alone: {begun:?}");
}

#[test]
fn those_on_a_runner_that_another_request_got_killed_are_not_blamed() {
    let mut play = Play::new(Spec { max_multiplexing: 2, poison_after: 1, ..Spec::default() });
    play.run(1, 1);
    play.arrive(2);
    play.hear(Event::Began { id: id(2), attempt: Attempt(1) });
    play.report(1, 1, answered(503));
    play.report(2, 1, lost());
    assert!(play.exit(1).contains(&Effect::Requeue { id: id(2), attempt: Attempt(1), crashed: false }));
}

#[test]
fn an_attempt_that_exceeds_the_request_timeout_costs_its_runner() {
    let mut play = Play::new(Spec { request_timeout: Duration::from_secs(5), ..Spec::default() });
    play.run(1, 1);
    let effects = play.later(5);
    assert!(matches!(
        effects[..],
        [Effect::Revoke { .. }, Effect::KillRunner { .. }, Effect::Requeue { crashed: false, .. }]
    ));
}

#[test]
fn a_waiting_request_is_removed_at_once_and_a_running_one_is_asked() {
    let mut play = Play::new(Spec::default());
    play.run(1, 1);
    play.arrive(2);
    let removed = play.hear(Event::CancelAsked { id: id(2) });
    assert!(matches!(removed[..], [Effect::Finish { attempt: None, .. }]));
    let told = play.hear(Event::Ended { id: id(2) });
    assert_eq!(told[0], Effect::AnswerCancel { id: id(2), answer: CancelAnswer::Removed });
    let asked = play.hear(Event::CancelAsked { id: id(1) });
    assert!(matches!(asked[..], [Effect::AskCancel { .. }, Effect::AnswerCancel { .. }]));
    let end = End::Answer { outcome: Outcome::Cancelled };
    assert_eq!(play.report(1, 1, answered(499)), [Effect::Finish { id: id(1), attempt: Some(Attempt(1)), end }]);
}

#[test]
fn a_cancelled_attempt_that_does_not_stop_costs_a_runner_that_serves_nobody_else() {
    let spec = Spec { max_multiplexing: 2, termination_grace_period: Duration::from_secs(2), ..Spec::default() };
    let mut play = Play::new(spec);
    play.run(1, 1);
    play.arrive(2);
    play.hear(Event::Began { id: id(2), attempt: Attempt(1) });
    play.hear(Event::CancelAsked { id: id(1) });
    play.hear(Event::CancelAccepted { id: id(1), attempt: Attempt(1) });
    assert_eq!(play.later(2), [], "the runner also works for another");
    play.report(2, 1, answered(200));
    assert!(play.later(2).contains(&Effect::KillRunner { runner: runner(1) }));
}

#[test]
fn a_request_that_is_not_begun_by_its_deadline_expires() {
    let mut play = Play::new(Spec::default());
    let deadline = play.now.plus(Duration::from_secs(3));
    play.hear(Event::Arrived(Job { start_deadline: Some(deadline), ..job(1) }));
    assert_eq!(play.app.next_wake(), Some(deadline));
    let effects = play.later(3);
    assert!(matches!(&effects[..], [Effect::Finish { end, .. }, ..] if end.outcome() == Outcome::Expired));
}

#[test]
fn failed_starts_wait_longer_each_time_and_an_answer_forgives_them() {
    let mut play = Play::new(Spec::default());
    play.arrive(1);
    assert_eq!(play.exit(1), []);
    assert_eq!(play.app.why(id(1), play.now).unwrap().cause, Cause::CrashLoop);
    assert_eq!(play.later(1), [start(2)]);
    play.exit(2);
    assert_eq!(play.later(1), []);
    assert_eq!(play.later(1), [start(3)]);
    play.hear(Event::RunnerReady { runner: runner(3) });
    play.hear(Event::Began { id: id(1), attempt: Attempt(1) });
    play.report(1, 1, answered(200));
    play.arrive(2);
    play.arrive(3);
    assert_eq!(play.exit(3), [start(4)]);
}

#[test]
fn a_runner_lives_on_for_its_keep_alive_and_the_minimum_lives_on_without_requests() {
    let mut play = Play::new(Spec { keep_alive: Duration::from_secs(30), ..Spec::default() });
    play.run(1, 1);
    play.report(1, 1, answered(200));
    assert_eq!(play.later(29), []);
    assert_eq!(play.later(1), [Effect::TerminateRunner { runner: runner(1) }]);
    let mut play = Play::new(Spec { min_concurrency: 2, max_concurrency: 3, ..Spec::default() });
    assert_eq!(play.hear(Event::Tick).len(), 2);
    for n in [1, 2] {
        play.hear(Event::RunnerReady { runner: runner(n) });
    }
    assert_eq!(play.later(100_000), []);
}

#[test]
fn a_scaling_delay_holds_the_next_runner_back() {
    let mut play = Play::new(Spec { scaling_delay: Duration::from_secs(4), max_concurrency: 2, ..Spec::default() });
    assert_eq!(play.arrive(1), []);
    assert_eq!(play.app.next_wake(), Some(play.now.plus(Duration::from_secs(4))));
    assert_eq!(play.later(4), [start(1)]);
}

#[test]
fn a_moment_that_passed_between_two_looks_is_not_lost() {
    let mut play = Play::new(Spec { scaling_delay: Duration::from_secs(4), ..Spec::default() });
    play.arrive(1);
    let due = play.now.plus(Duration::from_secs(4));
    play.now = due.plus(Duration::from_secs(1));
    assert_eq!(play.app.next_wake(), Some(due), "nobody has looked since it came");
    assert_eq!(play.hear(Event::Tick), [start(1)]);
    assert_eq!(play.app.next_wake(), None);
}

#[test]
fn a_hint_prefers_the_runner_that_offers_it() {
    let mut play = Play::new(Spec { min_concurrency: 2, max_concurrency: 2, ..Spec::default() });
    play.hear(Event::Tick);
    for n in [1, 2] {
        play.hear(Event::RunnerReady { runner: runner(n) });
    }
    play.hear(Event::RunnerHints { runner: runner(1), hints: vec!["session".into()] });
    let begun = play.hear(Event::Arrived(Job { hint: Some("session".into()), ..job(1) }));
    assert_eq!(begun, [Effect::Begin { id: id(1), attempt: Attempt(1), runner: runner(1) }]);
}

#[test]
fn a_stop_lets_work_end_and_a_halt_puts_it_back() {
    let mut play = Play::new(Spec::default());
    play.run(1, 1);
    play.arrive(2);
    assert_eq!(play.hear(Event::Stop), []);
    assert_eq!(play.app.why(id(2), play.now).unwrap().cause, Cause::Stopping);
    assert!(!play.app.is_settled());
    let halted = play.hear(Event::Halt);
    assert!(halted.contains(&Effect::Requeue { id: id(1), attempt: Attempt(1), crashed: false }));
    assert!(halted.contains(&Effect::KillRunner { runner: runner(1) }));
    play.hear(Event::Requeued { id: id(1), attempt: Attempt(1) });
    assert_eq!(play.exit(1), []);
    assert!(play.app.is_settled());
}

#[test]
fn what_ran_when_the_server_died_is_requeued_or_ended_if_it_forbids_retries() {
    let mut play = Play::new(Spec::default());
    let ran = Job { attempts: 1, ..job(1) };
    let requeued = play.hear(Event::Recovered { job: ran.clone(), running: true, runner: None });
    assert_eq!(requeued[0], Effect::Requeue { id: id(1), attempt: Attempt(1), crashed: false });
    let never = Job { id: id(2), retry: RetryBudget { never: true, ..RetryBudget::default() }, ..ran };
    let ended = play.hear(Event::Recovered { job: never, running: true, runner: None });
    assert!(matches!(&ended[..], [Effect::Finish { end, .. }] if end.outcome() == Outcome::Failed));
}

#[test]
fn an_account_at_its_limit_is_told_so() {
    let mut play = Play::new(Spec { max_multiplexing: 4, account_concurrency: Some(1), ..Spec::default() });
    play.run(1, 1);
    assert_eq!(play.arrive(2), []);
    let why = play.app.why(id(2), play.now).unwrap();
    assert_eq!(why.cause, Cause::AccountLimit);
    assert_eq!(why.next, "it starts when one of them ends");
}

#[test]
fn a_runner_of_the_last_server_counts_at_once_and_serves_when_it_is_ready() {
    let mut play = Play::new(Spec::default());
    let old = RunnerId::new("old-1");
    assert_eq!(play.hear(Event::Adopted { runners: vec![(old.clone(), Vec::new())] }), []);
    assert_eq!(play.arrive(1), [], "no other runner is started beside it");
    let claimed = play.hear(Event::RunnerReady { runner: old.clone() });
    assert_eq!(claimed, [Effect::Begin { id: id(1), attempt: Attempt(1), runner: old.clone() }]);
    assert_eq!(play.hear(Event::Adopted { runners: vec![(old, Vec::new())] }), [], "it is adopted once");
    assert_eq!(play.app.runners().len(), 1);
}

#[test]
fn the_timeline_of_an_adopted_runner_is_that_of_its_start_and_of_its_latest_adoption() {
    let mut play = Play::new(Spec::default());
    let old = RunnerId::new("old-1");
    let step = |(stage, at): (&str, i64)| Step { stage: stage.into(), at: Timestamp::from_micros(at), detail: None };
    let written = [("queued", 1), ("setup", 2), ("ready", 5), ("adopted", 70), ("ready", 80)].map(step).to_vec();
    play.hear(Event::Adopted { runners: vec![(old.clone(), written.clone())] });
    let (kept, now) = (&play.app.steps(&old).unwrap()[..3], play.now);
    assert_eq!(kept, &written[..3]);
    play.hear(Event::RunnerReady { runner: old.clone() });
    let told: Vec<_> = play.app.steps(&old).unwrap()[3..].iter().map(|step| (step.stage.as_str(), step.at)).collect();
    assert_eq!(told, [("adopted", now), ("ready", play.now)]);
}

#[test]
fn who_waits_for_an_adopted_runner_is_told_nothing_of_its_first_start() {
    let mut play = Play::new(Spec::default());
    let step = |(stage, at): (&str, i64)| Step { stage: stage.into(), at: Timestamp::from_micros(at), detail: None };
    let written = [("queued", 1), ("setup", 9_000_000), ("ready", 90_000_000)].map(step).to_vec();
    play.hear(Event::Adopted { runners: vec![(RunnerId::new("old-1"), written)] });
    play.arrive(1);
    let detail = play.app.why(id(1), play.now).unwrap().detail;
    assert_eq!(detail, "a runner is being started: adopted, 0.0 s so far");
}

#[test]
fn a_runner_that_does_not_live_through_its_adoption_delays_nothing() {
    let mut play = Play::new(Spec::default());
    let old = RunnerId::new("old-1");
    play.hear(Event::Adopted { runners: vec![(old.clone(), Vec::new())] });
    play.arrive(1);
    let exited = Event::RunnerExited { runner: old, reason: "it was still at work".into(), began: true };
    assert_eq!(play.hear(exited), [start(1)]);
}

#[test]
fn no_runner_is_started_in_the_place_of_one_that_is_adopted_with_others() {
    let mut play = Play::new(Spec { min_concurrency: 2, max_concurrency: 2, ..Spec::default() });
    let runners = ["old-1", "old-2"].map(|name| (RunnerId::new(name), Vec::new()));
    assert_eq!(play.hear(Event::Adopted { runners: runners.into() }), []);
    assert_eq!(play.app.runners().len(), 2);
}

/// Request 1 ran on the runner `old-1` of the last server, which is being taken over.
fn taken_over() -> (Play, RunnerId) {
    let mut play = Play::new(Spec { max_concurrency: 2, ..Spec::default() });
    let old = RunnerId::new("old-1");
    play.hear(Event::Adopted { runners: vec![(old.clone(), Vec::new())] });
    let job = Job { attempts: 1, ..job(1) };
    assert_eq!(play.hear(Event::Recovered { job, running: true, runner: Some(old.clone()) }), []);
    (play, old)
}

#[test]
fn what_a_runner_of_the_last_server_may_still_work_on_waits_until_that_is_done() {
    let requeue = Effect::Requeue { id: id(1), attempt: Attempt(1), crashed: false };
    let (mut play, old) = taken_over();
    assert_eq!(play.hear(Event::RunnerReady { runner: old }), std::slice::from_ref(&requeue));
    let (mut play, old) = taken_over();
    let exited = Event::RunnerExited { runner: old, reason: "it was still at work".into(), began: true };
    assert!(play.hear(exited).contains(&requeue));
    let (mut play, _) = taken_over();
    assert!(play.hear(Event::Halt).contains(&requeue));
    let (mut play, _) = taken_over();
    assert!(play.later(100).contains(&requeue), "not for ever");
}

#[test]
fn what_a_runner_of_the_last_server_may_still_work_on_can_be_cancelled() {
    let (mut play, _) = taken_over();
    let ended = play.hear(Event::CancelAsked { id: id(1) });
    assert!(matches!(&ended[..], [Effect::Finish { attempt: Some(Attempt(1)), .. }]));
    assert_eq!(
        play.hear(Event::Ended { id: id(1) })[0],
        Effect::AnswerCancel { id: id(1), answer: CancelAnswer::Removed }
    );
}

//! What becomes of attempts: the runner's fate, another try, or the end.

use super::{
    App, Effect, End, Kind,
    entry::{EXPLANATION_WAIT, State, explain},
    fleet::{Asked, Life},
    requests::cancelled,
    retry::{Fate, Judgement, judge, pause},
};
use crate::{Attempt, ErrorType, Failure, Outcome, RequestId, RunnerId, Timestamp, Verdict};

impl App {
    pub(super) fn reported(
        &mut self,
        id: RequestId,
        attempt: Attempt,
        verdict: Verdict,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.entries.get(&id) else { return };
        let State::Running(run, _) = &entry.state else { return };
        // An attempt that was given up may still report.
        if run.attempt != attempt {
            return;
        }
        let (runner, kind) = (run.runner.clone(), entry.job.kind);
        let crashed = judge(&verdict).fate == Fate::Crash;
        match self.fleet.get(&runner).map(|runner| &runner.life) {
            Some(Life::Gone { reason }) if crashed => {
                let verdict = explain(verdict, &reason.clone());
                self.conclude(id, &verdict, now, out);
            }
            // The exit that explains a broken connection is usually on its way.
            Some(_) if crashed && kind == Kind::Queued => {
                self.end_runner(&runner, Asked::Crash, out);
                self.lose(id, verdict, now);
            }
            _ => self.conclude(id, &verdict, now, out),
        }
    }

    pub(super) fn lose(&mut self, id: RequestId, verdict: Verdict, now: Timestamp) {
        if let Some(entry) = self.entries.get_mut(&id)
            && let State::Running(_, watch) = &mut entry.state
        {
            watch.lost.get_or_insert((verdict, now.plus(EXPLANATION_WAIT)));
            self.rearm(id);
        }
    }

    /// The runner of `id` is gone: a loss that was waiting for the reason has it now.
    pub(super) fn explained(&mut self, id: RequestId, reason: &str, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(State::Running(_, watch)) = self.entries.get(&id).map(|entry| &entry.state) else { return };
        match watch.lost.clone() {
            Some((verdict, _)) => self.conclude(id, &explain(verdict, reason), now, out),
            None => self.lose(id, Verdict::broken(ErrorType::RunnerDisconnected, reason), now),
        }
    }

    /// An attempt is over.
    pub(super) fn conclude(&mut self, id: RequestId, verdict: &Verdict, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(entry) = self.entries.get(&id) else { return };
        let State::Running(run, _) = &entry.state else { return };
        let (run, kind) = (run.clone(), entry.job.kind);
        let judgement = judge(verdict);
        let collateral = judgement.fate == Fate::Crash && self.condemned(&run.runner);
        self.release(id, &run.runner, now, out);
        self.settle_runner(&run.runner, verdict, judgement.fate, out);
        match kind {
            Kind::Direct => self.forget(id, out),
            Kind::Queued => self.decide(id, run.attempt, verdict, judgement, collateral, now, out),
        }
    }

    /// Ended by the platform for something that those on it did not do.
    fn condemned(&self, runner: &RunnerId) -> bool {
        let asked = self.fleet.get(runner).and_then(|runner| runner.asked);
        matches!(asked, Some(Asked::Kill | Asked::Terminate))
    }

    pub(super) fn serves(&self, runner: &RunnerId) -> bool {
        self.fleet.get(runner).is_some_and(|runner| runner.life == Life::Ready)
    }

    /// Gives the slot back.
    pub(super) fn release(&mut self, id: RequestId, runner: &RunnerId, now: Timestamp, out: &mut Vec<Effect>) {
        if let Some(entry) = self.entries.get(&id) {
            self.queue.stopped(&entry.job.account);
        }
        let Some(runner) = self.fleet.get_mut(runner) else { return };
        runner.in_flight.retain(|other| *other != id);
        runner.used_at = now;
        if runner.in_flight.is_empty() {
            runner.exclusive = false;
            if runner.life == Life::Draining {
                let id = runner.id.clone();
                self.end_runner(&id, Asked::Terminate, out);
            }
        }
    }

    pub(super) fn settle_runner(&mut self, id: &RunnerId, verdict: &Verdict, fate: Fate, out: &mut Vec<Effect>) {
        let Some(runner) = self.fleet.get_mut(id) else { return };
        if matches!(verdict, Verdict::Answered { .. }) {
            runner.served = true;
            self.fleet.failures = 0;
        }
        match fate {
            Fate::Keep => {}
            Fate::Probe => out.push(Effect::ProbeRunner { runner: id.clone() }),
            Fate::Drain => self.drain(id, out),
            Fate::Kill => self.end_runner(id, Asked::Kill, out),
            Fate::Crash => self.end_runner(id, Asked::Crash, out),
        }
    }

    pub(super) fn drain(&mut self, id: &RunnerId, out: &mut Vec<Effect>) {
        let now = self.now;
        let Some(runner) = self.fleet.get_mut(id).filter(|runner| runner.life == Life::Ready) else { return };
        runner.life = Life::Draining;
        runner.step("draining", None, now);
        if runner.in_flight.is_empty() {
            self.end_runner(id, Asked::Terminate, out);
        }
    }

    pub(super) fn end_runner(&mut self, id: &RunnerId, asked: Asked, out: &mut Vec<Effect>) {
        let now = self.now;
        if self.fleet.get_mut(id).is_some_and(|runner| runner.end(asked, now)) {
            let runner = id.clone();
            out.push(match asked {
                Asked::Terminate => Effect::TerminateRunner { runner },
                Asked::Kill | Asked::Crash => Effect::KillRunner { runner },
            });
        }
    }

    /// Another attempt, or the end.
    #[expect(clippy::too_many_arguments, reason = "one call site; a struct would only rename them")]
    fn decide(
        &mut self,
        id: RequestId,
        attempt: Attempt,
        verdict: &Verdict,
        judgement: Judgement,
        collateral: bool,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) {
        let app = self.spec.retry;
        let poison_after = self.spec.poison_after;
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let never = entry.job.retry.never || app.never || self.closing;
        if entry.cancel_asked && !matches!(verdict, Verdict::Answered { .. } if judgement.retry.is_none()) {
            return self.finish(id, Some(attempt), cancelled(), now, out);
        }
        if collateral && !never {
            return self.interrupted(id, attempt, false, now, out);
        }
        let crashed = judgement.fate == Fate::Crash && !collateral;
        entry.failed += 1;
        entry.job.crashes += u32::from(crashed);
        entry.suspect |= judgement.fate >= Fate::Kill;
        entry.last_failure = Some(describe(verdict));
        if crashed && poison_after > 0 && entry.job.crashes >= poison_after {
            let end = poisoned(entry.job.crashes, verdict);
            return self.finish(id, Some(attempt), end, now, out);
        }
        let (failed, budget) = (entry.failed, entry.job.retry);
        let granted = |condition| entry.spent.take(condition, failed, budget, app);
        let again = !self.closing && judgement.retry.is_some_and(granted);
        if !again {
            let end = end(verdict, entry.cancel_asked, failed);
            return self.finish(id, Some(attempt), end, now, out);
        }
        self.become_state(id, State::Requeueing { attempt, until: now.plus(pause(failed)) }, now);
        out.push(Effect::Requeue { id, attempt, crashed });
    }
}

fn end(verdict: &Verdict, cancel_asked: bool, attempts: u32) -> End {
    match verdict {
        Verdict::Answered { status: 499, .. } if cancel_asked => End::Answer { outcome: Outcome::Cancelled },
        Verdict::Answered { status: 100..400, .. } => End::Answer { outcome: Outcome::Succeeded },
        Verdict::Answered { .. } => End::Answer { outcome: Outcome::Failed },
        Verdict::Broken(failure) if attempts > 1 => {
            let detail = format!("{} (after {attempts} attempts)", failure.detail);
            let failure = Failure::new(failure.error_type, detail);
            End::Failure { outcome: Outcome::Failed, failure }
        }
        Verdict::Broken(failure) => End::Failure { outcome: Outcome::Failed, failure: failure.clone() },
    }
}

fn poisoned(crashes: u32, verdict: &Verdict) -> End {
    let error_type = match verdict {
        Verdict::Broken(failure) => failure.error_type,
        Verdict::Answered { .. } => ErrorType::RunnerDisconnected,
    };
    let last = describe(verdict);
    let detail = format!(
        "{crashes} runners died while they worked on this request, so it is set aside and not tried again; the last: {last}"
    );
    End::Failure { outcome: Outcome::Failed, failure: Failure::new(error_type, detail) }
}

fn describe(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Answered { status, .. } => format!("the runner answered with status {status}"),
        Verdict::Broken(failure) => failure.detail.clone(),
    }
}

//! The end of the server's life: first nothing new is begun, then what is left is put back.

use super::{
    App, Effect, Kind,
    entry::{Entry, State},
    fleet::Asked,
    requests::{cancelled, stopping},
};
use crate::{ErrorType, Failure, RequestId, Timestamp};

impl App {
    pub(super) fn stop(&mut self, out: &mut Vec<Effect>) {
        self.stopping = true;
        self.abandon_rollout("the server is being stopped", out);
        for id in self.ids_in_order(|entry| entry.job.kind == Kind::Direct && entry.state == State::Waiting) {
            self.refuse(id, stopping(), out);
        }
    }

    pub(super) fn halt(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        self.stop(out);
        for id in self.ids_in_order(|entry| matches!(entry.state, State::Running(..))) {
            self.give_up(id, now, out);
        }
        self.let_go_if(|_| true, now, out);
        let runners: Vec<_> = self.fleet.runners.iter().map(|runner| runner.id.clone()).collect();
        for runner in runners {
            self.end_runner(&runner, Asked::Kill, out);
        }
    }

    fn give_up(&mut self, id: RequestId, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(entry) = self.entries.get(&id) else { return };
        let State::Running(run, _) = &entry.state else { return };
        let (run, kind) = (run.clone(), entry.job.kind);
        let (never, cancelled_too) = (entry.job.retry.never || self.spec.retry.never, entry.cancel_asked);
        let failure = Failure::new(ErrorType::RunnerDisconnected, "the server stopped while the request was under way");
        out.push(Effect::Revoke { id, attempt: run.attempt, failure });
        self.release(id, &run.runner, now, out);
        match kind {
            Kind::Direct => self.forget(id, out),
            Kind::Queued if cancelled_too => self.finish(id, Some(run.attempt), cancelled(), now, out),
            Kind::Queued => self.interrupted(id, run.attempt, never, now, out),
        }
    }

    pub(super) fn ids_in_order(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<RequestId> {
        let mut found: Vec<_> = self.entries.values().filter(|entry| wanted(entry)).collect();
        found.sort_unstable_by_key(|entry| entry.seq);
        found.into_iter().map(|entry| entry.job.id).collect()
    }
}

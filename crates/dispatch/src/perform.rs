//! Sets going what the machine decided. Runs under the actor's lock: nothing here waits.

use std::sync::Arc;

use tintype_domain::{
    Attempt, Failure, RequestId, RunnerId,
    app::{CancelAnswer as Answer, Effect, End},
};
use tintype_launch::Stop;
use tokio::sync::oneshot;

use crate::{
    CancelAnswer, Lease, RolloutFailed,
    actor::{Actor, Belongings, Resident},
    answer, asks, attempt, commit,
    line::Line,
    link::Link,
    overseer,
};

impl Actor {
    pub(crate) fn perform(self: &Arc<Self>, belongings: &mut Belongings, effect: Effect) {
        match effect {
            Effect::Begin { id, attempt, runner } => self.go(commit::begin(self.clone(), id, attempt, runner)),
            Effect::Send { id, attempt, runner } => self.send(belongings, id, attempt, &runner),
            Effect::Grant { id, attempt, runner } => self.grant(belongings, id, attempt, &runner),
            Effect::Refuse { id, failure } => refuse(belongings, id, failure),
            Effect::Revoke { id, attempt, failure } => revoke(belongings, id, attempt, failure),
            Effect::AskCancel { id, attempt, runner } => self.ask_cancel(belongings, id, attempt, &runner),
            Effect::Requeue { id, attempt, crashed } => {
                belongings.answers.remove(&id);
                self.go(commit::requeue(self.clone(), id, attempt, crashed));
            }
            Effect::Finish { id, attempt, end } => self.finish(belongings, id, attempt, &end),
            Effect::AnswerCancel { id, answer } => answer_cancel(belongings, id, answer),
            Effect::Forget { id } => self.forget(belongings, id),
            Effect::RolloutEnded { generation, failed } => rolled_out(belongings, generation, failed),
            Effect::StartRunner { runner, generation } => self.start_runner(belongings, runner, generation),
            Effect::TerminateRunner { runner } => ask(belongings, &runner, Stop::Terminate),
            Effect::KillRunner { runner } => ask(belongings, &runner, Stop::Kill),
            Effect::ProbeRunner { runner } => {
                if let Some(resident) = belongings.residents.get(&runner) {
                    self.go(overseer::probe(self.clone(), resident.link.clone()));
                }
            }
        }
    }

    fn go(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.house.spawn(task);
    }

    fn start_runner(self: &Arc<Self>, belongings: &mut Belongings, runner: RunnerId, generation: u32) {
        let definition =
            belongings.definitions.get(&generation).or_else(|| belongings.definitions.values().next_back());
        let definition = definition.expect("an app has a definition").clone();
        let resident = Resident { link: Arc::new(Link::new(runner.clone())), definition };
        belongings.residents.insert(runner, resident.clone());
        self.go(overseer::oversee(self.clone(), resident));
    }

    fn line(self: &Arc<Self>, belongings: &mut Belongings, id: RequestId, attempt: Attempt, runner: &RunnerId) -> Line {
        // A runner that is already gone has no link; one without an address refuses, which is what happened.
        let resident = belongings.residents.get(runner);
        let link = resident.map_or_else(|| Arc::new(Link::new(runner.clone())), |resident| resident.link.clone());
        let (revoker, given_up) = oneshot::channel();
        belongings.revokers.insert(id, (attempt, revoker));
        Line::new(self.clone(), link, id, attempt, given_up)
    }

    fn send(self: &Arc<Self>, belongings: &mut Belongings, id: RequestId, attempt: Attempt, runner: &RunnerId) {
        let mut line = self.line(belongings, id, attempt, runner);
        if let Some(ticket) = belongings.tickets.get(&id) {
            line.account = ticket.record.account.clone();
            line.path.clone_from(&ticket.record.path);
        }
        self.go(attempt::run(line));
    }

    fn grant(self: &Arc<Self>, belongings: &mut Belongings, id: RequestId, attempt: Attempt, runner: &RunnerId) {
        let mut line = self.line(belongings, id, attempt, runner);
        let Some((call, answer)) = belongings.calls.remove(&id) else { return drop(Lease::new(line)) };
        line.account = call.account;
        line.path = call.path;
        line.lifecycle = call.lifecycle;
        // A caller who left in this moment drops the lease, which gives the slot back.
        let _ = answer.send(Ok(Lease::new(line)));
    }

    fn ask_cancel(self: &Arc<Self>, belongings: &Belongings, id: RequestId, attempt: Attempt, runner: &RunnerId) {
        let (resident, ticket) = (belongings.residents.get(runner), belongings.tickets.get(&id));
        let (Some(resident), Some(ticket)) = (resident, ticket) else { return };
        let (actor, link, path) = (self.clone(), resident.link.clone(), ticket.record.path.clone());
        self.go(async move {
            if asks::cancel(&link, &path, id, || actor.house.actor_of(id).is_some()).await {
                actor.tell(tintype_domain::app::Event::CancelAccepted { id, attempt });
            }
        });
    }

    fn finish(self: &Arc<Self>, belongings: &mut Belongings, id: RequestId, attempt: Option<Attempt>, end: &End) {
        let answer = belongings.answers.remove(&id);
        let retention = self.house.parts.options.result_retention;
        let finish = answer::finish(end, answer, self.house.day(), retention);
        self.go(commit::finish(self.clone(), id, attempt, finish));
    }

    fn forget(&self, belongings: &mut Belongings, id: RequestId) {
        if let Some(payload) = belongings.tickets.remove(&id).and_then(|ticket| ticket.payload) {
            self.house.unreserve(payload.body.len());
        }
        belongings.calls.remove(&id);
        belongings.revokers.remove(&id);
        belongings.answers.remove(&id);
        belongings.cancels.remove(&id);
        self.house.closed(id);
        self.house.watchers.notify(id);
    }
}

fn refuse(belongings: &mut Belongings, id: RequestId, failure: Failure) {
    if let Some((_, answer)) = belongings.calls.remove(&id) {
        // A caller who left needs no answer.
        let _ = answer.send(Err(failure));
    }
}

fn revoke(belongings: &mut Belongings, id: RequestId, attempt: Attempt, failure: Failure) {
    if belongings.revokers.get(&id).is_some_and(|(current, _)| *current == attempt)
        && let Some((_, revoker)) = belongings.revokers.remove(&id)
    {
        // The attempt may have come to its own end in this moment.
        let _ = revoker.send(failure);
    }
}

fn answer_cancel(belongings: &mut Belongings, id: RequestId, answer: Answer) {
    let answer = match answer {
        Answer::Removed => CancelAnswer::Removed,
        Answer::Requested => CancelAnswer::Requested,
        Answer::Unknown => CancelAnswer::NotFound,
    };
    for asker in belongings.cancels.remove(&id).unwrap_or_default() {
        // An asker who left needs no answer.
        let _ = asker.send(answer);
    }
}

fn ask(belongings: &Belongings, runner: &RunnerId, stop: Stop) {
    if let Some(resident) = belongings.residents.get(runner) {
        resident.link.ask(stop);
    }
}

fn rolled_out(belongings: &mut Belongings, generation: u32, failed: Option<String>) {
    if failed.is_none() {
        belongings.serving = generation;
        belongings.definitions.retain(|other, _| *other >= generation);
    } else {
        belongings.definitions.remove(&generation);
    }
    if let Some(waiting) = belongings.rollouts.remove(&generation) {
        // Nobody need wait for it.
        let _ = waiting.send(failed.map_or(Ok(()), |reason| Err(RolloutFailed { reason })));
    }
}

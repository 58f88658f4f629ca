//! The machine: the state of one app, and the one way in which it changes.
//!
//! [`App::step`] takes what happened and the time, and returns what must be done next. Nothing here
//! waits, fails or performs. What arrives too late (a report of a superseded attempt, a word about a
//! runner that is gone) changes nothing. Times are those of one steady clock, which no correction of
//! the time of day moves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Effect, Event, Job, Kind, Spec,
    entry::{Entry, State},
    fleet::{Asked, Fleet},
    queue::{Queue, Seq},
    replace::Rollout,
};
use crate::{AccountId, Priority, RequestId, Timestamp};

/// One app: its open requests, its queue and its runners.
#[derive(Debug)]
pub struct App {
    pub(super) spec: Spec,
    pub(super) entries: HashMap<RequestId, Entry>,
    pub(super) queue: Queue,
    pub(super) fleet: Fleet,
    /// Moments at which time changes a request.
    alarms: BTreeSet<(Timestamp, RequestId)>,
    arrivals: Seq,
    pub(super) paused: usize,
    pub(super) stopping: bool,
    /// The app is being removed.
    pub(super) closing: bool,
    pub(super) rollout: Option<Rollout>,
    /// The time of the step under way, or of the last one.
    pub(super) now: Timestamp,
    /// When it was last looked at how many runners there should be.
    pub(super) scaled_at: Timestamp,
}

impl App {
    /// `name` begins the id of each runner; it must differ between two lives of the server.
    pub fn new(spec: Spec, name: impl Into<String>) -> Self {
        Self {
            spec,
            entries: HashMap::new(),
            queue: Queue::default(),
            fleet: Fleet::new(name.into()),
            alarms: BTreeSet::new(),
            arrivals: 0,
            paused: 0,
            stopping: false,
            closing: false,
            rollout: None,
            now: Timestamp::EPOCH,
            scaled_at: Timestamp::EPOCH,
        }
    }

    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Takes in one event and returns what must be done, in order.
    pub fn step(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut out = Vec::new();
        self.now = now;
        self.hear(event, now, &mut out);
        self.ring(now, &mut out);
        if !self.stopping {
            self.assign(now, &mut out);
        }
        self.fleet.sweep();
        self.scale(now, &mut out);
        self.refuse_hopeless(&mut out);
        out
    }

    /// When to send the next `Tick`, if nothing else happens before. May have passed already.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let alarm = self.alarms.first().map(|(at, _)| *at);
        [alarm, self.next_scaling()].into_iter().flatten().min()
    }

    fn hear(&mut self, event: Event, now: Timestamp, out: &mut Vec<Effect>) {
        match event {
            Event::Arrived(job) => self.arrived(job, now, out),
            Event::Recovered { job, running, runner } => self.recovered(job, running, runner, now, out),
            Event::Began { id, attempt } => self.began(id, attempt, now, out),
            Event::BeginRefused { id, attempt } => self.begin_refused(id, attempt, now, out),
            Event::BeginFailed { id, attempt } => self.begin_failed(id, attempt, now, out),
            Event::Reported { id, attempt, verdict } => self.reported(id, attempt, verdict, now, out),
            Event::Requeued { id, attempt } => self.requeued(id, attempt, now, out),
            Event::RequeueRefused { id, attempt } => self.requeue_refused(id, attempt, out),
            Event::Ended { id } => self.ended(id, out),
            Event::CancelAsked { id } => self.cancel_asked(id, now, out),
            Event::CancelAccepted { id, attempt } => self.cancel_accepted(id, attempt, now),
            Event::CallerGone { id } => self.caller_gone(id, out),
            Event::Adopted { runners } => self.adopted(runners),
            Event::RunnerStage { runner, name, detail } => self.runner_stage(&runner, &name, detail),
            Event::RunnerReady { runner } => self.runner_ready(&runner, out),
            Event::RunnerHints { runner, hints } => self.runner_hints(&runner, hints),
            Event::RunnerUnhealthy { runner, detail } => self.runner_unhealthy(&runner, detail, out),
            Event::RunnerExited { runner, reason, began } => self.runner_exited(&runner, &reason, began, out),
            Event::Replace { generation, spec, strategy } => self.replace(generation, spec, strategy, out),
            Event::Restart { generation, force } => self.restart(generation, force, out),
            Event::Retune { spec } => self.retune(spec),
            Event::Remove => self.remove(out),
            Event::StopRunner { runner, replace_first } => self.stop_runner(&runner, replace_first, out),
            Event::KillRunner { runner } => self.end_runner(&runner, Asked::Kill, out),
            Event::Tick => {}
            Event::Stop => self.stop(out),
            Event::Halt => self.halt(now, out),
        }
    }

    /// Answers every alarm that is due.
    fn ring(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        while let Some((_, id)) = self.alarms.first().copied().filter(|(at, _)| *at <= now) {
            self.alarm(id, now, out);
        }
    }

    pub(super) fn add(&mut self, job: Job, now: Timestamp) -> RequestId {
        let id = job.id;
        self.arrivals += 1;
        self.entries.insert(id, Entry::new(job, self.arrivals, now));
        id
    }

    /// The one place where a request changes its state: it keeps the queue and the alarms in step.
    pub(super) fn become_state(&mut self, id: RequestId, state: State, now: Timestamp) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let old = std::mem::replace(&mut entry.state, state);
        let waits = |state: &State| matches!(state, State::Waiting | State::Paused { .. });
        if !(waits(&old) && waits(&entry.state)) {
            entry.since = now;
        }
        if old == State::Waiting {
            self.queue.remove(entry.job.priority, &entry.job.account, entry.seq);
        }
        if entry.state == State::Waiting {
            self.queue.push(entry.job.priority, &entry.job.account, entry.seq, id);
        }
        self.paused -= usize::from(matches!(old, State::Paused { .. }));
        self.paused += usize::from(matches!(entry.state, State::Paused { .. }));
        self.rearm(id);
    }

    pub(super) fn rearm(&mut self, id: RequestId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let alarm = entry.next_alarm();
        if alarm != entry.alarm {
            if let Some(at) = entry.alarm {
                self.alarms.remove(&(at, id));
            }
            if let Some(at) = alarm {
                self.alarms.insert((at, id));
            }
            entry.alarm = alarm;
        }
    }

    pub(super) fn forget(&mut self, id: RequestId, out: &mut Vec<Effect>) {
        let Some(entry) = self.entries.remove(&id) else { return };
        match entry.state {
            State::Waiting => self.queue.remove(entry.job.priority, &entry.job.account, entry.seq),
            State::Paused { .. } => self.paused -= 1,
            State::Held { .. }
            | State::Beginning(_)
            | State::Running(..)
            | State::Requeueing { .. }
            | State::Ending { .. } => {}
        }
        if let Some(at) = entry.alarm {
            self.alarms.remove(&(at, id));
        }
        out.push(Effect::Forget { id });
    }

    // --- questions ---

    pub fn knows(&self, id: RequestId) -> bool {
        self.entries.contains_key(&id)
    }

    /// Requests that wait for a slot or for their next attempt.
    pub fn waiting(&self) -> usize {
        self.queue.waiting() + self.paused
    }

    /// Requests ahead of a waiting one.
    pub fn position(&self, id: RequestId) -> Option<usize> {
        let entry = self.entries.get(&id)?;
        let waits = matches!(entry.state, State::Waiting | State::Paused { .. } | State::Requeueing { .. });
        waits.then(|| self.queue.position(entry.job.priority, &entry.job.account, entry.seq))
    }

    /// Requests of whom wait, and how many.
    pub fn waiting_by_account(&self) -> BTreeMap<AccountId, usize> {
        let mut counts = BTreeMap::new();
        for entry in self.entries.values().filter(|entry| entry.waits()) {
            *counts.entry(entry.job.account.clone()).or_default() += 1;
        }
        counts
    }

    /// Queued requests that wait, of one account or of all, in order of arrival.
    pub fn queued(&self, account: Option<&AccountId>) -> Vec<RequestId> {
        let asked = |entry: &Entry| account.is_none_or(|account| *account == entry.job.account);
        self.ids_in_order(|entry| entry.job.kind == Kind::Queued && entry.waits() && asked(entry))
    }

    /// Whose request it is, and since when it is where it is.
    pub fn whose(&self, id: RequestId) -> Option<(&AccountId, Timestamp)> {
        self.entries.get(&id).map(|entry| (&entry.job.account, entry.since))
    }

    /// The app is being removed.
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// The app is removed, and what waited has ended.
    pub fn is_emptied(&self) -> bool {
        self.closing && self.entries.values().all(|entry| matches!(entry.state, State::Running(..)))
    }

    /// The app is removed, and nothing of it is left.
    pub fn is_gone(&self) -> bool {
        self.closing && self.entries.is_empty() && self.fleet.processes() == 0
    }

    /// After `Stop`: nothing is under way any more, in the store or on a runner.
    pub fn is_settled(&self) -> bool {
        self.fleet.processes() == 0 && !self.entries.values().any(Entry::unsettled)
    }

    /// Queued requests that are not under way, in order of arrival, with their priority. For tests of order.
    pub fn waiting_ids(&self) -> Vec<(Priority, RequestId)> {
        let waiting =
            self.entries.values().filter(|entry| entry.state == State::Waiting && entry.job.kind == Kind::Queued);
        let mut ids: Vec<_> = waiting.map(|entry| (entry.seq, entry.job.priority, entry.job.id)).collect();
        ids.sort_unstable_by_key(|(seq, ..)| *seq);
        ids.into_iter().map(|(_, priority, id)| (priority, id)).collect()
    }
}

//! The machine under test, and machines that are broken on purpose: the checks must catch each.

use std::collections::HashMap;

use tintype_domain::{
    AccountId, Attempt, Priority, RunnerId, Timestamp,
    app::{App, Effect, Event, Job, RunnerState, Spec, Strategy},
};

pub trait Machine {
    fn step(&mut self, event: Event, now: Timestamp) -> Vec<Effect>;
    fn app(&self) -> &App;

    fn next_wake(&self, _now: Timestamp) -> Option<Timestamp> {
        self.app().next_wake()
    }

    fn runners(&self) -> Vec<RunnerState> {
        self.app().runners()
    }
}

impl Machine for App {
    fn step(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        Self::step(self, event, now)
    }

    fn app(&self) -> &App {
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Sends before the claim is committed.
    SendsUnclaimed,
    /// Claims the same attempt a second time and sends both.
    SendsTwice,
    /// Loses a request that should go back to the queue.
    LosesRequeue,
    /// Answers the end but does not write it.
    LosesEnd,
    /// Believes a report of whatever attempt.
    BelievesLateReports,
    IgnoresPriority,
    /// Takes all accounts for one.
    IgnoresAccounts,
    /// Serves the newest first.
    ServesNewestFirst,
    /// Puts one request too many on a runner.
    OverfillsRunners,
    StartsTooManyRunners,
    IgnoresDeadlines,
    IgnoresCancels,
    /// Tries again what forbids it.
    IgnoresNoRetry,
    /// Never sets a poison request aside.
    KeepsPoison,
    /// Forgets what ran when the server stopped.
    ForgetsInterrupted,
    /// Never wakes by itself.
    Sleeps,
    /// Gives traffic to a new definition before a runner of it is ready.
    SwitchesEarly,
    /// Gives traffic to a new definition whose start failed.
    KeepsFailedDefinition,
    IgnoresRemoval,
    /// Says nothing of how a rollout ended.
    HidesRollouts,
    /// Does not count the runners of the last server.
    ForgetsAdopted,
    /// Sends to a runner of the last server what it has no slot for yet.
    TrustsAdopted,
    /// Keeps the slots of a runner of the last server for what that one had sent.
    KeepsLostSlots,
    /// Runs again what a runner of the last server still works on.
    RunsTwice,
}

impl Fault {
    pub const ALL: [Self; 24] = [
        Self::SendsUnclaimed,
        Self::SendsTwice,
        Self::LosesRequeue,
        Self::LosesEnd,
        Self::BelievesLateReports,
        Self::IgnoresPriority,
        Self::IgnoresAccounts,
        Self::ServesNewestFirst,
        Self::OverfillsRunners,
        Self::StartsTooManyRunners,
        Self::IgnoresDeadlines,
        Self::IgnoresCancels,
        Self::IgnoresNoRetry,
        Self::KeepsPoison,
        Self::ForgetsInterrupted,
        Self::Sleeps,
        Self::SwitchesEarly,
        Self::KeepsFailedDefinition,
        Self::IgnoresRemoval,
        Self::HidesRollouts,
        Self::ForgetsAdopted,
        Self::TrustsAdopted,
        Self::KeepsLostSlots,
        Self::RunsTwice,
    ];
}

/// A machine with a fault, made by tampering with what it hears and says.
pub struct Broken {
    app: App,
    fault: Fault,
    /// Newest first: everything waiting is held back and handed on in the wrong order.
    held: Vec<Job>,
    current: HashMap<tintype_domain::RequestId, Attempt>,
    extra: u64,
    specs: HashMap<u32, Spec>,
    adopted: Vec<RunnerId>,
}

impl Broken {
    pub fn new(mut spec: Spec, name: String, fault: Fault) -> Self {
        tamper_spec(fault, &mut spec);
        let (app, held, current, specs) = (App::new(spec, name), Vec::new(), HashMap::new(), HashMap::new());
        Self { app, fault, held, current, extra: 0, specs, adopted: Vec::new() }
    }

    fn tamper_job(&self, job: &mut Job) {
        match self.fault {
            Fault::IgnoresPriority => {
                job.priority = match job.priority {
                    Priority::High => Priority::Low,
                    Priority::Normal => Priority::Normal,
                    Priority::Low => Priority::High,
                }
            }
            Fault::IgnoresAccounts => job.account = AccountId::new("everyone"),
            Fault::IgnoresDeadlines => job.start_deadline = None,
            Fault::IgnoresNoRetry => job.retry.never = false,
            _ => {}
        }
    }

    fn hear(&mut self, event: Event) -> Vec<Event> {
        match (self.fault, event) {
            (_, Event::Arrived(mut job)) => {
                self.tamper_job(&mut job);
                if self.fault == Fault::ServesNewestFirst {
                    self.held.push(job);
                    return if self.held.len() < 3 { Vec::new() } else { self.release() };
                }
                vec![Event::Arrived(job)]
            }
            (Fault::ForgetsAdopted, Event::Adopted { .. })
            | (Fault::ForgetsInterrupted, Event::Recovered { running: true, .. })
            | (Fault::IgnoresCancels, Event::CancelAsked { .. })
            | (Fault::IgnoresRemoval, Event::Remove) => Vec::new(),
            (Fault::KeepsLostSlots, Event::RunnerReady { runner }) if self.adopted.contains(&runner) => Vec::new(),
            (fault, Event::Adopted { runners }) => {
                self.adopted = runners.iter().map(|(runner, _)| runner.clone()).collect();
                let trusted = self.adopted.iter().filter(|_| fault == Fault::TrustsAdopted).cloned();
                let ready = trusted.map(|runner| Event::RunnerReady { runner });
                [Event::Adopted { runners }].into_iter().chain(ready).collect()
            }
            (fault, Event::Recovered { mut job, running, runner }) => {
                self.tamper_job(&mut job);
                let runner = runner.filter(|_| fault != Fault::RunsTwice);
                vec![Event::Recovered { job, running, runner }]
            }
            (Fault::BelievesLateReports, Event::Reported { id, attempt, verdict }) => {
                let attempt = self.current.get(&id).copied().unwrap_or(attempt);
                vec![Event::Reported { id, attempt, verdict }]
            }
            (Fault::ServesNewestFirst, Event::Tick) => self.release(),
            (fault, Event::Retune { mut spec }) => {
                tamper_spec(fault, &mut spec);
                vec![Event::Retune { spec }]
            }
            (fault, Event::Replace { generation, mut spec, strategy }) => {
                tamper_spec(fault, &mut spec);
                self.specs.insert(generation, spec.clone());
                let strategy = if fault == Fault::SwitchesEarly { Strategy::Recreate } else { strategy };
                vec![Event::Replace { generation, spec, strategy }]
            }
            (_, event) => vec![event],
        }
    }

    fn release(&mut self) -> Vec<Event> {
        self.held.drain(..).rev().map(Event::Arrived).chain([Event::Tick]).collect()
    }

    fn say(&mut self, effect: Effect, now: Timestamp) -> Vec<Effect> {
        match (self.fault, effect) {
            (Fault::SendsUnclaimed, Effect::Begin { id, attempt, .. }) => {
                self.app.step(Event::Began { id, attempt }, now)
            }
            (Fault::SendsTwice, effect @ Effect::Send { .. }) => vec![effect.clone(), effect],
            (Fault::LosesRequeue, Effect::Requeue { id, attempt, .. }) => {
                self.app.step(Event::RequeueRefused { id, attempt }, now)
            }
            (Fault::LosesEnd, Effect::Finish { id, .. }) => self.app.step(Event::Ended { id }, now),
            (Fault::StartsTooManyRunners, Effect::StartRunner { runner, generation }) => {
                self.extra += 1;
                let stray = tintype_domain::RunnerId::new(format!("stray-{}", self.extra));
                vec![Effect::StartRunner { runner, generation }, Effect::StartRunner { runner: stray, generation }]
            }
            (Fault::HidesRollouts, Effect::RolloutEnded { .. }) => Vec::new(),
            (Fault::KeepsFailedDefinition, Effect::RolloutEnded { generation, failed: Some(reason) }) => {
                let mut said = vec![Effect::RolloutEnded { generation, failed: Some(reason) }];
                if let Some(spec) = self.specs.remove(&generation) {
                    let strategy = Strategy::Recreate;
                    let effects = self.app.step(Event::Replace { generation, spec, strategy }, now);
                    let ended = |effect: &Effect| matches!(effect, Effect::RolloutEnded { .. });
                    said.extend(effects.into_iter().filter(|effect| !ended(effect)));
                }
                said
            }
            (_, effect) => vec![effect],
        }
    }
}

fn tamper_spec(fault: Fault, spec: &mut Spec) {
    match fault {
        Fault::OverfillsRunners => spec.max_multiplexing += 1,
        Fault::KeepsPoison => spec.poison_after = 0,
        _ => {}
    }
}

impl Machine for Broken {
    fn step(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut said = Vec::new();
        for event in self.hear(event) {
            for effect in self.app.step(event, now) {
                said.extend(self.say(effect, now));
            }
        }
        for effect in &said {
            if let Effect::Send { id, attempt, .. } = effect {
                self.current.insert(*id, *attempt);
            }
        }
        said
    }

    fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        match self.fault {
            Fault::Sleeps => None,
            Fault::ServesNewestFirst if !self.held.is_empty() => Some(now.plus(std::time::Duration::from_millis(500))),
            _ => self.app.next_wake(),
        }
    }

    fn app(&self) -> &App {
        &self.app
    }
}

//! The world around the machine: a store, processes, callers, an operator, and bad luck.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    time::Duration,
};

use tintype_domain::{
    Attempt, ErrorType, Outcome, RequestId, RunnerId, Timestamp, Verdict,
    app::{App, CancelAnswer, Effect, Event, Spec},
};
use tintype_store::MemoryStore;

use crate::{
    checks::Checks,
    dice::Dice,
    machine::Machine,
    plan::{self, Wish},
    story::{End, Seen, Trace},
};

mod owner;
mod runners;
mod server;

pub use owner::Change;

const CALM_AT: Duration = Duration::from_secs(40);
const PATIENCE: Duration = Duration::from_secs(4 * 3600);
const MOST_STEPS: u32 = 60_000;

#[derive(Clone, Debug)]
pub enum Happening {
    Submit(Wish),
    Cancel(RequestId),
    Leave(RequestId),
    Op(Op),
    /// A write of a server that is no more.
    Late(Op),
    Hear(Event),
    Ready(RunnerId),
    /// An adopted runner is looked at again: does it still work on what the last server sent?
    Settles(RunnerId, u32),
    Dies(RunnerId),
    AttemptEnds {
        runner: RunnerId,
        id: RequestId,
        attempt: Attempt,
        verdict: Verdict,
    },
    Kill,
    Start,
    Stop,
    Halt,
    Off,
    Changes(Change),
    Jump(i64),
    Disk {
        full: bool,
    },
    Calm,
}

/// A write under way.
#[derive(Clone, Debug)]
pub enum Op {
    Enqueue { id: RequestId },
    Begin { id: RequestId, attempt: Attempt, runner: RunnerId },
    Requeue { id: RequestId, attempt: Attempt, crashed: bool },
    Finish { id: RequestId, attempt: Option<Attempt>, end: tintype_domain::app::End },
}

pub struct Process {
    pub generation: u32,
    pub ready: bool,
    pub dying: bool,
    pub running: BTreeMap<RequestId, Attempt>,
    /// What a server that died had sent, and nobody waits for.
    pub lost: BTreeMap<RequestId, Attempt>,
}

pub struct World<M> {
    pub dice: Dice,
    pub spec: Spec,
    make: Box<dyn Fn(Spec, String) -> M>,
    pub store: MemoryStore,
    pub now: Timestamp,
    /// The time of day, less the steady time.
    pub day_offset: i64,
    pub machine: Option<M>,
    pub life: u32,
    pub stopping: bool,
    pub calm: bool,
    pub full: bool,
    scheduled: u64,
    /// Each with the life of the server that it belongs to, if it does not outlive one.
    agenda: BTreeMap<(Timestamp, u64), (Option<u32>, Happening)>,
    pub processes: BTreeMap<RunnerId, Process>,
    owner: owner::Owner,
    pub checks: Checks,
    pub seen: Seen,
    effects: u64,
    fatal: Option<u64>,
    trace: Trace,
}

impl World<App> {
    /// The story of a seed in words.
    pub fn replay(seed: u64) -> String {
        let mut world = World::new(seed, App::new);
        world.trace.lines = Some(Vec::new());
        world.play();
        let lines = world.trace.lines.unwrap_or_default();
        lines[lines.len().saturating_sub(400)..].join("\n")
    }
}

impl<M: Machine> World<M> {
    pub fn new(seed: u64, make: impl Fn(Spec, String) -> M + 'static) -> Self {
        let mut dice = Dice::new(seed);
        let spec = plan::spec(&mut dice);
        let mut world = Self {
            dice,
            checks: Checks::new(spec.clone()),
            spec,
            make: Box::new(make),
            store: MemoryStore::new(),
            now: Timestamp::from_micros(1_000_000_000),
            day_offset: 1_700_000_000_000_000,
            machine: None,
            life: 0,
            stopping: false,
            calm: false,
            full: false,
            scheduled: 0,
            agenda: BTreeMap::new(),
            processes: BTreeMap::new(),
            owner: owner::Owner::default(),
            seen: Seen::default(),
            effects: 0,
            fatal: None,
            trace: Trace::default(),
        };
        world.set_up();
        world
    }

    pub fn killed_at(mut self, effect: u64) -> Self {
        self.fatal = Some(effect);
        self
    }

    fn set_up(&mut self) {
        self.after(Duration::ZERO, Happening::Start);
        for _ in 0..self.dice.below(18) + 6 {
            let (at, wish) = (self.dice.millis(10, 20_000), plan::wish(&mut self.dice));
            self.after(at, Happening::Submit(wish));
        }
        for _ in 0..self.dice.below(3) {
            let at = self.dice.millis(1000, 35_000);
            self.after(at, Happening::Kill);
        }
        if self.dice.chance(30) {
            let at = self.dice.millis(1000, 30_000);
            self.after(at, Happening::Stop);
        }
        if self.dice.chance(25) {
            let (at, long) = (self.dice.millis(1000, 25_000), self.dice.millis(100, 8000));
            self.after(at, Happening::Disk { full: true });
            self.after(at + long, Happening::Disk { full: false });
        }
        if self.dice.chance(40) {
            let (at, jump) = (self.dice.millis(1000, 35_000), self.dice.millis(0, 7_200_000));
            self.after(at, Happening::Jump(jump.as_micros() as i64 - 3_600_000_000));
        }
        self.plan_changes();
        self.after(CALM_AT, Happening::Calm);
    }

    pub fn live(mut self) -> End {
        self.play();
        End { violation: self.checks.violation, trace: self.trace.hash, effects: self.effects, seen: self.seen }
    }

    fn play(&mut self) {
        let last = self.now.plus(PATIENCE);
        for _ in 0..MOST_STEPS {
            if self.checks.violation.is_some() || self.now > last || !self.advance() {
                break;
            }
            if self.calm && self.machine.is_some() && self.checks.all_over() && self.all_changed() {
                break;
            }
        }
        self.check_changes();
        let events = server::now(tintype_store::Store::events(&self.store, None, 0, 100_000)).unwrap_or_default();
        self.checks.final_check(&events);
    }

    /// Moves to the next thing that happens.
    fn advance(&mut self) -> bool {
        let planned = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let wake = self.machine.as_ref().and_then(|machine| machine.next_wake(self.now));
        match (planned, wake) {
            (None, None) => return false,
            (Some(at), Some(wake)) if wake < at => self.tick(wake),
            (None, Some(wake)) => self.tick(wake),
            (Some(_), _) => {
                let Some(((at, _), (life, happening))) = self.agenda.pop_first() else { return false };
                self.now = self.now.max(at);
                if life.is_none_or(|life| life == self.life && self.machine.is_some()) {
                    self.note(&format_args!("{happening:?}"));
                    self.happen(happening);
                }
            }
        }
        true
    }

    fn tick(&mut self, at: Timestamp) {
        // A real loop sleeps for a millisecond at least.
        self.now = at.max(self.now.plus(Duration::from_millis(1)));
        self.step(Event::Tick);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Submit(wish) => self.submit(wish),
            Happening::Cancel(id) => self.cancel(id),
            Happening::Leave(id) => self.leave(id),
            Happening::Op(op) => self.operate(op),
            Happening::Late(op) => self.late(op),
            Happening::Hear(event) => self.step(event),
            Happening::Ready(runner) => self.runner_ready(&runner),
            Happening::Settles(runner, times) => self.settles(runner, times),
            Happening::Dies(runner) => self.runner_dies(&runner),
            Happening::AttemptEnds { runner, id, attempt, verdict } => self.attempt_ends(&runner, id, attempt, verdict),
            Happening::Kill => self.kill(),
            Happening::Start => self.start(),
            Happening::Stop => self.stop(),
            Happening::Halt => self.halt(),
            Happening::Off => self.off(),
            Happening::Changes(change) => self.change(change),
            Happening::Jump(by) => {
                self.seen.jumps += 1;
                self.day_offset += by;
            }
            Happening::Disk { full } => self.disk(full),
            Happening::Calm => {
                self.calm = true;
                self.disk(false);
                self.after(Duration::ZERO, Happening::Start);
                self.after(Duration::from_millis(1), Happening::Changes(Change::Mend));
            }
        }
    }

    fn disk(&mut self, full: bool) {
        self.full = full && !self.calm;
        self.store.set_full(self.full);
    }

    pub fn step(&mut self, event: Event) {
        let Some(machine) = self.machine.as_mut() else { return };
        let said = machine.step(event, self.now);
        self.note(&format_args!("  {said:?}"));
        let life = self.life;
        for effect in said {
            if self.unlucky() {
                self.kill();
            }
            if self.life != life || self.machine.is_none() {
                return;
            }
            self.perform(effect);
            self.effects += 1;
        }
        let Some(machine) = self.machine.as_ref() else { return };
        self.checks.after_step(machine, self.now);
        if self.stopping && machine.app().is_settled() {
            self.off();
        }
    }

    fn unlucky(&mut self) -> bool {
        self.fatal == Some(self.effects) || (!self.calm && self.fatal.is_none() && self.dice.below(1000) < 4)
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Begin { id, attempt, runner } => {
                self.checks.claimed(id, self.now);
                self.write(Op::Begin { id, attempt, runner });
            }
            Effect::Send { id, attempt, runner } => self.send(id, attempt, &runner),
            Effect::Grant { id, attempt, runner } => self.grant(id, attempt, &runner),
            Effect::Refuse { id, .. } => {
                self.seen.refused += 1;
                self.checks.direct_over(id);
            }
            Effect::Revoke { id, attempt, .. } => self.revoke(id, attempt),
            Effect::AskCancel { id, attempt, runner } => self.ask_cancel(id, attempt, &runner),
            Effect::Requeue { id, attempt, crashed } => {
                self.seen.retries += 1;
                self.write(Op::Requeue { id, attempt, crashed });
            }
            Effect::Finish { id, attempt, end } => {
                self.seen.expired += u32::from(end.outcome() == Outcome::Expired);
                self.checks.not_fresh(id);
                self.write(Op::Finish { id, attempt, end });
            }
            Effect::AnswerCancel { id, answer } => {
                self.seen.removed += u32::from(answer == CancelAnswer::Removed);
                self.checks.cancel_answered(id, answer);
            }
            Effect::Forget { id } => self.checks.forgotten(id),
            Effect::StartRunner { runner, generation } => self.start_runner(runner, generation),
            Effect::RolloutEnded { generation, failed } => self.rolled_out(generation, failed.is_none()),
            Effect::TerminateRunner { runner } => self.end_runner(&runner, 1500),
            Effect::KillRunner { runner } => self.end_runner(&runner, 60),
            Effect::ProbeRunner { runner } => {
                if self.dice.chance(15) {
                    self.soon(200, Event::RunnerUnhealthy { runner, detail: "takes no connection".into() });
                }
            }
        }
    }

    // --- time ---

    pub fn after(&mut self, delay: Duration, happening: Happening) {
        self.schedule(delay, None, happening);
    }

    /// Something that this life of the server hears.
    pub fn soon(&mut self, most_millis: u64, event: Event) {
        let delay = self.dice.millis(0, most_millis);
        self.schedule(delay, Some(self.life), Happening::Hear(event));
    }

    pub fn write(&mut self, op: Op) {
        let delay = self.dice.millis(0, 30);
        self.schedule(delay, Some(self.life), Happening::Op(op));
    }

    pub fn schedule(&mut self, delay: Duration, life: Option<u32>, happening: Happening) {
        self.scheduled += 1;
        self.agenda.insert((self.now.plus(delay), self.scheduled), (life, happening));
    }

    /// Takes what the server had under way out of the agenda.
    fn cut_off(&mut self) -> Vec<Happening> {
        let life = Some(self.life);
        let keys: Vec<_> = self.agenda.iter().filter(|(_, (of, _))| *of == life).map(|(key, _)| *key).collect();
        keys.into_iter().filter_map(|key| self.agenda.remove(&key)).map(|(_, happening)| happening).collect()
    }

    pub fn day(&self) -> Timestamp {
        Timestamp::from_micros(self.now.as_micros() + self.day_offset)
    }

    fn note(&mut self, what: &dyn fmt::Display) {
        let now = self.now.as_micros() - 1_000_000_000;
        // Writing to the trace cannot fail.
        let _ = write!(self.trace, "{now} {what}");
        self.trace.end_line();
    }
}

pub fn disconnected() -> Verdict {
    Verdict::broken(ErrorType::RunnerDisconnected, "the runner closed the connection before it answered")
}

//! The runners of an app: their lives and their slots.

use super::Step;
use crate::{RequestId, RunnerId, Timestamp};

/// Steps remembered of one runner; what comes later takes the place of the last.
const MOST_STEPS: usize = 32;
/// The step that ends a start.
pub(super) const READY: &str = "ready";
/// The step that begins an adoption.
pub(super) const ADOPTED: &str = "adopted";

#[derive(Debug)]
pub(super) struct Runner {
    pub id: RunnerId,
    /// Of the definition that it was started from.
    pub generation: u32,
    pub life: Life,
    /// Why it was told to end, once it was.
    pub asked: Option<Asked>,
    pub in_flight: Vec<RequestId>,
    /// A suspect request is on it, alone.
    pub exclusive: bool,
    pub since: Timestamp,
    /// When it last had a request; when it became ready, before its first.
    pub used_at: Timestamp,
    pub served: bool,
    pub hints: Vec<String>,
    /// Why it was found unhealthy.
    pub complaint: Option<String>,
    /// The runner that is to end once this one is ready.
    pub replaces: Option<RunnerId>,
    pub steps: Vec<Step>,
    /// An earlier server started it.
    pub adopted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Starting,
    Ready,
    /// Takes nothing new; ends when it is empty.
    Draining,
    Stopping,
    /// The process is gone; attempts on it have yet to report.
    Gone {
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It has nothing to do.
    Terminate,
    /// For something that another request did: those on it are not to blame.
    Kill,
    /// It failed: those on it may be to blame.
    Crash,
}

#[derive(Debug)]
pub(super) struct Fleet {
    name: String,
    started: u64,
    /// The definition that serves.
    pub generation: u32,
    pub runners: Vec<Runner>,
    /// Starts or runners in a row that came to nothing.
    pub failures: u32,
    pub not_before: Timestamp,
    pub last_failure: Option<String>,
    /// The runner that failed last, and when.
    pub failed: Option<(RunnerId, Timestamp)>,
}

impl Fleet {
    pub fn new(name: String) -> Self {
        let (runners, not_before) = (Vec::new(), Timestamp::EPOCH);
        Self { name, started: 0, generation: 0, runners, failures: 0, not_before, last_failure: None, failed: None }
    }

    /// A new runner, about to be started.
    pub fn add(&mut self, generation: u32, replaces: Option<RunnerId>, now: Timestamp) -> RunnerId {
        self.started += 1;
        let id = RunnerId::new(format!("{}-{}", self.name, self.started));
        let queued = Step { stage: "queued".into(), at: now, detail: None };
        self.runners.push(Runner { replaces, ..Runner::starting(id.clone(), generation, queued, now) });
        id
    }

    /// A runner of the last server. It has served, as far as anybody can know. Its timeline is that of its start, then
    /// of its latest adoption: those in between say nothing any more.
    pub fn adopt(&mut self, id: RunnerId, mut steps: Vec<Step>, now: Timestamp) {
        let adopted = Step { stage: ADOPTED.into(), at: now, detail: None };
        steps.truncate(steps.iter().position(|step| step.stage == READY).map_or(MOST_STEPS, |ready| ready + 1));
        let mut runner = Runner::starting(id, self.generation, adopted.clone(), now);
        (runner.adopted, runner.served) = (true, true);
        runner.steps = [steps, vec![adopted]].concat();
        self.runners.push(runner);
    }

    pub fn get(&self, id: &RunnerId) -> Option<&Runner> {
        self.runners.iter().find(|runner| runner.id == *id)
    }

    /// It is one of the last server, and has not told yet that it works on nothing.
    pub fn is_settling(&self, id: &RunnerId) -> bool {
        self.get(id).is_some_and(|runner| runner.adopted && matches!(runner.life, Life::Starting | Life::Stopping))
    }

    pub fn get_mut(&mut self, id: &RunnerId) -> Option<&mut Runner> {
        self.runners.iter_mut().find(|runner| runner.id == *id)
    }

    /// A runner with a free slot: one that offers the hint, else the least busy, else the one used last.
    pub fn choose(&mut self, slots: u32, hint: Option<&str>, alone: bool) -> Option<&mut Runner> {
        let free = |runner: &&mut Runner| {
            let busy = runner.in_flight.len();
            runner.life == Life::Ready && !runner.exclusive && busy < slots as usize && (!alone || busy == 0)
        };
        self.runners.iter_mut().filter(free).min_by_key(|runner| {
            let hinted = hint.is_some_and(|hint| runner.hints.iter().any(|offered| offered == hint));
            (!hinted, runner.in_flight.len(), std::cmp::Reverse(runner.used_at))
        })
    }

    /// Runners of the definition that serves.
    pub fn current(&self) -> impl Iterator<Item = &Runner> {
        self.runners.iter().filter(|runner| runner.generation == self.generation)
    }

    /// Runners that serve or will serve; not those that wait to take another's place.
    pub fn live(&self) -> usize {
        let serves = |runner: &&Runner| match runner.life {
            Life::Starting => !self.is_extra(runner),
            Life::Ready => true,
            Life::Draining | Life::Stopping | Life::Gone { .. } => false,
        };
        self.current().filter(serves).count()
    }

    /// Processes that count towards the most that there may be.
    pub fn counted(&self) -> usize {
        self.current().filter(|runner| !runner.is_gone() && !self.is_extra(runner)).count()
    }

    /// It counts once the runner whose place it takes is gone.
    fn is_extra(&self, runner: &Runner) -> bool {
        let replaced = runner.replaces.as_ref().and_then(|id| self.get(id));
        replaced.is_some_and(|replaced| !replaced.is_gone())
    }

    /// Processes that exist.
    pub fn processes(&self) -> usize {
        self.runners.iter().filter(|runner| !runner.is_gone()).count()
    }

    pub fn starting(&self) -> Option<&Runner> {
        self.current().find(|runner| runner.life == Life::Starting)
    }

    pub fn ready(&self) -> usize {
        self.current().filter(|runner| runner.life == Life::Ready).count()
    }

    pub fn replacement_of(&self, id: &RunnerId) -> Option<&Runner> {
        self.runners.iter().find(|runner| !runner.is_gone() && runner.replaces.as_ref() == Some(id))
    }

    pub fn forgive(&mut self) {
        (self.failures, self.not_before) = (0, Timestamp::EPOCH);
        (self.last_failure, self.failed) = (None, None);
    }

    /// Drops runners that are gone and about which nothing is left to hear.
    pub fn sweep(&mut self) {
        self.runners.retain(|runner| !(runner.is_gone() && runner.in_flight.is_empty()));
    }
}

impl Runner {
    fn starting(id: RunnerId, generation: u32, queued: Step, now: Timestamp) -> Self {
        Self {
            id,
            generation,
            life: Life::Starting,
            asked: None,
            in_flight: Vec::new(),
            exclusive: false,
            since: now,
            used_at: now,
            served: false,
            hints: Vec::new(),
            complaint: None,
            replaces: None,
            steps: vec![queued],
            adopted: false,
        }
    }

    pub fn end(&mut self, asked: Asked, now: Timestamp) -> bool {
        let ends = matches!(self.life, Life::Starting | Life::Ready | Life::Draining);
        let harder = self.life == Life::Stopping && self.asked == Some(Asked::Terminate) && asked != Asked::Terminate;
        if ends || harder {
            self.life = Life::Stopping;
            self.asked = Some(asked);
            self.step("terminating", self.complaint.clone(), now);
        }
        ends || harder
    }

    pub fn is_gone(&self) -> bool {
        matches!(self.life, Life::Gone { .. })
    }

    /// Writes down where it is; news of the step that it is in changes only the detail.
    pub fn step(&mut self, stage: &str, detail: Option<String>, now: Timestamp) {
        match self.steps.last_mut() {
            Some(last) if last.stage == stage => last.detail = detail.or(last.detail.take()),
            _ => {
                self.steps.truncate(MOST_STEPS - 1);
                self.steps.push(Step { stage: stage.to_owned(), at: now, detail });
            }
        }
    }
}

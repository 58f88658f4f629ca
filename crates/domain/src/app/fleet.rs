//! The runners of an app: their lives and their slots.

use crate::{RequestId, RunnerId, Timestamp};

#[derive(Debug)]
pub(super) struct Runner {
    pub id: RunnerId,
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
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Starting {
        stage: Option<String>,
    },
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
    pub runners: Vec<Runner>,
    /// Starts or runners in a row that came to nothing.
    pub failures: u32,
    pub not_before: Timestamp,
    pub last_failure: Option<String>,
}

impl Fleet {
    pub fn new(name: String) -> Self {
        let (runners, not_before) = (Vec::new(), Timestamp::EPOCH);
        Self { name, started: 0, runners, failures: 0, not_before, last_failure: None }
    }

    /// A new runner, about to be started.
    pub fn add(&mut self, now: Timestamp) -> RunnerId {
        self.started += 1;
        let id = RunnerId::new(format!("{}-{}", self.name, self.started));
        self.runners.push(Runner {
            id: id.clone(),
            life: Life::Starting { stage: None },
            asked: None,
            in_flight: Vec::new(),
            exclusive: false,
            since: now,
            used_at: now,
            served: false,
            hints: Vec::new(),
            complaint: None,
        });
        id
    }

    pub fn get(&self, id: &RunnerId) -> Option<&Runner> {
        self.runners.iter().find(|runner| runner.id == *id)
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

    /// Runners that serve or will serve.
    pub fn live(&self) -> usize {
        self.runners.iter().filter(|runner| matches!(runner.life, Life::Starting { .. } | Life::Ready)).count()
    }

    /// Processes that exist.
    pub fn processes(&self) -> usize {
        self.runners.iter().filter(|runner| !matches!(runner.life, Life::Gone { .. })).count()
    }

    pub fn starting(&self) -> Option<&Runner> {
        self.runners.iter().find(|runner| matches!(runner.life, Life::Starting { .. }))
    }

    pub fn ready(&self) -> usize {
        self.runners.iter().filter(|runner| runner.life == Life::Ready).count()
    }

    /// Drops runners that are gone and about which nothing is left to hear.
    pub fn sweep(&mut self) {
        self.runners.retain(|runner| !(matches!(runner.life, Life::Gone { .. }) && runner.in_flight.is_empty()));
    }
}

impl Runner {
    pub fn end(&mut self, asked: Asked) -> bool {
        let ends = matches!(self.life, Life::Starting { .. } | Life::Ready | Life::Draining);
        let harder = self.life == Life::Stopping && self.asked == Some(Asked::Terminate) && asked != Asked::Terminate;
        if ends || harder {
            self.life = Life::Stopping;
            self.asked = Some(asked);
        }
        ends || harder
    }

    pub fn state(&self) -> &'static str {
        match &self.life {
            Life::Starting { .. } => "starting",
            Life::Ready if self.in_flight.is_empty() => "idle",
            Life::Ready => "running",
            Life::Draining => "draining",
            Life::Stopping => "stopping",
            Life::Gone { .. } => "gone",
        }
    }
}

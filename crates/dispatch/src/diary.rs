//! The diary of one runner: its record, its lines, and what is worth knowing of its end.

use std::{sync::Arc, time::Duration};

use tintype_domain::{
    LogEntry, LogLevel, RequestId, Timestamp,
    app::{Event, Step},
};
use tintype_launch::{ExitReason, Occurrence};
use tintype_store::{LogSource, RunnerLog, RunnerRecord};
use tracing::{info, warn};

use crate::{
    actor::{Actor, Resident},
    ending::Ending,
    last_words::LastWords,
    views::in_days,
};

pub(crate) struct Diary {
    actor: Arc<Actor>,
    record: RunnerRecord,
    last_words: LastWords,
    last_line: Timestamp,
}

impl Diary {
    pub fn open(actor: &Arc<Actor>, resident: &Resident) -> Self {
        let (definition, runner) = (&resident.definition, &resident.link.runner);
        let record = RunnerRecord {
            runner: runner.clone(),
            account: definition.owner.clone(),
            app: definition.app.clone(),
            revision: definition.revision.clone(),
            machine_type: definition.machine_type.clone().unwrap_or_default(),
            created_at: actor.house.day(),
            started_at: None,
            ready_at: None,
            ended_at: None,
            reason: None,
            timeline: "[]".into(),
        };
        let actor = actor.clone();
        let mut diary = Self { actor, record, last_words: LastWords::default(), last_line: Timestamp::EPOCH };
        info!(app = %definition.app, runner = %runner, "starting runner {runner}");
        diary.remark(LogLevel::Info, format!("starting runner {runner}"));
        if definition.revision.is_some() {
            let (runner, name) = (runner.clone(), Step::ENVIRONMENT.to_owned());
            diary.actor.tell(Event::RunnerStage { runner, name, detail: None });
        }
        diary.write(None);
        diary
    }

    /// Goes on with that of a runner that an earlier server started.
    pub fn resume(actor: &Arc<Actor>, resident: &Resident, record: RunnerRecord) -> Self {
        let actor = actor.clone();
        let mut diary = Self { actor, record, last_words: LastWords::default(), last_line: Timestamp::EPOCH };
        let (app, runner) = (&resident.definition.app, &resident.link.runner);
        info!(app = %app, runner = %runner, "taking over runner {runner} of the last server");
        diary.remark(LogLevel::Info, "the server was started again and takes the runner over".into());
        diary
    }

    /// Still works on what the last server had sent to it.
    pub fn is_not_free(&mut self) {
        let text =
            "the runner still works on what the last server sent, or does not say that it has ended: it is ended";
        self.remark(LogLevel::Warn, text.into());
    }

    /// Its process exists.
    pub fn began(&mut self) {
        self.record.started_at = Some(self.actor.house.day());
    }

    pub fn take(&mut self, occurrence: Occurrence) {
        let (actor, runner) = (self.actor.clone(), self.record.runner.clone());
        match occurrence {
            Occurrence::Stage { name, detail } => {
                actor.tell(Event::RunnerStage { runner, name: name.to_owned(), detail });
            }
            Occurrence::Ready => {
                info!(app = %actor.app, runner = %runner, "runner {runner} is ready");
                self.ready();
                actor.tell(Event::RunnerReady { runner });
                self.write(None);
            }
            Occurrence::Unhealthy { detail } => {
                warn!(app = %actor.app, runner = %runner, "runner {runner} is unhealthy and is replaced: {detail}");
                self.remark(LogLevel::Warn, format!("the runner is unhealthy and is replaced: {detail}"));
                actor.tell(Event::RunnerUnhealthy { runner, detail });
            }
            Occurrence::Log { level, message, request, endpoint } => self.log(level, message, request, endpoint),
            // The loop ends on it.
            Occurrence::Exited { .. } => {}
        }
    }

    fn ready(&mut self) {
        let now = self.actor.house.day();
        if self.record.ready_at.is_some() {
            return self.remark(LogLevel::Info, "the runner serves again".into());
        }
        self.record.ready_at = Some(now);
        let took = now.since(self.record.created_at);
        self.remark(LogLevel::Info, format!("the runner is ready after {}", seconds(took)));
    }

    fn log(&mut self, level: LogLevel, message: String, request: Option<RequestId>, endpoint: Option<String>) {
        let loud = matches!(level, LogLevel::Stderr | LogLevel::Error);
        if loud && self.record.ready_at.is_none() && request.is_none() {
            self.last_words.hear(&message);
        }
        let house = &self.actor.house;
        // Only a request that passed the queue has a place where its lines can be read.
        // And only one of this app: what stands in a line is the runner's word.
        let is_own = |id: &RequestId| house.last_actor_of(*id).is_some_and(|actor| Arc::ptr_eq(&actor, &self.actor));
        if let Some(id) = request.filter(is_own) {
            house.logs.push((id, LogEntry { timestamp: house.day(), level, message: message.clone() }));
            house.watchers.notify(id);
        }
        self.line(level, LogSource::User, message, request, endpoint);
    }

    /// A line of the platform about the runner.
    fn remark(&mut self, level: LogLevel, message: String) {
        self.line(level, LogSource::Bridge, message, None, None);
    }

    fn line(
        &mut self,
        level: LogLevel,
        source: LogSource,
        message: String,
        request: Option<RequestId>,
        endpoint: Option<String>,
    ) {
        // No two lines of a runner have the same time, so that a page can begin where the last one ended.
        let timestamp = self.actor.house.day().max(self.last_line.plus(Duration::from_micros(1)));
        self.last_line = timestamp;
        let (runner, app) = (self.record.runner.clone(), self.record.app.clone());
        let line = RunnerLog { seq: 0, runner, app, timestamp, level, source, message, request, endpoint };
        self.actor.house.chronicle.line(line);
    }

    /// What made it end.
    pub fn ending(&self, exit: &ExitReason) -> Ending {
        let words = self.last_words.telling().filter(|_| self.record.ready_at.is_none());
        Ending::of(exit, words.map(str::to_owned))
    }

    /// The end. Before the machine hears of it, while it still knows the runner.
    pub fn close(mut self, Ending { reason, is_fault }: &Ending) {
        let (runner, app) = (&self.record.runner, &self.actor.app);
        if *is_fault {
            warn!(%app, %runner, "runner {runner} is gone: {reason}");
        } else {
            info!(%app, %runner, "runner {runner} is gone: {reason}");
        }
        let level = if *is_fault { LogLevel::Error } else { LogLevel::Info };
        self.remark(level, format!("the runner is gone: {reason}"));
        // Behind its last line: who reads the log of its life reads how it ended.
        let now = self.actor.house.day().max(self.last_line.plus(Duration::from_micros(1)));
        let complaint = self.actor.ask(|app| app.complaint(&self.record.runner).map(str::to_owned));
        self.record.reason = Some(complaint.unwrap_or_else(|| reason.clone()));
        self.record.ended_at = Some(now);
        self.write(Some(Step { stage: "ended".into(), at: now, detail: None }));
    }

    fn write(&mut self, last: Option<Step>) {
        let steps = self.actor.ask(|app| app.steps(&self.record.runner).map(<[Step]>::to_vec));
        let mut steps = in_days(&self.actor.house.steady, steps.unwrap_or_default());
        steps.extend(last);
        self.record.timeline = serde_json::to_string(&steps).unwrap_or_else(|_| "[]".into());
        self.actor.house.chronicle.record(self.record.clone());
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
